/* SPDX-License-Identifier: BSD-2-Clause */
/* Comparisons (Equal, Less, Greater ...), logic of two tensors (And, Or, Xor), and Where, which chooses by the result. */
#include "base/status.h"
#include "graph/op.h"
#include "nn/broadcast.h"
#include "nn/compare.h"

/* One operator. */
typedef struct compare_kind {
  const unfurl_op *op;
  unfurl_compare compare;
  bool takes_numbers, takes_bool;
} compare_kind;

static const compare_kind KINDS[] = {
    {&unfurl_op_and, UNFURL_COMPARE_AND, false, true},
    {&unfurl_op_equal, UNFURL_COMPARE_EQUAL, true, true},
    {&unfurl_op_greater, UNFURL_COMPARE_GREATER, true, false},
    {&unfurl_op_greater_or_equal, UNFURL_COMPARE_GREATER_EQUAL, true, false},
    {&unfurl_op_less, UNFURL_COMPARE_LESS, true, false},
    {&unfurl_op_less_or_equal, UNFURL_COMPARE_LESS_EQUAL, true, false},
    {&unfurl_op_or, UNFURL_COMPARE_OR, false, true},
    {&unfurl_op_xor, UNFURL_COMPARE_XOR, false, true},
};

static const compare_kind *kind_of(const unfurl_op_call *call) {
  const compare_kind *kind = KINDS;
  while (kind->op != call->node->op) kind++;
  return kind;
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *a = call->inputs[0], *b = call->inputs[1];
  const compare_kind *kind = kind_of(call);
  if (a->dtype != b->dtype) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the types of its inputs do not agree");
  if (a->dtype == UNFURL_BOOL ? !kind->takes_bool : !kind->takes_numbers)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "it does not take %s", unfurl_dtype_name(a->dtype));
  if (!unfurl_broadcast_dims(a, b, call->outputs[0]))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the shapes of its inputs do not broadcast");
  call->outputs[0]->dtype = UNFURL_BOOL;
  return UNFURL_OK;
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  unfurl_compare_run(call->context, kind_of(call)->compare, call->inputs[0], call->inputs[1], call->outputs[0]);
  return UNFURL_OK;
}

/* What their rows have in common. */
#define COMPARISON                                                                                                     \
  .min_inputs = 2, .max_inputs = 2, .max_outputs = 1, .layout = UNFURL_OP_ANY, .is_image_wise = true, .infer = infer,  \
  .run = run

const unfurl_op unfurl_op_and = {.type = "And", COMPARISON};
const unfurl_op unfurl_op_equal = {.type = "Equal", COMPARISON};
const unfurl_op unfurl_op_greater = {.type = "Greater", COMPARISON};
const unfurl_op unfurl_op_greater_or_equal = {.type = "GreaterOrEqual", COMPARISON};
const unfurl_op unfurl_op_less = {.type = "Less", COMPARISON};
const unfurl_op unfurl_op_less_or_equal = {.type = "LessOrEqual", COMPARISON};
const unfurl_op unfurl_op_or = {.type = "Or", COMPARISON};
const unfurl_op unfurl_op_xor = {.type = "Xor", COMPARISON};

enum { CONDITION, X, Y };

static unfurl_status infer_where(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X], *y = call->inputs[Y];
  unfurl_tensor both;
  const unfurl_status status = unfurl_call_check_bool(call, CONDITION, error);
  if (status) return status;
  if (x->dtype != y->dtype) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the types of its inputs do not agree");
  if (!unfurl_broadcast_dims(x, y, &both) || !unfurl_broadcast_dims(&both, call->inputs[CONDITION], call->outputs[0]))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the shapes of its inputs do not broadcast");
  return UNFURL_OK;
}

static unfurl_status run_where(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  unfurl_where(call->context, call->inputs[CONDITION], call->inputs[X], call->inputs[Y], call->outputs[0]);
  return UNFURL_OK;
}

const unfurl_op unfurl_op_where = {
    .type = "Where",
    .min_inputs = 3,
    .max_inputs = 3,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_where,
    .run = run_where,
};
