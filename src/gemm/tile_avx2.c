/* SPDX-License-Identifier: BSD-2-Clause */
/* AVX2 and FMA: 12 accumulators, two vectors of weights and one broadcast fill 15 of 16 registers. */
#include "gemm/simd_avx2.h"

#define TILE_FUNCTION(name) unfurl_##name##_avx2
#define PLANAR_SUMS         12
#define DEPTHWISE_SUMS      10
#define ACTIVATE_VECS       4
#define TILE_COLUMNS        3
#define TILE_KERNELS        unfurl_kernels_avx2
#define TILE_ISA            UNFURL_ISA_AVX2
#define TILE_VECS           2
#define TILE_ROWS_OF(vecs)  ((vecs) == 1 ? 12 : 6)
#define TILE_MOST_ROWS      12
#define TILE_HIDDEN_SUMS    8
#define TILE_PLACES         1
#define TILE_KNOWS_ENDS     1

#include "gemm/tile_body.h"
