/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators that map each element by itself, and Softmax with its logarithm. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "graph/op.h"
#include "nn/elementwise.h"
#include "nn/softmax.h"
#include "shape/tensor.h"

static unfurl_status infer_map(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_status status = unfurl_call_check_f32(call, 0, error);
  return status ? status : unfurl_infer_same(call, error);
}

static unfurl_status map(const unfurl_op_call *call, unfurl_activation activation, float alpha, float beta) {
  unfurl_map_activation(call->context, activation, (const float[]){alpha, beta}, unfurl_tensor_count(call->inputs[0]),
                        call->inputs[0]->data, call->outputs[0]->data);
  return UNFURL_OK;
}

/* Of those whose parameters are attributes: as fusion reads them. */
static unfurl_status run_map(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  float alpha = 0, beta = 0;
  const unfurl_activation activation = unfurl_graph_activation_of(call->model, call->node, &alpha, &beta);
  return map(call, activation, alpha, beta);
}

const unfurl_op unfurl_op_relu = {
    .type = "Relu",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_map,
    .run = run_map,
};

const unfurl_op unfurl_op_tanh = {
    .type = "Tanh",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_map,
    .run = run_map,
};

const unfurl_op unfurl_op_sigmoid = {
    .type = "Sigmoid",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_map,
    .run = run_map,
};

static const unfurl_attribute_spec ALPHA_ATTRIBUTES[] = {{"alpha", UNFURL_ATTRIBUTE_FLOAT},
                                                         {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_leaky_relu = {
    .type = "LeakyRelu",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = ALPHA_ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_map,
    .run = run_map,
};

const unfurl_op unfurl_op_hard_swish = {
    .type = "HardSwish",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_map,
    .run = run_map,
};

static const unfurl_attribute_spec ALPHA_BETA_ATTRIBUTES[] = {
    {"alpha", UNFURL_ATTRIBUTE_FLOAT}, {"beta", UNFURL_ATTRIBUTE_FLOAT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_hard_sigmoid = {
    .type = "HardSigmoid",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = ALPHA_BETA_ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_map,
    .run = run_map,
};

static unfurl_status infer_gelu(unfurl_op_call *call, unfurl_error *error) {
  const char *form = unfurl_node_string(call->node, "approximate", "none");
  if (strcmp(form, "none") != 0)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "approximate = \"%s\" is not implemented", form);
  return infer_map(call, error);
}

static const unfurl_attribute_spec GELU_ATTRIBUTES[] = {{"approximate", UNFURL_ATTRIBUTE_STRING},
                                                        {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_gelu = {
    .type = "Gelu",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = GELU_ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_gelu,
    .run = run_map,
};

/* A bound of Clip: an attribute before opset 11, an input since; `otherwise` where it is left out. */
static float clip_bound(const unfurl_op_call *call, const char *name, size_t input, float otherwise) {
  if (!unfurl_call_has_input(call, input)) return unfurl_node_float(call->node, name, otherwise);
  return *(const float *)call->inputs[input]->data;
}

static unfurl_status infer_clip(unfurl_op_call *call, unfurl_error *error) {
  for (size_t i = 1; i < call->node->input_count; i++) {
    if (!call->inputs[i]) continue;
    const unfurl_status status = unfurl_call_check_f32(call, i, error);
    if (status) return status;
    if (unfurl_tensor_count(call->inputs[i]) != 1)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input %zu is not one number", i);
  }
  return infer_map(call, error);
}

static unfurl_status run_clip(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  return map(call, UNFURL_ACTIVATION_CLIP, clip_bound(call, "min", 1, -INFINITY), clip_bound(call, "max", 2, INFINITY));
}

static const unfurl_attribute_spec CLIP_ATTRIBUTES[] = {
    {"min", UNFURL_ATTRIBUTE_FLOAT}, {"max", UNFURL_ATTRIBUTE_FLOAT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_clip = {
    .type = "Clip",
    .min_inputs = 1,
    .max_inputs = 3,
    .max_outputs = 1,
    .attributes = CLIP_ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_clip,
    .run = run_clip,
};

/* The tensor as [outer][length][inner]. Before opset 13, softmax took all dimensions from the axis on together. */
static unfurl_status softmax_shape(const unfurl_op_call *call, size_t shape[3], unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0];
  const bool together = call->model->options.opset < 13;
  size_t axis;
  const unfurl_status status =
      unfurl_axis_resolve(unfurl_node_int(call->node, "axis", together ? 1 : -1), x->rank, together, &axis, error);
  if (status) return status;
  shape[0] = shape[1] = shape[2] = 1;
  for (size_t i = 0; i < x->rank; i++) {
    const size_t part = i < axis ? 0 : i == axis || together ? 1 : 2;
    shape[part] *= (size_t)x->dims[i];
  }
  return UNFURL_OK;
}

static unfurl_status infer_softmax(unfurl_op_call *call, unfurl_error *error) {
  size_t shape[3];
  const unfurl_status status = softmax_shape(call, shape, error);
  return status ? status : infer_map(call, error);
}

static unfurl_status run_softmax(const unfurl_op_call *call, unfurl_error *error) {
  size_t shape[3];
  const unfurl_status status = softmax_shape(call, shape, error);
  if (status || unfurl_tensor_count(call->inputs[0]) == 0) return status;
  const bool is_log = call->node->op == &unfurl_op_log_softmax;
  (is_log ? unfurl_log_softmax : unfurl_softmax)(call->context, shape, call->inputs[0]->data, call->outputs[0]->data);
  return UNFURL_OK;
}

static const unfurl_attribute_spec SOFTMAX_ATTRIBUTES[] = {{"axis", UNFURL_ATTRIBUTE_INT},
                                                           {NULL, UNFURL_ATTRIBUTE_INT}};

/* What both rows have in common. */
#define SOFTMAX                                                                                                        \
  .min_inputs = 1, .max_inputs = 1, .max_outputs = 1, .attributes = SOFTMAX_ATTRIBUTES, .layout = UNFURL_OP_ROW_MAJOR, \
  .infer = infer_softmax, .run = run_softmax

const unfurl_op unfurl_op_log_softmax = {.type = "LogSoftmax", SOFTMAX};
const unfurl_op unfurl_op_softmax = {.type = "Softmax", SOFTMAX};
