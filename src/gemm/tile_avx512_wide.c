/* SPDX-License-Identifier: BSD-2-Clause */
/* AVX-512 with wider panels: 24 accumulators, four vectors of weights and one broadcast fill 29 of 32 registers. Fewer
 * rows have fewer pointers, and results are stored in longer pieces. */
#include "gemm/simd_avx512.h"

#define TILE_FUNCTION(name) unfurl_##name##_avx512
#define TILE_ONLY           /* the other kernels are those of tile_avx512.c */
#define TILE_KERNELS        unfurl_kernels_avx512_wide
#define TILE_ISA            UNFURL_ISA_AVX512
#define TILE_VECS           4
#define TILE_ROWS_OF(vecs)  ((vecs) < 4 ? 8 : 6)
#define TILE_MOST_ROWS      8
#define TILE_HIDDEN_SUMS    8
#define TILE_PLACES         3
#define TILE_BRINGS         1

#include "gemm/tile_body.h"
