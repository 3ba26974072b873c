/* SPDX-License-Identifier: BSD-2-Clause */
/* AVX-512: 24 accumulators, two vectors of weights and one broadcast. 14 rows would fit the vector registers, but the pointers
 * of more than 12 do not fit the others, unless rows are evenly spaced. */
#include "gemm/simd_avx512.h"

#define TILE_FUNCTION(name)     unfurl_##name##_avx512
#define PLANAR_SUMS             24
#define DEPTHWISE_SUMS          14
#define ACTIVATE_VECS           4
#define TILE_COLUMNS            6
#define TILE_KERNELS            unfurl_kernels_avx512
#define TILE_ISA                UNFURL_ISA_AVX512
#define TILE_VECS               2
#define TILE_ROWS_OF(vecs)      ((vecs) == 1 ? 10 : 12)
#define TILE_MOST_ROWS          12
#define TILE_EVEN_ROWS_OF(vecs) ((vecs) == 1 ? 28 : 14)
#define TILE_MOST_EVEN_ROWS     28
#define TILE_HIDDEN_SUMS        8
#define TILE_PLACES             1

#include "gemm/tile_body.h"
