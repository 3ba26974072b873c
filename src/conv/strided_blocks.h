/* SPDX-License-Identifier: BSD-2-Clause */
/* How `strided` cuts a convolution into blocks, and a block into regions.
 *
 * A block is some images (several where maps are small), a band of their output rows, one group, and some of its panels
 * of filters. Its input is read in place; or it is copied into a buffer first: where the image is NCHW, and where padding
 * its rows or columns with zeros costs less than tiles cut at every border. A product with a padding zero adds nothing, so
 * the bits are the same. NCHW results are made in a buffer, pixel by pixel, and transposed at the end.
 */
#ifndef UNFURL_CONV_STRIDED_BLOCKS_H
#define UNFURL_CONV_STRIDED_BLOCKS_H

#include "conv/solver.h"
#include "conv/strided_depth.h"
#include "lowering/pack_weights.h"
#include "shape/patch_view.h"

typedef struct unfurl_blocks {
  const unfurl_kernels *kernels;
  unfurl_conv_geometry g;        /* as it is computed: flattened where that is possible */
  size_t tile_rows, even_rows;   /* most rows of a tile: of pixels from a list; of one line */
  size_t line_rows;              /* ... across lines, or 0 */
  bool flat;                     /* one tall image of single pixels: all blocks look alike */
  size_t row_step;               /* bands begin at multiples of so many output rows */
  bool copies_src;               /* the input is copied: because it is NCHW; */
  bool pads_rows, pads_cols;     /* ... or because it gets zeros above and below, or left and right */
  bool skips_cols;               /* whole lines are regions, whose first and last pixels skip taps */
  bool copies_dst;               /* the result is made in a buffer */
  size_t images, image_blocks;   /* images in a block; blocks of the batch */
  unfurl_panels panels;          /* of a group */
  size_t bands, chunks;          /* bands of output rows; parts that a group's panels are cut into */
  bool by_panels;                /* units follow on each other by chunks, bands; else by bands, groups, chunks */
  size_t rows, regions;          /* most output rows, and regions, in a block */
  size_t src_floats, dst_floats; /* of its buffers */
  unfurl_depth_cut depth;        /* of a panel */
} unfurl_blocks;

/* Which block a unit of work is: of the blocks of images, and so on. */
typedef struct unfurl_unit {
  size_t images, band, group, chunk;
} unfurl_unit;

/* A unit of work. `g` is the block's own geometry: its images, output rows and input, as they are in the buffers. */
typedef struct unfurl_block {
  size_t image, images, group, rows[2], panels[2];
  size_t src_origin,
      dst_origin; /* floats from the first image's start to where the lists count from: in src, if it is read in
                                  * place, the group's first channel */
  unfurl_conv_geometry g;
  ptrdiff_t in_rows[2], in_cols[2]; /* of the image: what is copied into the buffer, beyond the image as zeros */
} unfurl_block;

/* Pixels in order: images, lines, pixels of a line, and the floats from each to the next. Where lines follow on each
 * other as pixels do, they count as one; dimensions that are not needed have one element, and stand first. */
typedef struct unfurl_pixel_grid {
  size_t counts[3], src_steps[3], dst_steps[3];
} unfurl_pixel_grid;

/* How tiles take a region's pixels. */
typedef enum unfurl_pixel_order {
  UNFURL_PIXELS_LISTED,   /* wherever they are */
  UNFURL_PIXELS_BY_LINES, /* a line's, evenly spaced; the last tile ends where the line does */
  UNFURL_PIXELS_IN_LINES  /* evenly spaced, across the lines of an image; where pixels skip taps, whole lines */
} unfurl_pixel_order;

/* One region of a block. Its pixels are those of the grid; where they are listed, `first`.. of the lists, which count from its
 * first pixel: so a list often serves the next block too. */
typedef struct unfurl_region_of_pixels {
  unfurl_patch_view view;
  unfurl_pixel_grid grid;
  size_t dst; /* where its first pixel is written */
  size_t first, count;
  unfurl_pixel_order order;
  size_t turns; /* in which its rows are multiplied: a line's, those of an image's lines, or all of a list */
  unfurl_tiling tilings[2]; /* of the rows of a turn, by a panel; by the group's last one */
} unfurl_region_of_pixels;

/* Whether borders are few enough to be regions of their own. */
bool unfurl_blocks_apply(const unfurl_conv_problem *problem);

/* The order that suits lines of so many pixels, and the tiles that it takes. `dense`: in dst, lines follow on each other as
 * pixels do. */
unfurl_pixel_order unfurl_blocks_order(const unfurl_blocks *blocks, size_t images, size_t lines, size_t pixels,
                                       bool dense, size_t *tiles);

/* Sets the most rows of tiles, of blocks that are known to copy or not. */
void unfurl_blocks_set_tiles(const unfurl_conv_problem *problem, unfurl_blocks *blocks);

/* Chooses whether the input is copied, and with which padding, and sets the tiles, of blocks whose images and panels are known
 * (strided_copy.c). */
void unfurl_blocks_choose_copy(const unfurl_conv_problem *problem, unfurl_blocks *blocks);

/* Cuts more bands, and more parts of the panels (chunks), so that all threads have as much to do (strided_share.c). */
void unfurl_blocks_share_out(const unfurl_conv_problem *problem, unfurl_blocks *blocks);

/* The first output row of band `band`; of the one behind the last, the number of rows. */
size_t unfurl_band_begin(const unfurl_blocks *blocks, size_t band);

unfurl_blocks unfurl_blocks_cut(const unfurl_conv_problem *problem);

size_t unfurl_blocks_units(const unfurl_blocks *blocks);

unfurl_unit unfurl_unit_of(const unfurl_blocks *blocks, size_t unit);

unfurl_block unfurl_block_of(const unfurl_blocks *blocks, size_t unit);

/* Makes the block before `unit` that of `unit`. True if only the group is another, and so the regions are the same. */
bool unfurl_block_move_on(const unfurl_blocks *blocks, size_t unit, unfurl_block *block);

/* The part of src, an NHWC image, that a unit's block reads; images in between are counted in. */
unfurl_piece unfurl_blocks_input(const unfurl_blocks *blocks, size_t unit);

/* Lists the block's regions, and where each of their pixels reads and writes, unless they are multiplied by lines; returns the
 * number of regions. The first `listed` regions and their pixels are those of another block, and are not listed again
 * where they are the same. Without lists (NULL, both), the regions alone. */
size_t unfurl_block_list(const unfurl_blocks *blocks, const unfurl_block *block, size_t listed,
                         unfurl_region_of_pixels *regions, size_t *src_at, size_t *dst_at);

#endif
