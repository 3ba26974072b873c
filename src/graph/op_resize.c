/* SPDX-License-Identifier: BSD-2-Clause */
/* Resize, and Upsample, which came before it. Inside, every dimension has a size and a scale, whichever the node gives;
 * Upsample and Resize before opset 11 know asymmetric coordinates only, rounded down.
 */
#include <math.h>
#include <string.h>

#include "base/fpenv.h"
#include "base/status.h"
#include "graph/op.h"
#include "nn/resize.h"
#include "shape/tensor.h"

enum { X, ROI, SCALES, SIZES, SIMPLE_SCALES = 1 /* of Upsample, and of Resize before opset 11 */ };

#define SIZE_LIMIT (INT64_C(1) << 40)

/* What the node says, resolved. */
typedef struct resize_spec {
  unfurl_resize_rule rule;
  unfurl_resize_axis axes[UNFURL_MAX_RANK];
  size_t listed[UNFURL_MAX_RANK], listed_count; /* the dimensions that scales, sizes and roi speak of */
  bool by_size, keeps_aspect;                   /* sizes are given; and all axes get one scale */
} resize_spec;

typedef struct choice {
  const char *name; /* NULL ends the list */
  int value;
} choice;

static const choice MODES[] = {{"nearest", UNFURL_RESIZE_NEAREST},
                               {"linear", UNFURL_RESIZE_LINEAR},
                               {"bilinear", UNFURL_RESIZE_LINEAR}, /* Upsample's word once */
                               {"cubic", UNFURL_RESIZE_CUBIC},
                               {NULL, 0}};

static const choice COORDINATES[] = {{"half_pixel", UNFURL_RESIZE_HALF_PIXEL},
                                     {"half_pixel_symmetric", UNFURL_RESIZE_HALF_PIXEL_SYMMETRIC},
                                     {"pytorch_half_pixel", UNFURL_RESIZE_PYTORCH_HALF_PIXEL},
                                     {"align_corners", UNFURL_RESIZE_ALIGN_CORNERS},
                                     {"asymmetric", UNFURL_RESIZE_ASYMMETRIC},
                                     {"tf_half_pixel_for_nn", UNFURL_RESIZE_TF_HALF_PIXEL_FOR_NN},
                                     {"tf_crop_and_resize", UNFURL_RESIZE_TF_CROP},
                                     {NULL, 0}};

static const choice ROUNDINGS[] = {{"round_prefer_floor", UNFURL_RESIZE_ROUND_PREFER_FLOOR},
                                   {"round_prefer_ceil", UNFURL_RESIZE_ROUND_PREFER_CEIL},
                                   {"floor", UNFURL_RESIZE_FLOOR},
                                   {"ceil", UNFURL_RESIZE_CEIL},
                                   {NULL, 0}};

enum { STRETCH, NOT_LARGER, NOT_SMALLER };

static const choice POLICIES[] = {
    {"stretch", STRETCH}, {"not_larger", NOT_LARGER}, {"not_smaller", NOT_SMALLER}, {NULL, 0}};

/* The value of an attribute that is one of some words. */
static unfurl_status choose(const unfurl_op_call *call, const char *attribute, const choice *choices,
                            const char *otherwise, int *value, unfurl_error *error) {
  const char *name = unfurl_node_string(call->node, attribute, otherwise);
  for (; choices->name; choices++)
    if (!strcmp(name, choices->name)) {
      *value = choices->value;
      return UNFURL_OK;
    }
  return unfurl_fail(error, UNFURL_UNSUPPORTED, "%s \"%s\" is not implemented", attribute, name);
}

static bool is_simple(const unfurl_op_call *call) {
  return call->node->op == &unfurl_op_upsample || call->model->options.opset < 11;
}

static unfurl_status read_rule(const unfurl_op_call *call, unfurl_resize_rule *rule, unfurl_error *error) {
  const bool simple = is_simple(call);
  int mode = 0, coordinates = 0, rounding = 0;
  unfurl_status status = choose(call, "mode", MODES, "nearest", &mode, error);
  if (!status)
    status = choose(call, "coordinate_transformation_mode", COORDINATES, simple ? "asymmetric" : "half_pixel",
                    &coordinates, error);
  if (!status)
    status = choose(call, "nearest_mode", ROUNDINGS, simple ? "floor" : "round_prefer_floor", &rounding, error);
  if (status) return status;
  if (unfurl_node_int(call->node, "antialias", 0) != 0)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "antialias is not implemented");
  *rule = (unfurl_resize_rule){.mode = (unfurl_resize_mode)mode,
                               .coordinates = (unfurl_resize_coordinates)coordinates,
                               .rounding = (unfurl_resize_rounding)rounding,
                               .cubic_a = unfurl_node_float(call->node, "cubic_coeff_a", -0.75f),
                               .exclude_outside = unfurl_node_int(call->node, "exclude_outside", 0) != 0,
                               .extrapolation = unfurl_node_float(call->node, "extrapolation_value", 0)};
  return UNFURL_OK;
}

static unfurl_status read_axes(const unfurl_op_call *call, resize_spec *spec, unfurl_error *error) {
  const unfurl_attribute *a = unfurl_node_attribute(call->node, "axes");
  const size_t rank = call->inputs[X]->rank;
  bool used[UNFURL_MAX_RANK] = {false};
  spec->listed_count = a ? a->count : rank;
  if (spec->listed_count > rank)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "there are %zu axes for rank %zu", a->count, rank);
  for (size_t i = 0; i < spec->listed_count; i++) {
    size_t axis = i;
    const unfurl_status status = a ? unfurl_axis_resolve(a->ints[i], rank, false, &axis, error) : UNFURL_OK;
    if (status) return status;
    if (used[axis]) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "axis %zu is given twice", axis);
    used[axis] = true;
    spec->listed[i] = axis;
  }
  return UNFURL_OK;
}

/* An input that is a list of that many elements; *list is NULL where it is left out or empty, which is the same. */
static unfurl_status read_list(const unfurl_op_call *call, size_t input, unfurl_dtype dtype, size_t count,
                               const void **list, unfurl_error *error) {
  *list = NULL;
  if (!unfurl_call_has_input(call, input)) return UNFURL_OK;
  const unfurl_tensor *tensor = call->inputs[input];
  const size_t given = unfurl_tensor_count(tensor);
  if (given == 0) return UNFURL_OK;
  if (tensor->dtype != dtype || tensor->rank != 1 || given != count)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input %zu is not a list of %zu %s", input, count,
                       unfurl_dtype_name(dtype));
  const unfurl_status status = unfurl_call_check_known(call, input, error);
  if (!status) *list = tensor->data;
  return status;
}

static unfurl_status read_roi(const unfurl_op_call *call, resize_spec *spec, unfurl_error *error) {
  const void *list;
  if (spec->rule.coordinates != UNFURL_RESIZE_TF_CROP) return UNFURL_OK;
  const unfurl_status status = read_list(call, ROI, UNFURL_F32, 2 * spec->listed_count, &list, error);
  if (status) return status;
  if (!list) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "tf_crop_and_resize without roi");
  const float *roi = list;
  for (size_t i = 0; i < spec->listed_count; i++) {
    unfurl_resize_axis *axis = &spec->axes[spec->listed[i]];
    axis->begin = roi[i], axis->end = roi[spec->listed_count + i];
    if (!isfinite(axis->begin) || !isfinite(axis->end))
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "roi is not finite");
  }
  return UNFURL_OK;
}

/* An f32 product as far as it can count: as ONNX infers shapes, 10 times f32's 0.7 is 7. */
static double scaled(size_t in, float scale) {
  const float product = (float)in * scale;
  return product < 0x1p24f ? (double)floorf(product) : floor((double)in * (double)scale);
}

static unfurl_status use_scales(resize_spec *spec, const float *scales, unfurl_error *error) {
  for (size_t i = 0; i < spec->listed_count; i++) {
    unfurl_resize_axis *axis = &spec->axes[spec->listed[i]];
    const float scale = scales[i];
    if (!(scale > 0) || !isfinite(scale))
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "scale %zu is %g", i, (double)scale);
    const double out = scale == 1 ? (double)axis->in : scaled(axis->in, scale);
    if (out > (double)SIZE_LIMIT)
      return unfurl_fail(error, UNFURL_TOO_LARGE, "%zu elements times %g", axis->in, (double)scale);
    axis->out = (size_t)out;
    axis->scale = (double)scale;
  }
  return UNFURL_OK;
}

/* The scale of sizes that are bounds, for all axes the same. */
static double common_scale(const resize_spec *spec, int policy) {
  double common = spec->axes[spec->listed[0]].scale;
  for (size_t i = 1; i < spec->listed_count; i++) {
    const double scale = spec->axes[spec->listed[i]].scale;
    if (policy == NOT_LARGER ? scale < common : scale > common) common = scale;
  }
  return common;
}

static unfurl_status keep_aspect(resize_spec *spec, int policy, unfurl_error *error) {
  const double scale = common_scale(spec, policy);
  for (size_t i = 0; i < spec->listed_count; i++) {
    unfurl_resize_axis *axis = &spec->axes[spec->listed[i]];
    const double out = floor(scale * (double)axis->in + 0.5);
    if (out > (double)SIZE_LIMIT) return unfurl_fail(error, UNFURL_TOO_LARGE, "%zu elements times %g", axis->in, scale);
    axis->out = (size_t)out;
    axis->scale = scale > 0 ? scale : 1; /* 0: nothing comes out */
  }
  return UNFURL_OK;
}

static unfurl_status use_sizes(const unfurl_op_call *call, resize_spec *spec, const int64_t *sizes,
                               unfurl_error *error) {
  int policy = STRETCH;
  const unfurl_status status = choose(call, "keep_aspect_ratio_policy", POLICIES, "stretch", &policy, error);
  if (status) return status;
  spec->by_size = true, spec->keeps_aspect = policy != STRETCH;
  for (size_t i = 0; i < spec->listed_count; i++) {
    unfurl_resize_axis *axis = &spec->axes[spec->listed[i]];
    if (sizes[i] < 0) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "size %zu is %lld", i, (long long)sizes[i]);
    if (sizes[i] > SIZE_LIMIT) return unfurl_fail(error, UNFURL_TOO_LARGE, "size %zu is %lld", i, (long long)sizes[i]);
    if (axis->in == 0 && sizes[i] > 0)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "size %zu is %lld, made of nothing", i, (long long)sizes[i]);
    axis->out = (size_t)sizes[i];
    if (axis->in > 0) axis->scale = (double)axis->out / (double)axis->in;
  }
  return spec->keeps_aspect ? keep_aspect(spec, policy, error) : UNFURL_OK;
}

/* The scales, an attribute of the first Upsample and an input since, or the sizes. */
static unfurl_status read_sizes(const unfurl_op_call *call, resize_spec *spec, unfurl_error *error) {
  const unfurl_attribute *a = unfurl_node_attribute(call->node, "scales");
  const bool simple = is_simple(call);
  const void *scales, *sizes = NULL;
  unfurl_status status =
      read_list(call, simple ? SIMPLE_SCALES : SCALES, UNFURL_F32, spec->listed_count, &scales, error);
  if (!status && !simple) status = read_list(call, SIZES, UNFURL_I64, spec->listed_count, &sizes, error);
  if (status) return status;
  if (a && a->count != spec->listed_count)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "there are %zu scales for %zu dimensions", a->count,
                       spec->listed_count);
  if (a && !scales) scales = a->floats;
  if (!scales == !sizes || spec->listed_count == 0)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "either scales or sizes must be given");
  return scales ? use_scales(spec, scales, error) : use_sizes(call, spec, sizes, error);
}

static unfurl_status read_spec(const unfurl_op_call *call, resize_spec *spec, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[X];
  *spec = (resize_spec){.by_size = false};
  for (size_t i = 0; i < x->rank; i++)
    spec->axes[i] =
        (unfurl_resize_axis){.in = (size_t)x->dims[i], .out = (size_t)x->dims[i], .scale = 1, .begin = 0, .end = 1};
  unfurl_status status = unfurl_call_check_f32(call, X, error);
  if (!status) status = read_rule(call, &spec->rule, error);
  if (!status) status = read_axes(call, spec, error);
  if (!status) status = read_roi(call, spec, error);
  if (status) return status;
  const unfurl_fpenv before = unfurl_fpenv_enter(false); /* sizes must not depend on how the host rounds */
  status = read_sizes(call, spec, error);
  unfurl_fpenv_leave(before);
  return status;
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  resize_spec spec;
  int64_t dims[UNFURL_MAX_RANK];
  const unfurl_status status = read_spec(call, &spec, error);
  if (status) return status;
  for (size_t i = 0; i < call->inputs[X]->rank; i++) dims[i] = (int64_t)spec.axes[i].out;
  unfurl_tensor_init(call->outputs[0], UNFURL_F32, call->inputs[X]->rank, dims, NULL);
  return UNFURL_OK;
}

/* A scale of the batch may give as many images as there were, and still others; one that all axes share depends on how
 * many there are. */
static bool mixes_images(const unfurl_op_call *call) {
  resize_spec spec;
  if (read_spec(call, &spec, NULL) || !unfurl_resize_keeps(&spec.rule, &spec.axes[0])) return true;
  for (size_t i = 0; i < spec.listed_count; i++)
    if (spec.listed[i] == 0 && spec.keeps_aspect) return true;
  return false;
}

/* The axes in the order of memory: the channels last. */
static void order_axes(const resize_spec *spec, size_t rank, unfurl_resize_axis *ordered) {
  memcpy(ordered, spec->axes, rank * sizeof *ordered);
  if (rank <= 2) return;
  for (size_t i = 2; i < rank; i++) ordered[i - 1] = spec->axes[i];
  ordered[rank - 1] = spec->axes[1];
}

static unfurl_status prepare(unfurl_op_call *call, unfurl_error *error) {
  const size_t rank = call->inputs[X]->rank;
  resize_spec spec;
  unfurl_resize_axis ordered[UNFURL_MAX_RANK];
  unfurl_resize *resize;
  unfurl_status status = read_spec(call, &spec, error);
  if (status) return status;
  if (spec.by_size && !spec.keeps_aspect &&
      spec.axes[0].in > 0) { /* sizes are those of a whole batch, of which this may be a part */
    spec.axes[0].out = (size_t)call->outputs[0]->dims[0];
    spec.axes[0].scale = (double)spec.axes[0].out / (double)spec.axes[0].in;
  }
  order_axes(&spec, rank, ordered);
  status = unfurl_resize_create(call->context, &spec.rule, ordered, rank, &resize, error);
  if (status) return status;
  call->state = resize;
  call->workspace_size = unfurl_resize_workspace(resize);
  return UNFURL_OK;
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  unfurl_resize_run(call->state, call->inputs[X]->data, call->outputs[0]->data, call->workspace);
  return UNFURL_OK;
}

static void release(unfurl_op_call *call) {
  unfurl_resize_destroy(call->state);
  call->state = NULL;
}

static const unfurl_attribute_spec RESIZE_ATTRIBUTES[] = {{"antialias", UNFURL_ATTRIBUTE_INT},
                                                          {"axes", UNFURL_ATTRIBUTE_INTS},
                                                          {"coordinate_transformation_mode", UNFURL_ATTRIBUTE_STRING},
                                                          {"cubic_coeff_a", UNFURL_ATTRIBUTE_FLOAT},
                                                          {"exclude_outside", UNFURL_ATTRIBUTE_INT},
                                                          {"extrapolation_value", UNFURL_ATTRIBUTE_FLOAT},
                                                          {"keep_aspect_ratio_policy", UNFURL_ATTRIBUTE_STRING},
                                                          {"mode", UNFURL_ATTRIBUTE_STRING},
                                                          {"nearest_mode", UNFURL_ATTRIBUTE_STRING},
                                                          {NULL, UNFURL_ATTRIBUTE_INT}};

static const unfurl_attribute_spec UPSAMPLE_ATTRIBUTES[] = {
    {"mode", UNFURL_ATTRIBUTE_STRING}, {"scales", UNFURL_ATTRIBUTE_FLOATS}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_resize = {
    .type = "Resize",
    .min_inputs = 1,
    .max_inputs = 4,
    .max_outputs = 1,
    .attributes = RESIZE_ATTRIBUTES,
    .layout = UNFURL_OP_IMAGE,
    .is_image_wise = true,
    .is_shaped_by_inputs = true,
    .mixes_images = mixes_images,
    .infer = infer,
    .prepare = prepare,
    .run = run,
    .release = release,
};

const unfurl_op unfurl_op_upsample = {
    .type = "Upsample",
    .min_inputs = 1,
    .max_inputs = 2,
    .max_outputs = 1,
    .attributes = UPSAMPLE_ATTRIBUTES,
    .layout = UNFURL_OP_IMAGE,
    .is_image_wise = true,
    .is_shaped_by_inputs = true,
    .mixes_images = mixes_images,
    .infer = infer,
    .prepare = prepare,
    .run = run,
    .release = release,
};
