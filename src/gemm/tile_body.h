/* SPDX-License-Identifier: BSD-2-Clause */
/* The micro-kernel's source, compiled once for each instruction set. Before including it, a tile_<isa>.c includes its
 * simd_<isa>.h and says how large tiles are:
 *
 *     TILE_VECS     vectors in a panel's row        TILE_ROWS         rows of a full tile
 *     TILE_ISA      instruction set                   TILE_NARROW_ROWS  rows of a tile that is one vector wide
 *     TILE_KERNELS  the table's name        TILE_HIDDEN_ROWS  rows that the latency of additions hides
 *     PLANAR_SUMS   accumulators of the planar kernel, at least 6
 *     TILE_FUNCTION(name)  the name of an instruction set's kernel that several tables may share
 *     TILE_ONLY     defined where these are compiled with another table
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

enum { TILE_COLS = TILE_VECS * VEC_LANES };

enum { TILE_MOST_ROWS = TILE_NARROW_ROWS > TILE_ROWS ? TILE_NARROW_ROWS : TILE_ROWS };

typedef struct accumulators {
  vec at[TILE_MOST_ROWS][TILE_VECS];
} accumulators;

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
  return lanes == VEC_LANES ? vec_load(from) : vec_load_part(from, lanes);
}

static inline void store_used(float *to, vec x, size_t lanes) {
  if (lanes == VEC_LANES) {
    vec_store(to, x);
    return;
  }
  float all[VEC_LANES];
  vec_store(all, x);
  memcpy(to, all, lanes * sizeof *to);
}

/* acc[i][j] += sum over the runs; `rows` and `vecs` are constants. */
static inline __attribute__((always_inline)) void multiply(const unfurl_tile *t, const size_t *src_at,
                                                           accumulators *acc, const size_t rows, const size_t vecs) {
  const float *a[TILE_MOST_ROWS];
  UNROLL(16)
  for (size_t i = 0; i < rows; i++) a[i] = t->src + src_at[i];
  const float *row_weights = t->weights;
  ptrdiff_t row = 0;
  for (size_t r = t->run_rows; r > 0; r--, row += t->run_row_stride, row_weights += t->weights_row_stride) {
    const float *run_weights = row_weights;
    ptrdiff_t begin = row;
    for (size_t c = t->run_cols; c > 0; c--, begin += t->run_col_stride, run_weights += t->weights_col_stride) {
      const float *b = run_weights;
      const ptrdiff_t end = begin + (ptrdiff_t)t->run_length;
      UNROLL(2)
      for (ptrdiff_t k = begin; k < end; k++, b += TILE_COLS) {
        vec w[TILE_VECS];
        UNROLL(4)
        for (size_t j = 0; j < vecs; j++) w[j] = vec_load(b + j * VEC_LANES);
        UNROLL(16)
        for (size_t i = 0; i < rows; i++) {
          const vec x = vec_broadcast(a[i] + k);
          UNROLL(4)
          for (size_t j = 0; j < vecs; j++) acc->at[i][j] = vec_fma(x, w[j], acc->at[i][j]);
        }
      }
    }
  }
}

/* Bias, residual and the activations that are a clamp, in registers; then the stores. All columns are in use. */
static inline __attribute__((always_inline)) void finish_full(const unfurl_tile *t, const size_t *dst_at,
                                                              accumulators *acc, const size_t rows, const size_t vecs) {
  const unfurl_epilogue *e = t->epilogue;
  if (e->bias) {
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) {
      const vec bias = vec_load(e->bias + j * VEC_LANES);
      UNROLL(16)
      for (size_t i = 0; i < rows; i++) acc->at[i][j] = vec_add(acc->at[i][j], bias);
    }
  }
  if (e->residual) {
    UNROLL(16)
    for (size_t i = 0; i < rows; i++) {
      UNROLL(4)
      for (size_t j = 0; j < vecs; j++)
        acc->at[i][j] = vec_add(acc->at[i][j], vec_load(e->residual + dst_at[i] + j * VEC_LANES));
    }
  }
  if (e->activation == UNFURL_ACTIVATION_RELU || e->activation == UNFURL_ACTIVATION_CLIP) {
    const vec low = vec_set(clamp_low(e));
    UNROLL(16)
    for (size_t i = 0; i < rows; i++) {
      UNROLL(4)
      for (size_t j = 0; j < vecs; j++) acc->at[i][j] = vec_at_least(acc->at[i][j], low);
    }
  }
  if (e->activation == UNFURL_ACTIVATION_CLIP) {
    const vec high = vec_set(clamp_high(e));
    UNROLL(16)
    for (size_t i = 0; i < rows; i++) {
      UNROLL(4)
      for (size_t j = 0; j < vecs; j++) acc->at[i][j] = vec_at_most(acc->at[i][j], high);
    }
  }
  float *to[TILE_MOST_ROWS]; /* read before the first store, which might otherwise have changed them */
  UNROLL(16)
  for (size_t i = 0; i < rows; i++) to[i] = t->dst + dst_at[i];
  UNROLL(16)
  for (size_t i = 0; i < rows; i++) {
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) vec_store(to[i] + j * VEC_LANES, acc->at[i][j]);
  }
}

/* The same for a tile whose last columns are not in use, from its sums in memory. Where rows follow on each other, a
 * whole vector may be stored: what it spills is the beginning of the next row, which is stored next. */
static __attribute__((noinline)) void finish_part(const unfurl_tile *t, const size_t *dst_at, const float *sums,
                                                  size_t vecs) {
  const unfurl_epilogue *e = t->epilogue;
  const vec low = vec_set(clamp_low(e)), high = vec_set(clamp_high(e));
  for (size_t j = 0; j < vecs && j * VEC_LANES < t->cols; j++) {
    const size_t at = j * VEC_LANES, lanes = t->cols - at < VEC_LANES ? t->cols - at : VEC_LANES;
    const vec bias = e->bias ? load_used(e->bias + at, lanes) : vec_set(0);
    for (size_t i = 0; i < t->rows; i++) {
      vec x = vec_load(sums + i * TILE_COLS + at);
      if (e->bias) x = vec_add(x, bias);
      if (e->residual) x = vec_add(x, load_used(e->residual + dst_at[i] + at, lanes));
      x = vec_at_most(vec_at_least(x, low), high);
      const bool may_spill = i + 1 < t->rows && t->cols == lanes && dst_at[i + 1] == dst_at[i] + lanes &&
                             2 * lanes >= VEC_LANES && !e->residual;
      if (may_spill)
        vec_store(t->dst + dst_at[i], x);
      else
        store_used(t->dst + dst_at[i] + at, x, lanes);
    }
  }
}

static inline __attribute__((always_inline)) void compute(const unfurl_tile *t, const size_t rows, const size_t vecs) {
  const size_t *src_at = t->src_at, *dst_at = t->dst_at;
  for (size_t n = 0; n < t->tiles; n++, src_at += rows, dst_at += rows) {
    accumulators acc;
    UNROLL(16)
    for (size_t i = 0; i < rows; i++) {
      UNROLL(4)
      for (size_t j = 0; j < vecs; j++) acc.at[i][j] = vec_set(0);
    }
    multiply(t, src_at, &acc, rows, vecs);
    if (t->cols == vecs * VEC_LANES) {
      finish_full(t, dst_at, &acc, rows, vecs);
      continue;
    }
    float sums[TILE_MOST_ROWS * TILE_COLS];
    UNROLL(16)
    for (size_t i = 0; i < rows; i++) {
      UNROLL(4)
      for (size_t j = 0; j < vecs; j++) vec_store(sums + i * TILE_COLS + j * VEC_LANES, acc.at[i][j]);
    }
    finish_part(t, dst_at, sums, vecs);
  }
}

/* compute, if tiles have so many rows in this instruction set; nothing otherwise. */
static inline __attribute__((always_inline)) void compute_wide(const unfurl_tile *t, const size_t rows) {
  if (rows <= TILE_ROWS) compute(t, rows <= TILE_ROWS ? rows : 1, TILE_VECS);
}

static inline __attribute__((always_inline)) void compute_narrow(const unfurl_tile *t, const size_t rows) {
  if (rows <= TILE_NARROW_ROWS) compute(t, rows <= TILE_NARROW_ROWS ? rows : 1, 1);
}

/* One copy for each number of rows. */
static void tile_wide(const unfurl_tile *t) {
  switch (t->rows) {
  case 1: compute_wide(t, 1); break;
  case 2: compute_wide(t, 2); break;
  case 3: compute_wide(t, 3); break;
  case 4: compute_wide(t, 4); break;
  case 5: compute_wide(t, 5); break;
  case 6: compute_wide(t, 6); break;
  case 7: compute_wide(t, 7); break;
  case 8: compute_wide(t, 8); break;
  case 9: compute_wide(t, 9); break;
  case 10: compute_wide(t, 10); break;
  case 11: compute_wide(t, 11); break;
  case 12: compute_wide(t, 12); break;
  case 13: compute_wide(t, 13); break;
  case 14: compute_wide(t, 14); break;
  }
}

/* The same, one vector wide. */
static void tile_narrow(const unfurl_tile *t) {
  switch (t->rows) {
  case 1: compute_narrow(t, 1); break;
  case 2: compute_narrow(t, 2); break;
  case 3: compute_narrow(t, 3); break;
  case 4: compute_narrow(t, 4); break;
  case 5: compute_narrow(t, 5); break;
  case 6: compute_narrow(t, 6); break;
  case 7: compute_narrow(t, 7); break;
  case 8: compute_narrow(t, 8); break;
  case 9: compute_narrow(t, 9); break;
  case 10: compute_narrow(t, 10); break;
  case 11: compute_narrow(t, 11); break;
  case 12: compute_narrow(t, 12); break;
  case 13: compute_narrow(t, 13); break;
  case 14: compute_narrow(t, 14); break;
  }
}

/* What is left of the epilogue is applied to the stored rows, which are still in L1. */
static void activate_stored(const unfurl_tile *t) {
  const unfurl_epilogue *e = t->epilogue;
  for (size_t i = 0; i < t->tiles * t->rows; i++) {
    float *row = t->dst + t->dst_at[i];
    unfurl_activate(e->activation, e->alpha, e->beta, t->cols, row, row);
  }
}

static void tile(const unfurl_tile *t) {
  if (t->cols <= VEC_LANES)
    tile_narrow(t);
  else
    tile_wide(t);
  if (t->epilogue->activation > UNFURL_ACTIVATION_CLIP) activate_stored(t);
}

/* Kernels that have nothing to do with panels. */
void TILE_FUNCTION(depthwise)(const unfurl_depthwise *);
void TILE_FUNCTION(planar)(const unfurl_planar *);
void TILE_FUNCTION(winograd_input)(const unfurl_winograd_input *);
void TILE_FUNCTION(winograd_output)(const unfurl_winograd_output *);

#ifndef TILE_ONLY
#include "gemm/depthwise_body.h"
#include "gemm/planar_body.h"
#include "gemm/winograd_body.h"
#endif

const unfurl_kernels TILE_KERNELS = {
    .isa = TILE_ISA,
    .rows = TILE_ROWS,
    .cols = TILE_COLS,
    .narrow_cols = VEC_LANES,
    .narrow_rows = TILE_NARROW_ROWS,
    .hidden_rows = TILE_HIDDEN_ROWS,
    .tile = tile,
    .depthwise = TILE_FUNCTION(depthwise),
    .planar = TILE_FUNCTION(planar),
    .winograd_input = TILE_FUNCTION(winograd_input),
    .winograd_output = TILE_FUNCTION(winograd_output),
};
