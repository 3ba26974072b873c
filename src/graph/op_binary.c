/* SPDX-License-Identifier: BSD-2-Clause */
/* Arithmetic of two tensors (Add, Sub, Mul, Div, Mod, Pow, PRelu) or of many (Sum, Mean, Max, Min). */
#include <string.h>

#include "base/status.h"
#include "graph/channel_rows.h"
#include "graph/op.h"
#include "nn/binary.h"
#include "nn/broadcast.h"
#include "shape/tensor.h"

static bool has_arithmetic(unfurl_dtype dtype) {
  return dtype == UNFURL_F32 || dtype == UNFURL_I64 || dtype == UNFURL_I32;
}

/* Also of Sum, Mean, Max and Min: their result has the dims that all inputs broadcast to. */
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

/* One operator. */
typedef struct binary_kind {
  const unfurl_op *op;
  unfurl_binary binary;
} binary_kind;

static const binary_kind KINDS[] = {
    {&unfurl_op_add, UNFURL_BINARY_ADD},  {&unfurl_op_div, UNFURL_BINARY_DIV}, {&unfurl_op_max, UNFURL_BINARY_MAX},
    {&unfurl_op_mean, UNFURL_BINARY_ADD}, {&unfurl_op_min, UNFURL_BINARY_MIN}, {&unfurl_op_mul, UNFURL_BINARY_MUL},
    {&unfurl_op_pow, UNFURL_BINARY_POW},  {&unfurl_op_sub, UNFURL_BINARY_SUB}, {&unfurl_op_sum, UNFURL_BINARY_ADD},
};

/* All inputs, one after the other. */
static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *out = call->outputs[0];
  const binary_kind *kind = KINDS;
  while (kind->op != call->node->op) kind++;
  if (call->node->input_count == 1) {
    const size_t bytes = unfurl_tensor_count(out) * unfurl_dtype_size(out->dtype);
    if (bytes) memcpy(out->data, call->inputs[0]->data, bytes);
    return UNFURL_OK;
  }
  unfurl_binary_run(call->context, kind->binary, call->inputs[0], call->inputs[1], out);
  for (size_t i = 2; i < call->node->input_count; i++)
    unfurl_binary_run(call->context, kind->binary, out, call->inputs[i], out);
  return UNFURL_OK;
}

static unfurl_status infer_f32(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_status status = unfurl_call_check_f32(call, 0, error);
  return status ? status : infer(call, error);
}

static unfurl_status run_mean(const unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *out = call->outputs[0];
  float count = (float)call->node->input_count;
  unfurl_tensor divisor;
  const unfurl_status status = run(call, error);
  unfurl_tensor_init(&divisor, UNFURL_F32, 0, out->dims, &count);
  unfurl_binary_run(call->context, UNFURL_BINARY_DIV, out, &divisor, out);
  return status;
}

/* With fmod, the result has the sign of the first input; floats have no other form. */
static bool is_fmod(const unfurl_op_call *call) {
  return unfurl_node_int(call->node, "fmod", 0) != 0;
}

static unfurl_status infer_mod(unfurl_op_call *call, unfurl_error *error) {
  if (call->inputs[0]->dtype == UNFURL_F32 && !is_fmod(call))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "fmod is 0, which is for integers only");
  return infer(call, error);
}

static unfurl_status run_mod(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  unfurl_binary_run(call->context, is_fmod(call) ? UNFURL_BINARY_FMOD : UNFURL_BINARY_MOD, call->inputs[0],
                    call->inputs[1], call->outputs[0]);
  return UNFURL_OK;
}

/* The slope as it is multiplied: before opset 7, a list of slopes was one for each channel. */
static unfurl_tensor slope_of(const unfurl_op_call *call) {
  const unfurl_tensor *x = call->inputs[0];
  unfurl_tensor slope = *call->inputs[1];
  if (call->model->options.opset >= 7 || slope.rank != 1 || slope.dims[0] == 1 || x->rank < 3) return slope;
  unfurl_tensor_init(&slope, slope.dtype, x->rank - 1, (const int64_t[UNFURL_MAX_RANK]){slope.dims[0]}, slope.data);
  for (size_t i = 1; i < slope.rank; i++) slope.dims[i] = 1;
  return slope;
}

static unfurl_status infer_prelu(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0];
  unfurl_tensor out, slope;
  unfurl_status status = unfurl_call_check_f32(call, 0, error);
  if (!status) status = unfurl_call_check_f32(call, 1, error);
  if (status) return status;
  slope = slope_of(call);
  if (!unfurl_broadcast_dims(x, &slope, &out) || !unfurl_tensor_same_dims(x, &out))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the shape of its slopes does not broadcast to its input");
  return unfurl_infer_same(call, error);
}

static unfurl_status run_prelu(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor slope = slope_of(call);
  unfurl_binary_run(call->context, UNFURL_BINARY_PRELU, call->inputs[0], &slope, call->outputs[0]);
  return UNFURL_OK;
}

/* What their rows have in common. */
#define ARITHMETIC .max_outputs = 1, .layout = UNFURL_OP_ANY, .is_image_wise = true
#define OF_TWO     ARITHMETIC, .min_inputs = 2, .max_inputs = 2
#define OF_ANY     ARITHMETIC, .min_inputs = 1, .max_inputs = UNFURL_ANY_COUNT

const unfurl_op unfurl_op_add = {.type = "Add", OF_TWO, .infer = infer, .run = run};
const unfurl_op unfurl_op_sub = {.type = "Sub", OF_TWO, .infer = infer, .run = run};
const unfurl_op unfurl_op_mul = {.type = "Mul", OF_TWO, .infer = infer, .rows = &unfurl_mul_rows, .run = run};
const unfurl_op unfurl_op_div = {.type = "Div", OF_TWO, .infer = infer, .run = run};
const unfurl_op unfurl_op_sum = {.type = "Sum", OF_ANY, .infer = infer_f32, .run = run};
const unfurl_op unfurl_op_mean = {.type = "Mean", OF_ANY, .infer = infer_f32, .run = run_mean};

const unfurl_op unfurl_op_max = {.type = "Max", OF_ANY, .infer = infer, .run = run};
const unfurl_op unfurl_op_min = {.type = "Min", OF_ANY, .infer = infer, .run = run};
const unfurl_op unfurl_op_pow = {.type = "Pow", OF_TWO, .infer = infer_f32, .run = run};
const unfurl_op unfurl_op_prelu = {.type = "PRelu", OF_TWO, .infer = infer_prelu, .run = run_prelu};

static const unfurl_attribute_spec MOD_ATTRIBUTES[] = {{"fmod", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_mod = {
    .type = "Mod", OF_TWO, .attributes = MOD_ATTRIBUTES, .infer = infer_mod, .run = run_mod};
