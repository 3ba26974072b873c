/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether `strided` copies an image with its padding, and with which. Without, pixels at the borders have fewer taps: nothing is
 * multiplied by zeros, but each corner is a region of few pixels, and wide kernels on small maps have little else. Zeros
 * to the left and right alone make each output row one region, which still leaves out the kernel's rows that are outside.
 *
 * The ways are compared by the cycles, about, that multiplying takes: of full tiles as many as they have multiply-adds; of
 * tiles of few rows what their additions wait for each other, or what reading the panel takes.
 */
#include <math.h>

#include "base/memory.h"
#include "conv/strided_blocks.h"

enum {
  VECS_A_CYCLE = 2,         /* multiplied */
  TILE_CYCLES = 40,         /* for a tile to begin and end */
  RUN_CYCLES = 10,          /* for a run */
  COPY_CYCLES = 6,          /* for a pixel */
  COPIED_A_CYCLE = 8,       /* floats */
  READ_A_CYCLE = 8,         /* floats of a panel that L1 does not hold */
  L1_FLOATS = 8 << 10,      /* of a panel that stays there */
  BUFFER_FLOATS = 512 << 10 /* of a padded input */
};

/* Outputs that have the same taps. */
typedef struct stretch {
  size_t count, taps;
} stretch;

static stretch stretch_at(const unfurl_conv_axis *axis, size_t begin, bool pads) {
  if (pads) return (stretch){axis->out, axis->taps};
  const unfurl_axis_segment s = unfurl_axis_segment_at(axis, begin, axis->out);
  return (stretch){s.count, s.tap_count};
}

/* One region by one panel. */
static double region_cycles(const unfurl_conv_problem *p, const unfurl_blocks *b, stretch ys, stretch xs) {
  const unfurl_kernels *k = p->kernels;
  const unfurl_conv_geometry *g = &b->g;
  const bool is_column = xs.count == 1;
  const size_t lines = b->images * (is_column ? 1 : ys.count), in_line = is_column ? ys.count : xs.count;
  const size_t pixels = lines * in_line, cols = unfurl_smaller(g->ocg, k->cols);
  size_t tiles;
  unfurl_blocks_order(b, b->images, lines / b->images, in_line, xs.count == g->w.out, &tiles);
  const size_t hidden = tiles * unfurl_kernels_hidden_rows(k, cols), elements = ys.taps * xs.taps * g->icg;
  const size_t rows = pixels > hidden ? pixels : hidden, row_vecs = elements * unfurl_divide_up(cols, k->lanes);
  const double multiply = (double)rows * (double)row_vecs / VECS_A_CYCLE;
  const size_t width = unfurl_round_up(cols, k->lanes);
  const size_t read_floats = g->patch * width <= L1_FLOATS ? 0 : tiles * elements * width;
  const double read = (double)read_floats / READ_A_CYCLE;
  const size_t runs = ys.taps * (g->w.dilation > 1 || (g->groups > 1 && !b->gathers) ? xs.taps : 1);
  return (multiply > read ? multiply : read) + (double)tiles * (double)(TILE_CYCLES + RUN_CYCLES * runs);
}

static size_t span(const unfurl_conv_axis *axis, bool pads) {
  return pads ? (axis->out - 1) * axis->stride + (axis->taps - 1) * axis->dilation + 1 : axis->in;
}

/* All regions by all panels, and the copy; infinity where that would be too large. */
static double cycles(const unfurl_conv_problem *p, const unfurl_blocks *b, bool pads_rows, bool pads_cols) {
  const unfurl_conv_geometry *g = &b->g;
  const bool copies = pads_rows || pads_cols;
  const size_t copied =
      unfurl_size_product(3, (const size_t[]){span(&g->h, pads_rows), span(&g->w, pads_cols), copies ? b->images : 0});
  if (unfurl_size_product(2, (const size_t[]){copied, g->icg}) > BUFFER_FLOATS) return (double)INFINITY;
  double sum = 0;
  for (size_t y = 0; y < g->h.out;) {
    const stretch ys = stretch_at(&g->h, y, pads_rows);
    for (size_t x = 0; x < g->w.out;) {
      const stretch xs = stretch_at(&g->w, x, pads_cols);
      sum += region_cycles(p, b, ys, xs);
      x += xs.count;
    }
    y += ys.count;
  }
  const double copy = b->gathers ? 0 : (double)copied * (COPY_CYCLES + (double)g->icg / COPIED_A_CYCLE);
  return (double)b->panels.count * sum + copy;
}

void unfurl_blocks_choose_padding(const unfurl_conv_problem *p, unfurl_blocks *b) {
  static const bool ways[][2] = {{false, true}, {true, true}};
  const bool is_padded = span(&b->g.h, true) > b->g.h.in || span(&b->g.w, true) > b->g.w.in || b->g.h.pad || b->g.w.pad;
  b->pads_rows = b->pads_cols = false;
  if (b->g.transposed || !is_padded) return;
  double least = cycles(p, b, false, false);
  for (size_t i = 0; i < 2; i++) {
    const double here = cycles(p, b, ways[i][0], ways[i][1]);
    if (here < least) least = here, b->pads_rows = ways[i][0], b->pads_cols = ways[i][1];
  }
}
