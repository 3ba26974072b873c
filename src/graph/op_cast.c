/* SPDX-License-Identifier: BSD-2-Clause */
/* Cast between the types that graphs carry. */
#include <string.h>

#include "base/status.h"
#include "graph/op.h"
#include "shape/tensor.h"

/* Types by their numbers in ONNX (TensorProto.DataType). */
static const struct {
  int64_t number;
  unfurl_dtype dtype;
} TYPES[] = {{1, UNFURL_F32}, {6, UNFURL_I32}, {7, UNFURL_I64}, {9, UNFURL_BOOL}};

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *in = call->inputs[0];
  const int64_t to = unfurl_node_int(call->node, "to", 0);
  for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
    if (TYPES[i].number == to) {
      unfurl_tensor_init(call->outputs[0], TYPES[i].dtype, in->rank, in->dims, NULL);
      return UNFURL_OK;
    }
  return unfurl_fail(error, UNFURL_UNSUPPORTED, "it casts to type %lld of ONNX, which is not implemented",
                     (long long)to);
}

static int64_t get_int(const unfurl_tensor *x, size_t i) {
  switch (x->dtype) {
  case UNFURL_I64: return ((const int64_t *)x->data)[i];
  case UNFURL_I32: return ((const int32_t *)x->data)[i];
  default: return ((const unsigned char *)x->data)[i];
  }
}

static void put_int(const unfurl_tensor *y, size_t i, int64_t value) {
  switch (y->dtype) {
  case UNFURL_I64: ((int64_t *)y->data)[i] = value; break;
  case UNFURL_I32: ((int32_t *)y->data)[i] = (int32_t)(uint32_t)(uint64_t)value; break;
  default: ((unsigned char *)y->data)[i] = value != 0;
  }
}

/* Towards zero; what an int64_t can't hold becomes the lowest, as x86 has it. */
static int64_t truncate(float x) {
  return x > -0x1p63f && x < 0x1p63f ? (int64_t)x : INT64_MIN;
}

static void cast(const unfurl_tensor *x, const unfurl_tensor *y, size_t count) {
  const float *from = x->data;
  float *to = y->data;
  for (size_t i = 0; i < count; i++)
    if (y->dtype == UNFURL_F32)
      to[i] = (float)get_int(x, i);
    else if (x->dtype != UNFURL_F32)
      put_int(y, i, get_int(x, i));
    else
      put_int(y, i, y->dtype == UNFURL_BOOL ? from[i] != 0 : truncate(from[i]));
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *x = call->inputs[0], *y = call->outputs[0];
  const size_t count = unfurl_tensor_count(x);
  if (count == 0) return UNFURL_OK;
  if (x->dtype == y->dtype)
    memcpy(y->data, x->data, count * unfurl_dtype_size(x->dtype));
  else
    cast(x, y, count);
  return UNFURL_OK;
}

static const unfurl_attribute_spec ATTRIBUTES[] = {{"to", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_cast = {
    .type = "Cast",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer,
    .run = run,
};
