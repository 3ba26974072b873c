/* SPDX-License-Identifier: BSD-2-Clause */
#include "shape/patch_view.h"

#include <stdbool.h>

/* Tap t is at position out * stride - pad + t * dilation, which is inside when in 0..in-1. */
void unfurl_axis_taps(const unfurl_conv_axis *axis, size_t out, size_t *begin, size_t *end) {
  const size_t start = out * axis->stride; /* position of tap 0, counted from the first pixel of padding */
  const size_t before = axis->pad > start ? axis->pad - start : 0;
  const size_t first = (before + axis->dilation - 1) / axis->dilation;
  const size_t beyond = axis->pad + axis->in > start ? axis->pad + axis->in - start : 0;
  const size_t last = (beyond + axis->dilation - 1) / axis->dilation;
  *end = last < axis->taps ? last : axis->taps;
  *begin = first < *end ? first : *end;
}

/* Neither end of the range of taps grows from one output to the next, so the segment's end is found by bisection. */
unfurl_axis_segment unfurl_axis_segment_at(const unfurl_conv_axis *axis, size_t begin, size_t limit) {
  unfurl_axis_segment segment = {.begin = begin};
  unfurl_axis_taps(axis, begin, &segment.tap_begin, &segment.tap_end);
  size_t inside = begin, outside = limit; /* outputs before `outside` may belong to it, those from there on do not */
  while (outside - inside > 1) {
    const size_t middle = inside + (outside - inside) / 2;
    size_t tap_begin, tap_end;
    unfurl_axis_taps(axis, middle, &tap_begin, &tap_end);
    if (tap_begin == segment.tap_begin && tap_end == segment.tap_end)
      inside = middle;
    else
      outside = middle;
  }
  segment.end = outside;
  return segment;
}

/* Position of the segment's first tap inside the image. */
static size_t first_input(const unfurl_conv_axis *axis, const unfurl_axis_segment *segment) {
  return segment->begin * axis->stride + segment->tap_begin * axis->dilation - axis->pad;
}

unfurl_patch_view unfurl_patch_view_of(const unfurl_conv_geometry *g, size_t group, const unfurl_axis_segment *rows,
                                       const unfurl_axis_segment *cols) {
  const size_t row_taps = rows->tap_end - rows->tap_begin, col_taps = cols->tap_end - cols->tap_begin;
  const unfurl_image_strides *s = &g->src;
  unfurl_patch_view view = {
      .lines = rows->end - rows->begin,
      .pixels = cols->end - cols->begin,
      .line_stride = g->h.stride * s->row,
      .pixel_stride = g->w.stride * s->col,
      .run_row_stride = g->h.dilation * s->row,
      .run_col_stride = g->w.dilation * s->col,
      .element_stride = s->channel,
      .unrolled_row_stride = g->w.taps * g->icg,
      .unrolled_col_stride = g->icg,
  };
  if (row_taps == 0 || col_taps == 0) return view;
  view.origin = first_input(&g->h, rows) * s->row + first_input(&g->w, cols) * s->col + group * g->icg * s->channel;
  view.unrolled_origin = (rows->tap_begin * g->w.taps + cols->tap_begin) * g->icg;
  view.run_rows = row_taps;
  view.run_cols = col_taps;
  view.run_length = g->icg;
  const bool taps_are_neighbours = s->channel == 1 && g->w.dilation == 1 && g->groups == 1;
  if (taps_are_neighbours) view.run_cols = 1, view.run_length = col_taps * g->icg;
  return view;
}
