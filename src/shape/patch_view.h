/* SPDX-License-Identifier: BSD-2-Clause */
/* The patch view: where the row vector of every chunk lies in the image, without copying anything.
 *
 * Output pixels whose chunks have the same taps inside the image form a region: the interior, the top rows, the left
 * columns, ... In a region all chunks look alike. Each is a grid of runs (of kernel rows by kernel columns); a run is
 * a few floats that are neighbours both in memory and in the unrolled chunk. In NHWC a whole kernel row is one run of
 * taps * C floats; with dilation or groups a run is one tap, of C / groups floats; in NCHW its floats lie one plane
 * (element_stride) apart. Taps that fall into the padding belong to no run.
 *
 *     element e of run (r, c) of the chunk of pixel (y, x), counted from the region's first:
 *       in the image:        origin + y*line_stride + x*pixel_stride + r*run_row_stride + c*run_col_stride +
 * e*element_stride in the unrolled row: unrolled_origin + r*unrolled_row_stride + c*unrolled_col_stride + e
 */
#ifndef UNFURL_SHAPE_PATCH_VIEW_H
#define UNFURL_SHAPE_PATCH_VIEW_H

#include <stddef.h>

#include "shape/conv_geometry.h"

/* Outputs begin..end-1 of an axis, whose taps tap_begin..tap_end-1 are inside the image (none if they are equal). */
typedef struct unfurl_axis_segment {
  size_t begin, end, tap_begin, tap_end;
} unfurl_axis_segment;

typedef struct unfurl_patch_view {
  size_t lines, pixels; /* of the region: output rows, and output pixels in each */
  size_t origin;
  size_t line_stride, pixel_stride;
  size_t run_rows, run_cols, run_length; /* all 0 where every tap is padding */
  size_t run_row_stride, run_col_stride, element_stride;
  size_t unrolled_origin, unrolled_row_stride, unrolled_col_stride;
} unfurl_patch_view;

/* The taps begin..end-1 of output `out` that are inside the image; begin == end where none is. */
void unfurl_axis_taps(const unfurl_conv_axis *axis, size_t out, size_t *begin, size_t *end);

/* The segment that begins at output `begin`; it ends before `limit` at the latest. */
unfurl_axis_segment unfurl_axis_segment_at(const unfurl_conv_axis *axis, size_t begin, size_t limit);

/* The view of the region rows x cols for one group, relative to the start of an image. */
unfurl_patch_view unfurl_patch_view_of(const unfurl_conv_geometry *geometry, size_t group,
                                       const unfurl_axis_segment *rows, const unfurl_axis_segment *cols);

#endif
