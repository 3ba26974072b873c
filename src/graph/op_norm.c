/* SPDX-License-Identifier: BSD-2-Clause */
/* Normalisation with the statistics of the input itself: InstanceNormalization over each channel of an image,
 * GroupNormalization over some of its channels together, LayerNormalization over the last dimensions. */
#include "base/status.h"
#include "graph/op.h"
#include "nn/norm.h"
#include "shape/tensor.h"

enum { X, GAMMA, BETA, INPUTS };

static unfurl_status check_images(const unfurl_op_call *call, unfurl_error *error) {
  for (size_t i = X; i < INPUTS; i++) {
    const unfurl_status status = unfurl_call_check_f32(call, i, error);
    if (status) return status;
  }
  const size_t rank = call->inputs[X]->rank;
  return rank < 3 ? unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input has rank %zu", rank) : UNFURL_OK;
}

static unfurl_status check_factors(const unfurl_op_call *call, int64_t count, unfurl_error *error) {
  for (size_t i = GAMMA; i < INPUTS; i++)
    if (call->inputs[i]->rank != 1 || call->inputs[i]->dims[0] != count)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input %zu does not have %lld numbers", i, (long long)count);
  return UNFURL_OK;
}

static unfurl_status infer_instance(unfurl_op_call *call, unfurl_error *error) {
  unfurl_status status = check_images(call, error);
  if (!status) status = check_factors(call, call->inputs[X]->dims[1], error);
  return status ? status : unfurl_infer_same(call, error);
}

/* Floats of the workspace: mean and 1 / deviation of every channel of every image, the factors of one, and `lanes`. */
static unfurl_status need(unfurl_op_call *call, bool has_lanes, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X];
  const size_t lanes = has_lanes ? unfurl_channel_lanes(x) : 0, channels = (size_t)x->dims[1];
  size_t floats = unfurl_size_product(3, (const size_t[]){2, (size_t)x->dims[0], channels});
  unfurl_size_add(&floats, lanes);
  unfurl_size_add(&floats, channels);
  unfurl_size_add(&floats, channels);
  unfurl_size_mul(&floats, sizeof(float));
  call->workspace_size = floats;
  return floats == SIZE_MAX ? unfurl_fail(error, UNFURL_TOO_LARGE, "the workspace overflows") : UNFURL_OK;
}

static unfurl_status prepare_instance(unfurl_op_call *call, unfurl_error *error) {
  return need(call, true, error);
}

/* Statistics of `parts` equal parts of each image's channels, and factors for each channel or each part. */
typedef struct scaling {
  const float *mean, *inv_std;
  size_t parts;
  float *scale, *shift;
} scaling;

/* One image after the other: y = x * scale + shift with what its statistics make of gamma and beta. */
static void scale_images(const unfurl_op_call *call, const scaling *s) {
  const unfurl_tensor *gamma = call->inputs[GAMMA], *beta = call->inputs[BETA];
  const size_t images = (size_t)call->inputs[X]->dims[0], channels = (size_t)call->inputs[X]->dims[1];
  const size_t image = unfurl_tensor_count(call->inputs[X]) / images, factors = (size_t)gamma->dims[0];
  const unfurl_channel_scale by = {.scale = s->scale,
                                   .shift = s->shift,
                                   .activation = call->node->activation,
                                   .alpha = call->node->alpha,
                                   .beta = call->node->beta};
  unfurl_tensor x = *call->inputs[X], y = *call->outputs[0];
  x.dims[0] = y.dims[0] = 1;
  for (size_t n = 0; n < images; n++) {
    for (size_t c = 0; c < channels; c++) {
      const size_t part = n * s->parts + c * s->parts / channels, factor = c * factors / channels;
      const double scale = (double)((const float *)gamma->data)[factor] * (double)s->inv_std[part];
      s->scale[c] = (float)scale;
      s->shift[c] = (float)((double)((const float *)beta->data)[factor] - (double)s->mean[part] * scale);
    }
    x.data = (float *)call->inputs[X]->data + n * image;
    y.data = (float *)call->outputs[0]->data + n * image;
    unfurl_scale_channels(call->context, &x, &by, &y);
  }
}

static float epsilon_of(const unfurl_op_call *call) {
  return unfurl_node_float(call->node, "epsilon", 1e-5f);
}

static unfurl_status run_instance(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *x = call->inputs[X];
  const size_t channels = (size_t)x->dims[1], all = (size_t)x->dims[0] * channels;
  if (unfurl_tensor_count(x) == 0) return UNFURL_OK;
  float *mean = call->workspace, *inv_std = mean + all, *scale = inv_std + all, *lanes = scale + 2 * channels;
  unfurl_channel_statistics(call->context, x, epsilon_of(call), lanes, mean, inv_std);
  scale_images(call, &(scaling){mean, inv_std, channels, scale, scale + channels});
  return UNFURL_OK;
}

static const unfurl_attribute_spec INSTANCE_ATTRIBUTES[] = {{"epsilon", UNFURL_ATTRIBUTE_FLOAT},
                                                            {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_instance_norm = {
    .type = "InstanceNormalization",
    .min_inputs = INPUTS,
    .max_inputs = INPUTS,
    .max_outputs = 1,
    .attributes = INSTANCE_ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_instance,
    .prepare = prepare_instance,
    .run = run_instance,
};

/* Factors are one a group in opsets 18 to 20, one a channel since. */
static unfurl_status infer_group(unfurl_op_call *call, unfurl_error *error) {
  const int64_t groups = unfurl_node_int(call->node, "num_groups", 0);
  unfurl_status status = check_images(call, error);
  if (status) return status;
  const int64_t channels = call->inputs[X]->dims[1];
  if (groups < 1 || channels % groups != 0)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "%lld channels do not make %lld groups", (long long)channels,
                       (long long)groups);
  status = check_factors(call, call->model->options.opset < 21 ? groups : channels, error);
  return status ? status : unfurl_infer_same(call, error);
}

static unfurl_status prepare_group(unfurl_op_call *call, unfurl_error *error) {
  return need(call, false, error);
}

static unfurl_status run_group(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *x = call->inputs[X];
  const size_t groups = (size_t)unfurl_node_int(call->node, "num_groups", 1), channels = (size_t)x->dims[1];
  const size_t rows = (size_t)x->dims[0] * groups, count = unfurl_tensor_count(x);
  if (count == 0) return UNFURL_OK;
  float *mean = call->workspace, *inv_std = mean + rows, *scale = inv_std + rows;
  unfurl_row_statistics(call->context, x->data, (const size_t[]){rows, count / rows}, epsilon_of(call), mean, inv_std);
  scale_images(call, &(scaling){mean, inv_std, groups, scale, scale + channels});
  return UNFURL_OK;
}

static const unfurl_attribute_spec GROUP_ATTRIBUTES[] = {{"epsilon", UNFURL_ATTRIBUTE_FLOAT},
                                                         {"num_groups", UNFURL_ATTRIBUTE_INT},
                                                         {"stash_type", UNFURL_ATTRIBUTE_INT},
                                                         {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_group_norm = {
    .type = "GroupNormalization",
    .min_inputs = INPUTS,
    .max_inputs = INPUTS,
    .max_outputs = 1,
    .attributes = GROUP_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .is_image_wise = true,
    .infer = infer_group,
    .prepare = prepare_group,
    .run = run_group,
};

/* Rows, and their length: the dimensions before the axis, and from there on. */
static unfurl_status layer_shape(const unfurl_op_call *call, size_t *axis, size_t shape[2], unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X];
  const unfurl_status status =
      unfurl_axis_resolve(unfurl_node_int(call->node, "axis", -1), x->rank, false, axis, error);
  if (status) return status;
  shape[0] = shape[1] = 1;
  for (size_t i = 0; i < x->rank; i++) shape[i < *axis ? 0 : 1] *= (size_t)x->dims[i];
  return UNFURL_OK;
}

/* Factors must be as many as are normalised together; ONNX would broadcast fewer. */
static unfurl_status check_layer_factor(const unfurl_op_call *call, size_t input, size_t axis, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X], *factor = call->inputs[input];
  const unfurl_status status = unfurl_call_check_f32(call, input, error);
  if (status) return status;
  for (size_t from_end = 1; from_end <= x->rank - axis || from_end <= factor->rank; from_end++) {
    const int64_t expected = from_end <= x->rank - axis ? x->dims[x->rank - from_end] : 1;
    const int64_t dim = from_end <= factor->rank ? factor->dims[factor->rank - from_end] : 1;
    if (dim != expected)
      return unfurl_fail(error, UNFURL_UNSUPPORTED, "input %zu does not have the shape that is normalised", input);
  }
  return UNFURL_OK;
}

static unfurl_status infer_layer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X];
  size_t axis, shape[2];
  int64_t dims[UNFURL_MAX_RANK];
  unfurl_status status = unfurl_call_check_f32(call, X, error);
  if (!status) status = layer_shape(call, &axis, shape, error);
  if (!status) status = check_layer_factor(call, GAMMA, axis, error);
  if (!status && unfurl_call_has_input(call, BETA)) status = check_layer_factor(call, BETA, axis, error);
  if (status) return status;
  for (size_t i = 0; i < x->rank; i++) dims[i] = i < axis ? x->dims[i] : 1;
  for (size_t i = 1; i <= 2; i++)
    if (unfurl_call_has_output(call, i)) unfurl_tensor_init(call->outputs[i], UNFURL_F32, x->rank, dims, NULL);
  return unfurl_infer_same(call, error);
}

static unfurl_status prepare_layer(unfurl_op_call *call, unfurl_error *error) {
  size_t axis, shape[2];
  const unfurl_status status = layer_shape(call, &axis, shape, error);
  if (status) return status;
  call->workspace_size = unfurl_size_product(3, (const size_t[]){2, shape[0], sizeof(float)});
  return call->workspace_size == SIZE_MAX ? unfurl_fail(error, UNFURL_TOO_LARGE, "the workspace overflows") : UNFURL_OK;
}

static unfurl_status run_layer(const unfurl_op_call *call, unfurl_error *error) {
  size_t axis, shape[2];
  const unfurl_status status = layer_shape(call, &axis, shape, error);
  if (status) return status;
  float *mean = unfurl_call_has_output(call, 1) ? call->outputs[1]->data : call->workspace;
  float *inv_std = unfurl_call_has_output(call, 2) ? call->outputs[2]->data : (float *)call->workspace + shape[0];
  const unfurl_layer_norm norm = {.rows = shape[0],
                                  .length = shape[1],
                                  .gamma = call->inputs[GAMMA]->data,
                                  .beta = unfurl_call_has_input(call, BETA) ? call->inputs[BETA]->data : NULL,
                                  .mean = mean,
                                  .inv_std = inv_std};
  unfurl_row_statistics(call->context, call->inputs[X]->data, shape, epsilon_of(call), mean, inv_std);
  unfurl_layer_normalize(call->context, &norm, call->inputs[X]->data, call->outputs[0]->data);
  return UNFURL_OK;
}

static const unfurl_attribute_spec LAYER_ATTRIBUTES[] = {{"axis", UNFURL_ATTRIBUTE_INT},
                                                         {"epsilon", UNFURL_ATTRIBUTE_FLOAT},
                                                         {"stash_type", UNFURL_ATTRIBUTE_INT},
                                                         {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_layer_norm = {
    .type = "LayerNormalization",
    .min_inputs = 2,
    .max_inputs = INPUTS,
    .max_outputs = 3,
    .attributes = LAYER_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer_layer,
    .prepare = prepare_layer,
    .run = run_layer,
};
