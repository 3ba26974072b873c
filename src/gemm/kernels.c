/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/memory.h"
#include "gemm/tile.h"

#if defined(__x86_64__)
/* Elements of a chunk. A panel of more is streamed from L2 or from beyond it, and tiles of 12 rows load it less often. */
enum { DEEP = 1536 };

/* Columns that the panels of `filters` filters take the time of. A last panel that is one vector wide has taller tiles,
 * but these are bound by their loads. */
static size_t columns(const unfurl_kernels *kernels, size_t filters) {
  const size_t left = filters % kernels->cols, lanes = kernels->lanes;
  return filters - left + (left > 0 && left <= lanes ? lanes * 3 / 2 : unfurl_round_up(left, lanes));
}

/* Of AVX-512's, which cut most numbers of filters equally well: but the wider one's last panel of one vector has tiles of
 * few sums, for which it waits; and in longer pieces, shallow layers are written faster. */
static bool suits_narrow(size_t filters, size_t depth) {
  const size_t left = filters % unfurl_kernels_avx512_wide.cols;
  const bool leaves_one = left > 0 && left <= unfurl_kernels_avx512_wide.lanes;
  return filters <= unfurl_kernels_avx512.cols || depth > DEEP || (leaves_one && depth > UNFURL_SHALLOW);
}

/* Of AVX2's: of more filters than fill a panel, shallow layers are written faster in longer pieces, here too. */
static bool suits_wide(size_t filters, size_t depth) {
  const size_t wide = columns(&unfurl_kernels_avx2_wide, filters), narrow = columns(&unfurl_kernels_avx2, filters);
  return wide < narrow || (wide == narrow && filters > unfurl_kernels_avx2_wide.cols && depth <= UNFURL_SHALLOW);
}

static const unfurl_kernels *avx2_for(size_t filters, size_t depth) {
  if (depth <= UNFURL_VERY_SHALLOW && filters % unfurl_kernels_avx2_shallow.cols == 0)
    return &unfurl_kernels_avx2_shallow;
  return suits_wide(filters, depth) ? &unfurl_kernels_avx2_wide : &unfurl_kernels_avx2;
}
#endif

const unfurl_kernels *unfurl_kernels_for(unfurl_isa isa, size_t filters, size_t depth) {
  (void)filters, (void)depth;
  switch (isa) {
#if defined(__x86_64__)
  case UNFURL_ISA_AVX2: return avx2_for(filters, depth);
  case UNFURL_ISA_AVX512: return suits_narrow(filters, depth) ? &unfurl_kernels_avx512 : &unfurl_kernels_avx512_wide;
#elif defined(__aarch64__)
  case UNFURL_ISA_NEON: return &unfurl_kernels_neon;
#endif
  case UNFURL_ISA_BASELINE: return &unfurl_kernels_baseline;
  default: return &unfurl_kernels_portable;
  }
}

enum { L1_WAY_FLOATS = 1024, L1_USUAL_WAYS = 12, ROWS_FLOATS = 9 << 10 };

/* Ways of L1 that rows may fill: one is left to the weights. On x86 a way has a page, so that L1's size tells the number. */
static size_t ways_of_rows(void) {
#if defined(__x86_64__)
  const size_t ways = unfurl_cpu_l1_bytes() / (L1_WAY_FLOATS * sizeof(float));
  return ways > 1 ? ways - 1 : 1;
#else
  return L1_USUAL_WAYS - 1;
#endif
}

static size_t at_least_one(size_t value) {
  return value ? value : 1;
}

static size_t vecs_of(const unfurl_kernels *kernels, size_t cols) {
  const size_t vecs = unfurl_divide_up(cols, kernels->lanes), most = kernels->cols / kernels->lanes;
  return vecs < most ? vecs : most;
}

size_t unfurl_kernels_rows(const unfurl_kernels *kernels, size_t cols) {
  return kernels->rows_of[vecs_of(kernels, cols)];
}

/* Rows so far apart whose cache lines L1 holds: those that are a power of two apart fall into few of its sets. */
static size_t rows_in_sets(size_t src_step) {
  const size_t power = src_step & (~src_step + 1);
  return ways_of_rows() * (power >= L1_WAY_FLOATS ? 1 : L1_WAY_FLOATS / at_least_one(power));
}

/* Of long rows, fewer are to stay in L1 until the next tile, though no fewer than keep the kernel busy; and none are to crowd
 * each other out. */
size_t unfurl_kernels_even_rows(const unfurl_kernels *kernels, size_t cols, size_t src_step, size_t row_floats) {
  const size_t most = kernels->even_rows_of[vecs_of(kernels, cols)], usual = kernels->rows_of[vecs_of(kernels, cols)];
  const size_t fitting = ROWS_FLOATS / at_least_one(row_floats), in_sets = rows_in_sets(src_step);
  const size_t busy = unfurl_kernels_hidden_rows(kernels, cols), uncrowded = in_sets > busy ? in_sets : busy;
  const size_t least = unfurl_smaller(usual, uncrowded), cap = unfurl_smaller(in_sets, fitting);
  return most < cap ? most : cap > least ? cap : least;
}

size_t unfurl_kernels_hidden_rows(const unfurl_kernels *kernels, size_t cols) {
  const size_t vecs = vecs_of(kernels, cols);
  return unfurl_divide_up(kernels->hidden_sums, vecs);
}

size_t unfurl_kernels_line_rows(const unfurl_kernels *kernels, size_t cols, size_t src_step, size_t row_floats) {
  const size_t vecs = vecs_of(kernels, cols),
               units = unfurl_kernels_even_rows(kernels, cols, src_step, row_floats) / UNFURL_LINE_UNIT;
  return kernels->even_rows_of[vecs] > kernels->rows_of[vecs] && units > 1 ? units * UNFURL_LINE_UNIT : 0;
}

/* How often a tile fetches. */
static size_t tile_fetches(const unfurl_tile *tile) {
  return tile->run_rows * tile->run_cols * (tile->run_length / 2);
}

unfurl_tiling unfurl_tiling_of(size_t rows, size_t most, size_t unit) {
  if (rows <= most) return (unfurl_tiling){.tiles = 1, .rows = rows, .unit = unit};
  const size_t units = rows / unit, tiles = unfurl_divide_up(units, most / unit);
  return (unfurl_tiling){.tiles = tiles, .larger = units % tiles, .rows = units / tiles * unit, .unit = unit};
}

size_t unfurl_multiply_fetches(const unfurl_tile *tile, const unfurl_tiling *tiling) {
  return tiling->tiles * tile_fetches(tile);
}

void unfurl_tile_bring(const unfurl_kernels *kernels, unfurl_tile *tile, const float *needed, size_t floats,
                       size_t fetches) {
  if (fetches == 0) return;
  const size_t bytes = floats * sizeof *needed, line = UNFURL_ALIGN;
  const size_t share = unfurl_divide_up(bytes, kernels->places);
  tile->ahead.at = (uintptr_t)needed;
  if (bytes <= fetches * line) /* one line at a time will do */
    tile->ahead.step = unfurl_divide_up(bytes, fetches), tile->ahead.gap = 0;
  else if (share <= fetches * line)
    tile->ahead.step = unfurl_divide_up(share, fetches), tile->ahead.gap = share;
  else
    tile->ahead.step = line, tile->ahead.gap = fetches * line;
}

/* Moves the tile behind `rows` rows. */
static void skip_rows(unfurl_tile *tile, size_t rows) {
  if (tile->src_at) {
    tile->src_at += rows;
    tile->dst_at += rows;
    return;
  }
  tile->src += rows * tile->src_step;
  tile->dst += rows * tile->dst_step;
  if (tile->residual) tile->residual += rows * tile->dst_step;
  if (tile->line == 0) return;
  const size_t from_line = tile->line - tile->line_left + rows;
  tile->src += (ptrdiff_t)(from_line / tile->line) * tile->line_gap;
  tile->line_left = tile->line - from_line % tile->line;
}

void unfurl_multiply(const unfurl_kernels *kernels, unfurl_tile *tile, const unfurl_tiling *tiling) {
  const size_t ahead = tile_fetches(tile) * tile->ahead.step;
  const bool skips_first = tile->skips_first, skips_last = tile->skips_last;
  if (tiling->larger > 0) {
    tile->tiles = tiling->larger, tile->rows = tiling->rows + tiling->unit;
    tile->skips_last = skips_last && tile->line;
    kernels->tile(tile);
    tile->skips_first = skips_first && tile->line, tile->skips_last = skips_last;
    skip_rows(tile, tiling->larger * tile->rows);
    tile->ahead.at += tiling->larger * ahead;
  }
  tile->tiles = tiling->tiles - tiling->larger, tile->rows = tiling->rows;
  kernels->tile(tile);
  tile->skips_first = skips_first;
  tile->ahead.at += tile->tiles * ahead;
}
