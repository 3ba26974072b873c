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
 *       in the image:        origin + y*line_stride + x*pixel_stride + r*run_row_stride
 *                                   + run_col_first + c*run_col_stride + e*element_stride
 *       in the unrolled row: unrolled_origin + r*unrolled_row_stride + c*unrolled_col_stride + e
 *
 * Whole output lines may be one region although padding leaves out the first tap of their first pixel, and the last tap of
 * their last: each run is one tap then, which that pixel skips.
 *
 * A transposed convolution gathers: output o sees, of input i, tap t = (o + pad - i*stride) / dilation where that is
 * whole. So outputs that are a stride apart have the same taps, every so many of them, and see input pixels in falling
 * order as the taps rise: a region is such a class of outputs, with steps between its pixels and its taps.
 */
#ifndef UNFURL_SHAPE_PATCH_VIEW_H
#define UNFURL_SHAPE_PATCH_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "shape/conv_geometry.h"

/* Outputs begin, begin + step, ... (`count` of them) along an axis. The taps that they have inside the image are
 * tap_begin, tap_begin + tap_step, ... (tap_count of them, possibly none). */
typedef struct unfurl_axis_segment {
  size_t begin, step, count;
  size_t tap_begin, tap_step, tap_count;
  size_t input;                 /* that the first tap of the first output reads; 0 without taps */
  size_t input_step;            /* from one output to the next */
  ptrdiff_t tap_input_step;     /* from one tap to the next */
  size_t pad;                   /* of whole lines: `input` is what the first output reads so many inputs after tap 0 */
  bool skips_first, skips_last; /* the first output has no first tap; the last has no last one */
} unfurl_axis_segment;

typedef struct unfurl_patch_view {
  size_t lines, pixels; /* of the region: output rows, and output pixels in each */
  size_t origin;
  size_t line_stride, pixel_stride;
  size_t run_rows, run_cols, run_length; /* all 0 where every tap is padding */
  ptrdiff_t run_col_first, run_row_stride, run_col_stride;
  bool skips_first, skips_last; /* a line's first pixel has no first run in each row; its last has no last one */
  size_t element_stride;
  size_t unrolled_origin, unrolled_row_stride, unrolled_col_stride;
} unfurl_patch_view;

/* The taps begin..end-1 of output `out` that are inside the image; begin == end where none is. Not transposed. */
void unfurl_axis_taps(const unfurl_conv_axis *axis, size_t out, size_t *begin, size_t *end);

/* The axis of the outputs begin..end-1 alone, whose inputs are those from `first` on: none of them (`in` is 0) where all
 * taps fall into the padding. Not transposed. */
unfurl_conv_axis unfurl_axis_band(const unfurl_conv_axis *axis, size_t begin, size_t end, size_t *first);

/* The segment that begins at output `begin`; it ends before `limit` at the latest. Not transposed. */
unfurl_axis_segment unfurl_axis_segment_at(const unfurl_conv_axis *axis, size_t begin, size_t limit);

/* All segments of the outputs begin..limit-1, into `segments` if it is not NULL; returns how many there are. */
size_t unfurl_axis_segments(const unfurl_conv_axis *axis, bool transposed, size_t begin, size_t limit,
                            unfurl_axis_segment *segments);

/* All outputs as one segment, of which the first may skip the first tap, and the last the last. False where padding leaves
 * out other taps too, or none. Not transposed. */
bool unfurl_axis_whole(const unfurl_conv_axis *axis, unfurl_axis_segment *segment);

/* The view of the region rows x cols for one group, relative to the start of an image. */
unfurl_patch_view unfurl_patch_view_of(const unfurl_conv_geometry *geometry, size_t group,
                                       const unfurl_axis_segment *rows, const unfurl_axis_segment *cols);

#endif
