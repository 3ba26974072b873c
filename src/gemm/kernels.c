/* SPDX-License-Identifier: BSD-2-Clause */
#include "gemm/tile.h"

const unfurl_kernels *unfurl_kernels_for(unfurl_isa isa) {
  switch (isa) {
#if defined(__x86_64__)
  case UNFURL_ISA_AVX2: return &unfurl_kernels_avx2;
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
