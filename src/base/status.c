/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

const char *unfurl_status_string(unfurl_status status) {
  switch (status) {
  case UNFURL_OK: return "ok";
  case UNFURL_INVALID_ARGUMENT: return "invalid argument";
  case UNFURL_UNSUPPORTED: return "unsupported";
  case UNFURL_TOO_LARGE: return "too large";
  case UNFURL_OUT_OF_MEMORY: return "out of memory";
  case UNFURL_IO_ERROR: return "input/output error";
  case UNFURL_BAD_FILE: return "damaged file";
  case UNFURL_BLAS_ERROR: return "the BLAS gives wrong results";
  }
  return "unknown status";
}

const char *unfurl_version(void) {
  return UNFURL_VERSION;
}

unfurl_status unfurl_fail(unfurl_error *error, unfurl_status status, const char *format, ...) {
  if (!error) return status;
  va_list args;
  va_start(args, format);
  error->status = status;
  vsnprintf(error->message, sizeof error->message, format, args);
  va_end(args);
  return status;
}

unfurl_status unfurl_succeed(unfurl_error *error) {
  if (!error) return UNFURL_OK;
  error->status = UNFURL_OK;
  error->message[0] = '\0';
  return UNFURL_OK;
}

unfurl_status unfurl_fail_memory(unfurl_error *error, const char *what) {
  return unfurl_fail(error, UNFURL_OUT_OF_MEMORY, "out of memory for %s", what);
}

unfurl_status unfurl_fail_in(unfurl_error *error, unfurl_status status, const char *subject) {
  if (!error) return status;
  const unfurl_error inner = *error;
  return unfurl_fail(error, status, "%s: %s", subject, inner.message);
}
