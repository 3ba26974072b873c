/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer target: any bytes as a tensor and as a model, and a model that loads is run.
 *
 * Free dimensions are 1, inputs hold at most 4096 elements of small values, and the session may take 4 MiB: a model may
 * ask for any amount of work, and these bounds keep it to a second or so. What the run computes does not matter here:
 * only that it ends with a status.
 */
#include <stdint.h>
#include <stdlib.h>

#include "unfurl/onnx.h"
#include "unfurl/session.h"

enum { MAX_INPUTS = 16, MAX_ELEMENTS = 1 << 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_tensor(const unfurl_context *context, const uint8_t *data, size_t size) {
  unfurl_tensor tensor;
  if (unfurl_onnx_load_tensor(context, data, size, &tensor, NULL) != UNFURL_OK) return;
  size_t bytes;
  if (unfurl_tensor_bytes(&tensor, &bytes, NULL) != UNFURL_OK || (bytes > 0 && !tensor.data)) abort();
  unfurl_onnx_tensor_free(context, &tensor);
}

static void fill(unfurl_tensor *tensor, size_t elements) {
  for (size_t i = 0; i < elements; i++) {
    switch (tensor->dtype) {
    case UNFURL_F32:
      ((float *)tensor->data)[i] = (float)(i % 7) - 3;
      break;
    case UNFURL_I64:
      ((int64_t *)tensor->data)[i] = (int64_t)(i % 3) + 1;
      break;
    case UNFURL_I32:
      ((int32_t *)tensor->data)[i] = (int32_t)(i % 3) + 1;
      break;
    case UNFURL_BOOL:
      ((uint8_t *)tensor->data)[i] = i % 2;
      break;
    }
  }
}

/* Gives `input` of the model a shape and data; 0 where it is too large. */
static int make_input(const unfurl_model *model, size_t index, unfurl_tensor *input) {
  size_t elements, bytes;
  if (unfurl_model_input_shape(model, index, input, NULL) != UNFURL_OK) return 0;
  for (size_t i = 0; i < input->rank; i++)
    if (input->dims[i] < 0) input->dims[i] = 1;
  if (unfurl_tensor_elements(input, &elements, NULL) != UNFURL_OK || elements > MAX_ELEMENTS) return 0;
  if (unfurl_tensor_bytes(input, &bytes, NULL) != UNFURL_OK) return 0;
  input->data = malloc(bytes ? bytes : 1);
  if (!input->data) return 0;
  fill(input, elements);
  return 1;
}

static void run(const unfurl_model *model) {
  unfurl_tensor inputs[MAX_INPUTS];
  unfurl_session *session = NULL;
  unfurl_session_options options;
  const size_t count = unfurl_model_input_count(model);
  size_t made = 0;
  if (count > MAX_INPUTS) return;
  while (made < count && make_input(model, made, &inputs[made])) made++;
  unfurl_session_options_init(&options);
  options.memory_limit = (size_t)4 << 20;
  if (made == count && unfurl_session_create(model, &options, &session, NULL) == UNFURL_OK)
    unfurl_session_run(session, inputs, count, NULL);
  unfurl_session_destroy(&session);
  while (made > 0) free(inputs[--made].data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static unfurl_context *context;
  unfurl_model *model;
  if (!context && unfurl_context_create(NULL, &context, NULL) != UNFURL_OK) abort();
  fuzz_tensor(context, data, size);
  if (unfurl_onnx_load_memory(context, data, size, &model, NULL) != UNFURL_OK) return 0;
  run(model);
  unfurl_model_destroy(&model);
  return 0;
}
