/* SPDX-License-Identifier: BSD-2-Clause */
/* Arithmetic of two tensors (Add, Sub, Mul, Div) or of many (Sum). */
#include "base/status.h"
#include "graph/op.h"
#include "nn/broadcast.h"

static bool has_arithmetic(unfurl_dtype dtype) {
  return dtype == UNFURL_F32 || dtype == UNFURL_I64 || dtype == UNFURL_I32;
}

/* Also of Sum: its result has the dims that all inputs broadcast to. */
static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  unfurl_tensor *out = call->outputs[0];
  *out = *call->inputs[0];
  for (size_t i = 0; i < call->node->input_count; i++) {
    const unfurl_tensor *in = call->inputs[i], so_far = *out;
    if (!in || in->dtype != so_far.dtype || !has_arithmetic(in->dtype))
      return unfurl_fail(error, UNFURL_UNSUPPORTED, "input %zu is missing, or the types of its inputs do not agree", i);
    if (!unfurl_broadcast_dims(&so_far, in, out))
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the shapes of its inputs do not broadcast");
  }
  return UNFURL_OK;
}

static unfurl_status run(const unfurl_op_call *call, unfurl_binary op) {
  unfurl_binary_run(call->context, op, call->inputs[0], call->inputs[1], call->outputs[0]);
  return UNFURL_OK;
}

static unfurl_status run_add(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  return run(call, UNFURL_BINARY_ADD);
}

static unfurl_status run_sub(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  return run(call, UNFURL_BINARY_SUB);
}

static unfurl_status run_mul(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  return run(call, UNFURL_BINARY_MUL);
}

static unfurl_status run_div(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  return run(call, UNFURL_BINARY_DIV);
}

static unfurl_status infer_sum(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_status status = unfurl_call_check_f32(call, 0, error);
  return status ? status : infer(call, error);
}

static unfurl_status run_sum(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  static const float zero = 0;
  unfurl_tensor nothing;
  unfurl_tensor_init(&nothing, UNFURL_F32, 0, NULL, (void *)(size_t)&zero);
  const unfurl_tensor *second = call->node->input_count > 1 ? call->inputs[1] : &nothing;
  unfurl_binary_run(call->context, UNFURL_BINARY_ADD, call->inputs[0], second, call->outputs[0]);
  for (size_t i = 2; i < call->node->input_count; i++)
    unfurl_binary_run(call->context, UNFURL_BINARY_ADD, call->outputs[0], call->inputs[i], call->outputs[0]);
  return UNFURL_OK;
}

const unfurl_op unfurl_op_add = {
    .type = "Add",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer,
    .run = run_add,
};

const unfurl_op unfurl_op_sub = {
    .type = "Sub",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer,
    .run = run_sub,
};

const unfurl_op unfurl_op_mul = {
    .type = "Mul",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer,
    .run = run_mul,
};

const unfurl_op unfurl_op_div = {
    .type = "Div",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer,
    .run = run_div,
};

const unfurl_op unfurl_op_sum = {
    .type = "Sum",
    .min_inputs = 1,
    .max_inputs = UNFURL_ANY_COUNT,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_sum,
    .run = run_sum,
};
