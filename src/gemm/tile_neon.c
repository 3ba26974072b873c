/* SPDX-License-Identifier: BSD-2-Clause */
/* NEON: 24 accumulators, three vectors of weights and one broadcast fill 28 of 32 registers. */
#include "gemm/simd_neon.h"

#define TILE_FUNCTION(name) unfurl_##name##_neon
#define PLANAR_SUMS         24
#define DEPTHWISE_SUMS      14
#define ACTIVATE_VECS       4
#define TILE_COLUMNS        6
#define TILE_KERNELS        unfurl_kernels_neon
#define TILE_ISA            UNFURL_ISA_NEON
#define TILE_VECS           3
#define TILE_ROWS_OF(vecs)  ((vecs) < 3 ? 12 : 8)
#define TILE_MOST_ROWS      12
#define TILE_HIDDEN_SUMS    9
#define TILE_PLACES         1

#include "gemm/tile_body.h"
