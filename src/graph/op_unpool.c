/* SPDX-License-Identifier: BSD-2-Clause */
/* MaxUnpool: puts what a MaxPool took back where its second output says, among zeros. */
#include <string.h>

#include "base/status.h"
#include "graph/op_indices.h"
#include "graph/window.h"
#include "nn/unpool.h"
#include "shape/tensor.h"

enum { X, INDICES, SHAPE };

/* The image that was pooled, if the pool left nothing of it out: that is what the indices were counted in. */
static unfurl_status counted_shape(const unfurl_op_call *call, unfurl_tensor *counted, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X];
  unfurl_window w;
  const unfurl_status status = unfurl_window_read(call, NULL, &w, error);
  if (status) return status;
  unfurl_tensor_init(counted, x->dtype, x->rank, x->dims, NULL);
  for (size_t axis = 2 - w.spatial; axis < 2; axis++) {
    const int64_t size = (w.in[axis] - 1) * w.stride[axis] + w.taps[axis] - w.pad_before[axis] - w.pad_after[axis];
    if (size < 1) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its padding leaves nothing of the image");
    counted->dims[axis + w.spatial] = size;
  }
  size_t bytes;
  return unfurl_tensor_bytes(counted, &bytes, error);
}

/* An image that is larger than that is named; both have the same corner. */
static unfurl_status read_shape(const unfurl_op_call *call, const unfurl_tensor *counted, unfurl_tensor *out,
                                unfurl_error *error) {
  const unfurl_tensor *shape = call->inputs[SHAPE];
  const unfurl_status status = unfurl_call_check_known(call, SHAPE, error);
  if (status) return status;
  if (shape->dtype != UNFURL_I64 || shape->rank != 1 || shape->dims[0] != (int64_t)counted->rank)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "output_shape is not a list of %zu i64", counted->rank);
  unfurl_tensor_init(out, counted->dtype, counted->rank, shape->data, NULL);
  for (size_t i = 0; i < out->rank; i++)
    if (i < 2 ? out->dims[i] != counted->dims[i] : out->dims[i] < counted->dims[i])
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "output_shape has %lld for dimension %zu, which is %lld",
                         (long long)out->dims[i], i, (long long)counted->dims[i]);
  return UNFURL_OK;
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  unfurl_tensor counted;
  unfurl_status status = counted_shape(call, &counted, error);
  if (!status) status = unfurl_indices_check(call, INDICES, error);
  if (status) return status;
  if (!unfurl_tensor_same_dims(call->inputs[X], call->inputs[INDICES]))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "there is not one index for each element");
  if (unfurl_call_has_input(call, SHAPE)) return read_shape(call, &counted, call->outputs[0], error);
  *call->outputs[0] = counted;
  return UNFURL_OK;
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  unfurl_tensor counted;
  const unfurl_status status = counted_shape(call, &counted, error);
  if (status) return status;
  const size_t wrong = unfurl_max_unpool(call->inputs[X], call->inputs[INDICES], &counted, call->outputs[0]);
  return wrong == SIZE_MAX ? UNFURL_OK : unfurl_indices_fail(wrong, error);
}

static const unfurl_attribute_spec ATTRIBUTES[] = {{"kernel_shape", UNFURL_ATTRIBUTE_INTS},
                                                   {"pads", UNFURL_ATTRIBUTE_INTS},
                                                   {"strides", UNFURL_ATTRIBUTE_INTS},
                                                   {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_max_unpool = {
    .type = "MaxUnpool",
    .min_inputs = 2,
    .max_inputs = 3,
    .max_outputs = 1,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer,
    .run = run,
};
