/* SPDX-License-Identifier: BSD-2-Clause */
#include "shape/conv_geometry.h"

#include "base/memory.h"
#include "base/status.h"

void unfurl_conv_desc_init(unfurl_conv_desc *desc) {
  *desc = (unfurl_conv_desc){
      .size = sizeof *desc,
      .batch = 1,
      .ic = 1,
      .ih = 1,
      .iw = 1,
      .oc = 1,
      .kh = 1,
      .kw = 1,
      .stride_h = 1,
      .stride_w = 1,
      .dilation_h = 1,
      .dilation_w = 1,
      .groups = 1,
      .dtype = UNFURL_F32,
      .src_layout = UNFURL_NHWC,
      .dst_layout = UNFURL_NHWC,
      .weights_layout = UNFURL_OHWI,
      .tolerance = 2e-5f,
  };
}

unfurl_status unfurl_conv_desc_read(unfurl_conv_desc *desc, const unfurl_conv_desc *given, unfurl_error *error) {
  unfurl_conv_desc_init(desc);
  const size_t least = offsetof(unfurl_conv_desc, planning); /* what follows came later */
  if (!given || !unfurl_struct_read(desc, sizeof *desc, given, least))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the descriptor is NULL or was not initialised");
  desc->size = sizeof *desc;
  return UNFURL_OK;
}

/* A field beyond this is a mistake, and below it sums of products of two fields fit in 64 bits. */
#define FIELD_MAX (INT64_C(1) << 30)

static unfurl_status check_ranges(const unfurl_conv_desc *desc, unfurl_error *error) {
  const struct {
    const char *name;
    int64_t value, least;
  } fields[] = {
      {"batch", desc->batch, 1},
      {"ic", desc->ic, 1},
      {"ih", desc->ih, 1},
      {"iw", desc->iw, 1},
      {"oc", desc->oc, 1},
      {"kh", desc->kh, 1},
      {"kw", desc->kw, 1},
      {"stride_h", desc->stride_h, 1},
      {"stride_w", desc->stride_w, 1},
      {"dilation_h", desc->dilation_h, 1},
      {"dilation_w", desc->dilation_w, 1},
      {"groups", desc->groups, 1},
      {"pad_top", desc->pad_top, 0},
      {"pad_left", desc->pad_left, 0},
      {"pad_bottom", desc->pad_bottom, 0},
      {"pad_right", desc->pad_right, 0},
      {"output_pad_h", desc->output_pad_h, 0},
      {"output_pad_w", desc->output_pad_w, 0},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (fields[i].value < fields[i].least)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "%s is %lld, less than %lld", fields[i].name,
                         (long long)fields[i].value, (long long)fields[i].least);
    if (fields[i].value > FIELD_MAX)
      return unfurl_fail(error, UNFURL_TOO_LARGE, "%s is %lld, more than %lld", fields[i].name,
                         (long long)fields[i].value, (long long)FIELD_MAX);
  }
  return UNFURL_OK;
}

static bool is_layout(unfurl_layout layout) {
  return layout == UNFURL_NCHW || layout == UNFURL_NHWC;
}

static unfurl_status check_kinds(const unfurl_conv_desc *desc, unfurl_error *error) {
  if (desc->dtype != UNFURL_F32)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "convolutions compute f32, not %s", unfurl_dtype_name(desc->dtype));
  if (!is_layout(desc->src_layout) || !is_layout(desc->dst_layout) || !is_layout(desc->weights_layout))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a layout is neither NCHW nor NHWC");
  if ((unsigned)desc->activation > UNFURL_ACTIVATION_GELU)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "unknown activation %d", (int)desc->activation);
  if ((unsigned)desc->planning > UNFURL_PLAN_MEASURE)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "unknown way of planning %d", (int)desc->planning);
  if (!(desc->tolerance >= 0))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "tolerance is %g, less than 0", (double)desc->tolerance);
  if (desc->ic % desc->groups || desc->oc % desc->groups)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "groups is %lld, which does not divide ic = %lld and oc = %lld",
                       (long long)desc->groups, (long long)desc->ic, (long long)desc->oc);
  return UNFURL_OK;
}

/* One axis as the descriptor gives it. */
typedef struct axis_fields {
  const char *in_name, *taps_name;
  int64_t in, taps, stride, dilation, pad_before, pad_after, output_pad;
} axis_fields;

static unfurl_status init_axis(unfurl_conv_axis *axis, const axis_fields *f, bool transposed, unfurl_error *error) {
  const int64_t extent = (f->taps - 1) * f->dilation + 1, padding = f->pad_before + f->pad_after;
  if (!transposed && f->output_pad)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "output padding belongs to transposed convolutions");
  if (transposed && f->output_pad >= (f->stride > f->dilation ? f->stride : f->dilation))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "output padding is %lld, not less than stride or dilation",
                       (long long)f->output_pad);
  const int64_t room = f->in + padding - extent;
  const int64_t out = transposed ? (f->in - 1) * f->stride + extent - padding + f->output_pad
                      : room < 0 ? 0
                                 : room / f->stride + 1;
  if (out < 1)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT,
                       "no output: %s = %lld with padding %lld and %s = %lld (dilation %lld)", f->in_name,
                       (long long)f->in, (long long)padding, f->taps_name, (long long)f->taps, (long long)f->dilation);
  *axis = (unfurl_conv_axis){.in = (size_t)f->in,
                             .out = (size_t)out,
                             .taps = (size_t)f->taps,
                             .stride = (size_t)f->stride,
                             .dilation = (size_t)f->dilation,
                             .pad = (size_t)f->pad_before};
  return UNFURL_OK;
}

static unfurl_status init_axes(unfurl_conv_geometry *geometry, const unfurl_conv_desc *desc, unfurl_error *error) {
  const axis_fields h = {"ih",
                         "kh",
                         desc->ih,
                         desc->kh,
                         desc->stride_h,
                         desc->dilation_h,
                         desc->pad_top,
                         desc->pad_bottom,
                         desc->output_pad_h};
  const axis_fields w = {"iw",
                         "kw",
                         desc->iw,
                         desc->kw,
                         desc->stride_w,
                         desc->dilation_w,
                         desc->pad_left,
                         desc->pad_right,
                         desc->output_pad_w};
  const unfurl_status status = init_axis(&geometry->h, &h, desc->transposed, error);
  return status ? status : init_axis(&geometry->w, &w, desc->transposed, error);
}

static unfurl_image_strides image_strides(unfurl_layout layout, size_t channels, size_t rows, size_t cols) {
  if (layout == UNFURL_NHWC)
    return (unfurl_image_strides){
        .image = rows * cols * channels, .row = cols * channels, .col = channels, .channel = 1};
  return (unfurl_image_strides){.image = channels * rows * cols, .row = cols, .col = 1, .channel = rows * cols};
}

/* floats = the product, unless it makes more than PTRDIFF_MAX bytes. */
static bool floats_fit(size_t *floats, size_t count, const size_t *factors) {
  *floats = unfurl_size_product(count, factors);
  return *floats <= PTRDIFF_MAX / sizeof(float);
}

static unfurl_status init_sizes(unfurl_conv_geometry *g, unfurl_error *error) {
  size_t floats;
  if (!floats_fit(&g->in_pixels, 2, (const size_t[]){g->h.in, g->w.in}) ||
      !floats_fit(&floats, 3, (const size_t[]){g->batch, g->in_pixels, g->ic}))
    return unfurl_fail(error, UNFURL_TOO_LARGE, "the size of src overflows");
  if (!floats_fit(&g->out_pixels, 2, (const size_t[]){g->h.out, g->w.out}) ||
      !floats_fit(&floats, 3, (const size_t[]){g->batch, g->out_pixels, g->oc}))
    return unfurl_fail(error, UNFURL_TOO_LARGE, "the size of dst overflows");
  if (!floats_fit(&g->patch, 3, (const size_t[]){g->h.taps, g->w.taps, g->icg}) ||
      !floats_fit(&g->weights, 2, (const size_t[]){g->patch, g->oc}))
    return unfurl_fail(error, UNFURL_TOO_LARGE, "the size of the weights overflows");
  return UNFURL_OK;
}

unfurl_status unfurl_conv_geometry_init(unfurl_conv_geometry *geometry, const unfurl_conv_desc *desc,
                                        unfurl_error *error) {
  unfurl_status status = check_ranges(desc, error);
  if (!status) status = check_kinds(desc, error);
  if (status) return status;
  *geometry = (unfurl_conv_geometry){
      .batch = (size_t)desc->batch,
      .groups = (size_t)desc->groups,
      .ic = (size_t)desc->ic,
      .oc = (size_t)desc->oc,
      .icg = (size_t)(desc->ic / desc->groups),
      .ocg = (size_t)(desc->oc / desc->groups),
      .transposed = desc->transposed,
  };
  status = init_axes(geometry, desc, error);
  if (!status) status = init_sizes(geometry, error);
  if (status) return status;
  geometry->src = image_strides(desc->src_layout, geometry->ic, geometry->h.in, geometry->w.in);
  geometry->dst = image_strides(desc->dst_layout, geometry->oc, geometry->h.out, geometry->w.out);
  return UNFURL_OK;
}

unfurl_status unfurl_conv_output_size(const unfurl_conv_desc *given, int64_t *oh, int64_t *ow, unfurl_error *error) {
  unfurl_conv_desc desc;
  unfurl_conv_geometry geometry;
  if (!oh || !ow) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  unfurl_status status = unfurl_conv_desc_read(&desc, given, error);
  if (!status) status = unfurl_conv_geometry_init(&geometry, &desc, error);
  if (status) return status;
  *oh = (int64_t)geometry.h.out;
  *ow = (int64_t)geometry.w.out;
  return unfurl_succeed(error);
}
