/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel of depthwise convolutions: no product to make, each channel by itself, vectors over channels.
 *
 *     dst[y][x][c] = epilogue(sum over taps (i, j) of src[row(y, i)][col(x, j)][c] * weights[i][j][c])
 *     row(y, i) = rows.first + y*rows.step + i*rows.dilation, and so col(x, j)
 *
 * for some lines of output pixels: the canonical sum, as in tile.h. Taps outside the image are skipped: nothing outside
 * of it is read, and nothing is multiplied by padding.
 */
#ifndef UNFURL_GEMM_DEPTHWISE_H
#define UNFURL_GEMM_DEPTHWISE_H

#include <stdbool.h>
#include <stddef.h>

#include "gemm/coming.h"
#include "gemm/epilogue.h"

/* One direction of the image. */
typedef struct unfurl_depthwise_axis {
  size_t in; /* inputs there are: 0..in-1 */
  size_t taps, step, dilation;
  ptrdiff_t first; /* input that the first output's first tap reads: below 0 in the padding */
} unfurl_depthwise_axis;

typedef struct unfurl_depthwise {
  const float *src;               /* the image's first pixel, channel 0 */
  size_t lines, pixels, channels; /* of dst */
  unfurl_depthwise_axis rows, cols;
  size_t src_row, src_col; /* floats from row to row, and from pixel to pixel */
  const float *weights;    /* [rows.taps][cols.taps][weights_tap]: channels are filled up to whole vectors */
  size_t weights_tap;
  float *dst; /* pixels `dst_stride` floats apart, lines `dst_line`; so are the epilogue's residual's */
  size_t dst_line, dst_stride;
  bool streams;         /* results go past the caches: channels are whole cache lines, with which all pixels begin */
  unfurl_coming coming; /* brought meanwhile */
  const unfurl_epilogue *epilogue; /* residual begins at the first pixel; bias_a_row is not looked at */
} unfurl_depthwise;

#endif
