/* SPDX-License-Identifier: BSD-2-Clause */
/* ArgMax and ArgMin. */
#include "nn/argmax.h"

#include "base/status.h"
#include "graph/op.h"

static unfurl_status read_axis(const unfurl_op_call *call, size_t *axis, unfurl_error *error) {
  return unfurl_axis_resolve(unfurl_node_int(call->node, "axis", 0), call->inputs[0]->rank, false, axis, error);
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0];
  int64_t dims[UNFURL_MAX_RANK];
  size_t axis, rank = 0;
  unfurl_status status = unfurl_call_check_f32(call, 0, error);
  if (!status) status = read_axis(call, &axis, error);
  if (status) return status;
  if (x->dims[axis] == 0) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "dimension %zu is empty", axis);
  if (x->dims[axis] > INT32_MAX)
    return unfurl_fail(error, UNFURL_TOO_LARGE, "dimension %zu is over %d", axis, INT32_MAX);
  const bool keeps = unfurl_node_int(call->node, "keepdims", 1) != 0;
  for (size_t i = 0; i < x->rank; i++)
    if (keeps || i != axis) dims[rank++] = i == axis ? 1 : x->dims[i];
  unfurl_tensor_init(call->outputs[0], UNFURL_I64, rank, dims, NULL);
  return UNFURL_OK;
}

static unfurl_status run(const unfurl_op_call *call, bool smallest, unfurl_error *error) {
  unfurl_argmax what = {.smallest = smallest, .last = unfurl_node_int(call->node, "select_last_index", 0) != 0};
  const unfurl_status status = read_axis(call, &what.axis, error);
  if (!status) unfurl_argmax_run(call->context, &what, call->inputs[0], call->outputs[0]);
  return status;
}

static unfurl_status run_argmax(const unfurl_op_call *call, unfurl_error *error) {
  return run(call, false, error);
}

static unfurl_status run_argmin(const unfurl_op_call *call, unfurl_error *error) {
  return run(call, true, error);
}

static const unfurl_attribute_spec ATTRIBUTES[] = {{"axis", UNFURL_ATTRIBUTE_INT},
                                                   {"keepdims", UNFURL_ATTRIBUTE_INT},
                                                   {"select_last_index", UNFURL_ATTRIBUTE_INT},
                                                   {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_argmax = {
    .type = "ArgMax",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer,
    .run = run_argmax,
};

const unfurl_op unfurl_op_argmin = {
    .type = "ArgMin",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer,
    .run = run_argmin,
};
