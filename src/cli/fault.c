/* SPDX-License-Identifier: BSD-2-Clause */
#include "fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

unfurl_status fault_set(unfurl_error *error, unfurl_status status, const char *format, ...) {
  if (!error) return status;
  error->status = status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return status;
}

unfurl_status fault_errno(unfurl_error *error, const char *what) {
  const int number = errno;
  return fault_set(error, UNFURL_IO_ERROR, "%s: %s", what, strerror(number));
}

unfurl_status fault_memory(unfurl_error *error) {
  return fault_set(error, UNFURL_OUT_OF_MEMORY, "out of memory");
}
