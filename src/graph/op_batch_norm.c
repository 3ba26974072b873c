/* SPDX-License-Identifier: BSD-2-Clause */
/* BatchNormalization, as it is when a network is run. Behind a convolution it is folded into the weights
 * (fuse.c); elsewhere it may have an activation fused into it. */
#include "graph/op_batch_norm.h"

#include "base/status.h"
#include "graph/channel_rows.h"
#include "nn/norm.h"
#include "shape/tensor.h"

enum { X, GAMMA, BETA, MEAN, VARIANCE, INPUTS };

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X];
  if (unfurl_node_int(call->node, "training_mode", 0) || !unfurl_node_int(call->node, "is_test", 1))
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "training_mode is 1, or is_test 0; networks are only run here");
  if (!unfurl_node_int(call->node, "spatial", 1))
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "spatial = 0 is not implemented");
  if (x->rank < 2) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input has rank %zu", x->rank);
  for (size_t i = X; i < INPUTS; i++) {
    const unfurl_status status = unfurl_call_check_f32(call, i, error);
    if (status) return status;
    if (i > X && (call->inputs[i]->rank != 1 || call->inputs[i]->dims[0] != x->dims[1]))
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input %zu does not have one number for each of %lld channels",
                         i, (long long)x->dims[1]);
  }
  return unfurl_infer_same(call, error);
}

static unfurl_status prepare(unfurl_op_call *call, unfurl_error *error) {
  call->workspace_size = unfurl_size_product(3, (const size_t[]){2, (size_t)call->inputs[X]->dims[1], sizeof(float)});
  return call->workspace_size == SIZE_MAX ? unfurl_fail(error, UNFURL_TOO_LARGE, "the workspace overflows") : UNFURL_OK;
}

unfurl_batch_norm unfurl_batch_norm_of(const unfurl_node *node, const unfurl_tensor *const parameters[4]) {
  return (unfurl_batch_norm){.gamma = parameters[0]->data,
                             .beta = parameters[1]->data,
                             .mean = parameters[2]->data,
                             .variance = parameters[3]->data,
                             .epsilon = unfurl_node_float(node, "epsilon", 1e-5f)};
}

void unfurl_batch_norm_make_factors(const unfurl_op_call *call, float *factors) {
  const size_t channels = (size_t)call->inputs[X]->dims[1];
  const unfurl_batch_norm norm =
      unfurl_batch_norm_of(call->node, (const unfurl_tensor *const[4]){call->inputs[GAMMA], call->inputs[BETA],
                                                                       call->inputs[MEAN], call->inputs[VARIANCE]});
  unfurl_batch_norm_factors(&norm, channels, factors, factors + channels);
}

unfurl_channel_scale unfurl_batch_norm_scale_of(const unfurl_op_call *call, const float *factors) {
  return (unfurl_channel_scale){.scale = factors,
                                .shift = factors + call->inputs[X]->dims[1],
                                .activation = call->node->activation,
                                .alpha = call->node->alpha,
                                .beta = call->node->beta};
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  unfurl_batch_norm_make_factors(call, call->workspace);
  const unfurl_channel_scale by = unfurl_batch_norm_scale_of(call, call->workspace);
  unfurl_scale_channels(call->context, call->inputs[X], &by, call->outputs[0]);
  return UNFURL_OK;
}

static const unfurl_attribute_spec ATTRIBUTES[] = {
    {"epsilon", UNFURL_ATTRIBUTE_FLOAT},     {"is_test", UNFURL_ATTRIBUTE_INT}, /* before opset 7 */
    {"momentum", UNFURL_ATTRIBUTE_FLOAT},    {"spatial", UNFURL_ATTRIBUTE_INT},
    {"training_mode", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_batch_norm = {
    .type = "BatchNormalization",
    .min_inputs = INPUTS,
    .max_inputs = INPUTS,
    .max_outputs = 1,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer,
    .prepare = prepare,
    .run = run,
    .rows = &unfurl_batch_norm_rows,
};
