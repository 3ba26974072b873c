/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators that map each element by itself and that convolutions do not take over. */
#include "graph/op.h"
#include "nn/unary.h"
#include "shape/tensor.h"

/* One operator. */
typedef struct unary_kind {
  const unfurl_op *op;
  unfurl_unary unary;
} unary_kind;

static const unary_kind KINDS[] = {
    {&unfurl_op_abs, UNFURL_UNARY_ABS},
    {&unfurl_op_ceil, UNFURL_UNARY_CEIL},
    {&unfurl_op_elu, UNFURL_UNARY_ELU},
    {&unfurl_op_erf, UNFURL_UNARY_ERF},
    {&unfurl_op_exp, UNFURL_UNARY_EXP},
    {&unfurl_op_floor, UNFURL_UNARY_FLOOR},
    {&unfurl_op_log, UNFURL_UNARY_LOG},
    {&unfurl_op_neg, UNFURL_UNARY_NEG},
    {&unfurl_op_reciprocal, UNFURL_UNARY_RECIPROCAL},
    {&unfurl_op_softplus, UNFURL_UNARY_SOFTPLUS},
    {&unfurl_op_sqrt, UNFURL_UNARY_SQRT},
};

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_status status = unfurl_call_check_f32(call, 0, error);
  return status ? status : unfurl_infer_same(call, error);
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unary_kind *kind = KINDS;
  while (kind->op != call->node->op) kind++;
  const unfurl_tensor *x = call->inputs[0];
  unfurl_map_unary(call->context, kind->unary, unfurl_node_float(call->node, "alpha", 1), unfurl_tensor_count(x),
                   x->data, call->outputs[0]->data);
  return UNFURL_OK;
}

static const unfurl_attribute_spec ALPHA[] = {{"alpha", UNFURL_ATTRIBUTE_FLOAT}, {NULL, UNFURL_ATTRIBUTE_INT}};

/* What their rows have in common. */
#define UNARY                                                                                                          \
  .min_inputs = 1, .max_inputs = 1, .max_outputs = 1, .layout = UNFURL_OP_ANY, .is_image_wise = true, .infer = infer,  \
  .run = run

const unfurl_op unfurl_op_abs = {.type = "Abs", UNARY};
const unfurl_op unfurl_op_ceil = {.type = "Ceil", UNARY};
const unfurl_op unfurl_op_elu = {.type = "Elu", UNARY, .attributes = ALPHA};
const unfurl_op unfurl_op_erf = {.type = "Erf", UNARY};
const unfurl_op unfurl_op_exp = {.type = "Exp", UNARY};
const unfurl_op unfurl_op_floor = {.type = "Floor", UNARY};
const unfurl_op unfurl_op_log = {.type = "Log", UNARY};
const unfurl_op unfurl_op_neg = {.type = "Neg", UNARY};
const unfurl_op unfurl_op_reciprocal = {.type = "Reciprocal", UNARY};
const unfurl_op unfurl_op_softplus = {.type = "Softplus", UNARY};
const unfurl_op unfurl_op_sqrt = {.type = "Sqrt", UNARY};
