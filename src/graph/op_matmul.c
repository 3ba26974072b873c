/* SPDX-License-Identifier: BSD-2-Clause */
/* MatMul: NumPy's matmul. Leading dimensions broadcast; a vector counts as a row on the left, as a column on the right.
 *
 * A constant matrix on the right makes it a fully connected layer for all rows on the left, with a bias and an activation
 * if fusion found some: a 1x1 convolution, as Gemm is one. Other products are SGEMMs.
 */
#include <string.h>

#include "base/status.h"
#include "gemm/blas.h"
#include "graph/conv_call.h"
#include "graph/op.h"
#include "nn/binary.h"
#include "nn/broadcast.h"
#include "nn/dense.h"
#include "nn/elementwise.h"
#include "nn/walk.h"
#include "shape/tensor.h"

enum { X, WEIGHTS, BIAS };

/* Both operands as stacks of matrices: [batch...][m][k] and [batch...][k][n]. */
typedef struct matmul_shape {
  unfurl_dense dense; /* one product */
  unfurl_walk walk;   /* over the batch: y, a, b in units of their matrices */
} matmul_shape;

/* The leading dimensions of a stack. */
static void batch_dims(const unfurl_tensor *x, unfurl_tensor *batch) {
  unfurl_tensor_init(batch, x->dtype, x->rank > 2 ? x->rank - 2 : 0, x->dims, NULL);
}

static unfurl_status describe(const unfurl_op_call *call, matmul_shape *s, unfurl_tensor *batch, unfurl_error *error) {
  const unfurl_tensor *a = call->inputs[0], *b = call->inputs[1];
  unfurl_tensor a_batch, b_batch;
  if (a->dtype != UNFURL_F32 || b->dtype != UNFURL_F32)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "only f32 is implemented");
  if (a->rank == 0 || b->rank == 0) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "an input is a scalar");
  s->dense = (unfurl_dense){.m = a->rank > 1 ? (size_t)a->dims[a->rank - 2] : 1,
                            .k = (size_t)a->dims[a->rank - 1],
                            .n = b->rank > 1 ? (size_t)b->dims[b->rank - 1] : 1,
                            .alpha = 1,
                            .beta = 1};
  const size_t k = (size_t)b->dims[b->rank > 1 ? b->rank - 2 : 0];
  batch_dims(a, &a_batch);
  batch_dims(b, &b_batch);
  if (k != s->dense.k || !unfurl_broadcast_dims(&a_batch, &b_batch, batch))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT,
                       "the shapes of its inputs do not fit: rows of %zu, columns of %zu", s->dense.k, k);
  if (!unfurl_dense_fits(&s->dense)) return unfurl_fail(error, UNFURL_TOO_LARGE, "a dimension is over 2^31 - 1");
  s->walk = (unfurl_walk){.rank = batch->rank, .operands = 3};
  for (size_t i = 0; i < batch->rank; i++) s->walk.dims[i] = (size_t)batch->dims[i];
  unfurl_tensor_strides(batch, s->walk.strides[0]);
  unfurl_broadcast_strides(&a_batch, batch, s->walk.strides[1]);
  unfurl_broadcast_strides(&b_batch, batch, s->walk.strides[2]);
  return UNFURL_OK;
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  matmul_shape s;
  unfurl_tensor batch;
  const unfurl_status status = describe(call, &s, &batch, error);
  if (status) return status;
  int64_t dims[UNFURL_MAX_RANK];
  size_t rank = batch.rank;
  memcpy(dims, batch.dims, sizeof dims);
  if (call->inputs[0]->rank > 1) dims[rank++] = (int64_t)s.dense.m;
  if (call->inputs[1]->rank > 1) dims[rank++] = (int64_t)s.dense.n;
  unfurl_tensor_init(call->outputs[0], UNFURL_F32, rank, dims, NULL);
  return UNFURL_OK;
}

/* Rows on the left that are multiplied by the matrix on the right, if there is only one. */
static size_t all_rows(const matmul_shape *s) {
  return s->dense.m * unfurl_walk_count(&s->walk);
}

/* Whether it is the layer that a convolution can be, and nobody asks for CBLAS. */
static bool uses_conv(const unfurl_op_call *call, const matmul_shape *s) {
  return call->inputs[WEIGHTS]->rank == 2 && unfurl_conv_call_is_constant(call, WEIGHTS) && all_rows(s) > 0 &&
         s->dense.n > 0 && s->dense.k > 0 && !(call->algo && unfurl_conv_call_uses_blas(call->algo));
}

static unfurl_status prepare(unfurl_op_call *call, unfurl_error *error) {
  matmul_shape s;
  unfurl_tensor batch;
  unfurl_status status = describe(call, &s, &batch, error);
  if (status) return status;
  if (!uses_conv(call, &s)) {
    status = unfurl_conv_call_need_raw(call, WEIGHTS, error);
    return status ? status : unfurl_blas_prepare(call->context, error);
  }
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.batch = (int64_t)all_rows(&s), desc.ic = (int64_t)s.dense.k, desc.oc = (int64_t)s.dense.n;
  desc.tolerance = call->tolerance;
  desc.activation = call->node->activation, desc.alpha = call->node->alpha, desc.beta = call->node->beta;
  const unfurl_conv_weights_source source = {
      .weights = call->inputs[WEIGHTS]->data,
      .bias = unfurl_call_has_input(call, BIAS) ? call->inputs[BIAS]->data : NULL,
      .is_constant = true,
      .value = call->node->inputs[WEIGHTS],
      .transposed_rows = s.dense.k,
  };
  return unfurl_conv_call_prepare(call, &desc, &source, error);
}

/* Bias and activation of a layer that CBLAS has multiplied. */
static void finish(const unfurl_op_call *call) {
  const unfurl_tensor *y = call->outputs[0];
  if (unfurl_call_has_input(call, BIAS)) unfurl_binary_run(call->context, UNFURL_BINARY_ADD, y, call->inputs[BIAS], y);
  if (call->node->activation)
    unfurl_map_activation(call->context, call->node->activation, (const float[]){call->node->alpha, call->node->beta},
                          unfurl_tensor_count(y), y->data, y->data);
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  matmul_shape s;
  unfurl_tensor batch;
  if (call->state) return unfurl_conv_call_run(call, error);
  const unfurl_status status = describe(call, &s, &batch, error);
  if (status) return status;
  const float *a = call->inputs[X]->data, *b = call->inputs[WEIGHTS]->data;
  float *y = call->outputs[0]->data;
  size_t products = unfurl_walk_count(&s.walk);
  if (call->inputs[WEIGHTS]->rank <= 2) s.dense.m *= products, products = products ? 1 : 0; /* for all rows */
  for (size_t i = 0; i < products; i++) {
    const size_t at = (size_t)unfurl_walk_offset(&s.walk, 1, s.walk.rank, i);
    const size_t bt = (size_t)unfurl_walk_offset(&s.walk, 2, s.walk.rank, i);
    unfurl_dense_run(call->context, &s.dense, a + at * s.dense.m * s.dense.k, b + bt * s.dense.k * s.dense.n, NULL,
                     y + i * s.dense.m * s.dense.n);
  }
  finish(call);
  return UNFURL_OK;
}

static void describe_layer(const unfurl_op_call *call, unfurl_layer *layer) {
  matmul_shape s;
  unfurl_tensor batch;
  if (describe(call, &s, &batch, NULL)) return;
  layer->operations = (double)all_rows(&s) * (double)s.dense.n * (double)s.dense.k;
  if (unfurl_conv_call_is_constant(call, WEIGHTS)) layer->weights_bytes = s.dense.k * s.dense.n * sizeof(float);
  unfurl_conv_call_describe(call, layer);
}

const unfurl_op unfurl_op_matmul = {
    .type = "MatMul",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer,
    .prepare = prepare,
    .run = run,
    .is_awaited = unfurl_conv_call_is_awaited,
    .precede = unfurl_conv_call_precede,
    .release = unfurl_conv_call_release,
    .describe = describe_layer,
};
