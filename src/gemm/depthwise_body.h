/* SPDX-License-Identifier: BSD-2-Clause */
/* The depthwise kernel's source, compiled with tile_body.h for each instruction set.
 *
 * Some neighbouring pixels are done together, for as many channels as a vector has: a kernel row's inputs are loaded once
 * and used by all the pixels that see them. Taps, step (pixels of input from one output to the next) and the number of
 * pixels are constants in each copy.
 */
#include "gemm/depthwise.h"

enum { DEPTHWISE_PIXELS = 6, DEPTHWISE_INPUTS = 16 };

/* A place in the work: where one block of channels of some pixels reads and writes. */
typedef struct depthwise_at {
  const float *src, *weights, *bias, *residual;
  float *dst;
  size_t lanes;
} depthwise_at;

static inline vec depthwise_finish(const unfurl_epilogue *e, const depthwise_at *at, size_t offset, vec x) {
  if (at->bias) x = vec_add(x, load_used(at->bias, at->lanes));
  if (at->residual) x = vec_add(x, load_used(at->residual + offset, at->lanes));
  return vec_at_most(vec_at_least(x, vec_set(clamp_low(e))), vec_set(clamp_high(e)));
}

/* One kernel row: inputs loaded once. `taps`, `step` and `pixels` are constants. */
static inline __attribute__((always_inline)) void depthwise_row(const float *src, size_t col_stride, const float *w,
                                                                size_t channels, vec *acc, const size_t taps,
                                                                const size_t step, const size_t pixels) {
  vec x[DEPTHWISE_INPUTS];
#pragma GCC unroll 16
  for (size_t i = 0; i < (pixels - 1) * step + taps; i++) x[i] = vec_load(src + i * col_stride);
#pragma GCC unroll 8
  for (size_t j = 0; j < taps; j++) {
    const vec weight = vec_load(w + j * channels);
#pragma GCC unroll 8
    for (size_t p = 0; p < pixels; p++) acc[p] = vec_fma(x[p * step + j], weight, acc[p]);
  }
}

/* `pixels` neighbours, all rows of the kernel, a full vector of channels. */
static inline __attribute__((always_inline)) void depthwise_some(const unfurl_depthwise *d, const depthwise_at *at,
                                                                 const size_t taps, const size_t step,
                                                                 const size_t pixels) {
  vec acc[DEPTHWISE_PIXELS];
#pragma GCC unroll 8
  for (size_t p = 0; p < pixels; p++) acc[p] = vec_set(0);
  for (size_t i = 0; i < d->row_taps; i++)
    depthwise_row(at->src + i * d->row_stride, d->col_stride, at->weights + i * d->weights_row, d->channels, acc, taps,
                  step, pixels);
#pragma GCC unroll 8
  for (size_t p = 0; p < pixels; p++)
    vec_store(at->dst + p * d->dst_stride, depthwise_finish(d->epilogue, at, p * d->dst_stride, acc[p]));
}

/* One pixel, any kernel. */
static void depthwise_one(const unfurl_depthwise *d, const depthwise_at *at) {
  vec acc = vec_set(0);
  for (size_t i = 0; i < d->row_taps; i++)
    for (size_t j = 0; j < d->col_taps; j++)
      acc = vec_fma(load_used(at->src + i * d->row_stride + j * d->col_stride, at->lanes),
                    load_used(at->weights + i * d->weights_row + j * d->channels, at->lanes), acc);
  store_used(at->dst, depthwise_finish(d->epilogue, at, 0, acc), at->lanes);
}

/* All pixels of one block of channels: `together` at a time, the rest one by one. */
static inline __attribute__((always_inline)) void depthwise_line(const unfurl_depthwise *d, depthwise_at at,
                                                                 const size_t taps, const size_t step,
                                                                 const size_t together) {
  size_t p = 0;
  for (; p < d->pixels; p += p + together <= d->pixels ? together : 1) {
    depthwise_at here = at;
    here.src += p * d->pixel_stride;
    here.dst += p * d->dst_stride;
    if (here.residual) here.residual += p * d->dst_stride;
    if (p + together <= d->pixels)
      depthwise_some(d, &here, taps, step, together);
    else
      depthwise_one(d, &here);
  }
}

static void depthwise_any(const unfurl_depthwise *d, const depthwise_at *at) {
  for (size_t p = 0; p < d->pixels; p++) {
    depthwise_at here = *at;
    here.src += p * d->pixel_stride;
    here.dst += p * d->dst_stride;
    if (here.residual) here.residual += p * d->dst_stride;
    depthwise_one(d, &here);
  }
}

static void depthwise(const unfurl_depthwise *d) {
  const unfurl_epilogue *e = d->epilogue;
  const size_t step = d->pixel_stride == d->col_stride ? 1 : d->pixel_stride == 2 * d->col_stride ? 2 : 0;
  for (size_t c = 0; c < d->channels; c += VEC_LANES) {
    const size_t left = d->channels - c;
    const depthwise_at at = {.src = d->src + c,
                             .weights = d->weights + c,
                             .bias = e->bias ? e->bias + c : NULL,
                             .residual = e->residual ? e->residual + c : NULL,
                             .dst = d->dst + c,
                             .lanes = left < VEC_LANES ? left : VEC_LANES};
    if (at.lanes < VEC_LANES)
      depthwise_any(d, &at);
    else if (d->col_taps == 3 && step == 1)
      depthwise_line(d, at, 3, 1, 6);
    else if (d->col_taps == 3 && step == 2)
      depthwise_line(d, at, 3, 2, 4);
    else if (d->col_taps == 5 && step == 1)
      depthwise_line(d, at, 5, 1, 4);
    else if (d->col_taps == 5 && step == 2)
      depthwise_line(d, at, 5, 2, 3);
    else
      depthwise_any(d, &at);
  }
  for (size_t p = 0; p < d->pixels && e->activation > UNFURL_ACTIVATION_CLIP; p++)
    unfurl_activate(e->activation, e->alpha, e->beta, d->channels, d->dst + p * d->dst_stride,
                    d->dst + p * d->dst_stride);
}
