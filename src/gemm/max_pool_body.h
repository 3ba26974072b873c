/* SPDX-License-Identifier: BSD-2-Clause */
/* The source of max pooling's kernel, compiled with tile_body.h for each instruction set.
 *
 * A maximum of vectors forgets NaN, and to look at every element for it would double the work. So each element times zero
 * is summed up, which one multiply-add does: that gives NaN if there is one, or an infinity. Then, which is rare, all is
 * done once more, one by one.
 */
#include "gemm/max_pool.h"

enum { MAX_POOL_VECS = 4 };

static void max_pool_careful(const unfurl_max_pool_pixels *t) {
  for (size_t p = 0; p < t->pixels; p++)
    for (size_t c = 0; c < t->channels; c++) {
      float best = -__builtin_inff();
      for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j < t->cols; j++) {
          const float x = t->src[p * t->src_step + i * t->src_row + j * t->src_col + c];
          if (x > best || x != x) best = x;
        }
      t->dst[p * t->channels + c] = best;
    }
}

/* Some vectors of channels of a pixel, of which the last has `lanes`; returns what shows that one was not finite. */
static inline __attribute__((always_inline)) vec max_pool_block(const unfurl_max_pool_pixels *t, const float *src,
                                                                float *dst, const size_t vecs, const size_t lanes) {
  vec best[MAX_POOL_VECS], strange[MAX_POOL_VECS], sum = vec_set(0);
  UNROLL(4)
  for (size_t v = 0; v < vecs; v++) best[v] = vec_set(-__builtin_inff()), strange[v] = vec_set(0);
  for (size_t i = 0; i < t->rows; i++) {
    const float *at = src + i * t->src_row;
    for (size_t j = 0; j < t->cols; j++, at += t->src_col) {
      UNROLL(4)
      for (size_t v = 0; v < vecs; v++) {
        const vec x = load_column(at, v, vecs, lanes);
        best[v] = vec_at_least(best[v], x);
        strange[v] = vec_fma(x, vec_set(0), strange[v]);
      }
    }
  }
  UNROLL(4)
  for (size_t v = 0; v < vecs; v++) {
    store_column(dst, best[v], v, vecs, lanes);
    sum = vec_add(sum, strange[v]);
  }
  return sum;
}

void TILE_FUNCTION(max_pool)(const unfurl_max_pool_pixels *t) {
  enum { BLOCK = MAX_POOL_VECS * VEC_LANES };
  vec strange = vec_set(0);
  for (size_t p = 0; p < t->pixels; p++) {
    const float *src = t->src + p * t->src_step;
    float *dst = t->dst + p * t->channels;
    size_t c = 0;
    for (; c + BLOCK <= t->channels; c += BLOCK)
      strange = vec_add(strange, max_pool_block(t, src + c, dst + c, MAX_POOL_VECS, VEC_LANES));
    for (; c + VEC_LANES <= t->channels; c += VEC_LANES)
      strange = vec_add(strange, max_pool_block(t, src + c, dst + c, 1, VEC_LANES));
    if (c < t->channels) strange = vec_add(strange, max_pool_block(t, src + c, dst + c, 1, t->channels - c));
  }
  float sums[VEC_LANES];
  bool is_finite = true;
  vec_store(sums, strange);
  for (size_t i = 0; i < VEC_LANES; i++) is_finite &= sums[i] == 0;
  if (!is_finite) max_pool_careful(t);
}
