/* SPDX-License-Identifier: BSD-2-Clause */
#include "resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "fault.h"

/* 8 bits of a pixel, 22 of a weight and two to spare for filters that overshoot make 32. */
enum { WEIGHT_BITS = 22, HALF = 1 << (WEIGHT_BITS - 1), MAX_WEIGHTS = 1 << 26 };

static double bilinear(double x) {
  x = fabs(x);
  return x < 1 ? 1 - x : 0;
}

static double bicubic(double x) {
  x = fabs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

static const struct {
  double (*weight)(double x);
  double radius;
} filters[] = {[RESAMPLE_BILINEAR] = {bilinear, 1}, [RESAMPLE_BICUBIC] = {bicubic, 2}};

/* Where one output pixel lies in the input: its centre, and how far the stretched filter reaches from there. */
typedef struct reach {
  double centre, stretch, radius;
} reach;

static void choose_pixels(const reach *at, size_t from, size_t *first, size_t *length) {
  const double begin = at->centre - at->radius + 0.5, end = at->centre + at->radius + 0.5;
  *first = begin > 0 ? (size_t)begin : 0;
  const size_t last = end < (double)from ? (size_t)end : from;
  *length = last > *first ? last - *first : 0;
}

static void choose_weights(const reach *at, double (*weight)(double x), size_t first, size_t length, int32_t *weights) {
  double total = 0;
  for (size_t t = 0; t < length; t++) total += weight(((double)(first + t) + 0.5 - at->centre) / at->stretch);
  for (size_t t = 0; t < length; t++) {
    const double share = weight(((double)(first + t) + 0.5 - at->centre) / at->stretch) / total;
    weights[t] = (int32_t)lround(share * (1 << WEIGHT_BITS));
  }
}

static unfurl_status allocate(resample_axis *axis, unfurl_error *error) {
  size_t weights = axis->count;
  if (!checked_mul(&weights, axis->taps) || weights > MAX_WEIGHTS)
    return fault_set(error, UNFURL_TOO_LARGE, "is too long and thin to be resized: %zu pixels to %zu", axis->from,
                     axis->count);
  axis->weights = calloc(weights, sizeof *axis->weights);
  axis->lengths = calloc(axis->count, sizeof *axis->lengths);
  return axis->weights && axis->lengths ? UNFURL_OK : fault_memory(error);
}

unfurl_status resample_axis_init(resample_axis *axis, resample_filter filter, size_t from, size_t to, size_t first,
                                 size_t count, unfurl_error *error) {
  const double scale = (double)from / (double)to, stretch = scale > 1 ? scale : 1;
  const double radius = filters[filter].radius * stretch;
  *axis = (resample_axis){.from = from, .count = count, .taps = (size_t)ceil(radius) * 2 + 1};
  axis->firsts = calloc(count, sizeof *axis->firsts);
  if (!axis->firsts) return fault_memory(error);
  if (from == to) {
    axis->firsts[0] = first;
    return UNFURL_OK;
  }
  const unfurl_status status = allocate(axis, error);
  for (size_t i = 0; status == UNFURL_OK && i < count; i++) {
    const reach at = {.centre = ((double)(first + i) + 0.5) * scale, .stretch = stretch, .radius = radius};
    choose_pixels(&at, from, &axis->firsts[i], &axis->lengths[i]);
    choose_weights(&at, filters[filter].weight, axis->firsts[i], axis->lengths[i], axis->weights + i * axis->taps);
  }
  return status;
}

static unsigned char clip(int32_t sum) {
  const int32_t value = sum >> WEIGHT_BITS;
  return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void row_grey(const resample_axis *axis, const unsigned char *from, unsigned char *to) {
  for (size_t i = 0; i < axis->count; i++) {
    const unsigned char *in = from + axis->firsts[i];
    const int32_t *weights = axis->weights + i * axis->taps;
    int32_t sum = HALF;
    for (size_t t = 0; t < axis->lengths[i]; t++) sum += in[t] * weights[t];
    to[i] = clip(sum);
  }
}

static void row_rgb(const resample_axis *axis, const unsigned char *from, unsigned char *to) {
  for (size_t i = 0; i < axis->count; i++) {
    const unsigned char *in = from + 3 * axis->firsts[i];
    const int32_t *weights = axis->weights + i * axis->taps;
    int32_t red = HALF, green = HALF, blue = HALF;
    for (size_t t = 0; t < axis->lengths[i]; t++) {
      red += in[3 * t] * weights[t];
      green += in[3 * t + 1] * weights[t];
      blue += in[3 * t + 2] * weights[t];
    }
    to[3 * i] = clip(red);
    to[3 * i + 1] = clip(green);
    to[3 * i + 2] = clip(blue);
  }
}

void resample_rows(const resample_axis *axis, size_t height, size_t channels, const unsigned char *from,
                   unsigned char *to) {
  const size_t from_bytes = axis->from * channels, to_bytes = axis->count * channels;
  for (size_t y = 0; y < height; y++, from += from_bytes, to += to_bytes) {
    if (!axis->weights)
      memcpy(to, from + axis->firsts[0] * channels, to_bytes);
    else if (channels == 3)
      row_rgb(axis, from, to);
    else
      row_grey(axis, from, to);
  }
}

void resample_columns(const resample_axis *axis, size_t row_bytes, const unsigned char *from, unsigned char *to,
                      int32_t *restrict sums) {
  if (!axis->weights) {
    memcpy(to, from + axis->firsts[0] * row_bytes, axis->count * row_bytes);
    return;
  }
  for (size_t i = 0; i < axis->count; i++, to += row_bytes) {
    const unsigned char *in = from + axis->firsts[i] * row_bytes;
    const int32_t *weights = axis->weights + i * axis->taps;
    for (size_t x = 0; x < row_bytes; x++) sums[x] = HALF;
    for (size_t t = 0; t < axis->lengths[i]; t++, in += row_bytes)
      for (size_t x = 0; x < row_bytes; x++) sums[x] += in[x] * weights[t];
    for (size_t x = 0; x < row_bytes; x++) to[x] = clip(sums[x]);
  }
}

void resample_axis_free(resample_axis *axis) {
  free(axis->firsts);
  free(axis->lengths);
  free(axis->weights);
  *axis = (resample_axis){0};
}
