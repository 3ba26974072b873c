/* SPDX-License-Identifier: BSD-2-Clause */
/* The micro-kernel for many evenly spaced rows, included by tile_body.h where an instruction set has the registers: a pointer
 * serves five rows, which are 0 to 4 steps from it, so that addresses never spill. Where lines of pixels are a multiple of
 * seven, it serves so many, all of them in one line, and a tile runs across lines. */
#include "base/memory.h"

enum {
  ROWS_A_POINTER = 5,
  MOST_POINTERS = (TILE_MOST_EVEN_ROWS + ROWS_A_POINTER - 1) / ROWS_A_POINTER,
  LEAST_COMING = 1 << 10, /* bytes of a tile's rows, a run */
  MOST_COMING = 32 << 10  /* all runs */
};

/* Bytes from row to row, and over three and five rows: x86 has addresses of a pointer and 1, 2, 4 or 8 times a register. */
typedef struct even_steps {
  size_t one, three, five;
} even_steps;

/* Where the next pointer's rows begin, and how many rows of its line are left. */
typedef struct even_place {
  const float *src;
  size_t left;
} even_place;

/* Rows that a run multiplies: all, or all but the first of each `period`, or the last. */
typedef enum even_part { ALL_ROWS, BUT_FIRST, BUT_LAST } even_part;

static inline __attribute__((always_inline)) bool leaves_out(size_t i, const size_t period, const even_part part) {
  return part == BUT_FIRST ? i % period == 0 : part == BUT_LAST && i % period == period - 1;
}

/* Row i, element `at`. */
static inline __attribute__((always_inline)) const float *even_row(const float *const *a, size_t i, size_t at,
                                                                   even_steps steps, const size_t shared) {
  const size_t m = i % shared;
  const char *pointer = (const char *)(a[i / shared] + at);
  const size_t bytes = m == 3 ? steps.three : m == 5 ? steps.five : m == 6 ? 2 * steps.three : m * steps.one;
  return (const float *)(const void *)(pointer + bytes);
}

/* Lines of the next tile's rows that are brought into L1 with each pair of elements: these rows begin where this tile's end,
 * run by run. None where pixels are far apart, so that each of their lines serves one pixel; nor of rows so long that they
 * would not stay there, or so short that the processor sees them coming; nor of lines with gaps, most of which were copied
 * just now. */
static inline size_t lines_a_pair(const unfurl_tile *t, size_t rows) {
  const size_t bytes = rows * t->src_step * sizeof(float), pairs = t->run_length / 2;
  if (t->src_step > t->run_length || pairs == 0) return 0;
  if (bytes < LEAST_COMING || bytes * t->run_rows * t->run_cols > MOST_COMING) return 0;
  return unfurl_divide_up(bytes, pairs * CACHE_LINE);
}

/* acc[i][j] += a[i][at] * b[j] */
static inline __attribute__((always_inline)) void multiply_even_element(const float *const *a, size_t at,
                                                                        even_steps steps, const float *b,
                                                                        accumulators *acc, const size_t rows,
                                                                        const size_t vecs, const size_t shared,
                                                                        const size_t period, const even_part part) {
  vec w[TILE_VECS];
  UNROLL(4)
  for (size_t j = 0; j < vecs; j++) w[j] = vec_load(b + j * VEC_LANES);
  UNROLL(28)
  for (size_t i = 0; i < rows; i++) {
    if (leaves_out(i, period, part)) continue;
    const float *from = even_row(a, i, at, steps, shared);
    const vec x = vecs == 1 ? vec_set(*from) : vec_broadcast(from);
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) acc->at[i][j] = vec_fma(x, w[j], acc->at[i][j]);
  }
}

static inline __attribute__((always_inline)) void advance_pointers(const float **a, size_t floats, const size_t rows,
                                                                   const size_t shared) {
  UNROLL(8)
  for (size_t q = 0; q * shared < rows; q++) {
    a[q] += floats;
    KEPT_IN_REGISTER(a[q]);
  }
}

/* The pointers of the next tile, of rows in lines. */
static inline __attribute__((always_inline)) void take_pointers(const unfurl_tile *t, even_place *place,
                                                                const float **first, const size_t rows) {
  UNROLL(4)
  for (size_t q = 0; q * UNFURL_LINE_UNIT < rows; q++) {
    first[q] = place->src;
    place->src += UNFURL_LINE_UNIT * t->src_step;
    place->left -= UNFURL_LINE_UNIT;
    if (place->left == 0) place->src += t->line_gap, place->left = t->line;
  }
}

/* What is brought while a tile is multiplied: from ahead, and its own next rows, `lines` cache lines with each pair. */
typedef struct even_bringing {
  unfurl_ahead *ahead; /* or NULL */
  size_t lines;
} even_bringing;

/* One run; `next` is where the next tile's rows begin. */
static inline __attribute__((always_inline)) void
multiply_even_run(const float **a, size_t length, const float *b, even_steps steps, even_bringing bringing,
                  uintptr_t next, accumulators *acc, const size_t rows, const size_t vecs, const bool in_lines,
                  const size_t period, const even_part part) {
  const size_t shared = in_lines ? UNFURL_LINE_UNIT : ROWS_A_POINTER;
  for (size_t pairs = length / 2; pairs > 0; pairs--, b += 2 * vecs * VEC_LANES) {
    KEPT_IN_REGISTER(steps.one);
    KEPT_IN_REGISTER(steps.three);
    if (in_lines) {
      KEPT_IN_REGISTER(steps.five);
    }
    if (bringing.ahead) {
      __builtin_prefetch((const void *)bringing.ahead->at, 0, 2);
      bringing.ahead->at += bringing.ahead->step;
    }
    for (size_t i = bringing.lines; i > 0; i--, next += CACHE_LINE) __builtin_prefetch((const void *)next, 0, 3);
    multiply_even_element(a, 0, steps, b, acc, rows, vecs, shared, period, part);
    multiply_even_element(a, 1, steps, b + vecs * VEC_LANES, acc, rows, vecs, shared, period, part);
    advance_pointers(a, 2, rows, shared);
  }
  if (length % 2) multiply_even_element(a, 0, steps, b, acc, rows, vecs, shared, period, part);
}

/* One run for all rows but the first of each `line` rows, or the last: with a copy for each number that divides the tile's
 * rows in lines. */
static inline __attribute__((always_inline)) void
multiply_even_part(const float **a, size_t length, const float *b, even_steps steps, even_bringing bringing,
                   uintptr_t next, accumulators *acc, const size_t rows, const size_t vecs, const bool in_lines,
                   size_t line, const even_part part) {
  enum { ONE = UNFURL_LINE_UNIT, TWO = 2 * ONE };
  if (!in_lines || line == rows)
    multiply_even_run(a, length, b, steps, bringing, next, acc, rows, vecs, in_lines, rows, part);
  else if (rows % TWO == 0 && rows > TWO && line == TWO)
    multiply_even_run(a, length, b, steps, bringing, next, acc, rows, vecs, in_lines, TWO, part);
  else
    multiply_even_run(a, length, b, steps, bringing, next, acc, rows, vecs, in_lines, ONE, part);
}

/* `in_lines`: whether the pointers begin at `first`; else `src` is where all rows begin. */
static inline __attribute__((always_inline)) void
multiply_even(const unfurl_tile *t, const float *src, const float *const *first, tile_skips skips, unfurl_ahead *ahead,
              accumulators *acc, const size_t rows, const size_t vecs, const bool in_lines) {
  const float *row_weights = t->weights;
  const even_bringing bringing = {t->ahead.at ? ahead : NULL, in_lines ? 0 : lines_a_pair(t, rows)};
  const size_t shared = in_lines ? UNFURL_LINE_UNIT : ROWS_A_POINTER, step = t->src_step * sizeof(float);
  const even_steps steps = {step, 3 * step, 5 * step};
  ptrdiff_t row = 0;
  for (size_t r = t->run_rows; r > 0; r--, row += t->run_row_stride, row_weights += t->weights_row_stride) {
    const float *b = row_weights;
    ptrdiff_t begin = row + t->run_col_first;
    for (size_t c = t->run_cols; c > 0; c--, begin += t->run_col_stride, b += t->weights_col_stride) {
      const float *a[MOST_POINTERS];
      const uintptr_t next = (uintptr_t)(src + (begin + (ptrdiff_t)(rows * t->src_step)));
      UNROLL(8)
      for (size_t q = 0; q * shared < rows; q++)
        a[q] = in_lines ? first[q] + begin : src + (begin + (ptrdiff_t)(q * shared * t->src_step));
      if (__builtin_expect(skips.first && c == t->run_cols, 0))
        multiply_even_part(a, t->run_length, b, steps, bringing, next, acc, rows, vecs, in_lines, t->line, BUT_FIRST);
      else if (__builtin_expect(skips.last && c == 1, 0))
        multiply_even_part(a, t->run_length, b, steps, bringing, next, acc, rows, vecs, in_lines, t->line, BUT_LAST);
      else
        multiply_even_run(a, t->run_length, b, steps, bringing, next, acc, rows, vecs, in_lines, rows, ALL_ROWS);
    }
  }
}

/* The runs of a plain tile, one in each row of the kernel. */
static inline __attribute__((always_inline)) void multiply_even_short_runs(const unfurl_tile *t, const float **a,
                                                                           even_steps steps, even_bringing bringing,
                                                                           accumulators *acc, const size_t rows,
                                                                           const size_t vecs) {
  const size_t advanced = t->run_length - t->run_length % 2; /* by a run */
  const float *b = t->weights;
  for (size_t r = t->run_rows; r > 0; r--, b += t->weights_row_stride) {
    const uintptr_t next = (uintptr_t)(a[0] + rows * t->src_step);
    multiply_even_run(a, t->run_length, b, steps, bringing, next, acc, rows, vecs, false, rows, ALL_ROWS);
    advance_pointers(a, (size_t)t->run_row_stride - advanced, rows, ROWS_A_POINTER);
  }
}

/* Plain tiles, as in tile_body.h. */
static inline __attribute__((always_inline)) void compute_even_plain(const unfurl_tile *t, const size_t rows,
                                                                     const size_t vecs) {
  unfurl_ahead ahead = ahead_of(t);
  const even_bringing bringing = {t->ahead.at ? &ahead : NULL, lines_a_pair(t, rows)};
  const size_t floats = t->src_step, step = floats * sizeof(float);
  const even_steps steps = {step, 3 * step, 5 * step};
  const float *first = t->src + t->run_col_first;
  tile_rows at = {0};
  for (size_t n = t->tiles; n > 0; n--, at.dst += rows * t->dst_step) {
    accumulators acc;
    const float *a[MOST_POINTERS];
    clear(&acc, rows, vecs);
    UNROLL(8)
    for (size_t q = 0; q * ROWS_A_POINTER < rows; q++) a[q] = first + q * ROWS_A_POINTER * floats;
    first += rows * floats;
    if (t->run_rows == 1)
      multiply_even_run(a, t->run_length, t->weights, steps, bringing, (uintptr_t)first, &acc, rows, vecs, false, rows,
                        ALL_ROWS);
    else
      multiply_even_short_runs(t, a, steps, bringing, &acc, rows, vecs);
    finish_tile(t, &at, &acc, rows, vecs);
  }
}

static inline __attribute__((always_inline)) void compute_even(const unfurl_tile *t, const size_t rows,
                                                               const size_t vecs) {
  if (rows <= TILE_ROWS_OF(vecs) || rows > TILE_EVEN_ROWS_OF(vecs)) return; /* there is no such copy */
  if (rows == TILE_EVEN_ROWS_OF(vecs) && is_plain(t)) {
    compute_even_plain(t, rows, vecs);
    return;
  }
  unfurl_ahead ahead = ahead_of(t);
  tile_rows at = {0};
  for (size_t n = 0; n < t->tiles; n++, at.src += rows * t->src_step, at.dst += rows * t->dst_step) {
    const bool may_skip = rows <= UNFURL_SKIPPING_ROWS;
    const tile_skips skips = {may_skip && t->skips_first && n == 0, may_skip && t->skips_last && n + 1 == t->tiles};
    accumulators acc;
    begin_sums(t, &at, &acc, rows, vecs);
    multiply_even(t, t->src + at.src, NULL, skips, &ahead, &acc, rows, vecs, false);
    finish_tile(t, &at, &acc, rows, vecs);
  }
}

/* Rows in lines: a multiple of those that share a pointer. */
static inline __attribute__((always_inline)) void compute_lines(const unfurl_tile *t, const size_t rows,
                                                                const size_t vecs) {
  if (rows <= TILE_ROWS_OF(vecs) || rows > TILE_EVEN_ROWS_OF(vecs)) return;
  const tile_skips skips = {t->skips_first, t->skips_last};
  unfurl_ahead ahead = ahead_of(t);
  even_place place = {t->src, t->line_left};
  tile_rows at = {0};
  for (size_t n = 0; n < t->tiles; n++, at.dst += rows * t->dst_step) {
    accumulators acc;
    const float *first[TILE_MOST_EVEN_ROWS / UNFURL_LINE_UNIT];
    take_pointers(t, &place, first, rows);
    begin_sums(t, &at, &acc, rows, vecs);
    multiply_even(t, t->src, first, skips, &ahead, &acc, rows, vecs, true);
    finish_tile(t, &at, &acc, rows, vecs);
  }
}

static inline __attribute__((always_inline)) void tile_lines_of(const unfurl_tile *t, const size_t vecs) {
  switch (t->rows) {
  case 2 * UNFURL_LINE_UNIT: compute_lines(t, 2 * UNFURL_LINE_UNIT, vecs); break;
  case 3 * UNFURL_LINE_UNIT: compute_lines(t, 3 * UNFURL_LINE_UNIT, vecs); break;
  case 4 * UNFURL_LINE_UNIT: compute_lines(t, 4 * UNFURL_LINE_UNIT, vecs); break;
  }
}

static inline __attribute__((always_inline)) void tile_even_of(const unfurl_tile *t, const size_t vecs) {
  if (t->line) {
    tile_lines_of(t, vecs);
    return;
  }
  switch (t->rows) {
  case 11: compute_even(t, 11, vecs); break;
  case 12: compute_even(t, 12, vecs); break;
  case 13: compute_even(t, 13, vecs); break;
  case 14: compute_even(t, 14, vecs); break;
  case 15: compute_even(t, 15, vecs); break;
  case 16: compute_even(t, 16, vecs); break;
  case 17: compute_even(t, 17, vecs); break;
  case 18: compute_even(t, 18, vecs); break;
  case 19: compute_even(t, 19, vecs); break;
  case 20: compute_even(t, 20, vecs); break;
  case 21: compute_even(t, 21, vecs); break;
  case 22: compute_even(t, 22, vecs); break;
  case 23: compute_even(t, 23, vecs); break;
  case 24: compute_even(t, 24, vecs); break;
  case 25: compute_even(t, 25, vecs); break;
  case 26: compute_even(t, 26, vecs); break;
  case 27: compute_even(t, 27, vecs); break;
  case 28: compute_even(t, 28, vecs); break;
  }
}
