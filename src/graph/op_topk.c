/* SPDX-License-Identifier: BSD-2-Clause */
/* TopK. k is an attribute before opset 10, an input since. */
#include "base/status.h"
#include "graph/axes.h"
#include "nn/topk.h"
#include "shape/tensor.h"

enum { X, K };

static unfurl_status read_k(const unfurl_op_call *call, int64_t *k, unfurl_error *error) {
  *k = unfurl_node_int(call->node, "k", -1);
  if (unfurl_call_has_input(call, K)) {
    const unfurl_tensor *given = call->inputs[K];
    if (given->dtype != UNFURL_I64 || unfurl_tensor_count(given) != 1)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "k is not one i64");
    const unfurl_status status = unfurl_call_check_known(call, K, error);
    if (status) return status;
    *k = *(const int64_t *)given->data;
  }
  return UNFURL_OK;
}

static unfurl_status describe(const unfurl_op_call *call, unfurl_axis_split *split, unfurl_topk *what,
                              unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X];
  int64_t k;
  unfurl_status status = unfurl_axis_split_at(x, unfurl_node_int(call->node, "axis", -1), split, error);
  if (!status) status = read_k(call, &k, error);
  if (status) return status;
  if (k < 0 || k > x->dims[split->axis])
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "k is %lld, of %lld elements", (long long)k,
                       (long long)x->dims[split->axis]);
  *what = (unfurl_topk){.outer = split->outer,
                        .length = split->size,
                        .inner = split->inner,
                        .k = (size_t)k,
                        .smallest = unfurl_node_int(call->node, "largest", 1) == 0,
                        .dtype = x->dtype};
  return UNFURL_OK;
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X];
  unfurl_axis_split split;
  unfurl_topk what = {.k = 0};
  const unfurl_status status = describe(call, &split, &what, error);
  if (status) return status;
  if (x->dtype == UNFURL_BOOL) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input is bool");
  unfurl_tensor_init(call->outputs[0], x->dtype, x->rank, x->dims, NULL);
  call->outputs[0]->dims[split.axis] = (int64_t)what.k;
  if (unfurl_call_has_output(call, 1))
    unfurl_tensor_init(call->outputs[1], UNFURL_I64, x->rank, call->outputs[0]->dims, NULL);
  return UNFURL_OK;
}

/* Indices that nobody asked for go into the workspace. */
static unfurl_status prepare(unfurl_op_call *call, unfurl_error *error) {
  size_t bytes = unfurl_tensor_count(call->outputs[0]);
  if (unfurl_call_has_output(call, 1)) return UNFURL_OK;
  if (!unfurl_size_mul(&bytes, sizeof(int64_t))) return unfurl_fail(error, UNFURL_TOO_LARGE, "the workspace overflows");
  call->workspace_size = bytes;
  return UNFURL_OK;
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  unfurl_axis_split split;
  unfurl_topk what;
  const unfurl_status status = describe(call, &split, &what, error);
  if (status || unfurl_tensor_count(call->outputs[0]) == 0) return status;
  unfurl_topk_run(call->context, &what, call->inputs[X]->data, call->outputs[0]->data,
                  unfurl_call_has_output(call, 1) ? call->outputs[1]->data : call->workspace);
  return UNFURL_OK;
}

static const unfurl_attribute_spec ATTRIBUTES[] = {{"axis", UNFURL_ATTRIBUTE_INT},
                                                   {"k", UNFURL_ATTRIBUTE_INT},
                                                   {"largest", UNFURL_ATTRIBUTE_INT},
                                                   {"sorted", UNFURL_ATTRIBUTE_INT},
                                                   {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_topk = {
    .type = "TopK",
    .min_inputs = 1,
    .max_inputs = 2,
    .max_outputs = 2,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer,
    .prepare = prepare,
    .run = run,
};
