/* SPDX-License-Identifier: BSD-2-Clause */
/* The planar kernel's source, compiled with tile_body.h for each instruction set: PLANAR_SUMS is the number of accumulators
 * that fit the registers. Filters and vectors are constants in each copy. */
#include "gemm/planar.h"

enum { PLANAR_ROWS = 6, PLANAR_VECS = 8 /* most of a copy */ };

/* `filters` filters from filter f on, `vecs` vectors of pixels from p on. */
static inline __attribute__((always_inline)) void planar_block(const unfurl_planar *t, size_t f, size_t p,
                                                               const size_t filters, const size_t vecs) {
  vec acc[PLANAR_ROWS][PLANAR_VECS];
  UNROLL(8)
  for (size_t i = 0; i < filters; i++) {
    UNROLL(8)
    for (size_t j = 0; j < vecs; j++) acc[i][j] = vec_set(0);
  }
  const float *w = t->weights + f;
  for (size_t row = 0; row < t->row_taps; row++)
    for (size_t col = 0; col < t->col_taps; col++) {
      const float *src = t->src + p + row * t->row_stride + col * t->col_stride;
      for (size_t c = 0; c < t->channels; c++, src += t->channel_stride, w += t->filters) {
        vec x[PLANAR_VECS];
        UNROLL(8)
        for (size_t j = 0; j < vecs; j++) x[j] = vec_load(src + j * VEC_LANES);
        UNROLL(8)
        for (size_t i = 0; i < filters; i++) {
          const vec weight = vec_broadcast(w + i);
          UNROLL(8)
          for (size_t j = 0; j < vecs; j++) acc[i][j] = vec_fma(x[j], weight, acc[i][j]);
        }
      }
    }
  const unfurl_epilogue *e = t->epilogue;
  const vec low = vec_set(clamp_low(e)), high = vec_set(clamp_high(e));
  UNROLL(8)
  for (size_t i = 0; i < filters; i++) {
    float *to = t->dst + (f + i) * t->dst_stride + p;
    UNROLL(8)
    for (size_t j = 0; j < vecs; j++) {
      vec sum = acc[i][j];
      if (e->bias) sum = vec_add(sum, vec_set(e->bias[f + i]));
      vec_store(to + j * VEC_LANES, vec_at_most(vec_at_least(sum, low), high));
    }
  }
}

static inline __attribute__((always_inline)) void planar_filters(const unfurl_planar *t, size_t f,
                                                                 const size_t filters) {
  const size_t vecs = PLANAR_SUMS / filters < PLANAR_VECS ? PLANAR_SUMS / filters : PLANAR_VECS;
  for (size_t p = 0; p < t->pixels; p += vecs * VEC_LANES) planar_block(t, f, p, filters, vecs);
}

void TILE_FUNCTION(planar)(const unfurl_planar *t) {
  for (size_t f = 0; f < t->filters;) {
    const size_t left = t->filters - f, filters = left <= PLANAR_ROWS ? left : (left + 1) / 2;
    switch (filters) {
    case 1: planar_filters(t, f, 1); break;
    case 2: planar_filters(t, f, 2); break;
    case 3: planar_filters(t, f, 3); break;
    case 4: planar_filters(t, f, 4); break;
    case 5: planar_filters(t, f, 5); break;
    default: planar_filters(t, f, 6); break;
    }
    f += filters;
  }
}
