/* SPDX-License-Identifier: BSD-2-Clause */
/* The micro-kernel: tiles of C = patches * weights^T, with the epilogue applied while they are in registers.
 *
 *     dst[dst_at(i)][j] = epilogue(sum over runs, over e of src[src_at(i) + run + e] * weights[run + e][j])
 *
 * for rows i of a patch view and columns j of one packed panel, of which a tile has all in use or the first ones. The sum
 * is the canonical one: it starts at +0, and each product is added by one fused multiply-add, in the order of the
 * unrolled chunk. It has one accumulator for each element, so that every instruction set gives the same bits; only
 * `baseline`, for processors without fused multiply-add, rounds the product first. A long sum may be made in parts: it goes
 * on from what dst holds.
 *
 * Rows are evenly spaced; or they are told by lists of offsets, so that they may lie anywhere: across lines of pixels, and
 * across images. Evenly spaced ones need fewer registers for their addresses, so that a tile may have more of them.
 */
#ifndef UNFURL_GEMM_TILE_H
#define UNFURL_GEMM_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gemm/activate.h"
#include "gemm/depthwise.h"
#include "gemm/epilogue.h"
#include "gemm/grouped.h"
#include "gemm/max_pool.h"
#include "gemm/planar.h"
#include "gemm/winograd.h"
#include "unfurl/cpu.h"

enum { UNFURL_TILE_ROWS_MAX = 28, UNFURL_TILE_COLS_MAX = 64, UNFURL_TILE_VECS_MAX = 4 };

/* Evenly spaced rows that share a pointer: tiles may run across lines of pixels that are a multiple of these. */
enum { UNFURL_LINE_UNIT = 7 };

/* Most rows of a tile that skips some and is not in lines: longer lines are parted. */
enum { UNFURL_SKIPPING_ROWS = 2 * UNFURL_LINE_UNIT };

/* Elements of a chunk, up to which writing a result takes about as long as multiplying. */
enum { UNFURL_SHALLOW = 64 };

/* ... of which AVX2's panels of whole cache lines are faster. Measured on Zen 3: 9 elements by 64 filters 1.11 (cached) to 1.3,
 * 27 elements 1.05; 48 none. */
enum { UNFURL_VERY_SHALLOW = 32 };

/* Most rows that are multiplied by several panels side by side, and how many panels these are, at most. */
enum { UNFURL_SIDE_ROWS = 2 };
#define UNFURL_SIDE_PANELS(rows) (4 / (rows))

/* Memory that is needed next, and is brought into L2 while a tile is multiplied: a line from each of some places with
 * every two elements of a run. Several places, because lines that follow on each other come 20 % slower from memory. */
typedef struct unfurl_ahead {
  uintptr_t at; /* the first place, at first; 0: nothing is brought */
  size_t step;  /* bytes by which each place moves on */
  size_t gap;   /* bytes from one place to the next */
} unfurl_ahead;

typedef struct unfurl_tile {
  const float *src;
  const size_t *src_at, *dst_at; /* [tiles * rows]: floats from src to each row's first run, and from dst to its first
                                  * column (also in residual). NULL, both: rows are evenly spaced */
  size_t src_step, dst_step;     /* if they are: floats from row to row */
  size_t line, line_left; /* ... in lines (see unfurl_kernels_line_rows): rows of each; of the first, those that are
                                  * still to come. 0: there is no gap */
  ptrdiff_t line_gap;     /* floats in src that are skipped behind each line; in dst, none are */
  size_t run_rows, run_cols, run_length;
  ptrdiff_t run_col_first;                  /* floats in src from a row's place to its first run */
  ptrdiff_t run_row_stride, run_col_stride; /* ... from run to run */
  /* Whether the first row, which is in the padding there, has no first run in each row of runs, and the last row no last one:
   * of all tiles, or (in lines) of each line. Rows are evenly spaced, lines begin with a tile, rows of runs have two runs at
   * least. */
  bool skips_first, skips_last;
  const float *weights; /* the panel [patch][cols in whole vectors], at the first run's place; aligned to a vector */
  size_t weights_row_stride, weights_col_stride; /* floats in the panel from run to run */
  float *dst;
  const float *residual;    /* laid out as dst; or NULL */
  size_t tiles, rows, cols; /* tiles, one behind the other; rows of each */
  bool continues;           /* sums go on from those in dst; else they begin at +0 */
  bool streams;        /* results go past the caches: dst is aligned, and cols and offsets in it are whole vectors */
  bool brings_results; /* the result is not in L2: kernels may bring what they store */
  const unfurl_epilogue *epilogue; /* bias begins at the first column; bias_a_row and residual are not looked at */
  unfurl_ahead ahead;
} unfurl_tile;

/* The kernels of one instruction set. */
typedef struct unfurl_kernels {
  unfurl_isa isa;
  size_t cols, lanes;                       /* of a packed panel; of a vector */
  size_t rows_of[UNFURL_TILE_VECS_MAX + 1]; /* most rows of a tile that is so many vectors wide; 0: there is none */
  size_t even_rows_of[UNFURL_TILE_VECS_MAX + 1]; /* the same where they are evenly spaced; at least as many */
  size_t places;                                 /* of memory ahead */
  size_t hidden_sums; /* a tile with fewer accumulators takes as long as one with these: the latency of additions */
  void (*tile)(const unfurl_tile *tile);
  /* One tile of up to UNFURL_SIDE_ROWS evenly spaced rows by 2 to UNFURL_SIDE_PANELS panels of `cols` packed columns, whose
   * weights are `panel_floats` apart, to columns that follow on each other. Its sums alone, of all columns: no epilogue,
   * and none to go on from. */
  void (*side)(const unfurl_tile *tile, size_t panels, size_t panel_floats);
  void (*activate)(const unfurl_activate_rows *rows);
  void (*depthwise)(const unfurl_depthwise *depthwise);
  void (*grouped_input)(const unfurl_grouped_input *pixels);
  void (*grouped)(const unfurl_grouped *grouped);
  void (*max_pool)(const unfurl_max_pool_pixels *pixels);
  void (*planar)(const unfurl_planar *planar);
  void (*winograd_input)(const unfurl_winograd_input *tile);
  void (*winograd_output)(const unfurl_winograd_output *tile);
  void (*winograd_taps)(const unfurl_winograd_taps *tiles);
} unfurl_kernels;

extern const unfurl_kernels unfurl_kernels_portable, unfurl_kernels_baseline, unfurl_kernels_avx2,
    unfurl_kernels_avx2_wide, unfurl_kernels_avx2_shallow, unfurl_kernels_avx512, unfurl_kernels_avx512_wide,
    unfurl_kernels_neon;

/* The kernels for an instruction set that this machine has, with panels that suit `filters` filters of `depth` elements. */
const unfurl_kernels *unfurl_kernels_for(unfurl_isa isa, size_t filters, size_t depth);

/* Most rows of a tile with that many columns in use, also where rows are `src_step` floats apart, of which `row_floats` are
 * read (as many rows as stay in L1 together); and the number of rows that one takes the time of, at least. */
size_t unfurl_kernels_rows(const unfurl_kernels *kernels, size_t cols);
size_t unfurl_kernels_even_rows(const unfurl_kernels *kernels, size_t cols, size_t src_step, size_t row_floats);
size_t unfurl_kernels_hidden_rows(const unfurl_kernels *kernels, size_t cols);

/* Most rows of a tile that runs across lines, a multiple of UNFURL_LINE_UNIT; 0 where tiles do not. */
size_t unfurl_kernels_line_rows(const unfurl_kernels *kernels, size_t cols, size_t src_step, size_t row_floats);

/* How rows are cut into tiles, which are as equal as they can be: `larger` of them have `rows` + `unit` rows, the others
 * `rows`. A unit is a row, or as many of a line as are not to be parted. */
typedef struct unfurl_tiling {
  size_t tiles, larger, rows, unit;
} unfurl_tiling;

/* ... into tiles of at most `most` rows. */
unfurl_tiling unfurl_tiling_of(size_t rows, size_t most, size_t unit);

/* Multiplies rows so cut. Moves the tile behind some of them, and ahead.at by a step for each of unfurl_multiply_fetches, which
 * looks at the tile's runs.
 * (A tile is not copied on the way: reading what was written in smaller pieces would wait for all stores before.) */
void unfurl_multiply(const unfurl_kernels *kernels, unfurl_tile *tile, const unfurl_tiling *tiling);
size_t unfurl_multiply_fetches(const unfurl_tile *tile, const unfurl_tiling *tiling);

/* Sets ahead so that so many fetches bring `floats` floats from `needed` on, or as much of them as they can. */
void unfurl_tile_bring(const unfurl_kernels *kernels, unfurl_tile *tile, const float *needed, size_t floats,
                       size_t fetches);

#endif
