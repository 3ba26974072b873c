/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of kernel_check.c for max pooling. */
#include <math.h>

#include "kernel_data.h"

static float larger(float x, float best) {
  return x > best || x != x ? x : best;
}

static void reference(const unfurl_max_pool_pixels *t, float *dst) {
  for (size_t p = 0; p < t->pixels; p++)
    for (size_t c = 0; c < t->channels; c++) {
      float best = -INFINITY;
      for (size_t i = 0; i < t->rows * t->cols; i++)
        best = larger(t->src[p * t->src_step + i / t->cols * t->src_row + i % t->cols * t->src_col + c], best);
      dst[p * t->channels + c] = best;
    }
}

/* Some of what is not finite, at the same places on both sides of the fence; mostly nothing. */
static void add_strange(rng *r, size_t count) {
  static const float values[] = {NAN, INFINITY, -INFINITY, -0.0f};
  float *a = put(SRC, count * sizeof *a, false), *b = put(SRC, count * sizeof *b, true);
  for (size_t i = rng_below(r, 4) ? 0 : 1 + rng_below(r, 3); i > 0 && count > 0; i--) {
    const size_t at = rng_below(r, count);
    a[at] = b[at] = values[rng_below(r, sizeof values / sizeof *values)];
  }
}

static bool check_pixels(const kernel_variant *v, const unfurl_max_pool_pixels *pixels, size_t count, bool before) {
  unfurl_max_pool_pixels t = *pixels;
  t.src = put(SRC, count * sizeof(float), before);
  t.dst = put(DST, t.pixels * t.channels * sizeof(float), before);
  float *expected = expect(t.dst, t.pixels * t.channels);
  reference(&t, expected);
  v->kernels->max_pool(&t);
  return compare(t.dst, expected, t.pixels * t.channels);
}

/* Every number of channels that fills vectors differently; windows of nothing too. */
size_t check_max_pools(const kernel_variant *v, size_t rounds, size_t *failures) {
  size_t cases = 0;
  for (size_t channels = 1; channels <= 6 * v->kernels->lanes + 1; channels++)
    for (size_t round = 0; round < rounds; round++, cases++) {
      rng r = {(channels * 10000 + round) ^ 0xaaaa};
      unfurl_max_pool_pixels t = {.channels = channels, .pixels = 1 + rng_below(&r, 4)};
      t.rows = rng_below(&r, 4), t.cols = rng_below(&r, 4);
      t.src_col = channels + rng_below(&r, 3), t.src_step = t.src_col * (1 + rng_below(&r, 2));
      t.src_row = t.src_col * (t.cols + rng_below(&r, 3));
      const size_t last = t.rows && t.cols ? (t.rows - 1) * t.src_row + (t.cols - 1) * t.src_col : 0;
      const size_t count = (t.pixels - 1) * t.src_step + last + channels;
      fill(&r, SRC, count);
      add_strange(&r, count);
      kernel_case_begin(v->name);
      kernel_case_says("max pooling: %zu pixels of %zu channels, windows of %zu x %zu", t.pixels, channels, t.rows,
                       t.cols);
      *failures += !(check_pixels(v, &t, count, false) && check_pixels(v, &t, count, true));
    }
  return cases;
}
