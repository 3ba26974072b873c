/* SPDX-License-Identifier: BSD-2-Clause */
/* Reshape, Transpose and Reshape as one node, which fusion makes (fuse_rearrange.c): the elements are copied once.
 *
 * Networks shuffle channels so: [n][c][h][w] is taken for [n][g][c/g][h][w], of which dimensions 1 and 2 change places. An
 * image with its channels last is shuffled as it lies.
 */
#include "base/status.h"
#include "graph/op.h"
#include "nn/copy.h"
#include "shape/tensor.h"

enum { X, SHAPE_WITHIN, SHAPE, IMAGE_RANK = 4 };

/* The input as it is taken to be, and in another order. */
typedef struct rearrangement {
  unfurl_tensor within, moved;
  size_t perm[UNFURL_MAX_RANK];
} rearrangement;

static unfurl_status describe(const unfurl_op_call *call, rearrangement *r, unfurl_tensor *out, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X];
  unfurl_status status = unfurl_call_check_known(call, SHAPE_WITHIN, error);
  if (!status) status = unfurl_call_check_known(call, SHAPE, error);
  if (!status) status = unfurl_reshape_dims(x, call->inputs[SHAPE_WITHIN], false, &r->within, error);
  if (!status) status = unfurl_transpose_perm(call->node, r->within.rank, r->perm, error);
  if (status) return status;
  r->moved = r->within;
  for (size_t i = 0; i < r->within.rank; i++) r->moved.dims[i] = r->within.dims[r->perm[i]];
  return unfurl_reshape_dims(&r->moved, call->inputs[SHAPE], false, out, error);
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  rearrangement r;
  return describe(call, &r, call->outputs[0], error);
}

static bool shuffles_channels(const unfurl_tensor *x, const rearrangement *r, const unfurl_tensor *out) {
  const int64_t *d = r->within.dims;
  return x->rank == IMAGE_RANK && r->within.rank == IMAGE_RANK + 1 && unfurl_tensor_same_dims(x, out) &&
         d[0] == x->dims[0] && d[3] == x->dims[2] && d[4] == x->dims[3] && r->perm[0] == 0 && r->perm[1] == 2 &&
         r->perm[2] == 1 && r->perm[3] == 3;
}

static bool needs_nchw(const unfurl_op_call *call) {
  rearrangement r;
  unfurl_tensor out;
  return describe(call, &r, &out, NULL) || !shuffles_channels(call->inputs[X], &r, &out);
}

/* Floats from one element of a dimension of `taken` to the next in `tensor`, an image with its channels last or anything in
 * order. */
static void strides_of(const unfurl_tensor *tensor, const unfurl_tensor *taken, ptrdiff_t strides[UNFURL_MAX_RANK]) {
  unfurl_tensor_strides(taken, strides);
  if (tensor->layout != UNFURL_NHWC) return;
  ptrdiff_t image[UNFURL_MAX_RANK];
  unfurl_tensor_strides(tensor, image);
  strides[0] = image[0], strides[1] = (ptrdiff_t)taken->dims[2], strides[2] = 1;
  strides[3] = image[2], strides[4] = image[3];
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X], *y = call->outputs[0];
  rearrangement r;
  unfurl_tensor out;
  ptrdiff_t from[UNFURL_MAX_RANK];
  const unfurl_status status = describe(call, &r, &out, error);
  if (status) return status;
  unfurl_walk walk = {.rank = r.moved.rank, .operands = 2};
  strides_of(x, &r.within, from);
  strides_of(y, &r.moved, walk.strides[0]);
  for (size_t i = 0; i < r.moved.rank; i++) {
    walk.dims[i] = (size_t)r.moved.dims[i];
    walk.strides[1][i] = from[r.perm[i]];
  }
  unfurl_copy_elements(call->context, &walk, unfurl_dtype_size(x->dtype), x->data, y->data);
  return UNFURL_OK;
}

const unfurl_op unfurl_op_rearrange = {
    .type = "Reshape, Transpose, Reshape",
    .min_inputs = 3,
    .max_inputs = 3,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .infer = infer,
    .needs_nchw = needs_nchw,
    .run = run,
};
