/* SPDX-License-Identifier: BSD-2-Clause */
/* ReduceMean and its kin. Axes are an attribute before opset 18 (ReduceSum: 13), an input since; no axes are all axes,
 * or, with noop_with_empty_axes, none. */
#include "nn/reduce.h"

#include "base/status.h"
#include "graph/axes.h"
#include "shape/tensor.h"

static unfurl_status read_reduced(const unfurl_op_call *call, bool reduced[UNFURL_MAX_RANK], unfurl_error *error) {
  int64_t axes[UNFURL_MAX_RANK];
  size_t count;
  const size_t rank = call->inputs[0]->rank;
  const unfurl_status status = unfurl_axes_read(call, axes, &count, error);
  if (status) return status;
  const bool is_empty = count == SIZE_MAX || count == 0;
  if (!is_empty) return unfurl_axes_mark(axes, count, rank, reduced, error);
  const bool all = unfurl_node_int(call->node, "noop_with_empty_axes", 0) == 0;
  for (size_t i = 0; i < rank; i++) reduced[i] = all;
  return UNFURL_OK;
}

static unfurl_status infer(unfurl_op_call *call, bool has_integers, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0];
  bool reduced[UNFURL_MAX_RANK];
  int64_t dims[UNFURL_MAX_RANK];
  size_t rank = 0;
  const bool is_integer = x->dtype == UNFURL_I64 || x->dtype == UNFURL_I32;
  unfurl_status status = is_integer && has_integers ? UNFURL_OK : unfurl_call_check_f32(call, 0, error);
  if (!status) status = read_reduced(call, reduced, error);
  if (status) return status;
  const bool keeps = unfurl_node_int(call->node, "keepdims", 1) != 0;
  for (size_t i = 0; i < x->rank; i++)
    if (keeps || !reduced[i]) dims[rank++] = reduced[i] ? 1 : x->dims[i];
  unfurl_tensor_init(call->outputs[0], x->dtype, rank, dims, NULL);
  return UNFURL_OK;
}

static unfurl_status infer_any(unfurl_op_call *call, unfurl_error *error) {
  return infer(call, true, error);
}

static unfurl_status infer_real(unfurl_op_call *call, unfurl_error *error) {
  return infer(call, false, error);
}

static unfurl_status infer_extreme(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_status status = infer(call, true, error);
  if (status) return status;
  if (unfurl_tensor_count(call->inputs[0]) == 0 && unfurl_tensor_count(call->outputs[0]) > 0)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "there is no extreme of nothing");
  return UNFURL_OK;
}

/* One operator. */
typedef struct reduction_kind {
  const unfurl_op *op;
  unfurl_reduce reduce;
} reduction_kind;

static const reduction_kind KINDS[] = {
    {&unfurl_op_reduce_l1, UNFURL_REDUCE_L1},           {&unfurl_op_reduce_l2, UNFURL_REDUCE_L2},
    {&unfurl_op_reduce_max, UNFURL_REDUCE_MAX},         {&unfurl_op_reduce_mean, UNFURL_REDUCE_MEAN},
    {&unfurl_op_reduce_min, UNFURL_REDUCE_MIN},         {&unfurl_op_reduce_prod, UNFURL_REDUCE_PROD},
    {&unfurl_op_reduce_sum, UNFURL_REDUCE_SUM},         {&unfurl_op_reduce_sum_square, UNFURL_REDUCE_SUM_SQUARE},
    {&unfurl_op_reduce_log_sum, UNFURL_REDUCE_LOG_SUM},
};

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  const reduction_kind *kind = KINDS;
  bool reduced[UNFURL_MAX_RANK];
  const unfurl_status status = read_reduced(call, reduced, error);
  if (status) return status;
  while (kind->op != call->node->op) kind++;
  unfurl_reduce_run(call->context, kind->reduce, call->inputs[0], reduced, call->outputs[0]);
  return UNFURL_OK;
}

static unfurl_status run_log_sum_exp(const unfurl_op_call *call, unfurl_error *error) {
  bool reduced[UNFURL_MAX_RANK];
  const unfurl_status status = read_reduced(call, reduced, error);
  if (!status) unfurl_log_sum_exp(call->context, call->inputs[0], reduced, call->outputs[0]);
  return status;
}

static const unfurl_attribute_spec ATTRIBUTES[] = {{"axes", UNFURL_ATTRIBUTE_INTS},
                                                   {"keepdims", UNFURL_ATTRIBUTE_INT},
                                                   {"noop_with_empty_axes", UNFURL_ATTRIBUTE_INT},
                                                   {NULL, UNFURL_ATTRIBUTE_INT}};

/* What their rows have in common. */
#define REDUCTION                                                                                                      \
  .min_inputs = 1, .max_inputs = 2, .max_outputs = 1, .attributes = ATTRIBUTES, .layout = UNFURL_OP_ANY,               \
  .is_image_wise = true

const unfurl_op unfurl_op_reduce_l1 = {.type = "ReduceL1", REDUCTION, .infer = infer_any, .run = run};
const unfurl_op unfurl_op_reduce_l2 = {.type = "ReduceL2", REDUCTION, .infer = infer_real, .run = run};
const unfurl_op unfurl_op_reduce_log_sum = {.type = "ReduceLogSum", REDUCTION, .infer = infer_real, .run = run};
const unfurl_op unfurl_op_reduce_log_sum_exp = {
    .type = "ReduceLogSumExp", REDUCTION, .infer = infer_real, .run = run_log_sum_exp};
const unfurl_op unfurl_op_reduce_max = {.type = "ReduceMax", REDUCTION, .infer = infer_extreme, .run = run};
const unfurl_op unfurl_op_reduce_mean = {.type = "ReduceMean", REDUCTION, .infer = infer_real, .run = run};
const unfurl_op unfurl_op_reduce_min = {.type = "ReduceMin", REDUCTION, .infer = infer_extreme, .run = run};
const unfurl_op unfurl_op_reduce_prod = {.type = "ReduceProd", REDUCTION, .infer = infer_any, .run = run};
const unfurl_op unfurl_op_reduce_sum = {.type = "ReduceSum", REDUCTION, .infer = infer_any, .run = run};
const unfurl_op unfurl_op_reduce_sum_square = {.type = "ReduceSumSquare", REDUCTION, .infer = infer_any, .run = run};
