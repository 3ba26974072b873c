/* SPDX-License-Identifier: BSD-2-Clause */
/* What the solvers that filter by Winograd's way have in common: the tiles that a result is cut into, m x m pixels each in the
 * order of images, rows and columns, and side x side inputs that each reads; and how a tile is transformed (gemm/winograd.h)
 * from the image, and back into the result, in either layout. */
#ifndef UNFURL_CONV_WINOGRAD_TILES_H
#define UNFURL_CONV_WINOGRAD_TILES_H

#include "base/memory.h"
#include "conv/solver.h"

typedef struct unfurl_winograd_tiles {
  const unfurl_kernels *kernels;
  size_t m, side, elements;    /* of a transformed tile: side^2 */
  size_t rows, cols, count;    /* of an image; of an image; of the batch */
  size_t products;             /* elements of all tiles that are multiplied */
  size_t src_plane, dst_plane; /* floats from one element of a transformed tile to the next; of a tile of results. The
                                  solver sets them. */
  size_t pixels_floats;        /* of a tile in NHWC, where the image or the result is not; 0 otherwise */
} unfurl_winograd_tiles;

unfurl_winograd_tiles unfurl_winograd_tiles_of(const unfurl_conv_problem *problem, size_t m,
                                               const unfurl_kernels *kernels);

/* Parts of a block, in the order in which its tiles stand there. Tiles that are cut off where an image ends are multiplied with
 * some elements alone; in this order, those that an element is multiplied with follow on each other. */
typedef enum unfurl_winograd_part {
  UNFURL_WINOGRAD_BOTTOM,
  UNFURL_WINOGRAD_WHOLE,
  UNFURL_WINOGRAD_RIGHT,
  UNFURL_WINOGRAD_CORNER, /* cut off at both */
  UNFURL_WINOGRAD_PARTS
} unfurl_winograd_part;

unfurl_winograd_part unfurl_winograd_part_of(const unfurl_conv_geometry *geometry, const unfurl_winograd_tiles *tiles,
                                             size_t tile);

/* Where the parts begin, of tiles `begin` to `end` - 1; and behind the last one, where that ends. */
typedef struct unfurl_winograd_parts {
  size_t first[UNFURL_WINOGRAD_PARTS + 1];
} unfurl_winograd_parts;

unfurl_winograd_parts unfurl_winograd_parts_of(const unfurl_conv_geometry *geometry, const unfurl_winograd_tiles *tiles,
                                               size_t begin, size_t end);

/* The places of those that element row * side + col is multiplied with: range[0]..range[1]-1. */
void unfurl_winograd_multiplied(const unfurl_conv_geometry *geometry, const unfurl_winograd_tiles *tiles,
                                const unfurl_winograd_parts *parts, size_t element, size_t range[2]);

/* Floats from plane to plane of `tiles` tiles with `row` floats each: an odd number of cache lines, so that the same tile's
 * elements fall into different sets. */
size_t unfurl_winograd_plane(size_t tiles, size_t row);

/* What reading weights costs that do not stay in L2, in multiply-adds. */
double unfurl_winograd_stream_cost(const unfurl_conv_problem *problem, double floats);

/* Transforms the inputs of a tile, the channels of one group; `pixels` has room for pixels_floats. */
void unfurl_winograd_spread(const unfurl_conv_run *run, const unfurl_winograd_tiles *tiles, size_t group, size_t tile,
                            float *to, float *pixels);

/* Transforms products into the filters filters[0]..filters[1]-1 of a group, with bias, residual and activation. */
void unfurl_winograd_gather(const unfurl_conv_run *run, const unfurl_winograd_tiles *tiles, size_t group,
                            const size_t filters[2], size_t tile, const float *from, float *pixels);

#endif
