/* SPDX-License-Identifier: BSD-2-Clause */
/* The micro-kernel's source, compiled once for each instruction set. Before including it, a tile_<isa>.c includes its
 * simd_<isa>.h and says how large tiles are:
 *
 *     TILE_VECS     vectors in a panel's row        TILE_ROWS_OF(vecs)  rows of a tile that is so wide, at most; or 0
 *     TILE_ISA      instruction set                   TILE_MOST_ROWS      the largest of these
 *     TILE_EVEN_ROWS_OF(vecs), TILE_MOST_EVEN_ROWS    the same for evenly spaced rows, where they are more
 *     TILE_KERNELS  the table's name        TILE_HIDDEN_SUMS    accumulators that the latency of additions hides
 *     TILE_FMA      a * b + c in tiles, if not vec_fma
 *     TILE_KNOWS_ENDS  1: large tiles have a copy for each usual way to end; else 0
 *     TILE_PLACES   of memory ahead, from each of which a line is brought with every two elements of a run
 *     PLANAR_SUMS   accumulators of the planar kernel, at least 6
 *     DEPTHWISE_SUMS  of the depthwise kernel, 8 to 14
 *     ACTIVATE_VECS  vectors that an activation is applied to side by side
 *     TILE_COLUMNS  6 or 3, of which four tiles of Winograd's have accumulators for each element
 *     TILE_FUNCTION(name)  the name of an instruction set's kernel that several tables may share
 *     TILE_ONLY     defined where these are compiled with another table
 *     TILE_BRINGS   1: whole vectors are cache lines, and those of a result are brought before it is stored; else 0, and those
 *                   of a later tile are, where a tile says so (brings_results)
 *
 * Rows and vectors are constants in each copy that tile_* below makes, so that the accumulators are registers: for that,
 * loops over them are unrolled. Where speed does not matter, a tile_<isa>.c may define TILE_SMALL.
 */
#include <stdbool.h>
#include <string.h>

#include "gemm/tile.h"

#ifdef TILE_SMALL
#define UNROLL(times)
#elif !defined(UNROLL)
#define UNROLL_PRAGMA(text) _Pragma(#text)
#define UNROLL(times)       UNROLL_PRAGMA(GCC unroll times)
#endif

#ifndef TILE_BRINGS
#define TILE_BRINGS 0
#endif

#ifndef TILE_KNOWS_ENDS
#define TILE_KNOWS_ENDS 0
#endif

#ifndef TILE_MOST_EVEN_ROWS
#define TILE_MOST_EVEN_ROWS     TILE_MOST_ROWS
#define TILE_EVEN_ROWS_OF(vecs) TILE_ROWS_OF(vecs)
#endif

/* Keeps the compiler from adding up in advance what then does not fit the registers. */
#define KEPT_IN_REGISTER(pointer) __asm__("" : "+r"(pointer))

#ifndef TILE_FMA
#define TILE_FMA vec_fma
#endif

/* Where nothing is to be brought, a tile of few rows brings its panel itself, shortly before it reads it. Measured from
 * memory: more than 3 KiB ahead is slower, and so is every second line. */
enum {
  TILE_COLS = TILE_VECS * VEC_LANES,
  FEW_ROWS = 2,
  AHEAD_BYTES = 1024,
  CACHE_LINE = 64,
  STREAMS_LINES = VEC_LANES * sizeof(float) == CACHE_LINE /* one store past the caches fills a line */
};

typedef struct accumulators {
  vec at[TILE_MOST_EVEN_ROWS][TILE_VECS];
} accumulators;

/* Where the rows of a tile are, counted from src and dst: listed, or from the first on evenly spaced. */
typedef struct tile_rows {
  size_t src, dst;
  const size_t *src_at, *dst_at;
} tile_rows;

static inline size_t dst_of(const unfurl_tile *t, const tile_rows *at, size_t row) {
  return at->dst_at ? at->dst_at[row] : at->dst + row * t->dst_step;
}

/* To the next tile. */
static inline __attribute__((always_inline)) void move_on(const unfurl_tile *t, tile_rows *at, const size_t rows) {
  if (at->src_at)
    at->src_at += rows, at->dst_at += rows;
  else
    at->src += rows * t->src_step, at->dst += rows * t->dst_step;
}

/* The bounds of an activation that is a clamp; of others, bounds that change nothing. NaN passes both. */
static inline float clamp_low(const unfurl_epilogue *e) {
  return e->activation == UNFURL_ACTIVATION_RELU   ? 0
         : e->activation == UNFURL_ACTIVATION_CLIP ? e->alpha
                                                   : -__builtin_inff();
}

static inline float clamp_high(const unfurl_epilogue *e) {
  return e->activation == UNFURL_ACTIVATION_CLIP ? e->beta : __builtin_inff();
}

/* The first lanes of a vector, where not all are in use. */
static inline vec load_used(const float *from, size_t lanes) {
#ifdef VEC_PARTS_ARE_FAST
  return vec_load_part(from, lanes);
#else
  return lanes == VEC_LANES ? vec_load(from) : vec_load_part(from, lanes);
#endif
}

static inline void store_used(float *to, vec x, size_t lanes) {
#ifdef VEC_PARTS_ARE_FAST
  vec_store_part(to, x, lanes);
#else
  if (lanes == VEC_LANES)
    vec_store(to, x);
  else
    vec_store_part(to, x, lanes);
#endif
}

/* acc[i][j] += a[i][k] * b[j] of the rows first..end-1 */
static inline __attribute__((always_inline)) void multiply_element(const float *const *a, ptrdiff_t k, const float *b,
                                                                   accumulators *acc, const size_t first,
                                                                   const size_t end, const size_t vecs) {
  if (TILE_ROWS_OF(TILE_VECS) < TILE_VECS && vecs == TILE_VECS) { /* fewer rows than vectors */
    vec x[TILE_MOST_ROWS];
    UNROLL(4)
    for (size_t i = first; i < end; i++) x[i] = vec_broadcast(a[i] + k);
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) {
      const vec w = vec_load(b + j * VEC_LANES);
      UNROLL(4)
      for (size_t i = first; i < end; i++) acc->at[i][j] = TILE_FMA(x[i], w, acc->at[i][j]);
    }
    return;
  }
  vec w[TILE_VECS];
  UNROLL(4)
  for (size_t j = 0; j < vecs; j++) w[j] = vec_load(b + j * VEC_LANES);
  UNROLL(16)
  for (size_t i = first; i < end; i++) {
    const vec x = vecs == 1 ? vec_set(a[i][k]) : vec_broadcast(a[i] + k);
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) acc->at[i][j] = TILE_FMA(x, w[j], acc->at[i][j]);
  }
}

/* A line from each place ahead. */
static inline __attribute__((always_inline)) void bring(unfurl_ahead *ahead) {
  UNROLL(4)
  for (size_t i = 0; i < TILE_PLACES; i++) {
    __builtin_prefetch((const void *)ahead->at, 0, 2);
    ahead->at += i + 1 < TILE_PLACES ? ahead->gap : ahead->step;
  }
}

/* Two elements, and what is to be brought meanwhile. */
static inline __attribute__((always_inline)) void multiply_pair(const float *const *a, ptrdiff_t k, const float *b,
                                                                unfurl_ahead *ahead, accumulators *acc,
                                                                const size_t first, const size_t end,
                                                                const size_t vecs) {
  bring(ahead);
  multiply_element(a, k, b, acc, first, end, vecs);
  multiply_element(a, k + 1, b + vecs * VEC_LANES, acc, first, end, vecs);
}

/* A run, or the rest of one, for the rows first..end-1. One place moves on for all rows: left to itself, the compiler moves a
 * pointer for each. Instructions are time where another thread shares the core: on a busy Zen 3, 2.04 of them for a
 * multiply-add in place of 2.29 took some 0.9 of the time; on an idle one, 0.99. */
static inline __attribute__((always_inline)) void multiply_part(const float *const *a, ptrdiff_t begin, size_t length,
                                                                const float *b, unfurl_ahead *ahead, accumulators *acc,
                                                                const size_t first, const size_t end,
                                                                const size_t vecs) {
  ptrdiff_t k = begin;
  for (size_t pairs = length / 2; pairs > 0; pairs--, k += 2, b += 2 * vecs * VEC_LANES) {
    KEPT_IN_REGISTER(k);
    multiply_pair(a, k, b, ahead, acc, first, end, vecs);
  }
  if (length % 2) multiply_element(a, k, b, acc, first, end, vecs);
}

/* Whether the tile's first row is left out of the first run in each row of runs, and its last row of the last. */
typedef struct tile_skips {
  bool first, last;
} tile_skips;

/* Where a run is: the next element, its weights; and rows of the result that have been brought. */
typedef struct run_place {
  ptrdiff_t k;
  const float *b;
  size_t brought;
} run_place;

/* TILE_BRINGS: the elements with which the lines of the result, and of what is added to it, are brought, one each with two
 * elements. All at once they would take the places of loads that wait, and when the sums are done it is too late. */
static inline __attribute__((always_inline)) void multiply_bringing(const unfurl_tile *t, const tile_rows *at,
                                                                    const float *const *a, ptrdiff_t end, run_place *p,
                                                                    unfurl_ahead *ahead, accumulators *acc,
                                                                    const size_t rows, const size_t vecs) {
  const float *added = t->residual;
  for (; TILE_BRINGS && p->brought < rows && p->k + 2 * (ptrdiff_t)vecs <= end; p->brought++) {
    const size_t to = dst_of(t, at, p->brought);
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++, p->k += 2, p->b += 2 * vecs * VEC_LANES) {
      if (added) __builtin_prefetch(added + to + j * VEC_LANES, 0, 2);
      __builtin_prefetch(t->dst + to + j * VEC_LANES, 1);
      multiply_pair(a, p->k, p->b, ahead, acc, 0, rows, vecs);
    }
  }
}

/* acc[i][j] += sum over the runs; `rows` and `vecs` are constants. */
static inline __attribute__((always_inline)) void multiply(const unfurl_tile *t, const tile_rows *at, tile_skips skips,
                                                           unfurl_ahead *ahead, accumulators *acc, const size_t rows,
                                                           const size_t vecs) {
  const float *a[TILE_MOST_ROWS];
  if (at->src_at) {
    UNROLL(16)
    for (size_t i = 0; i < rows; i++) a[i] = t->src + at->src_at[i];
  } else {
    UNROLL(16)
    for (size_t i = 0; i < rows; i++) a[i] = i == 0 ? t->src + at->src : a[i - 1] + t->src_step;
  }
  const float *row_weights = t->weights;
  const size_t pair = 2 * vecs * VEC_LANES;
  const bool reads_once = rows <= FEW_ROWS && t->ahead.at == 0;
  size_t brought = t->streams ? rows : 0;
  ptrdiff_t row = 0;
  for (size_t r = t->run_rows; r > 0; r--, row += t->run_row_stride, row_weights += t->weights_row_stride) {
    const float *run_weights = row_weights;
    ptrdiff_t begin = row + t->run_col_first;
    for (size_t c = t->run_cols; c > 0; c--, begin += t->run_col_stride, run_weights += t->weights_col_stride) {
      if (__builtin_expect(skips.first && c == t->run_cols, 0)) {
        multiply_part(a, begin, t->run_length, run_weights, ahead, acc, 1, rows, vecs);
        continue;
      }
      if (__builtin_expect(skips.last && c == 1, 0)) {
        multiply_part(a, begin, t->run_length, run_weights, ahead, acc, 0, rows - 1, vecs);
        continue;
      }
      const ptrdiff_t end = begin + (ptrdiff_t)t->run_length;
      run_place p = {begin, run_weights, brought};
      multiply_bringing(t, at, a, end, &p, ahead, acc, rows, vecs);
      brought = p.brought;
      const float *b = p.b;
      ptrdiff_t k = p.k;
      for (; reads_once && k + 1 < end; k += 2, b += pair) {
        UNROLL(8)
        for (size_t i = 0; i < pair * sizeof(float); i += CACHE_LINE)
          __builtin_prefetch((const char *)b + AHEAD_BYTES + i, 0, 3);
        multiply_element(a, k, b, acc, 0, rows, vecs);
        multiply_element(a, k + 1, b + vecs * VEC_LANES, acc, 0, rows, vecs);
      }
      multiply_part(a, k, (size_t)(end - k), b, ahead, acc, 0, rows, vecs);
    }
  }
}

#include "gemm/tile_finish_body.h"

static inline __attribute__((always_inline)) void clear(accumulators *acc, const size_t rows, const size_t vecs) {
  UNROLL(28)
  for (size_t i = 0; i < rows; i++) {
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) acc->at[i][j] = vec_set(0);
  }
}

/* What is brought while the tiles are multiplied: where nothing is, the weights, which are there already. */
static inline unfurl_ahead ahead_of(const unfurl_tile *t) {
  unfurl_ahead ahead = t->ahead;
  if (!ahead.at) ahead.at = (uintptr_t)t->weights;
  ahead.step -= (TILE_PLACES - 1) * ahead.gap; /* from the last place back to the first */
  return ahead;
}

/* The sums so far. */
static inline __attribute__((always_inline)) void begin_sums(const unfurl_tile *t, const tile_rows *at,
                                                             accumulators *acc, const size_t rows, const size_t vecs) {
  clear(acc, rows, vecs);
  if (__builtin_expect(!t->continues, 1)) return;
  const bool listed = rows <= TILE_ROWS_OF(vecs);
  row_places from = places_of(t, at, t->dst, rows, listed);
  UNROLL(28)
  for (size_t i = 0; i < rows; i++) {
    const float *row = next_place(&from, i, listed);
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) acc->at[i][j] = load_column(row, j, vecs, t->cols - (vecs - 1) * VEC_LANES);
  }
}

#include "gemm/tile_plain_body.h"

static inline __attribute__((always_inline)) void compute(const unfurl_tile *t, const size_t rows, const size_t vecs) {
  if (rows == TILE_EVEN_ROWS_OF(vecs) && is_plain(t)) {
    compute_plain(t, rows, vecs);
    return;
  }
  unfurl_ahead ahead = ahead_of(t);
  tile_rows at = {.src_at = t->src_at, .dst_at = t->dst_at};
  for (size_t n = 0; n < t->tiles; n++) {
    accumulators acc;
    begin_sums(t, &at, &acc, rows, vecs);
    const tile_skips skips = {t->skips_first && n == 0, t->skips_last && n + 1 == t->tiles};
    multiply(t, &at, skips, &ahead, &acc, rows, vecs);
    finish_tile(t, &at, &acc, rows, vecs);
    move_on(t, &at, rows);
  }
}

#if TILE_MOST_EVEN_ROWS > TILE_MOST_ROWS
#include "gemm/tile_even_body.h"
#endif

/* compute, if tiles of that width have so many rows; nothing otherwise. */
static inline __attribute__((always_inline)) void compute_rows(const unfurl_tile *t, const size_t rows,
                                                               const size_t vecs) {
  if (rows <= TILE_ROWS_OF(vecs)) compute(t, rows <= TILE_ROWS_OF(vecs) ? rows : 1, vecs);
}

/* One copy for each number of rows. */
static inline __attribute__((always_inline)) void tile_of(const unfurl_tile *t, const size_t vecs) {
  switch (t->rows) {
  case 1: compute_rows(t, 1, vecs); break;
  case 2: compute_rows(t, 2, vecs); break;
  case 3: compute_rows(t, 3, vecs); break;
  case 4: compute_rows(t, 4, vecs); break;
  case 5: compute_rows(t, 5, vecs); break;
  case 6: compute_rows(t, 6, vecs); break;
  case 7: compute_rows(t, 7, vecs); break;
  case 8: compute_rows(t, 8, vecs); break;
  case 9: compute_rows(t, 9, vecs); break;
  case 10: compute_rows(t, 10, vecs); break;
  case 11: compute_rows(t, 11, vecs); break;
  case 12: compute_rows(t, 12, vecs); break;
  }
}

/* And for each width. */
static __attribute__((noinline)) void tile_1(const unfurl_tile *t) {
#if TILE_MOST_EVEN_ROWS > TILE_MOST_ROWS
  if (t->rows > TILE_ROWS_OF(1)) {
    tile_even_of(t, 1);
    return;
  }
#endif
  tile_of(t, 1);
}

static __attribute__((noinline)) void tile_2(const unfurl_tile *t) {
#if TILE_MOST_EVEN_ROWS > TILE_MOST_ROWS
  if (t->rows > TILE_ROWS_OF(2)) {
    tile_even_of(t, 2);
    return;
  }
#endif
  tile_of(t, 2);
}

#if TILE_VECS > 2
static __attribute__((noinline)) void tile_3(const unfurl_tile *t) {
  tile_of(t, 3);
}
#endif

#if TILE_VECS > 3
static __attribute__((noinline)) void tile_4(const unfurl_tile *t) {
  tile_of(t, 4);
}
#endif

#include "gemm/tile_side_body.h"

/* Kernels that have nothing to do with panels. */
void TILE_FUNCTION(activate)(const unfurl_activate_rows *);
void TILE_FUNCTION(depthwise)(const unfurl_depthwise *);
void TILE_FUNCTION(grouped_input)(const unfurl_grouped_input *);
void TILE_FUNCTION(grouped)(const unfurl_grouped *);
void TILE_FUNCTION(max_pool)(const unfurl_max_pool_pixels *);
void TILE_FUNCTION(planar)(const unfurl_planar *);
void TILE_FUNCTION(winograd_input)(const unfurl_winograd_input *);
void TILE_FUNCTION(winograd_output)(const unfurl_winograd_output *);
void TILE_FUNCTION(winograd_taps)(const unfurl_winograd_taps *);

/* What is left of the epilogue is applied to the stored rows, which are still in L1. */
static void activate_stored(const unfurl_tile *t) {
  const unfurl_epilogue *e = t->epilogue;
  const unfurl_activate_rows rows = {.activation = e->activation,
                                     .alpha = e->alpha,
                                     .beta = e->beta,
                                     .rows = t->tiles * t->rows,
                                     .cols = t->cols,
                                     .at = t->dst_at,
                                     .step = t->dst_step,
                                     .x = t->dst,
                                     .y = t->dst};
  TILE_FUNCTION(activate)(&rows);
}

static void tile(const unfurl_tile *t) {
  switch ((t->cols + VEC_LANES - 1) / VEC_LANES) {
  case 1: tile_1(t); break;
  case 2: tile_2(t); break;
#if TILE_VECS > 2
  case 3: tile_3(t); break;
#endif
#if TILE_VECS > 3
  case 4: tile_4(t); break;
#endif
  }
  if (t->epilogue->activation > UNFURL_ACTIVATION_CLIP) activate_stored(t);
}

#ifndef TILE_ONLY
#include "gemm/activate_body.h"
#include "gemm/depthwise_body.h"
#include "gemm/grouped_body.h"
#include "gemm/max_pool_body.h"
#include "gemm/planar_body.h"
#include "gemm/winograd_body.h"
#endif

const unfurl_kernels TILE_KERNELS = {
    .isa = TILE_ISA,
    .cols = TILE_COLS,
    .lanes = VEC_LANES,
    .rows_of = {0, TILE_ROWS_OF(1), TILE_ROWS_OF(2), TILE_ROWS_OF(3), TILE_ROWS_OF(4)},
    .even_rows_of = {0, TILE_EVEN_ROWS_OF(1), TILE_EVEN_ROWS_OF(2), TILE_EVEN_ROWS_OF(3), TILE_EVEN_ROWS_OF(4)},
    .places = TILE_PLACES,
    .hidden_sums = TILE_HIDDEN_SUMS,
    .tile = tile,
    .side = tile_side,
    .activate = TILE_FUNCTION(activate),
    .depthwise = TILE_FUNCTION(depthwise),
    .grouped_input = TILE_FUNCTION(grouped_input),
    .grouped = TILE_FUNCTION(grouped),
    .max_pool = TILE_FUNCTION(max_pool),
    .planar = TILE_FUNCTION(planar),
    .winograd_input = TILE_FUNCTION(winograd_input),
    .winograd_output = TILE_FUNCTION(winograd_output),
    .winograd_taps = TILE_FUNCTION(winograd_taps),
};
