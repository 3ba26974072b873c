/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators that map each element by itself and that convolutions do not take over. */
#include <math.h>

#include "graph/op.h"
#include "nn/unary.h"
#include "shape/tensor.h"

/* One operator, with what its attributes alpha and gamma are by default. */
typedef struct unary_kind {
  const unfurl_op *op;
  unfurl_unary unary;
  float alpha, gamma;
} unary_kind;

static const unary_kind KINDS[] = {
    {&unfurl_op_abs, UNFURL_UNARY_ABS, 0, 0},
    {&unfurl_op_ceil, UNFURL_UNARY_CEIL, 0, 0},
    {&unfurl_op_celu, UNFURL_UNARY_CELU, 1, 0},
    {&unfurl_op_cos, UNFURL_UNARY_COS, 0, 0},
    {&unfurl_op_elu, UNFURL_UNARY_ELU, 1, 0},
    {&unfurl_op_erf, UNFURL_UNARY_ERF, 0, 0},
    {&unfurl_op_exp, UNFURL_UNARY_EXP, 0, 0},
    {&unfurl_op_floor, UNFURL_UNARY_FLOOR, 0, 0},
    {&unfurl_op_log, UNFURL_UNARY_LOG, 0, 0},
    {&unfurl_op_mish, UNFURL_UNARY_MISH, 0, 0},
    {&unfurl_op_neg, UNFURL_UNARY_NEG, 0, 0},
    {&unfurl_op_reciprocal, UNFURL_UNARY_RECIPROCAL, 0, 0},
    {&unfurl_op_round, UNFURL_UNARY_ROUND, 0, 0},
    {&unfurl_op_selu, UNFURL_UNARY_SELU, 1.67326319217681884765625f, 1.05070102214813232421875f},
    {&unfurl_op_sign, UNFURL_UNARY_SIGN, 0, 0},
    {&unfurl_op_sin, UNFURL_UNARY_SIN, 0, 0},
    {&unfurl_op_softplus, UNFURL_UNARY_SOFTPLUS, 0, 0},
    {&unfurl_op_softsign, UNFURL_UNARY_SOFTSIGN, 0, 0},
    {&unfurl_op_sqrt, UNFURL_UNARY_SQRT, 0, 0},
    {&unfurl_op_thresholded_relu, UNFURL_UNARY_THRESHOLDED_RELU, 1, 0},
};

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_status status = unfurl_call_check_f32(call, 0, error);
  return status ? status : unfurl_infer_same(call, error);
}

static unfurl_status infer_number(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_dtype dtype = call->inputs[0]->dtype;
  return dtype == UNFURL_I64 || dtype == UNFURL_I32 ? unfurl_infer_same(call, error) : infer(call, error);
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unary_kind *kind = KINDS;
  while (kind->op != call->node->op) kind++;
  const unfurl_tensor *x = call->inputs[0];
  void *y = call->outputs[0]->data;
  const size_t count = unfurl_tensor_count(x);
  const float parameters[] = {unfurl_node_float(call->node, "alpha", kind->alpha),
                              unfurl_node_float(call->node, "gamma", kind->gamma)};
  if (x->dtype == UNFURL_F32)
    unfurl_map_unary(call->context, kind->unary, parameters, count, x->data, y);
  else
    unfurl_map_integers(call->context, kind->unary, x->dtype, count, x->data, y);
  return UNFURL_OK;
}

static const unfurl_attribute_spec ALPHA[] = {{"alpha", UNFURL_ATTRIBUTE_FLOAT}, {NULL, UNFURL_ATTRIBUTE_INT}};
static const unfurl_attribute_spec ALPHA_GAMMA[] = {
    {"alpha", UNFURL_ATTRIBUTE_FLOAT}, {"gamma", UNFURL_ATTRIBUTE_FLOAT}, {NULL, UNFURL_ATTRIBUTE_INT}};

/* What the rows of all have in common, and those of floats and of any numbers. */
#define SINGLE       .min_inputs = 1, .max_inputs = 1, .max_outputs = 1, .layout = UNFURL_OP_ANY, .is_image_wise = true
#define UNARY        SINGLE, .infer = infer, .run = run
#define UNARY_NUMBER SINGLE, .infer = infer_number, .run = run

const unfurl_op unfurl_op_abs = {.type = "Abs", UNARY_NUMBER};
const unfurl_op unfurl_op_ceil = {.type = "Ceil", UNARY};
const unfurl_op unfurl_op_celu = {.type = "Celu", UNARY, .attributes = ALPHA};
const unfurl_op unfurl_op_cos = {.type = "Cos", UNARY};
const unfurl_op unfurl_op_elu = {.type = "Elu", UNARY, .attributes = ALPHA};
const unfurl_op unfurl_op_erf = {.type = "Erf", UNARY};
const unfurl_op unfurl_op_exp = {.type = "Exp", UNARY};
const unfurl_op unfurl_op_floor = {.type = "Floor", UNARY};
const unfurl_op unfurl_op_log = {.type = "Log", UNARY};
const unfurl_op unfurl_op_mish = {.type = "Mish", UNARY};
const unfurl_op unfurl_op_neg = {.type = "Neg", UNARY_NUMBER};
const unfurl_op unfurl_op_reciprocal = {.type = "Reciprocal", UNARY};
const unfurl_op unfurl_op_round = {.type = "Round", UNARY};
const unfurl_op unfurl_op_selu = {.type = "Selu", UNARY, .attributes = ALPHA_GAMMA};
const unfurl_op unfurl_op_sign = {.type = "Sign", UNARY_NUMBER};
const unfurl_op unfurl_op_sin = {.type = "Sin", UNARY};
const unfurl_op unfurl_op_softplus = {.type = "Softplus", UNARY};
const unfurl_op unfurl_op_softsign = {.type = "Softsign", UNARY};
const unfurl_op unfurl_op_sqrt = {.type = "Sqrt", UNARY};
const unfurl_op unfurl_op_thresholded_relu = {.type = "ThresholdedRelu", UNARY, .attributes = ALPHA};

/* --- Those whose result is true or false --- */

static unfurl_status infer_truth(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_status status = infer(call, error);
  if (!status) call->outputs[0]->dtype = UNFURL_BOOL;
  return status;
}

static unfurl_status infer_not(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_status status = unfurl_call_check_bool(call, 0, error);
  return status ? status : unfurl_infer_same(call, error);
}

static unfurl_status run_not(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *x = call->inputs[0];
  unfurl_map_not(call->context, unfurl_tensor_count(x), x->data, call->outputs[0]->data);
  return UNFURL_OK;
}

static unfurl_status run_is_nan(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *x = call->inputs[0];
  unfurl_map_is_nan(call->context, unfurl_tensor_count(x), x->data, call->outputs[0]->data);
  return UNFURL_OK;
}

/* An infinity that is not looked for is NaN instead, which nothing equals. */
static unfurl_status run_is_inf(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *x = call->inputs[0];
  const float values[] = {unfurl_node_int(call->node, "detect_negative", 1) ? -INFINITY : NAN,
                          unfurl_node_int(call->node, "detect_positive", 1) ? INFINITY : NAN};
  unfurl_map_equals(call->context, values, unfurl_tensor_count(x), x->data, call->outputs[0]->data);
  return UNFURL_OK;
}

static const unfurl_attribute_spec IS_INF_ATTRIBUTES[] = {
    {"detect_negative", UNFURL_ATTRIBUTE_INT}, {"detect_positive", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_is_inf = {
    .type = "IsInf", SINGLE, .attributes = IS_INF_ATTRIBUTES, .infer = infer_truth, .run = run_is_inf};
const unfurl_op unfurl_op_is_nan = {.type = "IsNaN", SINGLE, .infer = infer_truth, .run = run_is_nan};
const unfurl_op unfurl_op_not = {.type = "Not", SINGLE, .infer = infer_not, .run = run_not};
