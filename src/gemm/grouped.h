/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernels of convolutions in groups of few channels and filters. The filters of several groups fill a vector, in turn:
 * the first of each group, the second of each, ... So do their channels, in a copy of the image, where an element is a
 * channel of each of these groups. A vector of weights is then multiplied by an element that is repeated:
 *
 *     two groups of 8 filters, AVX-512:   x0 x1  x0 x1 ..  x0 x1     element c: channel c of group 0, of group 1
 *                                       * w0 w1  w0 w1 ..  w0 w1     filter 0 of each, filter 1 of each, ...
 *
 * All lanes are multiplied with one load, whatever the groups. Results are put back into the order of the filters while they
 * are in registers.
 *
 *     sums[y][x][f*together + g] = sum over runs, over elements e of
 *         src[y*line_stride + x*pixel_stride + run + e*together + g] * weights[run][e][f*together + g]
 *     dst[y*dst_line + x*dst_stride + i] = epilogue(sums[y][x][order[i]])
 *
 * It is the canonical sum, as in tile.h.
 */
#ifndef UNFURL_GEMM_GROUPED_H
#define UNFURL_GEMM_GROUPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gemm/epilogue.h"

/* Most groups that share a vector. */
#define UNFURL_GROUPED_TOGETHER(lanes) ((lanes) / 2)

/* Pixels as the kernel reads them: dst[pixel][element][group], of which the source has [group][element]. */
typedef struct unfurl_grouped_input {
  const float *src;
  size_t pixels, pixel_stride;
  size_t channels; /* that the source has of a pixel; the others are 0 */
  size_t elements, together;
  const int32_t *order; /* [lanes], where a pixel fits a vector: which of its channels each lane is */
  float *dst;           /* as many floats as a vector has, behind the last pixel, may be written too */
} unfurl_grouped_input;

/* Pixels that come next, of which a cache line each is brought into L2 while the kernel works: they are far apart, where no
 * processor expects them. */
typedef struct unfurl_grouped_coming {
  const float *src;
  size_t pixels, step; /* floats from one to the next */
} unfurl_grouped_coming;

typedef struct unfurl_grouped {
  const float *src; /* the first pixel's chunk */
  size_t together;  /* floats of an element, groups of a vector: a power of two */
  size_t lines, pixels;
  size_t line_stride, pixel_stride;
  size_t run_rows, run_cols, run_length; /* of a chunk; of a run, elements */
  size_t run_row_stride, run_col_stride;
  const float *weights; /* [run_rows][run_cols][run_length][lanes], aligned to a vector */
  const int32_t *order; /* [lanes], where together > 1: the lane of each result; those behind are any */
  size_t filters;       /* results of a pixel, at most as many as lanes */
  float *dst;           /* so laid out is the epilogue's residual, too */
  size_t dst_line, dst_stride;
  bool streams; /* results go past the caches: whole vectors, aligned */
  unfurl_grouped_coming coming;
  const unfurl_epilogue *epilogue; /* residual begins at the first pixel; bias_a_row is not looked at */
} unfurl_grouped;

#endif
