/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads ONNX files into models. A library of its own, libunfurl-onnx, so that a host without ONNX needs no protobuf.
 *
 *     unfurl_model *model;
 *     if (unfurl_onnx_load_file(context, "lenet5.onnx", &model, &error) != UNFURL_OK)
 *       fprintf(stderr, "%s\n", error.message);
 *
 * The file is taken as hostile: the wire format is checked for depth and sizes before it is parsed, every count and
 * size that it claims is checked against its length before memory is allocated for it. Data in other files
 * (external_data) is refused. The format: https://github.com/onnx/onnx/blob/main/docs/IR.md, IR versions 3 to 13,
 * opsets up to 23 of the default domain.
 *
 * Thread rule: pure functions; allocation goes through the context.
 */
#ifndef UNFURL_ONNX_H
#define UNFURL_ONNX_H

#include <stddef.h>

#include "unfurl/context.h"
#include "unfurl/model.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads a model and finishes it; the caller destroys it. Statuses: IO_ERROR, BAD_FILE (damaged, or not ONNX),
 * UNSUPPORTED (an operator, opset or dtype; the message names it and the node), INVALID_ARGUMENT (a graph that makes
 * no sense), TOO_LARGE, OUT_OF_MEMORY; *model is then NULL. */
UNFURL_API unfurl_status unfurl_onnx_load_file(const unfurl_context *context, const char *path, unfurl_model **model,
                                               unfurl_error *error);

/* The same for a file that is in memory already; `data` is free again on return. */
UNFURL_API unfurl_status unfurl_onnx_load_memory(const unfurl_context *context, const void *data, size_t size,
                                                 unfurl_model **model, unfurl_error *error);

/* Reads a TensorProto (the .pb files of ONNX test cases). The tensor's data is allocated from the context; release it
 * with unfurl_onnx_tensor_free. Statuses as above. */
UNFURL_API unfurl_status unfurl_onnx_load_tensor(const unfurl_context *context, const void *data, size_t size,
                                                 unfurl_tensor *tensor, unfurl_error *error);

/* The same from a file. */
UNFURL_API unfurl_status unfurl_onnx_load_tensor_file(const unfurl_context *context, const char *path,
                                                      unfurl_tensor *tensor, unfurl_error *error);

/* Frees what unfurl_onnx_load_tensor allocated and sets data to NULL. */
UNFURL_API void unfurl_onnx_tensor_free(const unfurl_context *context, unfurl_tensor *tensor);

#ifdef __cplusplus
}
#endif
#endif
