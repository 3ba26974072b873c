/* SPDX-License-Identifier: BSD-2-Clause */
#include "gemm/tile.h"

#if defined(__x86_64__)
/* Columns that the panels of `filters` filters take the time of. A last panel that is one vector wide has taller tiles,
 * but these are bound by their loads. */
static size_t columns(const unfurl_kernels *kernels, size_t filters) {
  const size_t left = filters % kernels->cols, whole = filters - left;
  return whole + (left == 0 ? 0 : left <= kernels->narrow_cols ? kernels->narrow_cols * 3 / 2 : kernels->cols);
}

static const unfurl_kernels *better(const unfurl_kernels *a, const unfurl_kernels *b, size_t filters) {
  return columns(b, filters) < columns(a, filters) ? b : a;
}
#endif

const unfurl_kernels *unfurl_kernels_for(unfurl_isa isa, size_t filters) {
  (void)filters;
  switch (isa) {
#if defined(__x86_64__)
  case UNFURL_ISA_AVX2: return better(&unfurl_kernels_avx2, &unfurl_kernels_avx2_wide, filters);
  case UNFURL_ISA_AVX512: return &unfurl_kernels_avx512;
#elif defined(__aarch64__)
  case UNFURL_ISA_NEON: return &unfurl_kernels_neon;
#endif
  case UNFURL_ISA_BASELINE: return &unfurl_kernels_baseline;
  default: return &unfurl_kernels_portable;
  }
}

size_t unfurl_kernels_rows(const unfurl_kernels *kernels, size_t cols) {
  return cols <= kernels->narrow_cols ? kernels->narrow_rows : kernels->rows;
}

void unfurl_multiply(const unfurl_kernels *kernels, unfurl_tile tile, size_t rows) {
  const size_t most = unfurl_kernels_rows(kernels, tile.cols), tiles = (rows + most - 1) / most;
  const size_t least = rows / tiles, larger = rows % tiles;
  if (larger > 0) {
    tile.tiles = larger, tile.rows = least + 1;
    kernels->tile(&tile);
    tile.src_at += larger * (least + 1);
    tile.dst_at += larger * (least + 1);
  }
  tile.tiles = tiles - larger, tile.rows = least;
  kernels->tile(&tile);
}
