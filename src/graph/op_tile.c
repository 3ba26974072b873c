/* SPDX-License-Identifier: BSD-2-Clause */
/* Tile: a tensor that is repeated along its dimensions. */
#include "base/status.h"
#include "graph/op.h"
#include "nn/copy.h"
#include "shape/tensor.h"

enum { X, REPEATS };

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X], *repeats = call->inputs[REPEATS];
  int64_t dims[UNFURL_MAX_RANK];
  if (repeats->dtype != UNFURL_I64 || repeats->rank != 1 || repeats->dims[0] != (int64_t)x->rank)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the repeats are not a list of %zu i64", x->rank);
  const unfurl_status status = x->rank ? unfurl_call_check_known(call, REPEATS, error) : UNFURL_OK;
  if (status) return status;
  for (size_t i = 0; i < x->rank; i++) {
    const int64_t times = ((const int64_t *)repeats->data)[i];
    size_t size = (size_t)x->dims[i];
    if (times < 0 || !unfurl_size_mul(&size, (size_t)times) || size > INT64_MAX)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "dimension %zu is repeated %lld times", i, (long long)times);
    dims[i] = (int64_t)size;
  }
  unfurl_tensor_init(call->outputs[0], x->dtype, x->rank, dims, NULL);
  return UNFURL_OK;
}

/* Each dimension is two, the repeats and what is repeated; the input does not move along the first. */
static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  enum { TO, FROM };
  const unfurl_tensor *x = call->inputs[X], *y = call->outputs[0];
  ptrdiff_t x_strides[UNFURL_MAX_RANK], y_strides[UNFURL_MAX_RANK];
  unfurl_walk walk = {.operands = 2};
  if (unfurl_tensor_count(y) == 0) return UNFURL_OK;
  unfurl_tensor_strides(x, x_strides);
  unfurl_tensor_strides(y, y_strides);
  for (size_t i = 0; i < x->rank; i++) {
    walk.dims[walk.rank] = (size_t)(y->dims[i] / x->dims[i]);
    walk.strides[TO][walk.rank] = (ptrdiff_t)x->dims[i] * y_strides[i];
    walk.strides[FROM][walk.rank++] = 0;
    walk.dims[walk.rank] = (size_t)x->dims[i];
    walk.strides[TO][walk.rank] = y_strides[i];
    walk.strides[FROM][walk.rank++] = x_strides[i];
  }
  unfurl_copy_elements(call->context, &walk, unfurl_dtype_size(x->dtype), x->data, y->data);
  return UNFURL_OK;
}

const unfurl_op unfurl_op_tile = {
    .type = "Tile",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer,
    .run = run,
};
