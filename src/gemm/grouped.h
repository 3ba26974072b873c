/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel of convolutions in groups of a few channels: the filters of several groups fill a vector, and each lane
 * multiplies the channels of its own group.
 *
 *     dst[y][x][f] = epilogue(sum over taps (i, j), over elements c of
 *                      src[y*line_stride + x*pixel_stride + i*row_stride + j*col_stride + from[c][f]] * weights[i][j][c][f])
 *
 * for a rectangle of output pixels that have the same taps inside the image: the canonical sum, as in tile.h.
 */
#ifndef UNFURL_GEMM_GROUPED_H
#define UNFURL_GEMM_GROUPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gemm/coming.h"
#include "gemm/epilogue.h"

enum { UNFURL_GROUPED_VECS = 2 /* most vectors of filters */ };

typedef struct unfurl_grouped {
  const float *src; /* first tap of the first pixel, first channel of the groups */
  size_t channels,
      filters;          /* of these groups; if the filters are more than a vector, all vectors but the last are full */
  size_t vec_channels;  /* channels from one vector's groups to the next's */
  size_t lines, pixels; /* of the rectangle */
  size_t row_taps, col_taps, elements;
  size_t line_stride, pixel_stride, row_stride, col_stride; /* floats in src */
  const int32_t *from;                                      /* [elements][lanes]: which of a vector's channels */
  const float *weights;                                     /* [row_taps][col_taps][elements][cols] */
  size_t weights_row, cols; /* floats from row to row, and of an element: whole vectors */
  float *dst;               /* pixels `dst_stride` floats apart, lines `dst_line`; so are the epilogue's residual's */
  size_t dst_line, dst_stride;
  bool streams;         /* results go past the caches: filters are whole cache lines, with which all pixels begin */
  unfurl_coming coming; /* brought meanwhile */
  const unfurl_epilogue *epilogue; /* residual begins at the first pixel; bias_a_row is not looked at */
} unfurl_grouped;

#endif
