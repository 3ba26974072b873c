/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of kernel_check.c for activations: against the functions of base/vmath.h, one float at a time. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernel_data.h"

enum { ROWS = 3, MOST_GAP = 5 };

/* Where such functions break, or any bits at all. */
static float choose_value(rng *r) {
  static const float values[] = {0,        -0.0f,    INFINITY, -INFINITY, NAN,     FLT_MAX, -FLT_MAX, FLT_TRUE_MIN,
                                 -FLT_MIN, 3,        -3,       6,         0.625f,  -0.625f, 0.6249f,  88.72f,
                                 -87.4f,   104,      -104,     103.98f,   -103.9f, 1,       -1,       0x1p-30f,
                                 18,       -0x1p24f, 0x1p24f};
  const uint32_t bits = (uint32_t)rng_next(r);
  float value;
  memcpy(&value, &bits, sizeof value);
  const size_t kind = rng_below(r, 3);
  if (kind == 0) return value;
  return kind == 1 ? values[rng_below(r, sizeof values / sizeof *values)]
                   : (float)(20 * (double)(int64_t)rng_next(r) * 0x1p-63);
}

static void fill_rows(rng r, float *x, size_t count) {
  for (size_t i = 0; i < count; i++) x[i] = choose_value(&r);
}

static bool check_rows(const kernel_variant *v, const unfurl_activate_rows *rows, bool in_place, rng r, bool before) {
  const size_t count = (ROWS - 1) * rows->step + rows->cols;
  unfurl_activate_rows t = *rows;
  const unfurl_epilogue e = {.activation = t.activation, .alpha = t.alpha, .beta = t.beta};
  float *x = put(in_place ? DST : SRC, count * sizeof *x, before), *y = put(DST, count * sizeof *y, before);
  size_t *at = put(SRC_AT, ROWS * sizeof *at, before);
  float *expected = expect(y, count);
  fill_rows(r, x, count);
  if (in_place) memcpy(expected, x, count * sizeof *x);
  for (size_t i = 0; i < ROWS; i++) {
    at[i] = (ROWS - 1 - i) * rows->step;
    for (size_t j = 0; j < rows->cols; j++)
      expected[i * rows->step + j] = kernel_reference_activate(&e, x[i * rows->step + j], kernel_is_fused(v));
  }
  t.x = x, t.y = y, t.at = rng_below(&r, 2) ? at : NULL;
  v->kernels->activate(&t);
  return compare(y, expected, count);
}

/* Every activation and every number of columns that fills vectors differently. */
size_t check_activations(const kernel_variant *v, size_t rounds, size_t *failures) {
  size_t cases = 0;
  for (int activation = 0; activation <= UNFURL_ACTIVATION_GELU; activation++)
    for (size_t cols = 1; cols <= 2 * v->kernels->lanes + 1; cols++)
      for (size_t round = 0; round < rounds; round++, cases++) {
        rng r = {~(((size_t)activation * 100 + cols) * 10000 + round)};
        const unfurl_activate_rows rows = {.activation = (unfurl_activation)activation,
                                           .alpha = round % 2 ? -1 : 0.1f,
                                           .beta = 6,
                                           .rows = ROWS,
                                           .cols = cols,
                                           .step = cols + rng_below(&r, MOST_GAP)};
        const bool in_place = rng_below(&r, 2);
        kernel_case_begin(v->name);
        kernel_case_says("activation %d of %zu columns, in place %d", activation, cols, in_place);
        *failures += !(check_rows(v, &rows, in_place, r, false) && check_rows(v, &rows, in_place, r, true));
      }
  return cases;
}
