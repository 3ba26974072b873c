/* SPDX-License-Identifier: BSD-2-Clause */
/* One or two rows by several whole panels side by side, included by tile_body.h. A tile of so few rows has so few sums that it
 * would wait for its own additions, and reads one stream of weights where several come faster. */

enum { SIDE_SUMS = UNFURL_SIDE_PANELS(1) };

typedef struct side_sums {
  vec at[SIDE_SUMS][TILE_VECS]; /* [panel][row] */
} side_sums;

/* acc[p][i][j] += a[i] * b[p][j] */
static inline __attribute__((always_inline)) void multiply_side_element(const float *const *a, ptrdiff_t k,
                                                                        const float *b, size_t panel_floats,
                                                                        side_sums *acc, const size_t rows,
                                                                        const size_t panels) {
  vec x[UNFURL_SIDE_ROWS];
  UNROLL(2)
  for (size_t i = 0; i < rows; i++) x[i] = vec_broadcast(a[i] + k);
  UNROLL(4)
  for (size_t p = 0; p < panels; p++) {
    UNROLL(4)
    for (size_t j = 0; j < TILE_VECS; j++) {
      const vec w = vec_load(b + p * panel_floats + j * VEC_LANES);
      UNROLL(2)
      for (size_t i = 0; i < rows; i++) acc->at[p * rows + i][j] = vec_fma(x[i], w, acc->at[p * rows + i][j]);
    }
  }
}

/* The panels' next lines: of all together as many bytes ahead as tiles of few rows bring of one panel. Measured on Zen 4, whose
 * L1 holds no more: four times as far is a fifth slower. */
static inline __attribute__((always_inline)) void bring_side(const float *b, size_t panel_floats, const size_t panels) {
  UNROLL(4)
  for (size_t p = 0; p < panels; p++) {
    UNROLL(8)
    for (size_t i = 0; i < 2 * TILE_COLS * sizeof *b; i += CACHE_LINE)
      __builtin_prefetch((const char *)(b + p * panel_floats) + AHEAD_BYTES / panels + i, 0, 3);
  }
}

static inline __attribute__((always_inline)) void multiply_side(const unfurl_tile *t, size_t panel_floats,
                                                                const size_t rows, const size_t panels) {
  side_sums acc;
  const float *a[UNFURL_SIDE_ROWS];
  UNROLL(4)
  for (size_t i = 0; i < SIDE_SUMS; i++) {
    UNROLL(4)
    for (size_t j = 0; j < TILE_VECS; j++) acc.at[i][j] = vec_set(0);
  }
  UNROLL(2)
  for (size_t i = 0; i < rows; i++) a[i] = t->src + i * t->src_step;
  const float *row_weights = t->weights;
  ptrdiff_t row = 0;
  for (size_t r = t->run_rows; r > 0; r--, row += t->run_row_stride, row_weights += t->weights_row_stride) {
    const float *run_weights = row_weights;
    ptrdiff_t begin = row;
    for (size_t c = t->run_cols; c > 0; c--, begin += t->run_col_stride, run_weights += t->weights_col_stride) {
      const float *b = run_weights;
      const ptrdiff_t end = begin + (ptrdiff_t)t->run_length;
      ptrdiff_t k = begin;
      for (; k + 1 < end; k += 2, b += 2 * TILE_COLS) {
        bring_side(b, panel_floats, panels);
        multiply_side_element(a, k, b, panel_floats, &acc, rows, panels);
        multiply_side_element(a, k + 1, b + TILE_COLS, panel_floats, &acc, rows, panels);
      }
      if (k < end) multiply_side_element(a, k, b, panel_floats, &acc, rows, panels);
    }
  }
  UNROLL(4)
  for (size_t p = 0; p < panels; p++) {
    UNROLL(2)
    for (size_t i = 0; i < rows; i++) {
      float *to = t->dst + i * t->dst_step + p * TILE_COLS;
      UNROLL(4)
      for (size_t j = 0; j < TILE_VECS; j++) vec_store(to + j * VEC_LANES, acc.at[p * rows + i][j]);
    }
  }
}

static void tile_side(const unfurl_tile *t, size_t panels, size_t panel_floats) {
  if (t->rows == 2) {
    multiply_side(t, panel_floats, 2, 2);
    return;
  }
  switch (panels) {
  case 2: multiply_side(t, panel_floats, 1, 2); break;
  case 3: multiply_side(t, panel_floats, 1, 3); break;
  case 4: multiply_side(t, panel_floats, 1, 4); break;
  }
}
