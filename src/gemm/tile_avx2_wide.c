/* SPDX-License-Identifier: BSD-2-Clause */
/* AVX2 and FMA with wider panels, for numbers of filters that would leave half of the last 16 empty (24, say): 12
 * accumulators, three vectors of weights and one broadcast fill all 16 registers. */
#include "gemm/simd_avx2.h"

#define TILE_FUNCTION(name) unfurl_##name##_avx2
#define TILE_ONLY           /* the other kernels are those of tile_avx2.c */
#define TILE_KERNELS        unfurl_kernels_avx2_wide
#define TILE_ISA            UNFURL_ISA_AVX2
#define TILE_VECS           3
#define TILE_ROWS_OF(vecs)  ((vecs) == 1 ? 12 : (vecs) == 2 ? 6 : 4)
#define TILE_MOST_ROWS      12
#define TILE_HIDDEN_SUMS    8
#define TILE_PLACES         1
#define TILE_KNOWS_ENDS     1
#define TILE_FMA            vec_fma_in_place

#include "gemm/tile_body.h"
