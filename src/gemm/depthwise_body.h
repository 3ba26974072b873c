/* SPDX-License-Identifier: BSD-2-Clause */
/* The depthwise kernel's source, compiled with tile_body.h for each instruction set.
 *
 * Eight neighbouring pixels are done together, for as many channels as a vector has: as many sums as hide the latency of
 * additions. For the kernels that networks have, there are copies in which taps and step are constants: each input is
 * loaded once for all the pixels that see it, and the weights of a row stay in registers. Others take a path that loads an
 * input once for each tap. In both, what falls into the padding is jumped over, so that borders need no calls of their own.
 *
 * Columns of eight pixels are done one after the other, each from the first line to the last: rows that several lines read
 * are still in L1 then.
 */
#include "gemm/depthwise.h"

enum { DEPTHWISE_PIXELS = 8, DEPTHWISE_ALL = (1 << DEPTHWISE_PIXELS) - 1, DEPTHWISE_VECS = 4, DEPTHWISE_TAPS = 64 };

/* Neighbouring pixels of a line, and where their taps are. */
typedef struct depthwise_columns {
  size_t first, count; /* output pixels */
  ptrdiff_t input;     /* that the first tap of the first one reads */
  uint32_t inputs;     /* bit i: there is an input i further on */
  uint8_t pixels[DEPTHWISE_TAPS]; /* of a tap: bit p: that of pixel p is inside the image */
} depthwise_columns;

/* Some pixels of a line, channel 0. */
typedef struct depthwise_at {
  const float *src, *weights; /* first tap of the first row of taps inside; in the padding, src may lie anywhere */
  size_t rows;                /* of taps inside */
  const float *bias, *residual;
  float *dst;
  bool clamps;
  vec low, high;
} depthwise_at;

/* The taps of output `out` that are inside. */
static void depthwise_taps(const unfurl_depthwise_axis *axis, size_t out, size_t *begin, size_t *end) {
  const ptrdiff_t at = axis->first + (ptrdiff_t)(out * axis->step), beyond = (ptrdiff_t)axis->in - at;
  const size_t first = ((size_t)(at < 0 ? -at : 0) + axis->dilation - 1) / axis->dilation;
  const size_t last = ((size_t)(beyond > 0 ? beyond : 0) + axis->dilation - 1) / axis->dilation;
  *end = last < axis->taps ? last : axis->taps;
  *begin = first < *end ? first : *end;
}

static uint8_t depthwise_pixels_of(const unfurl_depthwise *d, const depthwise_columns *cols, size_t tap) {
  unsigned inside = 0;
  for (size_t p = 0; p < cols->count; p++) {
    const ptrdiff_t input = cols->input + (ptrdiff_t)(tap * d->cols.dilation + p * d->cols.step);
    inside |= (unsigned)(input >= 0 && input < (ptrdiff_t)d->cols.in) << p;
  }
  return (uint8_t)inside;
}

static void depthwise_find(const unfurl_depthwise *d, depthwise_columns *cols) {
  const size_t span = (cols->count - 1) * d->cols.step + d->cols.taps;
  cols->input = d->cols.first + (ptrdiff_t)(cols->first * d->cols.step);
  cols->inputs = 0;
  for (size_t i = 0; i < span && i < 32; i++) {
    const ptrdiff_t input = cols->input + (ptrdiff_t)i;
    cols->inputs |= (uint32_t)(input >= 0 && input < (ptrdiff_t)d->cols.in) << i;
  }
  for (size_t tap = 0; tap < d->cols.taps && tap < DEPTHWISE_TAPS; tap++)
    cols->pixels[tap] = depthwise_pixels_of(d, cols, tap);
}

/* The compiler would keep the addresses of a whole row from one block to the next, in more registers than there are. */
static inline const float *depthwise_forget(const float *p) {
  __asm__("" : "+r"(p));
  return p;
}

/* A row of a kernel that has a copy; `at` is where it reads its first input. Pixels that are not asked for are computed
 * where that costs less than to ask. */
static inline __attribute__((always_inline)) void
depthwise_row(const unfurl_depthwise *d, const float *src, const float *weights, vec *acc, uint32_t inputs,
              const size_t taps, const size_t step, const size_t lanes) {
  enum { APART = 3 }; /* addresses that one register serves */
  vec w[7];
  UNROLL(8)
  for (size_t j = 0; j < taps; j++) {
    w[j] = vec_load(weights + j % APART * d->weights_tap);
    if (j % APART == APART - 1) weights = depthwise_forget(weights + APART * d->weights_tap);
  }
  UNROLL(32)
  for (size_t i = 0; i < (DEPTHWISE_PIXELS - 1) * step + taps; i++) {
    if (inputs >> i & 1) {
      const vec x = load_used(src + i % APART * d->src_col, lanes);
      UNROLL(8)
      for (size_t p = 0; p < DEPTHWISE_PIXELS; p++)
        if (p * step <= i && i < p * step + taps) acc[p] = vec_fma(x, w[i - p * step], acc[p]);
    }
    if (i % APART == APART - 1) src = depthwise_forget(src + APART * d->src_col);
  }
}

/* A row of any kernel. */
static inline __attribute__((always_inline)) void depthwise_row_of_any(const unfurl_depthwise *d,
                                                                       const depthwise_columns *cols, const float *src,
                                                                       const float *weights, vec *acc,
                                                                       const size_t lanes) {
  const size_t pixel = d->cols.step * d->src_col, tap = d->cols.dilation * d->src_col;
  for (size_t j = 0; j < d->cols.taps; j++, src += tap, weights += d->weights_tap) {
    const unsigned inside = j < DEPTHWISE_TAPS ? cols->pixels[j] : depthwise_pixels_of(d, cols, j);
    if (!inside) continue;
    const vec w = vec_load(weights);
    if (inside == DEPTHWISE_ALL) {
      UNROLL(8)
      for (size_t p = 0; p < DEPTHWISE_PIXELS; p++) acc[p] = vec_fma(load_used(src + p * pixel, lanes), w, acc[p]);
      continue;
    }
    UNROLL(8)
    for (size_t p = 0; p < DEPTHWISE_PIXELS; p++)
      if (inside >> p & 1) acc[p] = vec_fma(load_used(src + p * pixel, lanes), w, acc[p]);
  }
}

/* Bias, residual and the activations that are a clamp; then the stores: for `count` pixels, at most `most`. */
static inline __attribute__((always_inline)) void depthwise_finish(const unfurl_depthwise *d, const depthwise_at *at,
                                                                   size_t c, vec *acc,
                                                                   const size_t most, size_t count,
                                                                   const size_t lanes) {
  const float *residual = at->residual ? at->residual + c : NULL;
  float *dst = at->dst + c;
  if (at->bias) {
    const vec bias = load_used(at->bias + c, lanes);
    UNROLL(8)
    for (size_t p = 0; p < most; p++) acc[p] = vec_add(acc[p], bias);
  }
  if (residual) {
    UNROLL(8)
    for (size_t p = 0; p < most; p++, residual += d->dst_stride)
      if (p < count) acc[p] = vec_add(acc[p], load_used(residual, lanes));
  }
  if (at->clamps) {
    UNROLL(8)
    for (size_t p = 0; p < most; p++) acc[p] = vec_at_most(vec_at_least(acc[p], at->low), at->high);
  }
  UNROLL(8)
  for (size_t p = 0; p < most; p++, dst += d->dst_stride)
    if (p < count) store_used(dst, acc[p], lanes);
}

/* `lanes` channels of the pixels, from channel c on. taps == 0: those of any kernel. Loops over rows stay loops: unrolled,
 * they would keep the weights of all rows in registers that there are not. */
static inline __attribute__((always_inline)) void
depthwise_block(const unfurl_depthwise *d, const depthwise_columns *cols, const depthwise_at *at, size_t c,
                const size_t taps, const size_t step, const size_t lanes) {
  const size_t src_row = d->rows.dilation * d->src_row, weights_row = d->cols.taps * d->weights_tap;
  const uint32_t all = (uint32_t)(((uint64_t)1 << ((DEPTHWISE_PIXELS - 1) * step + taps)) - 1);
  const float *src = at->src + c, *weights = at->weights + c;
  vec acc[DEPTHWISE_PIXELS];
  UNROLL(8)
  for (size_t p = 0; p < DEPTHWISE_PIXELS; p++) acc[p] = vec_set(0);
  if (taps == 0) {
    UNROLL(1)
    for (size_t i = at->rows; i > 0; i--, src += src_row, weights += weights_row)
      depthwise_row_of_any(d, cols, src, weights, acc, lanes);
  } else if (cols->inputs == all) {
    UNROLL(1)
    for (size_t i = at->rows; i > 0; i--, src += src_row, weights += weights_row)
      depthwise_row(d, src, weights, acc, all, taps, step, lanes);
  } else {
    UNROLL(1)
    for (size_t i = at->rows; i > 0; i--, src += src_row, weights += weights_row) {
      uint32_t inputs = cols->inputs;
      __asm__ volatile("" : "+r"(inputs));
      depthwise_row(d, src, weights, acc, inputs, taps, step, lanes);
    }
  }
  depthwise_finish(d, at, c, acc, DEPTHWISE_PIXELS, cols->count, lanes);
}

/* One pixel, any kernel, four vectors of channels: so that their additions overlap. */
static void depthwise_pixel(const unfurl_depthwise *d, const depthwise_columns *cols, const depthwise_at *at, size_t c) {
  const size_t src_row = d->rows.dilation * d->src_row, src_tap = d->cols.dilation * d->src_col;
  size_t begin, end;
  vec acc[DEPTHWISE_VECS];
  depthwise_taps(&d->cols, cols->first, &begin, &end);
  UNROLL(4)
  for (size_t v = 0; v < DEPTHWISE_VECS; v++) acc[v] = vec_set(0);
  for (size_t i = 0; i < at->rows && begin < end; i++) {
    const float *w = at->weights + c + (i * d->cols.taps + begin) * d->weights_tap;
    const float *x = at->src + c + i * src_row + begin * src_tap;
    for (size_t j = begin; j < end; j++, x += src_tap, w += d->weights_tap) {
      UNROLL(4)
      for (size_t v = 0; v < DEPTHWISE_VECS; v++)
        acc[v] = vec_fma(vec_load(x + v * VEC_LANES), vec_load(w + v * VEC_LANES), acc[v]);
    }
  }
  UNROLL(4)
  for (size_t v = 0; v < DEPTHWISE_VECS; v++)
    depthwise_finish(d, at, c + v * VEC_LANES, &acc[v], 1, 1, VEC_LANES);
}

static inline depthwise_at depthwise_place(const unfurl_depthwise *d, const depthwise_columns *cols, size_t line) {
  const size_t offset = line * d->dst_line + cols->first * d->dst_stride;
  size_t begin, end;
  depthwise_taps(&d->rows, line, &begin, &end);
  const ptrdiff_t row = d->rows.first + (ptrdiff_t)(line * d->rows.step + begin * d->rows.dilation);
  return (depthwise_at){.src = d->src + row * (ptrdiff_t)d->src_row + cols->input * (ptrdiff_t)d->src_col,
                        .weights = d->weights + begin * d->cols.taps * d->weights_tap,
                        .rows = end - begin,
                        .bias = d->epilogue->bias,
                        .residual = d->epilogue->residual ? d->epilogue->residual + offset : NULL,
                        .dst = d->dst + offset,
                        .clamps = d->epilogue->activation != UNFURL_ACTIVATION_NONE,
                        .low = vec_set(clamp_low(d->epilogue)),
                        .high = vec_set(clamp_high(d->epilogue))};
}

#ifndef VEC_PARTS_ARE_FAST
/* The last channels, fewer than a vector: one path for every kernel. */
static __attribute__((noinline)) void depthwise_part(const unfurl_depthwise *d, const depthwise_columns *cols,
                                                     const depthwise_at *at, size_t c) {
  depthwise_block(d, cols, at, c, 0, 0, d->channels - c);
}
#endif

/* All lines and channels of the pixels. */
static inline __attribute__((always_inline)) void
depthwise_lines(const unfurl_depthwise *given, const depthwise_columns *cols, const size_t taps, const size_t step) {
  const unfurl_depthwise copy = *given, *d = &copy; /* which no store can change */
  for (size_t line = 0; line < d->lines; line++) {
    const depthwise_at at = depthwise_place(d, cols, line);
    size_t c = 0;
    for (; cols->count == 1 && c + DEPTHWISE_VECS * VEC_LANES <= d->channels; c += DEPTHWISE_VECS * VEC_LANES)
      depthwise_pixel(d, cols, &at, c);
#ifdef VEC_PARTS_ARE_FAST
    for (; c < d->channels; c += VEC_LANES)
      depthwise_block(d, cols, &at, c, taps, step, d->channels - c < VEC_LANES ? d->channels - c : VEC_LANES);
#else
    for (; c + VEC_LANES <= d->channels; c += VEC_LANES)
      depthwise_block(d, cols, &at, c, taps, step, VEC_LANES);
    if (c < d->channels) depthwise_part(d, cols, &at, c);
#endif
  }
}

/* With a copy for the kernels that networks have. */
static void depthwise_all_lines(const unfurl_depthwise *d, const depthwise_columns *cols) {
#ifndef TILE_SMALL
  const size_t taps = d->cols.dilation == 1 ? d->cols.taps : 0, step = d->cols.step;
  if (taps == 3 && step == 1) return depthwise_lines(d, cols, 3, 1);
  if (taps == 3 && step == 2) return depthwise_lines(d, cols, 3, 2);
  if (taps == 5 && step == 1) return depthwise_lines(d, cols, 5, 1);
  if (taps == 5 && step == 2) return depthwise_lines(d, cols, 5, 2);
  if (taps == 7 && step == 1) return depthwise_lines(d, cols, 7, 1);
  if (taps == 7 && step == 2) return depthwise_lines(d, cols, 7, 2);
#endif
  depthwise_lines(d, cols, 0, 0);
}

void TILE_FUNCTION(depthwise)(const unfurl_depthwise *d) {
  const unfurl_epilogue *e = d->epilogue;
  for (size_t p = 0; p < d->pixels; p += DEPTHWISE_PIXELS) {
    const size_t left = d->pixels - p;
    depthwise_columns cols = {.first = p, .count = left < DEPTHWISE_PIXELS ? left : DEPTHWISE_PIXELS};
    depthwise_find(d, &cols);
    depthwise_all_lines(d, &cols);
  }
  if (e->activation <= UNFURL_ACTIVATION_CLIP) return;
  for (size_t line = 0; line < d->lines; line++)
    for (size_t p = 0; p < d->pixels; p++) {
      float *pixel = d->dst + line * d->dst_line + p * d->dst_stride;
      unfurl_activate(e->activation, e->alpha, e->beta, d->channels, pixel, pixel);
    }
}
