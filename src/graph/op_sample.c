/* SPDX-License-Identifier: BSD-2-Clause */
/* GridSample and RoiAlign: images that are sampled where other inputs say. */
#include <stdint.h>
#include <string.h>

#include "base/status.h"
#include "graph/op_indices.h"
#include "nn/indices.h"
#include "nn/sample.h"
#include "shape/tensor.h"

/* Which of the names the attribute has: its number in a list that NULL ends. */
static unfurl_status read_name(const unfurl_op_call *call, const char *attribute, const char *const *names,
                               size_t *found, unfurl_error *error) {
  const char *name = unfurl_node_string(call->node, attribute, names[0]);
  for (*found = 0; names[*found]; ++*found)
    if (!strcmp(names[*found], name)) return UNFURL_OK;
  return unfurl_fail(error, UNFURL_UNSUPPORTED, "%s = \"%s\" is not implemented", attribute, name);
}

/* An image with pixels, and f32 for its places. */
static unfurl_status check_inputs(const unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0];
  for (size_t i = 0; i < 2; i++) {
    const unfurl_status status = unfurl_call_check_f32(call, i, error);
    if (status) return status;
  }
  if (x->rank != 4) return unfurl_fail(error, UNFURL_UNSUPPORTED, "its input has rank %zu; 4 is implemented", x->rank);
  return x->dims[2] > 0 && x->dims[3] > 0 ? UNFURL_OK
                                          : unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input has no pixels");
}

enum { X, GRID };

/* The names of newer opsets stand behind those of opset 16. */
static unfurl_status read_how(const unfurl_op_call *call, unfurl_grid_sample *how, unfurl_error *error) {
  static const char *const modes[] = {"bilinear", "nearest", "bicubic", "linear", "cubic", NULL};
  static const unfurl_resize_mode mode_of[] = {UNFURL_RESIZE_LINEAR, UNFURL_RESIZE_NEAREST, UNFURL_RESIZE_CUBIC,
                                               UNFURL_RESIZE_LINEAR, UNFURL_RESIZE_CUBIC};
  static const char *const paddings[] = {"zeros", "border", "reflection", NULL};
  size_t mode, padding;
  unfurl_status status = read_name(call, "mode", modes, &mode, error);
  if (!status) status = read_name(call, "padding_mode", paddings, &padding, error);
  if (status) return status;
  *how = (unfurl_grid_sample){.mode = mode_of[mode],
                              .padding = (unfurl_sample_padding)padding,
                              .align_corners = unfurl_node_int(call->node, "align_corners", 0) != 0};
  return UNFURL_OK;
}

static unfurl_status infer_grid(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X], *grid = call->inputs[GRID];
  unfurl_grid_sample how;
  unfurl_status status = check_inputs(call, error);
  if (!status) status = read_how(call, &how, error);
  if (status) return status;
  if (grid->rank != 4 || grid->dims[0] != x->dims[0] || grid->dims[3] != 2)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT,
                       "its grid does not have two numbers for each pixel of %lld images", (long long)x->dims[0]);
  unfurl_tensor_init(call->outputs[0], UNFURL_F32, 4,
                     (const int64_t[]){x->dims[0], x->dims[1], grid->dims[1], grid->dims[2]}, NULL);
  return UNFURL_OK;
}

static unfurl_status run_grid(const unfurl_op_call *call, unfurl_error *error) {
  unfurl_grid_sample how;
  const unfurl_status status = read_how(call, &how, error);
  if (status || unfurl_tensor_count(call->outputs[0]) == 0) return status;
  unfurl_grid_sample_run(call->context, &how, call->inputs[X], call->inputs[GRID]->data, call->outputs[0]);
  return UNFURL_OK;
}

static const unfurl_attribute_spec GRID_ATTRIBUTES[] = {{"align_corners", UNFURL_ATTRIBUTE_INT},
                                                        {"mode", UNFURL_ATTRIBUTE_STRING},
                                                        {"padding_mode", UNFURL_ATTRIBUTE_STRING},
                                                        {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_grid_sample = {
    .type = "GridSample",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .attributes = GRID_ATTRIBUTES,
    .layout = UNFURL_OP_IMAGE,
    .infer = infer_grid,
    .run = run_grid,
};

enum { REGIONS = 1, IMAGES, ROI_INPUTS, MOST_RATIO = 256 };

static unfurl_status read_roi(const unfurl_op_call *call, unfurl_roi_align *how, unfurl_error *error) {
  static const char *const modes[] = {"avg", NULL}, *const corners[] = {"half_pixel", "output_half_pixel", NULL};
  const int64_t ratio = unfurl_node_int(call->node, "sampling_ratio", 0);
  size_t mode, corner;
  unfurl_status status = read_name(call, "mode", modes, &mode, error);
  if (!status) status = read_name(call, "coordinate_transformation_mode", corners, &corner, error);
  if (status) return status;
  if (ratio < 0 || ratio > MOST_RATIO)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "sampling_ratio is %lld; 0 to %d are implemented", (long long)ratio,
                       MOST_RATIO);
  *how = (unfurl_roi_align){.scale = unfurl_node_float(call->node, "spatial_scale", 1),
                            .ratio = (size_t)ratio,
                            .half_pixel = call->model->options.opset >= 16 && corner == 0};
  return UNFURL_OK;
}

static unfurl_status infer_roi(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X], *regions = call->inputs[REGIONS], *images = call->inputs[IMAGES];
  const int64_t height = unfurl_node_int(call->node, "output_height", 1);
  const int64_t width = unfurl_node_int(call->node, "output_width", 1);
  unfurl_roi_align how;
  unfurl_status status = check_inputs(call, error);
  if (!status) status = unfurl_indices_check(call, IMAGES, error);
  if (!status) status = read_roi(call, &how, error);
  if (status) return status;
  if (regions->rank != 2 || regions->dims[1] != 4 || images->rank != 1 || images->dims[0] != regions->dims[0])
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its regions do not have four numbers and an image each");
  if (height < 1 || width < 1)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its output is %lld x %lld", (long long)height,
                       (long long)width);
  unfurl_tensor_init(call->outputs[0], UNFURL_F32, 4, (const int64_t[]){regions->dims[0], x->dims[1], height, width},
                     NULL);
  return UNFURL_OK;
}

/* Room for the numbers of images, when they have been looked at. */
static unfurl_status prepare_roi(unfurl_op_call *call, unfurl_error *error) {
  size_t bytes = (size_t)call->inputs[IMAGES]->dims[0];
  if (!unfurl_size_mul(&bytes, sizeof(size_t))) return unfurl_fail(error, UNFURL_TOO_LARGE, "the workspace overflows");
  call->workspace_size = bytes;
  return UNFURL_OK;
}

static unfurl_status run_roi(const unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X];
  size_t *images = call->workspace;
  unfurl_roi_align how;
  const unfurl_status status = read_roi(call, &how, error);
  if (status || unfurl_tensor_count(call->outputs[0]) == 0) return status;
  for (size_t i = 0; i < (size_t)call->inputs[IMAGES]->dims[0]; i++) {
    const int64_t image = unfurl_index_at(call->inputs[IMAGES], i);
    if (image < 0 || image >= x->dims[0]) return unfurl_indices_fail(i, error);
    images[i] = (size_t)image;
  }
  unfurl_roi_align_run(call->context, &how, x, call->inputs[REGIONS]->data, images, call->outputs[0]);
  return UNFURL_OK;
}

static const unfurl_attribute_spec ROI_ATTRIBUTES[] = {{"coordinate_transformation_mode", UNFURL_ATTRIBUTE_STRING},
                                                       {"mode", UNFURL_ATTRIBUTE_STRING},
                                                       {"output_height", UNFURL_ATTRIBUTE_INT},
                                                       {"output_width", UNFURL_ATTRIBUTE_INT},
                                                       {"sampling_ratio", UNFURL_ATTRIBUTE_INT},
                                                       {"spatial_scale", UNFURL_ATTRIBUTE_FLOAT},
                                                       {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_roi_align = {
    .type = "RoiAlign",
    .min_inputs = ROI_INPUTS,
    .max_inputs = ROI_INPUTS,
    .max_outputs = 1,
    .attributes = ROI_ATTRIBUTES,
    .layout = UNFURL_OP_IMAGE,
    .infer = infer_roi,
    .prepare = prepare_roi,
    .run = run_roi,
};
