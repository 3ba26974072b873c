/* SPDX-License-Identifier: BSD-2-Clause */
/* The depthwise kernel's source, compiled with tile_body.h for each instruction set.
 *
 * A few neighbouring pixels of one or two lines are done together, for as many channels as a vector has: inputs are loaded
 * once and used by all the pixels that see them. Taps, step (pixels of input from one output to the next), pixels and
 * lines are constants in each copy.
 */
#include "gemm/depthwise.h"

enum { DEPTHWISE_LINES = 2, DEPTHWISE_PIXELS = 4, DEPTHWISE_INPUTS = 16, DEPTHWISE_VECS = 4 };

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

static inline vec depthwise_finish(const unfurl_epilogue *e, const depthwise_at *at, vec x) {
  if (at->bias) x = vec_add(x, load_used(at->bias, at->lanes));
  if (at->residual) x = vec_add(x, load_used(at->residual, at->lanes));
  return vec_at_most(vec_at_least(x, vec_set(clamp_low(e))), vec_set(clamp_high(e)));
}

/* One row of the kernel: inputs that are neighbours, loaded once, for the pixels of one line or (`both`) of two, which see
 * them `step` rows apart. */
static inline __attribute__((always_inline)) void depthwise_row(const unfurl_depthwise *d, const float *src,
                                                                const float *weights, vec (*acc)[DEPTHWISE_PIXELS],
                                                                const size_t taps, const size_t step,
                                                                const size_t pixels, const bool both) {
  vec x[DEPTHWISE_INPUTS];
  UNROLL(16)
  for (size_t i = 0; i < (pixels - 1) * step + taps; i++) x[i] = vec_load(src + i * d->col_stride);
  UNROLL(8)
  for (size_t j = 0; j < taps; j++) {
    const vec weight = vec_load(weights + j * d->weights_col);
    UNROLL(8)
    for (size_t p = 0; p < pixels; p++) acc[0][p] = vec_fma(x[p * step + j], weight, acc[0][p]);
  }
  if (!both) return;
  weights -= step * d->weights_row;
  UNROLL(8)
  for (size_t j = 0; j < taps; j++) {
    const vec weight = vec_load(weights + j * d->weights_col);
    UNROLL(8)
    for (size_t p = 0; p < pixels; p++) acc[1][p] = vec_fma(x[p * step + j], weight, acc[1][p]);
  }
}

/* One vector of channels of `lines` x `pixels` outputs. With two lines, the kernel is square and so is the step. The loops
 * over rows stay loops: unrolled, they would keep the weights of all rows in registers that there are not. */
static inline __attribute__((always_inline)) void depthwise_block(const unfurl_depthwise *d, const depthwise_at *at,
                                                                  const vec low, const vec high, const size_t taps,
                                                                  const size_t step, const size_t lines,
                                                                  const size_t pixels) {
  vec acc[DEPTHWISE_LINES][DEPTHWISE_PIXELS];
  const float *src = at->src, *weights = at->weights;
  UNROLL(2)
  for (size_t l = 0; l < lines; l++) {
    UNROLL(4)
    for (size_t p = 0; p < pixels; p++) acc[l][p] = vec_set(0);
  }
  const size_t alone = lines == 1 ? d->row_taps : step;
  UNROLL(1)
  for (size_t i = 0; i < alone; i++, src += d->row_stride, weights += d->weights_row)
    depthwise_row(d, src, weights, acc, taps, step, pixels, false);
  if (lines == 2) {
    UNROLL(1)
    for (size_t i = step; i < taps; i++, src += d->row_stride, weights += d->weights_row)
      depthwise_row(d, src, weights, acc, taps, step, pixels, true);
    weights -= step * d->weights_row;
    UNROLL(1)
    for (size_t i = 0; i < step; i++, src += d->row_stride, weights += d->weights_row)
      depthwise_row(d, src, weights, acc + 1, taps, step, pixels, false);
  }
  if (at->bias) {
    const vec bias = vec_load(at->bias);
    UNROLL(2)
    for (size_t l = 0; l < lines; l++) {
      UNROLL(4)
      for (size_t p = 0; p < pixels; p++) acc[l][p] = vec_add(acc[l][p], bias);
    }
  }
  if (at->residual) {
    UNROLL(2)
    for (size_t l = 0; l < lines; l++) {
      UNROLL(4)
      for (size_t p = 0; p < pixels; p++)
        acc[l][p] = vec_add(acc[l][p], vec_load(at->residual + l * d->dst_line + p * d->dst_stride));
    }
  }
  UNROLL(2)
  for (size_t l = 0; l < lines; l++) {
    float *to = at->dst + l * d->dst_line;
    UNROLL(4)
    for (size_t p = 0; p < pixels; p++, to += d->dst_stride)
      vec_store(to, vec_at_most(vec_at_least(acc[l][p], low), high));
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
      const float *w = at->weights + i * d->weights_row + j * d->weights_col;
      UNROLL(4)
      for (size_t v = 0; v < vecs; v++)
        acc[v] = vec_fma(vec_load(x + v * VEC_LANES), vec_load(w + v * VEC_LANES), acc[v]);
    }
  UNROLL(4)
  for (size_t v = 0; v < vecs; v++) {
    const depthwise_at here = advance(at, v * VEC_LANES);
    vec_store(here.dst, depthwise_finish(d->epilogue, &here, acc[v]));
  }
}

/* The last channels of one pixel, fewer than a vector has. */
static void depthwise_part(const unfurl_depthwise *d, const depthwise_at *at) {
  vec acc = vec_set(0);
  for (size_t i = 0; i < d->row_taps; i++)
    for (size_t j = 0; j < d->col_taps; j++)
      acc = vec_fma(load_used(at->src + i * d->row_stride + j * d->col_stride, at->lanes),
                    load_used(at->weights + i * d->weights_row + j * d->weights_col, at->lanes), acc);
  store_used(at->dst, depthwise_finish(d->epilogue, at, acc), at->lanes);
}

static inline depthwise_at pixel_at(const unfurl_depthwise *d, size_t line, size_t p, size_t channel) {
  const size_t offset = line * d->dst_line + p * d->dst_stride;
  const depthwise_at first = {.src = d->src + line * d->line_stride + p * d->pixel_stride,
                              .weights = d->weights,
                              .bias = d->epilogue->bias,
                              .residual = d->epilogue->residual ? d->epilogue->residual + offset : NULL,
                              .dst = d->dst + offset,
                              .lanes = VEC_LANES};
  return advance(&first, channel);
}

/* The same channels, some pixels further on. */
static inline void step_pixels(const unfurl_depthwise *d, depthwise_at *at, size_t pixels) {
  at->src += pixels * d->pixel_stride;
  at->dst += pixels * d->dst_stride;
  if (at->residual) at->residual += pixels * d->dst_stride;
}

/* All channels of one pixel from channel `c` on. */
static void depthwise_pixel(const unfurl_depthwise *d, size_t line, size_t p, size_t c) {
  for (; c + DEPTHWISE_VECS * VEC_LANES <= d->channels; c += DEPTHWISE_VECS * VEC_LANES) {
    const depthwise_at at = pixel_at(d, line, p, c);
    depthwise_wide(d, &at, DEPTHWISE_VECS);
  }
  for (; c + VEC_LANES <= d->channels; c += VEC_LANES) {
    const depthwise_at at = pixel_at(d, line, p, c);
    depthwise_wide(d, &at, 1);
  }
  if (c == d->channels) return;
  depthwise_at at = pixel_at(d, line, p, c);
  at.lanes = d->channels - c;
  depthwise_part(d, &at);
}

/* All channels of `lines` x `pixels` outputs; at then stands at the next pixels. */
static inline __attribute__((always_inline)) void depthwise_group(const unfurl_depthwise *d, depthwise_at *at,
                                                                  const vec low, const vec high, const size_t taps,
                                                                  const size_t step, const size_t lines,
                                                                  const size_t pixels) {
  for (size_t c = 0; c + VEC_LANES <= d->channels; c += VEC_LANES) {
    const depthwise_at here = advance(at, c);
    depthwise_block(d, &here, low, high, taps, step, lines, pixels);
  }
  step_pixels(d, at, pixels);
}

/* All pixels of `lines` lines: four at a time, then two, then one. All channels of a few pixels, then the next pixels: so
 * memory is read in long pieces. */
static inline __attribute__((always_inline)) void
depthwise_lines(const unfurl_depthwise *d, size_t line, const size_t taps, const size_t step, const size_t lines) {
  const vec low = vec_set(clamp_low(d->epilogue)), high = vec_set(clamp_high(d->epilogue));
  depthwise_at at = pixel_at(d, line, 0, 0);
  size_t p = 0;
  for (; p + 4 <= d->pixels; p += 4) depthwise_group(d, &at, low, high, taps, step, lines, 4);
  for (; p + 2 <= d->pixels; p += 2) depthwise_group(d, &at, low, high, taps, step, lines, 2);
  for (; p < d->pixels; p++) depthwise_group(d, &at, low, high, taps, step, lines, 1);
}

/* The whole rectangle, two lines at a time where the kernel is square; then the last channels, fewer than a vector. */
static inline __attribute__((always_inline)) void depthwise_rectangle(const unfurl_depthwise *d, const size_t taps,
                                                                      const size_t step) {
  const bool in_pairs = d->row_taps == taps && d->line_stride == step * d->row_stride;
  const size_t whole = d->channels / VEC_LANES * VEC_LANES;
  size_t line = 0;
  for (; in_pairs && line + 2 <= d->lines; line += 2) depthwise_lines(d, line, taps, step, 2);
  for (; line < d->lines; line++) depthwise_lines(d, line, taps, step, 1);
  for (line = 0; line < d->lines && whole < d->channels; line++)
    for (size_t p = 0; p < d->pixels; p++) depthwise_pixel(d, line, p, whole);
}

/* The copies for the kernels that networks have; false where there is none. */
static bool depthwise_copy(const unfurl_depthwise *d) {
#ifdef TILE_SMALL
  (void)d;
#else
  const size_t step = d->pixel_stride == d->col_stride ? 1 : d->pixel_stride == 2 * d->col_stride ? 2 : 0;
  if (d->col_taps == 3 && step == 1) return depthwise_rectangle(d, 3, 1), true;
  if (d->col_taps == 3 && step == 2) return depthwise_rectangle(d, 3, 2), true;
  if (d->col_taps == 5 && step == 1) return depthwise_rectangle(d, 5, 1), true;
  if (d->col_taps == 5 && step == 2) return depthwise_rectangle(d, 5, 2), true;
#endif
  return false;
}

void TILE_FUNCTION(depthwise)(const unfurl_depthwise *d) {
  const unfurl_epilogue *e = d->epilogue;
  if (!depthwise_copy(d))
    for (size_t line = 0; line < d->lines; line++)
      for (size_t p = 0; p < d->pixels; p++) depthwise_pixel(d, line, p, 0);
  if (e->activation <= UNFURL_ACTIVATION_CLIP) return;
  for (size_t line = 0; line < d->lines; line++)
    for (size_t p = 0; p < d->pixels; p++) {
      float *pixel = d->dst + line * d->dst_line + p * d->dst_stride;
      unfurl_activate(e->activation, e->alpha, e->beta, d->channels, pixel, pixel);
    }
}
