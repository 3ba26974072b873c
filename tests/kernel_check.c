/* SPDX-License-Identifier: BSD-2-Clause */
/* Every variant of the kernels against the scalar formula, bit for bit: kernel_check [ROUNDS | --bench]
 *
 * Every number of rows and of columns (depthwise: pixels and channels) that a variant has a path for, ROUNDS times with
 * other runs, strides, epilogues and data: signed numbers, denormals, huge numbers, any bits at all, NaN, infinities and
 * -0. A NaN must be a NaN; every other result has the formula's bits. All that a kernel is given lies against a page that
 * can't be accessed, once with its end and once with its beginning; between the results dst must stay as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kernel_data.h"
#include "kernel_variants.h"

enum { DEFAULT_ROUNDS = 32, MOST_TILES = 3, MOST_INPUTS = 1024, MOST_TAPS = 81 };

/* Times as many rounds: the largest tiles have most ways to go. */
enum { LARGEST_TIMES = 8 };

/* --- Tiles --- */

typedef struct tile_case {
  unfurl_tile tile; /* without addresses */
  epilogue_choice epilogue;
  size_t src_first; /* of src, which strides may go back from */
  size_t src_count, weights_count, dst_count;
  bool listed; /* where rows are is listed; else they are evenly spaced */
  rng sums;    /* that the tile goes on from, if it does */
} tile_case;

static void shuffle(rng *r, size_t *at, size_t count) {
  for (size_t i = count; i > 1; i--) {
    const size_t j = rng_below(r, i), kept = at[i - 1];
    at[i - 1] = at[j], at[j] = kept;
  }
}

/* Offsets `step` apart, in order, backwards or in disorder; for both sides of the fence. */
static void fill_offsets(rng *r, place p, size_t count, size_t step) {
  size_t *a = put(p, count * sizeof *a, false), *b = put(p, count * sizeof *b, true);
  const size_t order = rng_below(r, 4);
  for (size_t i = 0; i < count; i++) a[i] = (order == 1 ? count - 1 - i : i) * step;
  if (order == 2) shuffle(r, a, count);
  memcpy(b, a, count * sizeof *b);
}

static ptrdiff_t sometimes_back(rng *r, size_t stride, size_t runs, size_t *first) {
  if (runs < 2 || rng_below(r, 5)) return (ptrdiff_t)stride;
  *first += (runs - 1) * stride;
  return -(ptrdiff_t)stride;
}

static void choose_runs(rng *r, tile_case *c, size_t panel_cols) {
  static const size_t runs[][3] = {{1, 1, 1}, {1, 1, 2}, {1, 1, 33}, {1, 1, 64}, {3, 1, 9}, {3, 3, 3},
                                   {2, 5, 1}, {5, 2, 4}, {7, 1, 21}, {2, 2, 0},  {0, 1, 5}, {1, 0, 5}};
  unfurl_tile *t = &c->tile;
  const size_t *run = runs[rng_below(r, sizeof runs / sizeof *runs)];
  t->run_rows = run[0], t->run_cols = run[1], t->run_length = run[2];
  const size_t col = t->run_length + rng_below(r, 3), row = t->run_cols * col + rng_below(r, 5);
  t->run_col_stride = sometimes_back(r, col, t->run_cols, &c->src_first);
  t->run_row_stride = sometimes_back(r, row, t->run_rows, &c->src_first);
  t->weights_col_stride = panel_cols * (t->run_length + rng_below(r, 2));
  t->weights_row_stride = t->run_cols * t->weights_col_stride + panel_cols * rng_below(r, 2);
  if (t->run_rows * t->run_cols * t->run_length == 0) return;
  c->src_count = (t->run_rows - 1) * row + (t->run_cols - 1) * col + t->run_length;
  c->weights_count = (t->run_rows - 1) * t->weights_row_stride + (t->run_cols - 1) * t->weights_col_stride +
                     t->run_length * panel_cols;
}

/* Sums so far, where the results will be. */
static void begin_sums(const tile_case *c, const size_t *dst_at, float *dst, float *expected) {
  rng r = c->sums;
  for (size_t i = 0; i < c->tile.tiles * c->tile.rows; i++)
    for (size_t j = 0; j < c->tile.cols; j++) {
      const size_t at = (dst_at ? dst_at[i] : i * c->tile.dst_step) + j;
      dst[at] = expected[at] = rng_below(&r, 20) ? (float)((double)(int64_t)rng_next(&r) * 0x1p-63) : -0.0F;
    }
}

/* Rows in lines, sometimes, where tiles of so many may run across these. */
static void choose_lines(rng *r, const unfurl_kernels *k, tile_case *c) {
  static const ptrdiff_t gaps[] = {0, 1, 5, 64, -1};
  unfurl_tile *t = &c->tile;
  const bool may_run_across = t->rows <= unfurl_kernels_line_rows(k, t->cols, 1, 1) &&
                              t->rows > unfurl_kernels_rows(k, t->cols) && t->rows % UNFURL_LINE_UNIT == 0;
  if (!may_run_across || rng_below(r, 3) == 0) return;
  const size_t units = 1 + rng_below(r, 5);
  t->line = units * UNFURL_LINE_UNIT, t->line_left = (1 + rng_below(r, units)) * UNFURL_LINE_UNIT;
  t->line_gap = t->src_step ? gaps[rng_below(r, 5)] : 0;
}

/* Rows that skip their first or last runs, sometimes: whole lines if they are in lines, which a tile then has some of. What
 * they skip may lie before the buffer or behind it. */
static void choose_skips(rng *r, tile_case *c) {
  unfurl_tile *t = &c->tile;
  const size_t all = t->tiles * t->rows;
  const bool has_runs = t->run_rows > 0 && t->run_cols > 1 && t->run_length > 0 && t->run_col_stride > 0;
  if (!has_runs || t->run_row_stride < 0 || t->line_gap < 0 || rng_below(r, 2)) return;
  if (!t->line && t->rows > UNFURL_SKIPPING_ROWS) return;
  if (t->line) {
    do t->line = (1 + rng_below(r, t->rows / UNFURL_LINE_UNIT)) * UNFURL_LINE_UNIT;
    while (t->rows % t->line);
    t->line_left = t->line;
  }
  t->skips_first = all > 1 && t->src_step > 0 && rng_below(r, 3) > 0;
  t->skips_last = all > 1 && (!t->skips_first || rng_below(r, 2));
  if (t->skips_first) t->run_col_first = -(ptrdiff_t)unfurl_smaller(t->src_step, (size_t)t->run_col_stride);
}

static tile_case choose_tile(rng *r, const unfurl_kernels *k, size_t rows, size_t cols) {
  static const size_t steps[] = {0, 1, 3, 16, 21}, gaps[] = {0, 0, 1, 5, 16};
  tile_case c = {.epilogue = choose_epilogue(r)};
  c.tile.tiles = 1 + rng_below(r, MOST_TILES), c.tile.rows = rows, c.tile.cols = cols;
  choose_runs(r, &c, unfurl_round_up(cols, k->lanes));
  const size_t all = c.tile.tiles * rows, step = some(r, steps, 5), dst_step = cols + some(r, gaps, 5);
  c.tile.streams = cols % k->lanes == 0 && dst_step % k->lanes == 0 && rng_below(r, 2);
  c.tile.brings_results = !c.tile.streams && rng_below(r, 2);
  c.tile.continues = rng_below(r, 4) == 0, c.sums = *r;
  c.dst_count = (all - 1) * dst_step + cols;
  c.listed = rows <= unfurl_kernels_rows(k, cols) && rng_below(r, 2);
  if (c.listed) {
    fill_offsets(r, SRC_AT, all, step);
    fill_offsets(r, DST_AT, all, dst_step);
  } else {
    c.tile.src_step = step, c.tile.dst_step = dst_step;
    choose_lines(r, k, &c);
    choose_skips(r, &c);
  }
  const size_t crossed = c.tile.line ? (c.tile.line - c.tile.line_left + all - 1) / c.tile.line : 0;
  const size_t gap = c.tile.line_gap > 0 ? (size_t)c.tile.line_gap : 0;
  if (c.src_count > 0) c.src_count += (all - 1) * step + crossed * gap;
  if (c.src_count > 0 && !c.tile.skips_first) {
    c.tile.run_col_first = (ptrdiff_t)rng_below(r, 3);
    c.src_count += (size_t)c.tile.run_col_first;
  }
  if (c.tile.skips_first) c.src_count -= (size_t)-c.tile.run_col_first;
  if (c.tile.skips_last) c.src_count -= unfurl_smaller(step, (size_t)c.tile.run_col_stride);
  fill(r, SRC, c.src_count);
  fill(r, WEIGHTS, c.weights_count);
  fill(r, BIAS, cols);
  fill(r, RESIDUAL, c.dst_count);
  kernel_case_says(
      "%zu tiles of %zu x %zu, %s, lines of %zu, %zu x %zu runs of %zu, skips %d %d, dst step %zu, continues %d, "
      "bias %d, residual %d, activation %d",
      c.tile.tiles, rows, cols, c.listed ? "listed" : "evenly spaced", c.tile.line, c.tile.run_rows, c.tile.run_cols,
      c.tile.run_length, c.tile.skips_first, c.tile.skips_last, dst_step, c.tile.continues, c.epilogue.bias,
      c.epilogue.residual, (int)c.epilogue.epilogue.activation);
  return c;
}

static bool check_tile_at(const kernel_variant *v, const tile_case *c, bool before) {
  const size_t all = c->tile.tiles * c->tile.rows;
  const unfurl_epilogue epilogue = place_epilogue(&c->epilogue, c->tile.cols, c->dst_count, before);
  unfurl_tile t = c->tile;
  t.src = (const float *)put(SRC, c->src_count * sizeof(float), before) + c->src_first;
  t.src_at = c->listed ? put(SRC_AT, all * sizeof *t.src_at, before) : NULL;
  t.weights = put(WEIGHTS, c->weights_count * sizeof(float), before);
  t.dst = put(DST, c->dst_count * sizeof(float), before);
  t.dst_at = c->listed ? put(DST_AT, all * sizeof *t.dst_at, before) : NULL;
  t.residual = epilogue.residual;
  t.epilogue = &epilogue;
  float *expected = expect(t.dst, c->dst_count);
  if (t.continues) begin_sums(c, t.dst_at, t.dst, expected);
  kernel_reference_tile(&t, unfurl_round_up(t.cols, v->kernels->lanes), kernel_is_fused(v), expected);
  v->kernels->tile(&t);
  return compare(t.dst, expected, c->dst_count);
}

static bool check_tile(const kernel_variant *v, rng *r, size_t rows, size_t cols) {
  kernel_case_begin(v->name);
  const tile_case c = choose_tile(r, v->kernels, rows, cols);
  return check_tile_at(v, &c, false) && check_tile_at(v, &c, true);
}

static size_t check_tiles(const kernel_variant *v, size_t rounds, size_t *failures) {
  const unfurl_kernels *k = v->kernels;
  size_t cases = 0;
  for (size_t cols = 1; cols <= k->cols; cols++) {
    const size_t most = unfurl_kernels_even_rows(k, cols, 1, 1);
    for (size_t rows = 1; rows <= most; rows++) {
      const size_t times = rows == most && cols % k->lanes == 0 ? LARGEST_TIMES : 1;
      for (size_t round = 0; round < times * rounds; round++, cases++) {
        rng r = {(cols * 100 + rows) * 10000 + round};
        *failures += !check_tile(v, &r, rows, cols);
      }
    }
  }
  return cases;
}

/* --- Panels side by side --- */

static bool check_side_at(const kernel_variant *v, const tile_case *c, size_t panels, size_t panel_floats,
                          bool before) {
  static const unfurl_epilogue none = {.activation = UNFURL_ACTIVATION_NONE};
  unfurl_tile t = c->tile;
  t.src = (const float *)put(SRC, c->src_count * sizeof(float), before) + c->src_first;
  t.weights = put(WEIGHTS, c->weights_count * sizeof(float), before);
  t.dst = put(DST, c->dst_count * sizeof(float), before);
  float *expected = expect(t.dst, c->dst_count);
  unfurl_tile panel = t;
  panel.epilogue = &none;
  for (size_t p = 0; p < panels; p++, panel.weights += panel_floats)
    kernel_reference_tile(&panel, t.cols, kernel_is_fused(v), expected + p * t.cols);
  v->kernels->side(&t, panels, panel_floats);
  return compare(t.dst, expected, c->dst_count);
}

static bool check_side(const kernel_variant *v, rng *r, size_t rows, size_t panels) {
  static const size_t steps[] = {0, 1, 3, 16, 21}, gaps[] = {0, 0, 1, 5, 16};
  const size_t cols = v->kernels->cols;
  tile_case c = {.tile = {.tiles = 1, .rows = rows, .cols = cols}};
  kernel_case_begin(v->name);
  choose_runs(r, &c, cols);
  const size_t panel_floats = c.weights_count + some(r, gaps, 5) * v->kernels->lanes;
  c.weights_count += c.weights_count ? (panels - 1) * panel_floats : 0;
  c.tile.src_step = some(r, steps, 5), c.tile.dst_step = panels * cols + some(r, gaps, 5);
  c.src_count += c.src_count ? (rows - 1) * c.tile.src_step : 0;
  c.dst_count = (rows - 1) * c.tile.dst_step + panels * cols;
  fill(r, SRC, c.src_count);
  fill(r, WEIGHTS, c.weights_count);
  kernel_case_says("%zu rows by %zu panels of %zu, %zu x %zu runs of %zu", rows, panels, cols, c.tile.run_rows,
                   c.tile.run_cols, c.tile.run_length);
  return check_side_at(v, &c, panels, panel_floats, false) && check_side_at(v, &c, panels, panel_floats, true);
}

static size_t check_sides(const kernel_variant *v, size_t rounds, size_t *failures) {
  size_t cases = 0;
  for (size_t rows = 1; rows <= UNFURL_SIDE_ROWS; rows++)
    for (size_t panels = 2; panels <= UNFURL_SIDE_PANELS(rows); panels++)
      for (size_t round = 0; round < 4 * rounds; round++, cases++) {
        rng r = {((panels * 100 + rows) * 10000 + round) ^ 0x5555};
        *failures += !check_side(v, &r, rows, panels);
      }
  return cases;
}

/* --- Depthwise --- */

typedef struct depthwise_case {
  unfurl_depthwise depthwise; /* without addresses */
  epilogue_choice epilogue;
  size_t src_count, weights_count, dst_count;
} depthwise_case;

/* Kernels: those that have a path of their own more often. Images that end before, with or after what the kernels see of
 * them; padding that a kernel may be lost in. */
static unfurl_depthwise_axis choose_axis(rng *r, size_t outs) {
  static const size_t taps[] = {3, 3, 5, 7, 7, 1, 2, 4, 9, 70}, steps[] = {1, 1, 1, 2, 2, 3};
  static const size_t dilations[] = {1, 1, 1, 2, 5}, paddings[] = {0, 0, 1, 2, 3, 11};
  unfurl_depthwise_axis axis = {
      .taps = some(r, taps, 10), .step = some(r, steps, 6), .dilation = some(r, dilations, 5)};
  if (axis.taps == 70 && outs % 4) axis.taps = 5; /* takes long */
  const size_t before = some(r, paddings, 6), after = some(r, paddings, 6);
  const size_t seen = (outs - 1) * axis.step + (axis.taps - 1) * axis.dilation + 1;
  axis.first = -(ptrdiff_t)before;
  axis.in = seen > before + after ? seen - before - after : 1 + rng_below(r, 3);
  return axis;
}

static depthwise_case choose_depthwise(rng *r, size_t lanes, size_t pixels, size_t channels) {
  depthwise_case c = {.depthwise = {.lines = 1 + rng_below(r, 5), .pixels = pixels, .channels = channels},
                      .epilogue = choose_epilogue(r)};
  unfurl_depthwise *d = &c.depthwise;
  do d->rows = choose_axis(r, d->lines), d->cols = choose_axis(r, pixels);
  while (d->rows.in * d->cols.in > MOST_INPUTS || d->rows.taps * d->cols.taps > MOST_TAPS);
  d->src_col = channels + rng_below(r, 2) * rng_below(r, 20);
  d->src_row = d->cols.in * d->src_col + rng_below(r, 9);
  d->weights_tap = (channels + lanes - 1) / lanes * lanes + rng_below(r, 2) * rng_below(r, 20);
  d->dst_stride = channels + rng_below(r, 2) * rng_below(r, 20);
  d->dst_line = pixels * d->dst_stride + rng_below(r, 2) * rng_below(r, 9);
  c.dst_count = (d->lines - 1) * d->dst_line + (pixels - 1) * d->dst_stride + channels;
  c.src_count = (d->rows.in - 1) * d->src_row + (d->cols.in - 1) * d->src_col + channels;
  d->streams = channels % lanes == 0 && d->dst_stride % lanes == 0 && d->dst_line % lanes == 0 && rng_below(r, 2);
  if (rng_below(r, 3) == 0) d->coming.src_floats = c.src_count, d->coming.dst_floats = rng_below(r, 2) * c.dst_count;
  c.weights_count = (d->rows.taps * d->cols.taps - 1) * d->weights_tap + (channels + lanes - 1) / lanes * lanes;
  fill(r, SRC, c.src_count);
  fill(r, WEIGHTS, c.weights_count);
  fill(r, BIAS, channels);
  fill(r, RESIDUAL, c.dst_count);
  kernel_case_says("depthwise %zu x %zu pixels, %zu channels, %zu x %zu taps, steps %zu %zu, dilations %zu %zu, image "
                   "%zu x %zu, from "
                   "%td %td, bias %d, residual %d, activation %d",
                   d->lines, pixels, channels, d->rows.taps, d->cols.taps, d->rows.step, d->cols.step, d->rows.dilation,
                   d->cols.dilation, d->rows.in, d->cols.in, d->rows.first, d->cols.first, c.epilogue.bias,
                   c.epilogue.residual, (int)c.epilogue.epilogue.activation);
  return c;
}

static bool check_depthwise_at(const kernel_variant *v, const depthwise_case *c, bool before) {
  const unfurl_epilogue epilogue = place_epilogue(&c->epilogue, c->depthwise.channels, c->dst_count, before);
  unfurl_depthwise d = c->depthwise;
  d.src = put(SRC, c->src_count * sizeof(float), before);
  d.weights = put(WEIGHTS, c->weights_count * sizeof(float), before);
  d.dst = put(DST, c->dst_count * sizeof(float), before);
  d.coming.src = d.src, d.coming.dst = d.dst;
  d.epilogue = &epilogue;
  float *expected = expect(d.dst, c->dst_count);
  kernel_reference_depthwise(&d, kernel_is_fused(v), expected);
  v->kernels->depthwise(&d);
  return compare(d.dst, expected, c->dst_count);
}

static bool check_depthwise(const kernel_variant *v, rng *r, size_t pixels, size_t channels) {
  kernel_case_begin(v->name);
  const depthwise_case c = choose_depthwise(r, v->kernels->lanes, pixels, channels);
  return check_depthwise_at(v, &c, false) && check_depthwise_at(v, &c, true);
}

/* Blocks that are full, have half of what is left, or few pixels; four vectors of channels, single ones, and a part of
 * one. */
static size_t check_depthwises(const kernel_variant *v, size_t rounds, size_t *failures) {
  static const size_t pixels[] = {1, 2, 4, 7, 8, 10, 13, 14, 17, 23, 29};
  const size_t lanes = v->kernels->lanes;
  size_t cases = 0;
  for (size_t channels = 1; channels <= 6 * lanes + 1; channels += channels < 2 * lanes + 1 ? 1 : 3)
    for (size_t i = 0; i < sizeof pixels / sizeof *pixels; i++)
      for (size_t round = 0; round < rounds; round++, cases++) {
        rng r = {~((channels * 100 + pixels[i]) * 10000 + round)};
        *failures += !check_depthwise(v, &r, pixels[i], channels);
      }
  return cases;
}

/* Emulation is slow, and where the CPU has AVX-512 it repeats what that shows. */
static size_t rounds_of(const kernel_variant *v, size_t rounds) {
  return v->is_emulated ? (rounds + 1) / 2 : rounds;
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "--bench")) return kernel_bench(), 0;
  const size_t asked = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT_ROUNDS;
  size_t failures = 0;
  fences_make();
  for (size_t i = 0; i < kernel_variant_count; i++) {
    const kernel_variant *v = &kernel_variants[i];
    const char *missing = kernel_variant_missing(v);
    if (missing) {
      printf("skipped: %s: %s\n", v->name, missing);
      continue;
    }
    const size_t rounds = rounds_of(v, asked);
    const size_t tiles = check_tiles(v, rounds, &failures), sides = check_sides(v, rounds, &failures);
    const size_t depthwises = check_depthwises(v, rounds, &failures);
    const size_t groupeds = check_groupeds(v, rounds, &failures), winograds = check_winograds(v, rounds, &failures);
    const size_t planars = check_planars(v, rounds, &failures), activations = check_activations(v, rounds, &failures);
    const size_t max_pools = check_max_pools(v, rounds, &failures);
    printf("%s: %zu cases of tiles, %zu of panels side by side, %zu of depthwise, %zu of groups, %zu of planes, %zu of "
           "Winograd's kernels, %zu of "
           "activations, %zu of max pooling\n",
           v->name, tiles, sides, depthwises, groupeds, planars, winograds, activations, max_pools);
  }
  printf("%zu failures\n", failures);
  fences_free();
  return failures ? 1 : 0;
}
