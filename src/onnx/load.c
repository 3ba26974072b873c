/* SPDX-License-Identifier: BSD-2-Clause */
/* The public functions of unfurl/onnx.h: arguments, files, ownership. No state: every call stands alone. */
#include "unfurl/onnx.h"

#include <string.h>

#include "onnx/fail.h"
#include "onnx/file.h"
#include "onnx/import.h"
#include "onnx/parse.h"
#include "onnx/tensor_proto.h"

/* The last words of every function: on success an empty message, otherwise one harmless line. */
static unfurl_status finish(unfurl_status status, unfurl_error *error) {
  if (status != UNFURL_OK)
    unfurl_onnx_clean(error);
  else
    unfurl_onnx_fail(error, UNFURL_OK, "%s", "");
  return status;
}

unfurl_status unfurl_onnx_load_file(const unfurl_context *context, const char *path, unfurl_model **model,
                                    unfurl_error *error) {
  if (model) *model = NULL;
  if (!context || !path || !model) return unfurl_onnx_fail(error, UNFURL_INVALID_ARGUMENT, "an argument is NULL");
  unfurl_onnx_file file;
  unfurl_onnx_parsed parsed = {0};
  unfurl_status status = unfurl_onnx_file_read(context, path, &file, error);
  if (status == UNFURL_OK)
    status = unfurl_onnx_parse(context, &unfurl_onnx__model_proto__descriptor, file.data, file.size, &parsed, error);
  unfurl_onnx_file_clear(context, &file);
  if (status == UNFURL_OK) status = unfurl_onnx_import(&parsed, model, error);
  unfurl_onnx_parsed_clear(&parsed);
  if (status != UNFURL_OK) unfurl_onnx_fail_in(error, status, "%.200s", path);
  return finish(status, error);
}

unfurl_status unfurl_onnx_load_memory(const unfurl_context *context, const void *data, size_t size,
                                      unfurl_model **model, unfurl_error *error) {
  if (model) *model = NULL;
  if (!context || !model || (!data && size > 0))
    return unfurl_onnx_fail(error, UNFURL_INVALID_ARGUMENT, "an argument is NULL");
  unfurl_onnx_parsed parsed;
  unfurl_status status = unfurl_onnx_parse(context, &unfurl_onnx__model_proto__descriptor, data, size, &parsed, error);
  if (status == UNFURL_OK) status = unfurl_onnx_import(&parsed, model, error);
  unfurl_onnx_parsed_clear(&parsed);
  return finish(status, error);
}

/* Gives `tensor` a copy of its data that belongs to it. */
static unfurl_status own_data(const unfurl_context *context, unfurl_tensor *tensor, unfurl_error *error) {
  const void *borrowed = tensor->data;
  size_t bytes;
  tensor->data = NULL;
  const unfurl_status status = unfurl_tensor_bytes(tensor, &bytes, error);
  if (status != UNFURL_OK || bytes == 0) return status;
  tensor->data = unfurl_context_alloc(context, bytes);
  if (!tensor->data) return unfurl_onnx_fail(error, UNFURL_OUT_OF_MEMORY, "out of memory for %zu bytes", bytes);
  memcpy(tensor->data, borrowed, bytes);
  return UNFURL_OK;
}

static unfurl_status convert_tensor(unfurl_onnx_parsed *parsed, unfurl_tensor *tensor, unfurl_error *error) {
  UnfurlOnnx__TensorProto *proto = (UnfurlOnnx__TensorProto *)parsed->message;
  unfurl_tensor view;
  unfurl_status status = unfurl_onnx_tensor_view(proto, &view, error);
  if (status == UNFURL_OK) status = own_data(parsed->context, &view, error);
  if (status == UNFURL_OK)
    *tensor = view;
  else
    unfurl_onnx_fail_in(error, status, "tensor \"%.100s\"", proto->name ? proto->name : "");
  return status;
}

unfurl_status unfurl_onnx_load_tensor(const unfurl_context *context, const void *data, size_t size,
                                      unfurl_tensor *tensor, unfurl_error *error) {
  if (tensor) unfurl_tensor_init(tensor, UNFURL_F32, 1, (const int64_t[]){0}, NULL);
  if (!context || !tensor || (!data && size > 0))
    return unfurl_onnx_fail(error, UNFURL_INVALID_ARGUMENT, "an argument is NULL");
  unfurl_onnx_parsed parsed;
  unfurl_status status = unfurl_onnx_parse(context, &unfurl_onnx__tensor_proto__descriptor, data, size, &parsed, error);
  if (status == UNFURL_OK) status = convert_tensor(&parsed, tensor, error);
  unfurl_onnx_parsed_clear(&parsed);
  return finish(status, error);
}

unfurl_status unfurl_onnx_load_tensor_file(const unfurl_context *context, const char *path, unfurl_tensor *tensor,
                                           unfurl_error *error) {
  if (tensor) unfurl_tensor_init(tensor, UNFURL_F32, 1, (const int64_t[]){0}, NULL);
  if (!context || !path || !tensor) return unfurl_onnx_fail(error, UNFURL_INVALID_ARGUMENT, "an argument is NULL");
  unfurl_onnx_file file;
  unfurl_status status = unfurl_onnx_file_read(context, path, &file, error);
  if (status == UNFURL_OK) status = unfurl_onnx_load_tensor(context, file.data, file.size, tensor, error);
  unfurl_onnx_file_clear(context, &file);
  if (status != UNFURL_OK) unfurl_onnx_fail_in(error, status, "%.200s", path);
  return finish(status, error);
}

void unfurl_onnx_tensor_free(const unfurl_context *context, unfurl_tensor *tensor) {
  size_t bytes;
  if (!context || !tensor || !tensor->data) return;
  if (unfurl_tensor_bytes(tensor, &bytes, NULL) == UNFURL_OK) unfurl_context_free(context, tensor->data, bytes);
  tensor->data = NULL;
}
