/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel for few filters: vectors run over pixels, and weights are broadcast.
 *
 *     dst[f][p] = clamp(bias[f] + sum over taps (i, j), over channels c of
 *                                   src[c*channel_stride + p + i*row_stride + j*col_stride] * weights[i][j][c][f])
 *
 * The image is split into planes of channels, so the pixels p of a row follow on each other; those of all rows do, with
 * some between the rows that nobody needs. The sum is the canonical one (tile.h).
 */
#ifndef UNFURL_GEMM_PLANAR_H
#define UNFURL_GEMM_PLANAR_H

#include <stddef.h>

#include "gemm/epilogue.h"

enum {
  UNFURL_PLANAR_FILTERS = 8, /* most */
  UNFURL_PLANAR_SPARE = 192  /* floats that may be read and written behind the last pixel of a plane */
};

typedef struct unfurl_planar {
  const float *src;
  size_t pixels, channels, filters;
  size_t row_taps, col_taps;
  size_t channel_stride, row_stride, col_stride; /* floats in src */
  const float *weights;
  float *dst;
  size_t dst_stride;               /* from filter to filter */
  const unfurl_epilogue *epilogue; /* its bias, of the first filter on; an activation that is a clamp. Not the rest. */
} unfurl_planar;

#endif
