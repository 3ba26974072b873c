/* SPDX-License-Identifier: BSD-2-Clause */
#include "onnx/fail.h"

#include <stdarg.h>
#include <stdio.h>

unfurl_status unfurl_onnx_fail(unfurl_error *error, unfurl_status status, const char *format, ...) {
  if (!error) return status;
  va_list args;
  va_start(args, format);
  error->status = status;
  vsnprintf(error->message, sizeof error->message, format, args);
  va_end(args);
  return status;
}

unfurl_status unfurl_onnx_fail_in(unfurl_error *error, unfurl_status status, const char *format, ...) {
  if (!error) return status;
  const unfurl_error inner = *error;
  char subject[sizeof error->message];
  va_list args;
  va_start(args, format);
  vsnprintf(subject, sizeof subject, format, args);
  va_end(args);
  return unfurl_onnx_fail(error, status, "%s: %s", subject, inner.message);
}

void unfurl_onnx_clean(unfurl_error *error) {
  if (!error) return;
  for (char *c = error->message; *c; c++)
    if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
}
