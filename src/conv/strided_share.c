/* SPDX-License-Identifier: BSD-2-Clause */
/* How `strided` shares out its work: tasks take equal numbers of units, so these are cut until the tasks have equal work,
 * nearly. Bands make each thread read all weights, and parts of the panels make it read all pixels. Unless weights are
 * heavy, and there is no band for each thread anyway, threads share pixels: in layer after layer each then reads what it has
 * written itself, and not from another's cache.
 * Where both are cut, units follow on each other by bands or by panels: of three panels and two bands, each of two threads
 * then has a panel of its own, and a band of the third. */
#include "base/memory.h"
#include "base/parallel.h"
#include "conv/strided_blocks.h"

enum {
  WEIGHTS_SHARE = 2,  /* of L2: weights that take no more than one in so many bytes are read by every thread */
  MANY_UNITS = 16,    /* a thread; with more, one more or less does not matter */
  MOST_CHUNKS = 4,    /* a thread */
  UNEVEN_PERCENT = 2, /* that does not matter */
  BETTER_PERCENT = 2  /* that does */
};

size_t unfurl_band_begin(const unfurl_blocks *b, size_t band) {
  const size_t row = unfurl_part_begin(unfurl_divide_up(b->g.h.out, b->row_step), b->bands, band) * b->row_step;
  return row < b->g.h.out ? row : b->g.h.out;
}

/* Vectors of filters in some panels: the last one may be narrower. */
static size_t vectors(const unfurl_blocks *b, size_t begin, size_t end) {
  const size_t lanes = b->kernels->lanes, all = unfurl_divide_up(b->g.ocg, lanes), each = b->kernels->cols / lanes;
  return (end < b->panels.count ? end * each : all) - begin * each;
}

/* What it takes to multiply pixels by a vector: tiles are as equal as they can be, and each takes a while to begin. */
static size_t pixels_work(const unfurl_blocks *b, size_t pixels) {
  return pixels + unfurl_divide_up(pixels, b->flat ? b->even_rows : b->tile_rows);
}

static size_t unit_work(const unfurl_blocks *b, size_t unit) {
  const unfurl_unit u = unfurl_unit_of(b, unit);
  const size_t rows = unfurl_band_begin(b, u.band + 1) - unfurl_band_begin(b, u.band);
  const size_t first = unfurl_part_begin(b->g.batch, b->image_blocks, u.images);
  const size_t images = unfurl_part_begin(b->g.batch, b->image_blocks, u.images + 1) - first;
  const size_t panels[2] = {unfurl_part_begin(b->panels.count, b->chunks, u.chunk),
                            unfurl_part_begin(b->panels.count, b->chunks, u.chunk + 1)};
  return pixels_work(b, images * rows * b->g.w.out) * vectors(b, panels[0], panels[1]);
}

/* The work of the busiest task, in percent of an equal share. */
static size_t busiest(const unfurl_blocks *b, size_t threads) {
  const size_t units = unfurl_blocks_units(b);
  size_t most = 0;
  for (size_t task = 0; task < threads; task++) {
    size_t work = 0;
    const size_t end = unfurl_part_begin(units, threads, task + 1);
    for (size_t unit = unfurl_part_begin(units, threads, task); unit < end; unit++) work += unit_work(b, unit);
    if (work > most) most = work;
  }
  const double pixels = (double)pixels_work(b, b->g.batch * b->g.out_pixels);
  const double equal = pixels * (double)(b->g.groups * vectors(b, 0, b->panels.count)) / (double)threads;
  return (size_t)(100 * (double)most / equal);
}

typedef struct shares {
  size_t bands, chunks;
  bool by_panels;
  size_t percent;
} shares;

static void take_shares(unfurl_blocks *b, const shares *s) {
  b->bands = s->bands, b->chunks = s->chunks, b->by_panels = s->by_panels;
}

/* Keeps what is clearly better; returns whether that is equal enough. */
static bool try_shares(const unfurl_blocks *b, size_t threads, shares s, shares *best) {
  unfurl_blocks cut = *b;
  take_shares(&cut, &s);
  s.percent = busiest(&cut, threads);
  if (s.percent + BETTER_PERCENT < best->percent) *best = s;
  return s.percent <= 100 + UNEVEN_PERCENT;
}

/* In either order, but groups one behind the other: their regions are the same. */
static bool try_orders(const unfurl_blocks *b, size_t threads, size_t bands, size_t chunks, shares *best) {
  return try_shares(b, threads, (shares){bands, chunks, false, 0}, best) ||
         (bands > 1 && chunks > 1 && b->g.groups == 1 &&
          try_shares(b, threads, (shares){bands, chunks, true, 0}, best));
}

/* The next larger number of parts that is worth trying: one that makes the largest part smaller, or a multiple of the threads. */
static size_t more_parts(size_t items, size_t parts, size_t threads) {
  const size_t largest = unfurl_divide_up(items, parts), multiple = unfurl_round_up(parts + 1, threads);
  return largest > 1 ? unfurl_smaller(unfurl_divide_up(items, largest - 1), multiple) : multiple;
}

/* The first that are equal enough, or else the best: of those that cut in one way alone, then of the others. */
static shares find_shares(const unfurl_conv_problem *p, const unfurl_blocks *b, bool heavy) {
  const size_t threads = p->threads;
  const size_t steps = unfurl_divide_up(b->g.h.out, b->row_step), tiles = b->images * b->g.out_pixels / b->tile_rows;
  const size_t most_bands = unfurl_smaller(unfurl_smaller(steps, tiles), b->bands + 2 * threads);
  const size_t most_chunks = unfurl_smaller(b->panels.count, MOST_CHUNKS * threads);
  shares best = {b->bands, b->chunks, false, SIZE_MAX};
  for (size_t both = 0; both < 2; both++)
    for (size_t bands = b->bands; bands == b->bands || bands <= most_bands; bands = more_parts(steps, bands, threads))
      for (size_t chunks = b->chunks; chunks == b->chunks || chunks <= most_chunks;
           chunks = more_parts(b->panels.count, chunks, threads))
        if ((heavy ? bands > b->bands : chunks > b->chunks) == both && try_orders(b, threads, bands, chunks, &best))
          return best;
  return best;
}

void unfurl_blocks_share_out(const unfurl_conv_problem *p, unfurl_blocks *b) {
  if (p->threads == 1 || b->image_blocks * b->bands * b->g.groups * b->chunks >= MANY_UNITS * p->threads) return;
  const size_t weights = unfurl_round_up(b->g.ocg, p->kernels->lanes) * b->g.patch * sizeof(float);
  const bool heavy = weights > p->l2_bytes / WEIGHTS_SHARE && b->image_blocks * b->bands < p->threads;
  const shares found = find_shares(p, b, heavy);
  take_shares(b, &found);
}
