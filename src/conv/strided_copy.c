/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether `strided` copies an image, and with which padding. Without, pixels at the borders have fewer taps: nothing is
 * multiplied by zeros, but each corner is a region of few pixels, and wide kernels on small maps have little else. Zeros
 * to the left and right alone make each output row one region, which still leaves out the kernel's rows that are outside.
 * Whole lines do too, whose first and last pixels skip taps: each tap is a run then, but there is nothing to copy.
 * A group's channels may be copied without any: pixels far apart take more lines of L1 than there are, and each tap is a run.
 *
 * The ways are compared by the cycles, about, that multiplying takes: of full tiles as many as they have multiply-adds, or
 * loads; of tiles of few rows what their additions wait for each other, or what reading the panel takes.
 */
#include <math.h>

#include "base/memory.h"
#include "conv/strided_blocks.h"

enum {
  VECS_A_CYCLE = 2,    /* multiplied */
  TILE_CYCLES = 40,    /* for a tile to begin and end */
  RUN_CYCLES = 10,     /* for a run */
  REGION_CYCLES = 30,  /* for a region */
  COPY_CYCLES = 2,     /* for a pixel */
  COPIED_A_CYCLE = 4,  /* floats */
  TOUCHED_A_CYCLE = 5, /* floats of a group's channels that are read in place, or that L1 does not hold as a copy */
  READ_A_CYCLE = 8,    /* floats of a panel that L1 does not hold */
  L1_FLOATS = 8 << 10, /* of a panel that stays there */
  BUFFER_FLOATS = 512 << 10 /* of a padded input */
};

/* Outputs that have the same taps. */
typedef struct stretch {
  size_t count, taps;
  size_t skipped; /* of the taps, by the first and the last output */
} stretch;

static stretch stretch_at(const unfurl_conv_axis *axis, size_t begin, bool pads, bool skips) {
  unfurl_axis_segment s;
  if (pads) return (stretch){axis->out, axis->taps, 0};
  if (!skips || !unfurl_axis_whole(axis, &s)) s = unfurl_axis_segment_at(axis, begin, axis->out);
  return (stretch){s.count, s.tap_count, (size_t)s.skips_first + s.skips_last};
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
  const size_t vecs = unfurl_divide_up(cols, k->lanes), elements = ys.taps * xs.taps * g->icg;
  const size_t hidden = tiles * unfurl_kernels_hidden_rows(k, cols);
  const size_t rows = pixels > hidden ? pixels : hidden, loads = vecs == 1 ? tiles : 0; /* beyond those of rows */
  const size_t skipped = lines * xs.skipped * vecs * ys.taps * g->icg;
  const double multiply = (double)((rows * vecs + loads) * elements - skipped) / VECS_A_CYCLE;
  const size_t width = unfurl_round_up(cols, k->lanes);
  const size_t read_floats = g->patch * width <= L1_FLOATS ? 0 : tiles * elements * width;
  const double read = (double)read_floats / READ_A_CYCLE;
  const bool taps_are_runs = xs.skipped > 0 || g->w.dilation > 1 || (g->groups > 1 && !b->copies_src);
  const size_t runs = ys.taps * (taps_are_runs ? xs.taps : 1);
  return (multiply > read ? multiply : read) + (double)tiles * (double)(TILE_CYCLES + RUN_CYCLES * runs) +
         REGION_CYCLES;
}

static size_t span(const unfurl_conv_axis *axis, bool pads) {
  return pads ? (axis->out - 1) * axis->stride + (axis->taps - 1) * axis->dilation + 1 : axis->in;
}

/* Pixels of a group's channels that come to L1 while they are multiplied. */
static size_t touched_pixels(const unfurl_blocks *b, size_t copied) {
  const unfurl_conv_geometry *g = &b->g;
  if (g->groups == 1) return 0;
  return !b->copies_src ? g->in_pixels : copied * g->icg > L1_FLOATS ? copied : 0;
}

/* All regions by all panels, and the copy; infinity where that would be too large. */
static double cycles(const unfurl_conv_problem *p, const unfurl_blocks *b) {
  const unfurl_conv_geometry *g = &b->g;
  const bool pads = b->pads_rows || b->pads_cols;
  const size_t copied = unfurl_size_product(
      3, (const size_t[]){span(&g->h, b->pads_rows), span(&g->w, b->pads_cols), b->copies_src ? b->images : 0});
  if (pads && unfurl_size_product(2, (const size_t[]){copied, g->icg}) > BUFFER_FLOATS) return (double)INFINITY;
  double sum = 0;
  for (size_t y = 0; y < g->h.out;) {
    const stretch ys = stretch_at(&g->h, y, b->pads_rows, false);
    for (size_t x = 0; x < g->w.out;) {
      const stretch xs = stretch_at(&g->w, x, b->pads_cols, b->skips_cols);
      sum += region_cycles(p, b, ys, xs);
      x += xs.count;
    }
    y += ys.count;
  }
  const size_t copied_floats = copied * g->icg, touched_floats = touched_pixels(b, copied) * g->icg;
  return (double)b->panels.count * sum + (double)copied * COPY_CYCLES + (double)copied_floats / COPIED_A_CYCLE +
         (double)touched_floats / TOUCHED_A_CYCLE;
}

/* A way to read the image. */
typedef struct way {
  bool copies, pads_rows, pads_cols, skips_cols;
} way;

static void set_way(const unfurl_conv_problem *p, unfurl_blocks *b, way w) {
  b->copies_src = w.copies || b->g.src.channel != 1;
  b->pads_rows = w.pads_rows, b->pads_cols = w.pads_cols, b->skips_cols = w.skips_cols;
  unfurl_blocks_set_tiles(p, b);
}

void unfurl_blocks_choose_copy(const unfurl_conv_problem *p, unfurl_blocks *b) {
  static const way ways[] = {{.skips_cols = true},
                             {.copies = true},
                             {.copies = true, .skips_cols = true},
                             {.copies = true, .pads_cols = true},
                             {.copies = true, .pads_rows = true, .pads_cols = true}};
  const unfurl_conv_geometry *g = &b->g;
  unfurl_axis_segment line;
  set_way(p, b, (way){0});
  if (g->transposed) return;
  const bool is_padded = span(&g->h, true) > g->h.in || span(&g->w, true) > g->w.in || g->h.pad || g->w.pad;
  const bool has_runs = g->groups > 1 && g->h.taps * g->w.taps > 1; /* that a copy without padding makes fewer */
  const bool may_skip = unfurl_axis_whole(&g->w, &line);
  if (!is_padded && !has_runs) return;
  unfurl_blocks best = *b;
  double least = cycles(p, b);
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    const way w = ways[i];
    if (w.skips_cols ? !may_skip || (w.copies && !has_runs) : w.pads_cols ? !is_padded : !has_runs) continue;
    set_way(p, b, w);
    const double here = cycles(p, b);
    if (here < least) least = here, best = *b;
  }
  *b = best;
}
