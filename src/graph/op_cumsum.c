/* SPDX-License-Identifier: BSD-2-Clause */
/* CumSum and Trilu. The axis of the one and the diagonal of the other are inputs, but shape nothing: they may be computed. */
#include "nn/cumsum.h"

#include "base/status.h"
#include "graph/axes.h"
#include "nn/indices.h"
#include "shape/tensor.h"

/* One integer, of i64 or (where that is allowed) i32. */
static unfurl_status check_integer(const unfurl_op_call *call, size_t index, bool narrow_allowed, unfurl_error *error) {
  const unfurl_tensor *in = call->inputs[index];
  const bool is_integer = in->dtype == UNFURL_I64 || (in->dtype == UNFURL_I32 && narrow_allowed);
  if (is_integer && unfurl_tensor_count(in) == 1) return UNFURL_OK;
  return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input %zu is not one integer", index);
}

enum { X, AXIS };

static unfurl_status infer_cumsum(unfurl_op_call *call, unfurl_error *error) {
  if (call->inputs[X]->dtype == UNFURL_BOOL) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input is bool");
  const unfurl_status status = check_integer(call, AXIS, true, error);
  return status ? status : unfurl_infer_same(call, error);
}

static unfurl_status run_cumsum(const unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X];
  unfurl_axis_split split;
  const unfurl_status status = unfurl_axis_split_at(x, unfurl_index_at(call->inputs[AXIS], 0), &split, error);
  if (status) return status;
  const unfurl_cumsum what = {.outer = split.outer,
                              .length = split.size,
                              .inner = split.inner,
                              .exclusive = unfurl_node_int(call->node, "exclusive", 0) != 0,
                              .reverse = unfurl_node_int(call->node, "reverse", 0) != 0,
                              .dtype = x->dtype};
  if (unfurl_tensor_count(x) > 0) unfurl_cumsum_run(call->context, &what, x->data, call->outputs[0]->data);
  return UNFURL_OK;
}

static const unfurl_attribute_spec CUMSUM_ATTRIBUTES[] = {
    {"exclusive", UNFURL_ATTRIBUTE_INT}, {"reverse", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_cumsum = {
    .type = "CumSum",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .attributes = CUMSUM_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer_cumsum,
    .run = run_cumsum,
};

enum { DIAGONAL = 1 };

static unfurl_status infer_trilu(unfurl_op_call *call, unfurl_error *error) {
  const size_t rank = call->inputs[X]->rank;
  if (rank < 2) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input has rank %zu", rank);
  const unfurl_status status =
      unfurl_call_has_input(call, DIAGONAL) ? check_integer(call, DIAGONAL, false, error) : UNFURL_OK;
  return status ? status : unfurl_infer_same(call, error);
}

static unfurl_status run_trilu(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const int64_t k = unfurl_call_has_input(call, DIAGONAL) ? unfurl_index_at(call->inputs[DIAGONAL], 0) : 0;
  unfurl_triangle(call->inputs[X], unfurl_node_int(call->node, "upper", 1) != 0, k, call->outputs[0]);
  return UNFURL_OK;
}

static const unfurl_attribute_spec TRILU_ATTRIBUTES[] = {{"upper", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_trilu = {
    .type = "Trilu",
    .min_inputs = 1,
    .max_inputs = 2,
    .max_outputs = 1,
    .attributes = TRILU_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer_trilu,
    .run = run_trilu,
};
