/* SPDX-License-Identifier: BSD-2-Clause */
/* The grouped kernel's source, compiled with tile_body.h for each instruction set.
 *
 * Bringing a channel to the lanes of its group takes as long as a multiply-add. Where neighbouring pixels see the same
 * channels, what was brought serves all of them.
 */
#include "gemm/grouped.h"

enum {
  GROUPED_PIXELS = VEC_LANES >= 16 ? 8 : 4, /* two vectors of so many accumulators fit the registers */
  GROUPED_TAPS = 3
};

typedef vec grouped_sums[UNFURL_GROUPED_VECS][GROUPED_PIXELS];

/* Channels, or filters, that vector `v` has of `count`. */
static inline size_t grouped_used(size_t count, size_t v, size_t a_vector) {
  const size_t left = count - v * a_vector;
  return left < VEC_LANES ? left : VEC_LANES;
}

static inline __attribute__((always_inline)) void grouped_clear(grouped_sums acc, const size_t vecs,
                                                                const size_t pixels) {
  UNROLL(2)
  for (size_t v = 0; v < vecs; v++) {
    UNROLL(8)
    for (size_t p = 0; p < pixels; p++) acc[v][p] = vec_set(0);
  }
}

/* Bias, residual, clamp, and the stores. */
static inline __attribute__((always_inline)) void grouped_finish(const unfurl_grouped *g, size_t at, grouped_sums acc,
                                                                 const size_t vecs, const size_t pixels) {
  const unfurl_epilogue *e = g->epilogue;
  const vec low = vec_set(clamp_low(e)), high = vec_set(clamp_high(e));
  UNROLL(2)
  for (size_t v = 0; v < vecs; v++, at += VEC_LANES) {
    const size_t used = grouped_used(g->filters, v, VEC_LANES);
    const vec bias = e->bias ? load_used(e->bias + v * VEC_LANES, used) : vec_set(0);
    UNROLL(8)
    for (size_t p = 0; p < pixels; p++) {
      const size_t to = at + p * g->dst_stride;
      vec x = acc[v][p];
      if (e->bias) x = vec_add(x, bias);
      if (e->residual) x = vec_add(x, load_used(e->residual + to, used));
      x = vec_at_most(vec_at_least(x, low), high);
      if (STREAMS_LINES && __builtin_expect(g->streams, 0))
        vec_stream(g->dst + to, x);
      else
        store_used(g->dst + to, x, used);
    }
  }
}

/* `taps` taps in a row, outputs one input apart: input by input, each for all outputs that see it. */
static inline __attribute__((always_inline)) void grouped_shared(const unfurl_grouped *g, const float *src, size_t dst,
                                                                 const size_t taps, const size_t vecs,
                                                                 const size_t pixels) {
  grouped_sums acc;
  const float *weights = g->weights;
  const size_t elements = g->elements, cols = g->cols, tap = elements * cols, second = g->vec_channels;
  grouped_clear(acc, vecs, pixels);
  for (size_t i = 0; i < g->row_taps; i++, src += g->row_stride, weights += g->weights_row) {
    const float *from_col = src;
    UNROLL(16)
    for (size_t q = 0; q < pixels + taps - 1; q++, from_col += g->col_stride) {
      vec pixel[UNFURL_GROUPED_VECS];
      UNROLL(2)
      for (size_t v = 0; v < vecs; v++)
        pixel[v] = load_used(from_col + v * second, grouped_used(g->channels, v, second));
      const int32_t *from = g->from;
      const float *w = weights;
      UNROLL(1)
      for (size_t c = 0; c < elements; c++, from += VEC_LANES, w += cols) {
        vec x[UNFURL_GROUPED_VECS];
        UNROLL(2)
        for (size_t v = 0; v < vecs; v++) x[v] = vec_permute(pixel[v], from);
        UNROLL(3)
        for (size_t t = 0; t < taps; t++) {
          if (q < t || q - t >= pixels) continue;
          UNROLL(2)
          for (size_t v = 0; v < vecs; v++)
            acc[v][q - t] = vec_fma(x[v], vec_load(w + t * tap + v * VEC_LANES), acc[v][q - t]);
        }
      }
    }
  }
  grouped_finish(g, dst, acc, vecs, pixels);
}

/* Any kernel, one vector: tap by tap. `full`: all lanes are channels. */
static inline __attribute__((always_inline)) void grouped_single(const unfurl_grouped *g, const float *src, size_t dst,
                                                                 const size_t pixels, const bool full) {
  grouped_sums acc;
  const float *weights = g->weights;
  const size_t elements = g->elements, channels = g->channels, stride = g->pixel_stride;
  grouped_clear(acc, 1, pixels);
  for (size_t i = 0; i < g->row_taps; i++, src += g->row_stride, weights += g->weights_row) {
    const float *from_col = src, *w = weights;
    for (size_t j = 0; j < g->col_taps; j++, from_col += g->col_stride) {
      const int32_t *from = g->from;
      UNROLL(1)
      for (size_t c = 0; c < elements; c++, from += VEC_LANES, w += g->cols) {
        const vec weight = vec_load(w);
        UNROLL(8)
        for (size_t p = 0; p < pixels; p++) {
          const float *at = from_col + p * stride;
          const vec pixel = full ? vec_load(at) : vec_load_part(at, channels);
          acc[0][p] = vec_fma(vec_permute(pixel, from), weight, acc[0][p]);
        }
      }
    }
  }
  grouped_finish(g, dst, acc, 1, pixels);
}

/* What comes next, a step with each block of pixels. */
typedef struct grouped_bringing {
  bool brings;
  unfurl_bringing src, dst;
} grouped_bringing;

static inline grouped_bringing grouped_coming(const unfurl_grouped *g) {
  const size_t steps = g->lines * ((g->pixels + GROUPED_PIXELS - 1) / GROUPED_PIXELS);
  return (grouped_bringing){.brings = g->coming.src_floats > 0,
                            .src = unfurl_bringing_in(g->coming.src, g->coming.src_floats, steps),
                            .dst = unfurl_bringing_in(g->coming.dst, g->coming.dst_floats, steps)};
}

static inline __attribute__((always_inline)) void grouped_bring(grouped_bringing *coming) {
  if (__builtin_expect(coming->brings, 0)) unfurl_bring(&coming->src, &coming->dst);
}

static inline __attribute__((always_inline)) void grouped_shared_lines(const unfurl_grouped *g, const size_t vecs) {
  grouped_bringing coming = grouped_coming(g);
  for (size_t line = 0; line < g->lines; line++) {
    const float *src = g->src + line * g->line_stride;
    size_t dst = line * g->dst_line, p = 0;
    for (; p + GROUPED_PIXELS <= g->pixels; p += GROUPED_PIXELS) {
      grouped_bring(&coming);
      grouped_shared(g, src + p * g->pixel_stride, dst + p * g->dst_stride, GROUPED_TAPS, vecs, GROUPED_PIXELS);
    }
    if (p < g->pixels) grouped_bring(&coming);
    for (; p + 2 <= g->pixels; p += 2)
      grouped_shared(g, src + p * g->pixel_stride, dst + p * g->dst_stride, GROUPED_TAPS, vecs, 2);
    if (p < g->pixels) grouped_shared(g, src + p * g->pixel_stride, dst + p * g->dst_stride, GROUPED_TAPS, vecs, 1);
  }
}

static inline __attribute__((always_inline)) void grouped_single_lines(const unfurl_grouped *g, const bool full) {
  grouped_bringing coming = grouped_coming(g);
  for (size_t line = 0; line < g->lines; line++) {
    const float *src = g->src + line * g->line_stride;
    size_t dst = line * g->dst_line, p = 0;
    for (; p + GROUPED_PIXELS <= g->pixels; p += GROUPED_PIXELS) {
      grouped_bring(&coming);
      grouped_single(g, src + p * g->pixel_stride, dst + p * g->dst_stride, GROUPED_PIXELS, full);
    }
    if (p < g->pixels) grouped_bring(&coming);
    for (; p + 2 <= g->pixels; p += 2) grouped_single(g, src + p * g->pixel_stride, dst + p * g->dst_stride, 2, full);
    if (p < g->pixels) grouped_single(g, src + p * g->pixel_stride, dst + p * g->dst_stride, 1, full);
  }
}

/* Vector by vector. */
static void grouped_singles(const unfurl_grouped *g) {
  const size_t vecs = (g->filters + VEC_LANES - 1) / VEC_LANES;
  for (size_t v = 0; v < vecs; v++) {
    unfurl_epilogue epilogue = *g->epilogue;
    unfurl_grouped one = *g;
    if (epilogue.bias) epilogue.bias += v * VEC_LANES;
    if (epilogue.residual) epilogue.residual += v * VEC_LANES;
    one.epilogue = &epilogue;
    one.src += v * g->vec_channels, one.weights += v * VEC_LANES, one.dst += v * VEC_LANES;
    one.channels = grouped_used(g->channels, v, g->vec_channels);
    one.filters = grouped_used(g->filters, v, VEC_LANES);
    if (v > 0) one.coming = (unfurl_coming){0};
    if (one.channels == VEC_LANES)
      grouped_single_lines(&one, true);
    else
      grouped_single_lines(&one, false);
  }
}

void TILE_FUNCTION(grouped)(const unfurl_grouped *g) {
  const unfurl_epilogue *e = g->epilogue;
  const bool shares = g->col_taps == GROUPED_TAPS && g->pixel_stride == g->col_stride;
  if (shares && g->filters > VEC_LANES)
    grouped_shared_lines(g, 2);
  else if (shares)
    grouped_shared_lines(g, 1);
  else
    grouped_singles(g);
  activate_pixels(e, g->lines, g->dst_line, g->pixels, g->dst_stride, g->filters, g->dst);
}
