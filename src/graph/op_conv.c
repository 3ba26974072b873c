/* SPDX-License-Identifier: BSD-2-Clause */
/* Conv and ConvTranspose: a plan of conv/, with the activation that was fused into the node. */
#include "base/status.h"
#include "graph/conv_call.h"
#include "graph/window.h"
#include "shape/tensor.h"

/* Channels as the weights have them: (oc, ic / groups, ...), or (ic, oc / groups, ...) for the transposed one. */
typedef struct conv_channels {
  int64_t ic, oc, groups;
} conv_channels;

static bool is_transposed(const unfurl_op_call *call) {
  return call->node->op == &unfurl_op_conv_transpose;
}

static unfurl_status read_channels(const unfurl_op_call *call, conv_channels *channels, unfurl_error *error) {
  const unfurl_tensor *in = call->inputs[0], *weights = call->inputs[1];
  const int64_t groups = unfurl_node_int(call->node, "group", 1);
  if (in->rank < 3 || weights->rank != in->rank)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input has rank %zu, its weights have rank %zu", in->rank,
                       weights->rank);
  if (groups < 1 || weights->dims[1] < 1 || weights->dims[1] > INT64_MAX / groups)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "group is %lld, with weights for %lld channels each",
                       (long long)groups, (long long)weights->dims[1]);
  const int64_t first = weights->dims[0], second = weights->dims[1] * groups;
  *channels = is_transposed(call) ? (conv_channels){first, second, groups} : (conv_channels){second, first, groups};
  if (channels->ic != in->dims[1])
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input has %lld channels, its weights are for %lld",
                       (long long)in->dims[1], (long long)channels->ic);
  if (unfurl_call_has_input(call, 2) && (call->inputs[2]->rank != 1 || call->inputs[2]->dims[0] != channels->oc))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its bias does not have one number for each of %lld filters",
                       (long long)channels->oc);
  for (size_t i = 0; i < call->node->input_count; i++) {
    const unfurl_status status = call->inputs[i] ? unfurl_call_check_f32(call, i, error) : UNFURL_OK;
    if (status) return status;
  }
  return UNFURL_OK;
}

static unfurl_status describe(const unfurl_op_call *call, unfurl_conv_desc *desc, unfurl_window *w,
                              unfurl_error *error) {
  conv_channels channels = {0, 0, 0};
  unfurl_status status = read_channels(call, &channels, error);
  if (status) return status;
  status = is_transposed(call) ? unfurl_window_read_transposed(call, call->inputs[1]->dims + 2, w, error)
                               : unfurl_window_read(call, call->inputs[1]->dims + 2, w, error);
  if (status) return status;
  unfurl_conv_desc_init(desc);
  desc->batch = call->inputs[0]->dims[0];
  desc->ic = channels.ic, desc->oc = channels.oc, desc->groups = channels.groups;
  desc->ih = w->in[0], desc->iw = w->in[1];
  desc->kh = w->taps[0], desc->kw = w->taps[1];
  desc->stride_h = w->stride[0], desc->stride_w = w->stride[1];
  desc->dilation_h = w->dilation[0], desc->dilation_w = w->dilation[1];
  desc->pad_top = w->pad_before[0], desc->pad_left = w->pad_before[1];
  desc->pad_bottom = w->pad_after[0], desc->pad_right = w->pad_after[1];
  desc->output_pad_h = w->output_pad[0], desc->output_pad_w = w->output_pad[1];
  desc->transposed = is_transposed(call);
  desc->weights_layout = UNFURL_OIHW;
  desc->activation = call->node->activation;
  desc->alpha = call->node->alpha, desc->beta = call->node->beta;
  desc->tolerance = call->tolerance;
  return UNFURL_OK;
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  unfurl_conv_desc desc;
  unfurl_window window;
  int64_t size[2];
  unfurl_status status = describe(call, &desc, &window, error);
  if (!status) status = unfurl_conv_output_size(&desc, &size[0], &size[1], error);
  if (!status) unfurl_window_output(call, &window, desc.oc, size);
  return status;
}

static unfurl_status prepare(unfurl_op_call *call, unfurl_error *error) {
  unfurl_conv_desc desc;
  unfurl_window window;
  const unfurl_status status = describe(call, &desc, &window, error);
  if (status) return status;
  const bool has_bias = unfurl_call_has_input(call, 2);
  const bool is_constant =
      unfurl_conv_call_is_constant(call, 1) && (!has_bias || unfurl_conv_call_is_constant(call, 2));
  const bool known = is_constant || (call->inputs[1]->data && (!has_bias || call->inputs[2]->data));
  const unfurl_conv_weights_source source = {
      .weights = known ? call->inputs[1]->data : NULL,
      .bias = known && has_bias ? call->inputs[2]->data : NULL,
      .is_constant = is_constant,
      .value = call->node->inputs[1],
  };
  return unfurl_conv_call_prepare(call, &desc, &source, error);
}

static void describe_layer(const unfurl_op_call *call, unfurl_layer *layer) {
  unfurl_conv_call_describe(call, layer);
  if (unfurl_call_has_input(call, UNFURL_CONV_RESIDUAL))
    layer->op_type = is_transposed(call) ? "ConvTranspose + Add" : "Conv + Add";
  /* Each element of one side (dst; src when transposed) meets kh * kw * channels / groups weights. */
  const unfurl_tensor *pixels = is_transposed(call) ? call->inputs[0] : call->outputs[0];
  const unfurl_tensor *weights = call->inputs[1];
  layer->operations =
      (double)unfurl_tensor_count(pixels) * (double)unfurl_tensor_count(weights) / (double)weights->dims[0];
}

static const unfurl_attribute_spec CONV_ATTRIBUTES[] = {
    UNFURL_WINDOW_ATTRIBUTES, {"group", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_conv = {
    .type = "Conv",
    .min_inputs = 2,
    .max_inputs = 3,
    .max_outputs = 1,
    .attributes = CONV_ATTRIBUTES,
    .layout = UNFURL_OP_IMAGE,
    .is_image_wise = true,
    .infer = infer,
    .prepare = prepare,
    .run = unfurl_conv_call_run,
    .is_awaited = unfurl_conv_call_is_awaited,
    .precede = unfurl_conv_call_precede,
    .release = unfurl_conv_call_release,
    .describe = describe_layer,
    .rows = &unfurl_conv_call_rows,
};

static const unfurl_attribute_spec TRANSPOSE_ATTRIBUTES[] = {UNFURL_WINDOW_ATTRIBUTES,
                                                             {"group", UNFURL_ATTRIBUTE_INT},
                                                             {"output_padding", UNFURL_ATTRIBUTE_INTS},
                                                             {"output_shape", UNFURL_ATTRIBUTE_INTS},
                                                             {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_conv_transpose = {
    .type = "ConvTranspose",
    .min_inputs = 2,
    .max_inputs = 3,
    .max_outputs = 1,
    .attributes = TRANSPOSE_ATTRIBUTES,
    .layout = UNFURL_OP_IMAGE,
    .is_image_wise = true,
    .infer = infer,
    .prepare = prepare,
    .run = unfurl_conv_call_run,
    .is_awaited = unfurl_conv_call_is_awaited,
    .precede = unfurl_conv_call_precede,
    .release = unfurl_conv_call_release,
    .describe = describe_layer,
};
