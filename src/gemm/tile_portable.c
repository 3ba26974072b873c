/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain C with the C library's fma: slow, and the reference for the bits of all the others but baseline. */
#include <math.h>

#include "gemm/simd_generic.h"

static inline vec vec_fma(vec a, vec b, vec c) {
  for (size_t i = 0; i < VEC_LANES; i++) c[i] = fmaf(a[i], b[i], c[i]);
  return c;
}

#define TILE_SMALL
#define TILE_FUNCTION(name) unfurl_##name##_portable
#define PLANAR_SUMS         6
#define DEPTHWISE_SUMS      8
#define ACTIVATE_VECS       1
#define TILE_COLUMNS        3
#define TILE_KERNELS        unfurl_kernels_portable
#define TILE_ISA            UNFURL_ISA_PORTABLE
#define TILE_VECS           2
#define TILE_ROWS_OF(vecs)  4
#define TILE_MOST_ROWS      4
#define TILE_HIDDEN_SUMS    1
#define TILE_PLACES         1

#include "gemm/tile_body.h"
