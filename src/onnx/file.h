/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole regular file in memory. Pipes, devices and folders are refused, and never waited for. */
#ifndef UNFURL_ONNX_FILE_H
#define UNFURL_ONNX_FILE_H

#include <stddef.h>

#include "unfurl/context.h"
#include "unfurl/status.h"

typedef struct unfurl_onnx_file {
  void *data; /* owned; NULL when size is 0 */
  size_t size;
} unfurl_onnx_file;

/* Reads the file; the caller clears it in every case. Statuses: IO_ERROR, TOO_LARGE (over 2 GiB), OUT_OF_MEMORY. */
unfurl_status unfurl_onnx_file_read(const unfurl_context *context, const char *path, unfurl_onnx_file *file,
                                    unfurl_error *error);

void unfurl_onnx_file_clear(const unfurl_context *context, unfurl_onnx_file *file);

#endif
