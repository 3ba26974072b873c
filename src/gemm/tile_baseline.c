/* SPDX-License-Identifier: BSD-2-Clause */
/* What every processor of the architecture has: a multiplication and an addition, each rounded. */
#include "gemm/simd_generic.h"

static inline vec vec_fma(vec a, vec b, vec c) {
  return a * b + c;
}

#define TILE_FUNCTION(name) unfurl_##name##_baseline
#define PLANAR_SUMS         8
#define DEPTHWISE_SUMS      8
#define ACTIVATE_VECS       1
#define TILE_COLUMNS        3
#define TILE_KERNELS        unfurl_kernels_baseline
#define TILE_ISA            UNFURL_ISA_BASELINE
#define TILE_VECS           2
#define TILE_ROWS_OF(vecs)  4
#define TILE_MOST_ROWS      4
#define TILE_HIDDEN_SUMS    6
#define TILE_PLACES         1

#include "gemm/tile_body.h"
