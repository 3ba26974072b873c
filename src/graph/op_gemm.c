/* SPDX-License-Identifier: BSD-2-Clause */
/* Gemm: the fully connected layer. */
#include "base/status.h"
#include "gemm/blas.h"
#include "graph/op.h"
#include "nn/dense.h"

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
  const unfurl_tensor *a = call->inputs[0], *b = call->inputs[1];
  for (size_t i = 0; i < call->node->input_count; i++) {
    const unfurl_status status = call->inputs[i] ? unfurl_call_check_f32(call, i, error) : UNFURL_OK;
    if (status) return status;
  }
  if (a->rank != 2 || b->rank != 2)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its inputs have ranks %zu and %zu, not 2", a->rank, b->rank);
  *dense = (unfurl_dense){
      .transpose_x = unfurl_node_int(call->node, "transA", 0) != 0,
      .transpose_weights = unfurl_node_int(call->node, "transB", 0) != 0,
      .alpha = unfurl_node_float(call->node, "alpha", 1),
      .beta = unfurl_node_float(call->node, "beta", 1),
  };
  dense->m = (size_t)a->dims[dense->transpose_x ? 1 : 0];
  dense->k = (size_t)a->dims[dense->transpose_x ? 0 : 1];
  dense->n = (size_t)b->dims[dense->transpose_weights ? 0 : 1];
  const size_t k = (size_t)b->dims[dense->transpose_weights ? 1 : 0];
  if (k != dense->k)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "it multiplies rows of %zu by columns of %zu", dense->k, k);
  if (unfurl_call_has_input(call, 2) && !broadcast_c(call->inputs[2], dense))
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

static unfurl_status prepare(unfurl_op_call *call, unfurl_error *error) {
  return unfurl_blas_prepare(call->context, error);
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  unfurl_dense dense;
  const unfurl_status status = describe(call, &dense, error);
  if (status) return status;
  unfurl_dense_run(call->context, &dense, call->inputs[0]->data, call->inputs[1]->data,
                   unfurl_call_has_input(call, 2) ? call->inputs[2]->data : NULL, call->outputs[0]->data);
  return UNFURL_OK;
}

static void describe_layer(const unfurl_op_call *call, unfurl_layer *layer) {
  unfurl_dense dense;
  if (describe(call, &dense, NULL)) return;
  layer->operations = (double)dense.m * (double)dense.n * (double)dense.k;
  layer->weights_bytes = dense.k * dense.n * sizeof(float);
}

static const unfurl_attribute_spec ATTRIBUTES[] = {{"alpha", UNFURL_ATTRIBUTE_FLOAT},
                                                   {"beta", UNFURL_ATTRIBUTE_FLOAT},
                                                   {"transA", UNFURL_ATTRIBUTE_INT},
                                                   {"transB", UNFURL_ATTRIBUTE_INT},
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
    .describe = describe_layer,
};
