/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel of depthwise convolutions: no product to make, each channel by itself, vectors over channels.
 *
 *     dst[y][x][c] = epilogue(sum over taps (i, j) of
 *                       src[y*line_stride + x*pixel_stride + i*row_stride + j*col_stride + c] * weights[i][j][c])
 *
 * for a rectangle of output pixels that have the same taps inside the image: the canonical sum, as in tile.h.
 */
#ifndef UNFURL_GEMM_DEPTHWISE_H
#define UNFURL_GEMM_DEPTHWISE_H

#include <stddef.h>

#include "gemm/epilogue.h"

typedef struct unfurl_depthwise {
  const float *src;               /* first tap of the first pixel, channel 0 */
  size_t lines, pixels, channels; /* of the rectangle */
  size_t row_taps, col_taps;
  size_t line_stride, pixel_stride, row_stride, col_stride; /* floats in src */
  const float *weights;                                     /* [row_taps][col_taps][channels] */
  size_t weights_row, weights_col;                          /* floats from row to row, and from tap to tap of a row */
  float *dst; /* pixels `dst_stride` floats apart, lines `dst_line`; so are the epilogue's residual's */
  size_t dst_line, dst_stride;
  const unfurl_epilogue *epilogue; /* residual begins at the first pixel; bias_a_row is not looked at */
} unfurl_depthwise;

#endif
