/* SPDX-License-Identifier: BSD-2-Clause */
/* The depthwise kernel's source, compiled with tile_body.h for each instruction set.
 *
 * Some neighbouring pixels are done together, for as many channels as a vector has: a kernel row's inputs are loaded once
 * and used by all the pixels that see them. Taps, step (pixels of input from one output to the next) and the number of
 * pixels are constants in each copy.
 */
#include "gemm/depthwise.h"

enum { DEPTHWISE_PIXELS = 6, DEPTHWISE_INPUTS = 16, DEPTHWISE_VECS = 4, DEPTHWISE_PAIR = 2 };

/* A place in the work: where one block of channels of some pixels reads and writes. */
typedef struct depthwise_at {
  const float *src, *weights, *bias, *residual;
  float *dst;
  size_t lanes;
} depthwise_at;

/* The same pixels, some channels further on. */
static inline depthwise_at advance(const depthwise_at *at, size_t channels) {
  depthwise_at next = *at;
  next.src += channels;
  next.weights += channels;
  if (next.bias) next.bias += channels;
  if (next.residual) next.residual += channels;
  next.dst += channels;
  return next;
}

static inline vec depthwise_finish(const unfurl_epilogue *e, const depthwise_at *at, size_t offset, vec x) {
  if (at->bias) x = vec_add(x, load_used(at->bias, at->lanes));
  if (at->residual) x = vec_add(x, load_used(at->residual + offset, at->lanes));
  return vec_at_most(vec_at_least(x, vec_set(clamp_low(e))), vec_set(clamp_high(e)));
}

/* One kernel row of one vector of channels: inputs loaded once. `taps`, `step` and `pixels` are constants. */
static inline __attribute__((always_inline)) void depthwise_row(const float *src, size_t col_stride, const float *w,
                                                                size_t channels, vec *acc, const size_t taps,
                                                                const size_t step, const size_t pixels) {
  vec x[DEPTHWISE_INPUTS];
  UNROLL(16)
  for (size_t i = 0; i < (pixels - 1) * step + taps; i++) x[i] = vec_load(src + i * col_stride);
  UNROLL(8)
  for (size_t j = 0; j < taps; j++) {
    const vec weight = vec_load(w + j * channels);
    UNROLL(8)
    for (size_t p = 0; p < pixels; p++) acc[p] = vec_fma(x[p * step + j], weight, acc[p]);
  }
}

/* `pixels` neighbours, all rows of the kernel, DEPTHWISE_PAIR full vectors of channels, which share their addresses. */
static inline __attribute__((always_inline)) void depthwise_some(const unfurl_depthwise *d, const depthwise_at *at,
                                                                 const size_t taps, const size_t step,
                                                                 const size_t pixels) {
  vec acc[DEPTHWISE_PAIR][DEPTHWISE_PIXELS];
  UNROLL(2)
  for (size_t v = 0; v < DEPTHWISE_PAIR; v++) {
    UNROLL(8)
    for (size_t p = 0; p < pixels; p++) acc[v][p] = vec_set(0);
  }
  for (size_t i = 0; i < d->row_taps; i++) {
    UNROLL(2)
    for (size_t v = 0; v < DEPTHWISE_PAIR; v++)
      depthwise_row(at->src + i * d->row_stride + v * VEC_LANES, d->col_stride,
                    at->weights + i * d->weights_row + v * VEC_LANES, d->channels, acc[v], taps, step, pixels);
  }
  UNROLL(2)
  for (size_t v = 0; v < DEPTHWISE_PAIR; v++) {
    const depthwise_at here = advance(at, v * VEC_LANES);
    UNROLL(8)
    for (size_t p = 0; p < pixels; p++)
      vec_store(here.dst + p * d->dst_stride, depthwise_finish(d->epilogue, &here, p * d->dst_stride, acc[v][p]));
  }
}

/* One pixel, any kernel, `vecs` full vectors of channels at once, so that their additions overlap. */
static inline __attribute__((always_inline)) void depthwise_wide(const unfurl_depthwise *d, const depthwise_at *at,
                                                                 const size_t vecs) {
  vec acc[DEPTHWISE_VECS];
  UNROLL(4)
  for (size_t v = 0; v < vecs; v++) acc[v] = vec_set(0);
  for (size_t i = 0; i < d->row_taps; i++)
    for (size_t j = 0; j < d->col_taps; j++) {
      const float *x = at->src + i * d->row_stride + j * d->col_stride;
      const float *w = at->weights + i * d->weights_row + j * d->channels;
      UNROLL(4)
      for (size_t v = 0; v < vecs; v++)
        acc[v] = vec_fma(vec_load(x + v * VEC_LANES), vec_load(w + v * VEC_LANES), acc[v]);
    }
  UNROLL(4)
  for (size_t v = 0; v < vecs; v++) {
    const depthwise_at here = advance(at, v * VEC_LANES);
    vec_store(here.dst, depthwise_finish(d->epilogue, &here, 0, acc[v]));
  }
}

/* The last channels of one pixel, fewer than a vector has. */
static void depthwise_part(const unfurl_depthwise *d, const depthwise_at *at) {
  vec acc = vec_set(0);
  for (size_t i = 0; i < d->row_taps; i++)
    for (size_t j = 0; j < d->col_taps; j++)
      acc = vec_fma(load_used(at->src + i * d->row_stride + j * d->col_stride, at->lanes),
                    load_used(at->weights + i * d->weights_row + j * d->channels, at->lanes), acc);
  store_used(at->dst, depthwise_finish(d->epilogue, at, 0, acc), at->lanes);
}

static depthwise_at pixel_at(const unfurl_depthwise *d, size_t p) {
  return (depthwise_at){.src = d->src + p * d->pixel_stride,
                        .weights = d->weights,
                        .bias = d->epilogue->bias,
                        .residual = d->epilogue->residual ? d->epilogue->residual + p * d->dst_stride : NULL,
                        .dst = d->dst + p * d->dst_stride,
                        .lanes = VEC_LANES};
}

/* All channels of one pixel from channel `from` on. */
static void depthwise_pixel(const unfurl_depthwise *d, size_t p, size_t from) {
  const depthwise_at first = pixel_at(d, p);
  size_t c = from;
  for (; c + DEPTHWISE_VECS * VEC_LANES <= d->channels; c += DEPTHWISE_VECS * VEC_LANES) {
    const depthwise_at at = advance(&first, c);
    depthwise_wide(d, &at, DEPTHWISE_VECS);
  }
  for (; c + VEC_LANES <= d->channels; c += VEC_LANES) {
    const depthwise_at at = advance(&first, c);
    depthwise_wide(d, &at, 1);
  }
  if (c == d->channels) return;
  depthwise_at at = advance(&first, c);
  at.lanes = d->channels - c;
  depthwise_part(d, &at);
}

/* All channels of `pixels` neighbours from pixel p on. */
static inline __attribute__((always_inline)) void
depthwise_group(const unfurl_depthwise *d, size_t p, const size_t taps, const size_t step, const size_t pixels) {
  const depthwise_at first = pixel_at(d, p);
  const size_t together = DEPTHWISE_PAIR * VEC_LANES, whole = d->channels / together * together;
  for (size_t c = 0; c < whole; c += together) {
    const depthwise_at at = advance(&first, c);
    depthwise_some(d, &at, taps, step, pixels);
  }
  for (size_t i = 0; i < pixels && whole < d->channels; i++) depthwise_pixel(d, p + i, whole);
}

/* A row: `many` pixels at a time, then `few`, the rest one by one. All channels of a few pixels, then the next pixels:
 * so memory is read in long pieces, and each input row by a group only once. */
static inline __attribute__((always_inline)) void
depthwise_row_of(const unfurl_depthwise *d, const size_t taps, const size_t step, const size_t many, const size_t few) {
  size_t p = 0;
  for (; p + many <= d->pixels; p += many) depthwise_group(d, p, taps, step, many);
  for (; p + few <= d->pixels; p += few) depthwise_group(d, p, taps, step, few);
  for (; p < d->pixels; p++) depthwise_pixel(d, p, 0);
}

void TILE_FUNCTION(depthwise)(const unfurl_depthwise *d) {
  const unfurl_epilogue *e = d->epilogue;
  const size_t step = d->pixel_stride == d->col_stride ? 1 : d->pixel_stride == 2 * d->col_stride ? 2 : 0;
  if (d->col_taps == 3 && step == 1)
    depthwise_row_of(d, 3, 1, 4, 2);
  else if (d->col_taps == 3 && step == 2)
    depthwise_row_of(d, 3, 2, 3, 2);
  else if (d->col_taps == 5 && step == 1)
    depthwise_row_of(d, 5, 1, 3, 2);
  else if (d->col_taps == 5 && step == 2)
    depthwise_row_of(d, 5, 2, 2, 2);
  else
    for (size_t p = 0; p < d->pixels; p++) depthwise_pixel(d, p, 0);
  for (size_t p = 0; p < d->pixels && e->activation > UNFURL_ACTIVATION_CLIP; p++)
    unfurl_activate(e->activation, e->alpha, e->beta, d->channels, d->dst + p * d->dst_stride,
                    d->dst + p * d->dst_stride);
}
