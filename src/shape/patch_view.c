/* SPDX-License-Identifier: BSD-2-Clause */
#include "shape/patch_view.h"

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

unfurl_conv_axis unfurl_axis_band(const unfurl_conv_axis *axis, size_t begin, size_t end, size_t *first) {
  /* Counted from the first pixel of padding. */
  const size_t start = begin * axis->stride, beyond = (end - 1) * axis->stride + (axis->taps - 1) * axis->dilation + 1;
  const size_t image_end = axis->pad + axis->in, last = beyond < image_end ? beyond : image_end;
  unfurl_conv_axis band = *axis;
  *first = start > axis->pad ? start - axis->pad : 0;
  band.out = end - begin;
  band.pad = axis->pad > start ? axis->pad - start : 0;
  band.in = last > *first + axis->pad ? last - *first - axis->pad : 0;
  return band;
}

/* Outputs that may have the same taps: all of them, or (transposed) those that are a stride apart. */
typedef struct output_class {
  size_t step;          /* from one output to the next */
  size_t tap, tap_step; /* the first tap that meets an input, and from there to the next; tap is `taps` without any */
} output_class;

static output_class class_of(const unfurl_conv_axis *axis, bool transposed, size_t out) {
  if (!transposed) return (output_class){.step = 1, .tap = 0, .tap_step = 1};
  output_class c = {.step = axis->stride, .tap = 0, .tap_step = 1};
  while (c.tap < axis->taps && c.tap < axis->stride &&
         (out + axis->pad + axis->stride * axis->dilation - c.tap % axis->stride * axis->dilation) % axis->stride)
    c.tap++;
  if (c.tap == axis->stride) c.tap = axis->taps;
  while (c.tap_step * axis->dilation % axis->stride) c.tap_step++;
  return c;
}

/* The taps of the class that are inside for output `out`: numbers begin..end-1, counted from the class's first. */
static void class_taps(const unfurl_conv_axis *axis, bool transposed, const output_class *c, size_t out, size_t *begin,
                       size_t *end) {
  if (!transposed) {
    unfurl_axis_taps(axis, out, begin, end);
    return;
  }
  /* Tap t reads input (reach - t * dilation) / stride, which must not be below 0 nor reach `in`. */
  const size_t reach = out + axis->pad, above = axis->in * axis->stride, each = c->tap_step * axis->dilation;
  const size_t first = c->tap * axis->dilation;
  const size_t in_kernel = c->tap < axis->taps ? (axis->taps - c->tap + c->tap_step - 1) / c->tap_step : 0;
  const size_t below = reach >= first ? (reach - first) / each + 1 : 0;
  *end = below < in_kernel ? below : in_kernel;
  *begin = reach < above + first ? 0 : (reach - above - first) / each + 1;
  if (*begin > *end) *begin = *end;
}

/* Neither end of the range of taps turns back as outputs go on, so the segment's end is found by bisection. */
static unfurl_axis_segment segment_at(const unfurl_conv_axis *axis, bool transposed, size_t begin, size_t limit) {
  const output_class c = class_of(axis, transposed, begin);
  size_t first, last;
  class_taps(axis, transposed, &c, begin, &first, &last);
  size_t inside = 0, outside = (limit - begin + c.step - 1) / c.step;
  while (outside - inside > 1) {
    const size_t middle = inside + (outside - inside) / 2;
    size_t tap_first, tap_last;
    class_taps(axis, transposed, &c, begin + middle * c.step, &tap_first, &tap_last);
    if (tap_first == first && tap_last == last)
      inside = middle;
    else
      outside = middle;
  }
  unfurl_axis_segment s = {.begin = begin,
                           .step = c.step,
                           .count = outside,
                           .tap_count = last - first,
                           .tap_begin = c.tap + first * c.tap_step,
                           .tap_step = c.tap_step,
                           .input_step = transposed ? 1 : axis->stride,
                           .tap_input_step = (ptrdiff_t)axis->dilation};
  const size_t reach = s.tap_begin * axis->dilation;
  if (transposed) s.tap_input_step = -(ptrdiff_t)(c.tap_step * axis->dilation / axis->stride);
  if (s.tap_count > 0)
    s.input = transposed ? (begin + axis->pad - reach) / axis->stride : begin * axis->stride + reach - axis->pad;
  return s;
}

unfurl_axis_segment unfurl_axis_segment_at(const unfurl_conv_axis *axis, size_t begin, size_t limit) {
  return segment_at(axis, false, begin, limit);
}

size_t unfurl_axis_segments(const unfurl_conv_axis *axis, bool transposed, size_t begin, size_t limit,
                            unfurl_axis_segment *segments) {
  const size_t classes = transposed ? axis->stride : 1;
  size_t count = 0;
  for (size_t first = begin; first < begin + classes && first < limit; first++)
    for (size_t out = first; out < limit; count++) {
      const unfurl_axis_segment s = segment_at(axis, transposed, out, limit);
      if (segments) segments[count] = s;
      out += s.count * s.step;
    }
  return count;
}

bool unfurl_axis_whole(const unfurl_conv_axis *axis, unfurl_axis_segment *segment) {
  size_t firsts[2], begin, end, lasts[2];
  if (axis->taps < 2 || axis->out < 2) return false;
  unfurl_axis_taps(axis, 0, &firsts[0], &end);
  if (axis->out == 2 && end < axis->taps) return false;
  unfurl_axis_taps(axis, 1, &firsts[1], &end);
  unfurl_axis_taps(axis, axis->out - 2, &begin, &lasts[0]);
  unfurl_axis_taps(axis, axis->out - 1, &begin, &lasts[1]);
  if (firsts[0] > 1 || firsts[1] > 0 || begin > 0 || lasts[0] < axis->taps || lasts[1] + 1 < axis->taps) return false;
  *segment = (unfurl_axis_segment){.step = 1,
                                   .count = axis->out,
                                   .tap_step = 1,
                                   .tap_count = axis->taps,
                                   .input_step = axis->stride,
                                   .tap_input_step = (ptrdiff_t)axis->dilation,
                                   .pad = axis->pad,
                                   .skips_first = firsts[0] == 1,
                                   .skips_last = lasts[1] < axis->taps};
  return segment->skips_first || segment->skips_last;
}

unfurl_patch_view unfurl_patch_view_of(const unfurl_conv_geometry *g, size_t group, const unfurl_axis_segment *rows,
                                       const unfurl_axis_segment *cols) {
  const unfurl_image_strides *s = &g->src;
  unfurl_patch_view view = {
      .lines = rows->count,
      .pixels = cols->count,
      .line_stride = rows->input_step * s->row,
      .pixel_stride = cols->input_step * s->col,
      .run_row_stride = rows->tap_input_step * (ptrdiff_t)s->row,
      .run_col_stride = cols->tap_input_step * (ptrdiff_t)s->col,
      .run_col_first = -(ptrdiff_t)(cols->pad * s->col),
      .skips_first = cols->skips_first,
      .skips_last = cols->skips_last,
      .element_stride = s->channel,
      .unrolled_row_stride = rows->tap_step * g->w.taps * g->icg,
      .unrolled_col_stride = cols->tap_step * g->icg,
  };
  if (rows->tap_count == 0 || cols->tap_count == 0) return view;
  view.origin = rows->input * s->row + cols->input * s->col + group * g->icg * s->channel;
  view.unrolled_origin = (rows->tap_begin * g->w.taps + cols->tap_begin) * g->icg;
  view.run_rows = rows->tap_count;
  view.run_cols = cols->tap_count;
  view.run_length = g->icg;
  const bool taps_are_neighbours = !view.skips_first && !view.skips_last && s->channel == 1 && g->groups == 1 &&
                                   cols->tap_input_step == 1 && cols->tap_step == 1;
  if (taps_are_neighbours) view.run_cols = 1, view.run_length = cols->tap_count * g->icg;
  return view;
}
