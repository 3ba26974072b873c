/* SPDX-License-Identifier: BSD-2-Clause */
/* Tensors that are made from few numbers: Range counts, OneHot marks one place in a row for each index. */
#include "base/status.h"
#include "graph/op.h"
#include "nn/indices.h"
#include "nn/range.h"
#include "shape/tensor.h"

/* UNSUPPORTED or INVALID_ARGUMENT unless input `index` is one known number of a type that has arithmetic. */
static unfurl_status check_number(const unfurl_op_call *call, size_t index, unfurl_error *error) {
  const unfurl_tensor *in = call->inputs[index];
  if (in->dtype == UNFURL_BOOL || unfurl_tensor_count(in) != 1)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input %zu is not one number", index);
  return unfurl_call_check_known(call, index, error);
}

enum { START, LIMIT, DELTA, RANGE_INPUTS };

static unfurl_status infer_range(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_dtype dtype = call->inputs[START]->dtype;
  for (size_t i = START; i < RANGE_INPUTS; i++) {
    const unfurl_status status = check_number(call, i, error);
    if (status) return status;
    if (call->inputs[i]->dtype != dtype)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the types of its inputs do not agree");
  }
  const int64_t count =
      unfurl_range_count(dtype, call->inputs[START]->data, call->inputs[LIMIT]->data, call->inputs[DELTA]->data);
  if (count < 0) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "from its start there is no way to its limit");
  unfurl_tensor_init(call->outputs[0], dtype, 1, &count, NULL);
  return UNFURL_OK;
}

static unfurl_status run_range(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  unfurl_range_run(call->inputs[START]->data, call->inputs[DELTA]->data, call->outputs[0]);
  return UNFURL_OK;
}

const unfurl_op unfurl_op_range = {
    .type = "Range",
    .min_inputs = RANGE_INPUTS,
    .max_inputs = RANGE_INPUTS,
    .max_outputs = 1,
    .layout = UNFURL_OP_ROW_MAJOR,
    .is_shaped_by_inputs = true,
    .is_shaped_by_input_0 = true,
    .infer = infer_range,
    .run = run_range,
};

enum { INDICES, DEPTH, VALUES };

static unfurl_status infer_one_hot(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *indices = call->inputs[INDICES], *values = call->inputs[VALUES];
  int64_t dims[UNFURL_MAX_RANK];
  size_t axis;
  unfurl_status status = check_number(call, DEPTH, error);
  if (!status)
    status = unfurl_axis_resolve(unfurl_node_int(call->node, "axis", -1), indices->rank + 1, false, &axis, error);
  if (status) return status;
  if (indices->rank == UNFURL_MAX_RANK)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "its result has a rank over %d", UNFURL_MAX_RANK);
  if (indices->dtype == UNFURL_BOOL || values->rank != 1 || values->dims[0] != 2)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its indices are no numbers, or there are not two values");
  const int64_t depth = unfurl_index_at(call->inputs[DEPTH], 0);
  if (depth < 1) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its depth is %lld", (long long)depth);
  for (size_t i = 0; i <= indices->rank; i++) dims[i] = i == axis ? depth : indices->dims[i - (i > axis)];
  unfurl_tensor_init(call->outputs[0], values->dtype, indices->rank + 1, dims, NULL);
  return UNFURL_OK;
}

static unfurl_status run_one_hot(const unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *y = call->outputs[0];
  size_t axis, inner = 1;
  const unfurl_status status =
      unfurl_axis_resolve(unfurl_node_int(call->node, "axis", -1), y->rank, false, &axis, error);
  for (size_t i = axis + 1; i < y->rank && !status; i++) inner *= (size_t)y->dims[i];
  if (!status) unfurl_one_hot(call->inputs[INDICES], inner, call->inputs[VALUES]->data, y);
  return status;
}

static const unfurl_attribute_spec ONE_HOT_ATTRIBUTES[] = {{"axis", UNFURL_ATTRIBUTE_INT},
                                                           {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_one_hot = {
    .type = "OneHot",
    .min_inputs = 3,
    .max_inputs = 3,
    .max_outputs = 1,
    .attributes = ONE_HOT_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .is_shaped_by_inputs = true,
    .infer = infer_one_hot,
    .run = run_one_hot,
};
