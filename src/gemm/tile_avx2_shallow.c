/* SPDX-License-Identifier: BSD-2-Clause */
/* AVX2 and FMA with panels of two cache lines, for chunks of so few elements that a tile is stored nearly as often as it is
 * multiplied: 12 accumulators, three broadcasts and a vector of weights fill all 16 registers. Filters fill these panels. */
#include "gemm/simd_avx2.h"

#define TILE_FUNCTION(name) unfurl_##name##_avx2
#define TILE_ONLY           /* the other kernels are those of tile_avx2.c */
#define TILE_KERNELS        unfurl_kernels_avx2_shallow
#define TILE_ISA            UNFURL_ISA_AVX2
#define TILE_VECS           4
#define TILE_ROWS_OF(vecs)  ((vecs) == 4 ? 3 : 0)
#define TILE_MOST_ROWS      3
#define TILE_HIDDEN_SUMS    8
#define TILE_PLACES         1
#define TILE_KNOWS_ENDS     1
#define TILE_FMA            vec_fma_in_place

#include "gemm/tile_body.h"
