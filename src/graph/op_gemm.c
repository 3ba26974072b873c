/* SPDX-License-Identifier: BSD-2-Clause */
/* Gemm: the fully connected layer.
 *
 * With constant weights it is a 1x1 convolution over a batch of images of one pixel, and so runs on the same packed
 * weights and the same kernel, with the same bits at any batch. Otherwise, and where the session asks for a CBLAS solver,
 * it is one SGEMV or SGEMM.
 */
#include "base/status.h"
#include "gemm/blas.h"
#include "graph/conv_call.h"
#include "graph/op.h"
#include "nn/dense.h"
#include "nn/elementwise.h"
#include "shape/tensor.h"

enum { X, WEIGHTS, C };

/* Floats from one index of the last dimensions of c to the next; false if c does not broadcast to m x n. */
static bool broadcast_c(const unfurl_tensor *c, unfurl_dense *dense) {
  if (c->rank > 2) return false;
  const int64_t rows = c->rank == 2 ? c->dims[0] : 1, cols = c->rank >= 1 ? c->dims[c->rank - 1] : 1;
  if ((rows != 1 && rows != (int64_t)dense->m) || (cols != 1 && cols != (int64_t)dense->n)) return false;
  dense->c_col = cols == 1 ? 0 : 1;
  dense->c_row = rows == 1 ? 0 : (size_t)cols;
  return true;
}

static unfurl_status describe(const unfurl_op_call *call, unfurl_dense *dense, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X], *weights = call->inputs[WEIGHTS];
  for (size_t i = 0; i < call->node->input_count; i++) {
    const unfurl_status status = call->inputs[i] ? unfurl_call_check_f32(call, i, error) : UNFURL_OK;
    if (status) return status;
  }
  if (x->rank != 2 || weights->rank != 2)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its inputs have ranks %zu and %zu, not 2", x->rank,
                       weights->rank);
  *dense = (unfurl_dense){
      .transpose_x = unfurl_node_int(call->node, "transA", 0) != 0,
      .transpose_weights = unfurl_node_int(call->node, "transB", 0) != 0,
      .alpha = unfurl_node_float(call->node, "alpha", 1),
      .beta = unfurl_node_float(call->node, "beta", 1),
  };
  dense->m = (size_t)x->dims[dense->transpose_x ? 1 : 0];
  dense->k = (size_t)x->dims[dense->transpose_x ? 0 : 1];
  dense->n = (size_t)weights->dims[dense->transpose_weights ? 0 : 1];
  const size_t k = (size_t)weights->dims[dense->transpose_weights ? 1 : 0];
  if (k != dense->k)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "it multiplies rows of %zu by columns of %zu", dense->k, k);
  if (unfurl_call_has_input(call, C) && !broadcast_c(call->inputs[C], dense))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input C does not broadcast to %zu x %zu", dense->m,
                       dense->n);
  if (!unfurl_dense_fits(dense)) return unfurl_fail(error, UNFURL_TOO_LARGE, "a dimension is over 2^31 - 1");
  return UNFURL_OK;
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  unfurl_dense dense;
  const unfurl_status status = describe(call, &dense, error);
  if (status) return status;
  unfurl_tensor_init(call->outputs[0], UNFURL_F32, 2, (const int64_t[]){(int64_t)dense.m, (int64_t)dense.n}, NULL);
  return UNFURL_OK;
}

/* Whether it is the layer that a convolution can be: constant weights, and a constant bias or none. */
static bool is_layer(const unfurl_op_call *call, const unfurl_dense *dense) {
  if (dense->transpose_x || dense->alpha != 1 || dense->m == 0 || dense->n == 0 || dense->k == 0) return false;
  if (!unfurl_conv_call_is_constant(call, WEIGHTS)) return false;
  if (!unfurl_call_has_input(call, C)) return true;
  return unfurl_conv_call_is_constant(call, C) && dense->beta == 1 && dense->c_row == 0 &&
         unfurl_tensor_count(call->inputs[C]) == dense->n;
}

/* The named solver is asked for by those who want CBLAS, or the reference; neither has the conv form of this layer. */
static bool uses_conv(const unfurl_op_call *call, const unfurl_dense *dense) {
  return is_layer(call, dense) && !(call->algo && unfurl_conv_call_uses_blas(call->algo));
}

static unfurl_status prepare(unfurl_op_call *call, unfurl_error *error) {
  unfurl_dense dense;
  const unfurl_status status = describe(call, &dense, error);
  if (status) return status;
  if (!uses_conv(call, &dense)) {
    const unfurl_status found = unfurl_conv_call_need_raw(call, WEIGHTS, error);
    return found ? found : unfurl_blas_prepare(call->context, error);
  }
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.batch = (int64_t)dense.m, desc.ic = (int64_t)dense.k, desc.oc = (int64_t)dense.n;
  desc.tolerance = call->tolerance;
  desc.activation = call->node->activation, desc.alpha = call->node->alpha, desc.beta = call->node->beta;
  const unfurl_conv_weights_source source = {
      .weights = call->inputs[WEIGHTS]->data,
      .bias = unfurl_call_has_input(call, C) ? call->inputs[C]->data : NULL,
      .is_constant = true,
      .value = call->node->inputs[WEIGHTS],
      .transposed_rows = dense.transpose_weights ? 0 : dense.k,
  };
  return unfurl_conv_call_prepare(call, &desc, &source, error);
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  unfurl_dense dense;
  if (call->state) return unfurl_conv_call_run(call, error);
  const unfurl_status status = describe(call, &dense, error);
  if (status) return status;
  unfurl_dense_run(call->context, &dense, call->inputs[X]->data, call->inputs[WEIGHTS]->data,
                   unfurl_call_has_input(call, C) ? call->inputs[C]->data : NULL, call->outputs[0]->data);
  if (call->node->activation)
    unfurl_map_activation(call->context, call->node->activation, (const float[]){call->node->alpha, call->node->beta},
                          dense.m * dense.n, call->outputs[0]->data, call->outputs[0]->data);
  return UNFURL_OK;
}

static void describe_layer(const unfurl_op_call *call, unfurl_layer *layer) {
  unfurl_dense dense;
  if (describe(call, &dense, NULL)) return;
  layer->operations = (double)dense.m * (double)dense.n * (double)dense.k;
  layer->weights_bytes = dense.k * dense.n * sizeof(float);
  unfurl_conv_call_describe(call, layer);
}

static const unfurl_attribute_spec ATTRIBUTES[] = {
    {"alpha", UNFURL_ATTRIBUTE_FLOAT},   {"beta", UNFURL_ATTRIBUTE_FLOAT},
    {"broadcast", UNFURL_ATTRIBUTE_INT}, /* before opset 7: C may be */
    {"transA", UNFURL_ATTRIBUTE_INT},    {"transB", UNFURL_ATTRIBUTE_INT},
    {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_gemm = {
    .type = "Gemm",
    .min_inputs = 2,
    .max_inputs = 3,
    .max_outputs = 1,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer,
    .prepare = prepare,
    .run = run,
    .is_awaited = unfurl_conv_call_is_awaited,
    .precede = unfurl_conv_call_precede,
    .release = unfurl_conv_call_release,
    .describe = describe_layer,
};
