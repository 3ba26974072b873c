/* SPDX-License-Identifier: BSD-2-Clause */
/* Transpose: dimensions in another order, the elements copied; unless they are in that order already, as those of an NHWC
 * image are when its channels are to be last. */
#include "base/status.h"
#include "graph/op.h"
#include "nn/copy.h"
#include "shape/tensor.h"

unfurl_status unfurl_transpose_perm(const unfurl_node *node, size_t rank, size_t perm[UNFURL_MAX_RANK],
                                    unfurl_error *error) {
  const unfurl_attribute *a = unfurl_node_attribute(node, "perm");
  bool used[UNFURL_MAX_RANK] = {false};
  if (a && a->count != rank)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "perm has %zu numbers for rank %zu", a->count, rank);
  for (size_t i = 0; i < rank; i++) {
    const int64_t from = a ? a->ints[i] : (int64_t)(rank - 1 - i);
    if (from < 0 || from >= (int64_t)rank || used[from])
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "perm is not a permutation");
    used[from] = true;
    perm[i] = (size_t)from;
  }
  return UNFURL_OK;
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0];
  size_t perm[UNFURL_MAX_RANK];
  int64_t dims[UNFURL_MAX_RANK];
  const unfurl_status status = unfurl_transpose_perm(call->node, call->inputs[0]->rank, perm, error);
  if (status) return status;
  for (size_t i = 0; i < x->rank; i++) dims[i] = x->dims[perm[i]];
  unfurl_tensor_init(call->outputs[0], x->dtype, x->rank, dims, NULL);
  return UNFURL_OK;
}

/* In one of the two layouts that an output may have. */
static bool relabels(unfurl_op_call *call) {
  static const unfurl_layout layouts[] = {UNFURL_NCHW, UNFURL_NHWC};
  const unfurl_tensor *x = call->inputs[0];
  unfurl_tensor *y = call->outputs[0];
  ptrdiff_t from[UNFURL_MAX_RANK], to[UNFURL_MAX_RANK];
  size_t perm[UNFURL_MAX_RANK];
  if (unfurl_transpose_perm(call->node, call->inputs[0]->rank, perm, NULL)) return false;
  unfurl_tensor_strides(x, from);
  for (size_t l = 0; l < 2; l++) {
    bool agree = true;
    y->layout = layouts[l];
    unfurl_tensor_strides(y, to);
    for (size_t i = 0; i < y->rank; i++) agree = agree && (y->dims[i] == 1 || to[i] == from[perm[i]]);
    if (agree) return true;
  }
  y->layout = UNFURL_NCHW;
  return false;
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0], *y = call->outputs[0];
  size_t perm[UNFURL_MAX_RANK];
  ptrdiff_t strides[UNFURL_MAX_RANK];
  const unfurl_status status = unfurl_transpose_perm(call->node, call->inputs[0]->rank, perm, error);
  if (status) return status;
  unfurl_walk walk = {.rank = y->rank, .operands = 2};
  unfurl_tensor_strides(y, walk.strides[0]);
  unfurl_tensor_strides(x, strides);
  for (size_t i = 0; i < y->rank; i++) {
    walk.dims[i] = (size_t)y->dims[i];
    walk.strides[1][i] = strides[perm[i]];
  }
  unfurl_copy_elements(call->context, &walk, unfurl_dtype_size(y->dtype), x->data, y->data);
  return UNFURL_OK;
}

static const unfurl_attribute_spec ATTRIBUTES[] = {{"perm", UNFURL_ATTRIBUTE_INTS}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_transpose = {
    .type = "Transpose",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_FROM_ANY,
    .infer = infer,
    .relabels = relabels,
    .run = run,
};
