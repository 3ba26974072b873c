/* SPDX-License-Identifier: BSD-2-Clause */
/* Gather and Expand: elements that are taken several times. */
#include <string.h>

#include "base/status.h"
#include "graph/axes.h"
#include "graph/op_indices.h"
#include "nn/broadcast.h"
#include "nn/copy.h"
#include "nn/indices.h"
#include "shape/tensor.h"

enum { DATA, INDICES };

/* The data is split at the axis; the result is [outer][indices][inner]. */
static unfurl_status describe_gather(const unfurl_op_call *call, unfurl_axis_split *shape, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA], *indices = call->inputs[INDICES];
  const unfurl_status status = unfurl_axis_split_at(x, unfurl_node_int(call->node, "axis", 0), shape, error);
  if (status) return status;
  if (x->rank - 1 + indices->rank > UNFURL_MAX_RANK)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "its result has a rank over %d", UNFURL_MAX_RANK);
  return unfurl_indices_check(call, INDICES, error);
}

static unfurl_status infer_gather(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA], *indices = call->inputs[INDICES];
  unfurl_axis_split shape;
  int64_t dims[UNFURL_MAX_RANK];
  const unfurl_status status = describe_gather(call, &shape, error);
  if (status) return status;
  size_t rank = 0;
  for (size_t i = 0; i < shape.axis; i++) dims[rank++] = x->dims[i];
  for (size_t i = 0; i < indices->rank; i++) dims[rank++] = indices->dims[i];
  for (size_t i = shape.axis + 1; i < x->rank; i++) dims[rank++] = x->dims[i];
  unfurl_tensor_init(call->outputs[0], x->dtype, rank, dims, NULL);
  return UNFURL_OK;
}

static unfurl_status run_gather(const unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA], *indices = call->inputs[INDICES], *y = call->outputs[0];
  unfurl_axis_split shape;
  const unfurl_status status = describe_gather(call, &shape, error);
  if (status || unfurl_tensor_count(y) == 0) return status;
  const size_t bytes = shape.inner * unfurl_dtype_size(x->dtype), count = unfurl_tensor_count(indices);
  char *to = y->data;
  for (size_t outer = 0; outer < shape.outer; outer++) {
    const char *from = (const char *)x->data + outer * shape.size * bytes;
    for (size_t i = 0; i < count; i++, to += bytes) {
      const size_t at = unfurl_index_resolve(unfurl_index_at(indices, i), shape.size);
      if (at == SIZE_MAX) return unfurl_indices_fail(i, error);
      memcpy(to, from + at * bytes, bytes);
    }
  }
  return UNFURL_OK;
}

static const unfurl_attribute_spec GATHER_ATTRIBUTES[] = {{"axis", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_gather = {
    .type = "Gather",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .attributes = GATHER_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer_gather,
    .run = run_gather,
};

/* The dims that the input and the wanted shape broadcast to. */
static unfurl_status infer_expand(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0], *shape = call->inputs[1];
  unfurl_tensor wanted;
  const unfurl_status status = unfurl_call_check_known(call, 1, error);
  if (status) return status;
  if (shape->dtype != UNFURL_I64 || shape->rank != 1 || shape->dims[0] > UNFURL_MAX_RANK)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the shape is not a list of at most %d i64", UNFURL_MAX_RANK);
  const int64_t *dims = shape->data;
  for (int64_t i = 0; i < shape->dims[0]; i++)
    if (dims[i] < 0)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "dimension %lld of the shape is %lld", (long long)i,
                         (long long)dims[i]);
  unfurl_tensor_init(&wanted, x->dtype, (size_t)shape->dims[0], dims, NULL);
  if (!unfurl_broadcast_dims(x, &wanted, call->outputs[0]))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input does not broadcast to the shape");
  return UNFURL_OK;
}

static unfurl_status run_expand(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *x = call->inputs[0], *y = call->outputs[0];
  unfurl_walk walk = {.rank = y->rank, .operands = 2};
  for (size_t i = 0; i < y->rank; i++) walk.dims[i] = (size_t)y->dims[i];
  unfurl_tensor_strides(y, walk.strides[0]);
  unfurl_broadcast_strides(x, y, walk.strides[1]);
  unfurl_copy_elements(call->context, &walk, unfurl_dtype_size(x->dtype), x->data, y->data);
  return UNFURL_OK;
}

const unfurl_op unfurl_op_expand = {
    .type = "Expand",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .infer = infer_expand,
    .run = run_expand,
};
