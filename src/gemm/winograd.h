/* SPDX-License-Identifier: BSD-2-Clause */
/* The transforms of Winograd's minimal filtering, vectors over channels.
 *
 * A tile of m x m outputs is A^T [ (G w G^T) * (B^T d B) ] A, where d are the side x side inputs that it reads and *
 * multiplies element by element. Summed over channels, element e of all tiles is a product of matrices, so there are
 * side^2 of them, with fewer multiplications than the sum itself:
 *
 *     filters    m   side   multiplications
 *     3x3        2   4      2.25 times fewer; points 0, 1, -1
 *     3x3        4   6      4                 points 0, 1, -1, 2, -2
 *     3x3        6   8      5.06              points 0, 1, -1, 2, -2, 1/2, -1/2
 *     4x4        3   6      4                 0, 1, -1, 2, -2, and the same B
 *     5x5        2   6      2.78              the same
 *     3x3 / 2    2   5      1.44              of stride 2: see below
 *
 * Around them stand these two kernels: the input B^T d B, and the output A^T M A with the epilogue.
 *
 * For side 6 the factors 1/4, -1/6 and 1/24 of G's rows are taken over by those of B^T, so that filters are multiplied by
 * powers of 2 alone: fused or not, wherever that is done, it gives the same bits (unless a weight is so large, 8e37, that
 * its fourfold overflows). A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, arXiv:1509.09308.
 *
 * Where a map ends, a tile may have fewer outputs left along an axis. The last element, the point at infinity, matters to the
 * last output alone: a tile that lacks it does without. And a tile of F(4x4, 3x3) or F(6x6, 3x3) is filtered by fewer of the
 * same points then, and so with some elements of the same filters alone. Of B^T d, these are used:
 *
 *     F(4x4), one or two    0, 1, -1          d0 - d2, (d1 + d2) / 2, (d2 - d1) / 2, d3 - d1 for the second output
 *             three         0, 1, -1, 2       d0 - d2 + (d3 - d1) / 2, d1 + (d2 - d3) / 2, d2 / 2 - (2 d1 + d3) / 6,
 *                                             (d3 - d1) / 6, d4 - d2 + 2 (d1 - d3)
 *     F(6x6), one or two    0, 1, -1          d0 - d2, -9/4 (d1 + d2), 9/4 (d1 - d2), d3 - d1 for the second
 *             three, four   0, 1, -1, 2, -2   d0 - 5/4 d2 + d4 / 4, 3/4 d4 - 3 d2 +- (3/4 d3 - 3 d1),
 *                                             15/4 (d4 - d2) +- 15/2 (d3 - d1), d5 - 5 d3 + 4 d1 for the fourth
 *
 * With stride 2, every second input along an axis meets the first and the last tap alone: that is filtering with two taps,
 * two outputs of which take three products in place of four; each input in between meets the middle tap, for one output. So
 * B^T d is d0 - d2, d2, d2 - d4, d1, d3, and G w is w0, w0 + w2, w2, w1, w1, of which the first output takes the elements 0, 1
 * and 3.
 *
 * Each value is computed by one fixed sequence of operations, so all instruction sets that have fused multiply-add give
 * the same bits.
 */
#ifndef UNFURL_GEMM_WINOGRAD_H
#define UNFURL_GEMM_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>

#include "gemm/epilogue.h"

enum {
  UNFURL_WINOGRAD_LANES = 16,  /* rows of channels in the transformed input are padded to a multiple of these */
  UNFURL_WINOGRAD_STRIDE_2 = 5 /* inputs of F(2) with stride 2 */
};

/* One tile of the image: its inputs rows[0]..rows[1]-1 x cols[0]..cols[1]-1 are inside the image, the others are 0. */
typedef struct unfurl_winograd_input {
  size_t side;
  const float *image;
  ptrdiff_t at; /* floats from image to the tile's first input, which may be outside */
  ptrdiff_t row_stride, col_stride;
  size_t rows[2], cols[2];
  size_t rows_left, cols_left; /* outputs of a tile of F(4) or F(6) that is cut off there; what it does not use is anything.
                                  0: not so */
  size_t channels;
  float *dst;   /* element (i, j) goes to dst + (i * side + j) * plane; rounded up to whole vectors, zeros behind */
  size_t plane; /* floats */
} unfurl_winograd_input;

/* One tile of the result, rows x cols of it (at most m x m), which are those that are left in the input. */
typedef struct unfurl_winograd_output {
  size_t side, m;
  const float *src; /* element (i, j) of filter 0; whole vectors are read */
  size_t plane;
  size_t rows, cols, filters;
  float *dst;
  size_t row_stride, col_stride; /* floats; in residual too */
  bool streams; /* whole tiles go past the caches: filters and strides are whole vectors, and dst is aligned */
  const unfurl_epilogue
      *epilogue; /* bias begins at the first filter, residual at the tile; bias_a_row is not looked at */
} unfurl_winograd_output;

enum { UNFURL_WINOGRAD_SIDE = 4 /* tiles that stand side by side */, UNFURL_WINOGRAD_TAPS = 9 };

/* Products of four tiles of F(4x4) with one vector of filters, which are transformed meanwhile, in registers: nine numbers a
 * filter and channel are read in place of 36. The sums are those of the same tiles with transformed filters. */
typedef struct unfurl_winograd_taps {
  const float *src;     /* transformed tiles: [row 6][src_row: [channel][column 6][tile 4]] */
  size_t src_row;       /* floats */
  const float *filters; /* [channel][tap 9][lane] */
  size_t channels;
  float *dst; /* element (i, j) of tile t: dst + (i * 6 + j) * dst_plane + t * dst_row */
  size_t dst_plane, dst_row;
  bool adds;          /* to the sums in dst, which are from the channels before; or begins at +0 */
  const float *ahead; /* filters that are needed next, as many, and meanwhile brought into L2 */
} unfurl_winograd_taps;

#endif
