/* SPDX-License-Identifier: BSD-2-Clause */
/* The micro-kernel: tiles of C = patches * weights^T, with the epilogue applied while they are in registers.
 *
 *     dst[dst_at[i]][j] = epilogue(sum over runs, over e of src[src_at[i] + run + e] * weights[run + e][j])
 *
 * for rows i of a patch view (in each tile at most kernels->rows) and columns j of one packed panel (at most kernels->cols). The sum
 * is the canonical one: it starts at +0, and each product is added by one fused multiply-add, in the order of the
 * unrolled chunk. It has one accumulator for each element, so that every instruction set gives the same bits; only
 * `baseline`, for processors without fused multiply-add, rounds the product first.
 *
 * Rows are told by offsets, so that they may lie anywhere: across lines of pixels, and across images.
 */
#ifndef UNFURL_GEMM_TILE_H
#define UNFURL_GEMM_TILE_H

#include <stddef.h>

#include "gemm/depthwise.h"
#include "gemm/epilogue.h"
#include "gemm/planar.h"
#include "gemm/winograd.h"
#include "unfurl/cpu.h"

enum { UNFURL_TILE_ROWS_MAX = 14, UNFURL_TILE_COLS_MAX = 32 };

typedef struct unfurl_tile {
  const float *src;
  const size_t *src_at; /* [tiles * rows]: floats from src to the first run of each row */
  size_t run_rows, run_cols, run_length;
  ptrdiff_t run_row_stride, run_col_stride; /* floats in src from run to run */
  const float *weights; /* the panel [patch][kernels->cols], at the first run's place; aligned to 64 */
  size_t weights_row_stride, weights_col_stride; /* floats in the panel from run to run */
  float *dst;
  const size_t *dst_at;     /* [tiles * rows]: floats from dst to the first column of each row; also in residual */
  size_t tiles, rows, cols; /* tiles, one behind the other; rows of each */
  const unfurl_epilogue *epilogue; /* its bias begins at the first column; bias_a_row is not looked at */
} unfurl_tile;

/* The kernels of one instruction set. */
typedef struct unfurl_kernels {
  unfurl_isa isa;
  size_t rows, cols;  /* largest tile; cols is the width of a packed panel */
  size_t narrow_cols; /* with at most so many columns ... */
  size_t narrow_rows; /* ... a tile may have more rows */
  size_t hidden_rows; /* a tile with fewer rows takes as long as one with these: the latency of the additions */
  void (*tile)(const unfurl_tile *tile);
  void (*depthwise)(const unfurl_depthwise *depthwise);
  void (*planar)(const unfurl_planar *planar);
  void (*winograd_input)(const unfurl_winograd_input *tile);
  void (*winograd_output)(const unfurl_winograd_output *tile);
} unfurl_kernels;

extern const unfurl_kernels unfurl_kernels_portable, unfurl_kernels_baseline, unfurl_kernels_avx2,
    unfurl_kernels_avx2_wide, unfurl_kernels_avx512, unfurl_kernels_neon;

/* The kernels for an instruction set that this machine has, with panels that suit `filters` filters. */
const unfurl_kernels *unfurl_kernels_for(unfurl_isa isa, size_t filters);

/* The largest tile for panels with that many columns in use. */
size_t unfurl_kernels_rows(const unfurl_kernels *kernels, size_t cols);

/* Multiplies `rows` rows, whose offsets stand in tile.src_at and dst_at, in tiles as even as they can be. */
void unfurl_multiply(const unfurl_kernels *kernels, unfurl_tile tile, size_t rows);

#endif
