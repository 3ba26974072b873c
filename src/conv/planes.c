/* SPDX-License-Identifier: BSD-2-Clause */
/* Squares of four pixels by four channels, or by fewer where these end, are turned in registers; a few pixels at a time, so
 * that they are in L1 for every channel. */
#include "conv/planes.h"

#include "base/memory.h"
#include "base/quad.h"

enum { QUAD = UNFURL_QUAD, LEAST_NEAR = 4 * QUAD, NEAR_FLOATS = 4 << 10 };

/* Pixels that stay in L1. */
static size_t near_pixels(size_t step) {
  const size_t fitting = NEAR_FLOATS / step / QUAD * QUAD;
  return fitting > LEAST_NEAR ? fitting : LEAST_NEAR;
}

/* `channels` of them, a constant. Fewer than four are read with what follows on them, if that is before `end`. */
static inline __attribute__((always_inline)) void split_quads(const float *pixels, size_t step, const size_t channels,
                                                              size_t count, size_t end, float *planes, size_t plane) {
  size_t i = 0;
  for (; i + QUAD <= count && (i + QUAD - 1) * step + QUAD <= end; i += QUAD) {
    unfurl_quad x[QUAD];
    for (size_t j = 0; j < QUAD; j++) x[j] = unfurl_quad_load(pixels + (i + j) * step);
    unfurl_quad_turn(x);
    for (size_t c = 0; c < channels; c++) unfurl_quad_store(planes + c * plane + i, x[c], QUAD);
  }
  for (; i < count; i++)
    for (size_t c = 0; c < channels; c++) planes[c * plane + i] = pixels[i * step + c];
}

void unfurl_planes_split(const float *pixels, size_t step, size_t channels, size_t count, float *planes, size_t plane) {
  const size_t most = near_pixels(step);
  for (size_t i = 0; i < count; i += most) {
    const size_t near = unfurl_smaller(count - i, most);
    for (size_t c = 0; c < channels; c += QUAD) {
      const float *from = pixels + i * step + c;
      const size_t left = (count - i - 1) * step + channels - c; /* floats */
      float *to = planes + c * plane + i;
      switch (channels - c) {
      case 1: split_quads(from, step, 1, near, left, to, plane); break;
      case 2: split_quads(from, step, 2, near, left, to, plane); break;
      case 3: split_quads(from, step, 3, near, left, to, plane); break;
      default: split_quads(from, step, QUAD, near, left, to, plane); break;
      }
    }
  }
}

/* `count` pixels by `channels` channels, the latter a constant. */
static inline __attribute__((always_inline)) void weave_square(const float *planes, size_t plane, const size_t channels,
                                                               size_t count, const float *residual, float *pixels,
                                                               size_t step) {
  unfurl_quad x[QUAD] = {0};
  for (size_t c = 0; c < channels; c++) x[c] = unfurl_quad_load(planes + c * plane);
  unfurl_quad_turn(x);
  for (size_t j = 0; j < count; j++) {
    if (residual) {
      unfurl_quad added = {0};
      memcpy(&added, residual + j * step, channels * sizeof *residual);
      x[j] += added;
    }
    unfurl_quad_store(pixels + j * step, x[j], channels);
  }
}

static inline __attribute__((always_inline)) void weave_quads(const float *planes, size_t plane, const size_t channels,
                                                              size_t count, const float *residual, float *pixels,
                                                              size_t step) {
  size_t i = 0;
  for (; !residual && i + QUAD <= count; i += QUAD)
    weave_square(planes + i, plane, channels, QUAD, NULL, pixels + i * step, step);
  for (; i < count; i += QUAD)
    weave_square(planes + i, plane, channels, unfurl_smaller(count - i, QUAD), residual ? residual + i * step : NULL,
                 pixels + i * step, step);
}

void unfurl_planes_weave(const float *planes, size_t plane, size_t channels, size_t count, const float *residual,
                         float *pixels, size_t step) {
  const size_t most = near_pixels(step);
  for (size_t i = 0; i < count; i += most) {
    const size_t near = unfurl_smaller(count - i, most);
    for (size_t c = 0; c < channels; c += QUAD) {
      const float *from = planes + c * plane + i, *added = residual ? residual + i * step + c : NULL;
      float *to = pixels + i * step + c;
      switch (channels - c) {
      case 1: weave_quads(from, plane, 1, near, added, to, step); break;
      case 2: weave_quads(from, plane, 2, near, added, to, step); break;
      case 3: weave_quads(from, plane, 3, near, added, to, step); break;
      default: weave_quads(from, plane, QUAD, near, added, to, step); break;
      }
    }
  }
}
