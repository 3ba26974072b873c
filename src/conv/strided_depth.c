/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/strided_depth.h"

#include "base/memory.h"

enum {
  HELD_SHARE = 2, /* of L2: a panel that takes more than one in so many bytes is cut */
  PIECE_SHARE = 4 /* of L2, that a piece takes at most */
};

/* As many of `count` as fit `floats` with `each`, in parts as even as they can be; at least one. */
static size_t fitting(size_t count, size_t each, size_t floats) {
  const size_t most = floats / each;
  return most == 0 ? 1 : unfurl_divide_up(count, unfurl_divide_up(count, most));
}

unfurl_depth_cut unfurl_depth_cut_of(const unfurl_conv_problem *p, bool again) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t widest = unfurl_round_up(g->ocg, p->kernels->lanes);
  const size_t sizes[] = {unfurl_smaller(widest, p->kernels->cols), g->icg, g->w.taps, g->h.taps};
  const size_t cols = sizes[0], tap = unfurl_size_product(2, sizes), row = unfurl_size_product(3, sizes);
  const size_t l2 = p->l2_bytes / sizeof(float), most = l2 / PIECE_SHARE;
  unfurl_depth_cut cut = {.rows = g->h.taps, .taps = g->w.taps, .channels = g->icg, .pieces = 1};
  if (!again || g->transposed || unfurl_size_product(4, sizes) <= l2 / HELD_SHARE) return cut;
  cut.rows = fitting(g->h.taps, row, most);
  if (row > most) cut.taps = fitting(g->w.taps, tap, most);
  if (tap > most) cut.channels = fitting(g->icg, cols, most);
  cut.pieces = unfurl_divide_up(g->h.taps, cut.rows) * unfurl_divide_up(g->w.taps, cut.taps) *
               unfurl_divide_up(g->icg, cut.channels);
  return cut;
}

unfurl_depth_piece unfurl_depth_piece_at(const unfurl_depth_cut *cut, const unfurl_conv_geometry *g, size_t piece) {
  const size_t of_tap = unfurl_divide_up(g->icg, cut->channels),
               of_row = of_tap * unfurl_divide_up(g->w.taps, cut->taps);
  const size_t row = piece / of_row * cut->rows, tap = piece % of_row / of_tap * cut->taps;
  const size_t channel = piece % of_tap * cut->channels, at = (row * g->w.taps + tap) * g->icg + channel;
  const size_t rows = unfurl_smaller(cut->rows, g->h.taps - row), taps = unfurl_smaller(cut->taps, g->w.taps - tap);
  const size_t channels = unfurl_smaller(cut->channels, g->icg - channel);
  return (unfurl_depth_piece){at, at + ((rows - 1) * g->w.taps + taps - 1) * g->icg + channels};
}

/* The part of count things, `first` the number of the first one, that is in begin..end-1: skips those before. */
static size_t clip(size_t *count, size_t first, size_t begin, size_t end) {
  const size_t from = first > begin ? first : begin, to = unfurl_smaller(first + *count, end);
  *count = to > from ? to - from : 0;
  return from - first;
}

unfurl_patch_view unfurl_depth_view(const unfurl_conv_geometry *g, const unfurl_patch_view *view,
                                    unfurl_depth_piece piece) {
  const size_t row = g->w.taps * g->icg, first = view->unrolled_origin / row, at = view->unrolled_origin % row;
  unfurl_patch_view v = *view;
  const size_t rows = clip(&v.run_rows, first, piece.begin / row, unfurl_divide_up(piece.end, row));
  size_t taps = 0, elements = 0;
  if (piece.end - piece.begin < row) { /* within a row: of one run, or of several that are taps */
    const size_t begin = piece.begin % row, end = begin + (piece.end - piece.begin);
    if (v.run_cols > 1) {
      const size_t all = v.run_cols;
      taps = clip(&v.run_cols, at / g->icg, begin / g->icg, unfurl_divide_up(end, g->icg));
      v.skips_first = v.skips_first && taps == 0, v.skips_last = v.skips_last && taps + v.run_cols == all;
    }
    const size_t run = at + taps * g->icg;
    if (v.run_cols == 1) elements = clip(&v.run_length, run, begin, end);
  }
  if (v.run_rows * v.run_cols * v.run_length == 0) {
    v.run_rows = v.run_cols = v.run_length = 0;
    return v;
  }
  v.origin += rows * (size_t)v.run_row_stride + elements;
  v.run_col_first += (ptrdiff_t)taps * v.run_col_stride;
  v.unrolled_origin += rows * v.unrolled_row_stride + taps * v.unrolled_col_stride + elements;
  return v;
}
