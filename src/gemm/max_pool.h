/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel of max pooling: each channel by itself, vectors over channels.
 *
 *     dst[p][c] = the largest src[p*src_step + i*src_row + j*src_col + c]   for i < rows, j < cols
 *
 * of pixels p and channels c. NaN if there is one; -infinity where there is nothing; of zeros, the first one.
 */
#ifndef UNFURL_GEMM_MAX_POOL_H
#define UNFURL_GEMM_MAX_POOL_H

#include <stddef.h>

typedef struct unfurl_max_pool_pixels {
  const float *src;
  size_t pixels, channels;
  size_t rows, cols; /* of the window */
  size_t src_row, src_col,
      src_step; /* floats from row to row and from column to column of it, and from pixel to pixel */
  float *dst;   /* [pixels][channels] */
} unfurl_max_pool_pixels;

#endif
