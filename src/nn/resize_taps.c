/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/resize_taps.h"

#include <math.h>
#include <string.h>

/* Where a coordinate decides which element is copied, it is rounded to f32 as soon as the scale is in it: 4 / (4/3 in
 * f32) is a little less than 3, and was meant to be 3. Where elements are blended all digits stay. */
static double quotient(const unfurl_resize_rule *rule, double a, double b) {
  return rule->mode == UNFURL_RESIZE_NEAREST ? (double)(float)(a / b) : a / b;
}

/* In f32 step by step, as other engines do: what is outside, and gets another value, is decided by the last bit. */
static double crop_coordinate(const unfurl_resize_axis *axis, size_t output, float length) {
  const float last = (float)(axis->in - 1), span = axis->end - axis->begin;
  const float within = length == 1 ? span * last / 2 : (float)output * span * last / (length - 1);
  return (double)(within + axis->begin * last);
}

static double coordinate(const unfurl_resize_rule *rule, const unfurl_resize_axis *axis, size_t output) {
  const double o = (double)output, in = (double)axis->in, length = (double)(float)(in * axis->scale);
  switch (rule->coordinates) {
  case UNFURL_RESIZE_HALF_PIXEL: break;
  case UNFURL_RESIZE_HALF_PIXEL_SYMMETRIC:
    return in / 2 + quotient(rule, o + 0.5 - (double)axis->out / 2, axis->scale) - 0.5;
  case UNFURL_RESIZE_PYTORCH_HALF_PIXEL:
    if (axis->out == 1) return 0;
    break;
  case UNFURL_RESIZE_ALIGN_CORNERS: return length == 1 ? 0 : quotient(rule, o * (in - 1), length - 1);
  case UNFURL_RESIZE_ASYMMETRIC: return quotient(rule, o, axis->scale);
  case UNFURL_RESIZE_TF_HALF_PIXEL_FOR_NN: return quotient(rule, o + 0.5, axis->scale);
  case UNFURL_RESIZE_TF_CROP: return crop_coordinate(axis, output, (float)length);
  }
  return quotient(rule, o + 0.5, axis->scale) - 0.5;
}

static double nearest(unfurl_resize_rounding rounding, double x) {
  const double below = floor(x), part = x - below;
  switch (rounding) {
  case UNFURL_RESIZE_ROUND_PREFER_FLOOR: return part <= 0.5 ? below : below + 1;
  case UNFURL_RESIZE_ROUND_PREFER_CEIL: return part < 0.5 ? below : below + 1;
  case UNFURL_RESIZE_FLOOR: return below;
  case UNFURL_RESIZE_CEIL: break;
  }
  return ceil(x);
}

/* Far beyond an edge all taps repeat it: a coordinate there may as well be a little beyond. */
static ptrdiff_t whole(double x, size_t in) {
  const double margin = 2 * UNFURL_RESIZE_MOST_TAPS, most = (double)in + margin;
  return (ptrdiff_t)(x < -margin ? -margin : x < most ? x : most);
}

/* The taps from `first` on; beyond an edge they repeat it. */
static void set_index(const unfurl_resize_taps *taps, size_t output, ptrdiff_t first) {
  const ptrdiff_t last = (ptrdiff_t)taps->in - 1;
  for (size_t t = 0; t < taps->count; t++) {
    const ptrdiff_t at = first + (ptrdiff_t)t;
    taps->index[output * taps->count + t] = (size_t)(at < 0 ? 0 : at < last ? at : last);
  }
}

void unfurl_resize_cubic_weights(double a, double r, double weights[UNFURL_RESIZE_MOST_TAPS]) {
  const double far[2] = {1 + r, 2 - r}, near[2] = {r, 1 - r};
  for (size_t side = 0; side < 2; side++) {
    weights[3 * side] = ((a * far[side] - 5 * a) * far[side] + 8 * a) * far[side] - 4 * a;
    weights[1 + side] = ((a + 2) * near[side] - (a + 3)) * near[side] * near[side] + 1;
  }
}

static void exclude_outside(const unfurl_resize_taps *taps, ptrdiff_t first, double *weights) {
  double sum = 0;
  for (size_t t = 0; t < taps->count; t++) {
    const ptrdiff_t at = first + (ptrdiff_t)t;
    if (at < 0 || at >= (ptrdiff_t)taps->in) weights[t] = 0;
    sum += weights[t];
  }
  for (size_t t = 0; t < taps->count && sum != 0; t++) weights[t] /= sum;
}

static void set_blend(const unfurl_resize_rule *rule, const unfurl_resize_taps *taps, size_t output, double x) {
  const double below = floor(x), r = x - below;
  double weights[UNFURL_RESIZE_MOST_TAPS] = {1 - r, r};
  const ptrdiff_t first = whole(below, taps->in) - (taps->count == 4 ? 1 : 0);
  if (rule->mode == UNFURL_RESIZE_CUBIC) unfurl_resize_cubic_weights((double)rule->cubic_a, r, weights);
  if (rule->exclude_outside) exclude_outside(taps, first, weights);
  set_index(taps, output, first);
  for (size_t t = 0; t < taps->count; t++) taps->weights[output * taps->count + t] = (float)weights[t];
}

static size_t count_of(const unfurl_resize_rule *rule, const unfurl_resize_axis *axis) {
  if (rule->mode == UNFURL_RESIZE_NEAREST || axis->in == 1) return 1; /* all taps are the one element, and weigh 1 */
  return rule->mode == UNFURL_RESIZE_LINEAR ? 2 : UNFURL_RESIZE_MOST_TAPS;
}

static bool allocate(const unfurl_resize_rule *rule, unfurl_region *region, unfurl_resize_taps *taps) {
  size_t cells = taps->out;
  if (!unfurl_size_mul(&cells, taps->count)) return false;
  taps->index = unfurl_region_alloc(region, unfurl_size_product(2, (const size_t[]){cells, sizeof *taps->index}));
  if (taps->count > 1)
    taps->weights = unfurl_region_alloc(region, unfurl_size_product(2, (const size_t[]){cells, sizeof(float)}));
  if (rule->coordinates == UNFURL_RESIZE_TF_CROP) taps->outside = unfurl_region_alloc_zeroed(region, taps->out);
  return taps->index && (taps->weights || taps->count == 1) &&
         (taps->outside || rule->coordinates != UNFURL_RESIZE_TF_CROP);
}

bool unfurl_resize_taps_make(const unfurl_resize_rule *rule, const unfurl_resize_axis *axis, unfurl_region *region,
                             unfurl_resize_taps *taps) {
  *taps = (unfurl_resize_taps){.in = axis->in, .out = axis->out, .count = count_of(rule, axis)};
  if (!allocate(rule, region, taps)) return false;
  for (size_t o = 0; o < axis->out; o++) {
    const double x = coordinate(rule, axis, o);
    if (taps->outside) taps->outside[o] = !(x >= 0 && x <= (double)axis->in - 1);
    if (taps->count > 1)
      set_blend(rule, taps, o, x);
    else
      set_index(taps, o, whole(nearest(rule->rounding, x), axis->in));
  }
  return true;
}
