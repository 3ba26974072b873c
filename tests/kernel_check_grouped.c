/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of kernel_check.c for groups of a few channels. */
#include "kernel_data.h"

enum { MOST_ELEMENTS = 8 };

typedef struct grouped_case {
  unfurl_grouped grouped; /* without addresses */
  epilogue_choice epilogue;
  int32_t from[MOST_ELEMENTS * UNFURL_TILE_COLS_MAX];
  size_t src_count, weights_count, dst_count;
} grouped_case;

/* Groups of one vector, or two vectors full of them: each of `elements` channels and `filters` filters. */
static void choose_groups(rng *r, grouped_case *c, size_t lanes, size_t elements, size_t filters) {
  unfurl_grouped *g = &c->grouped;
  const size_t larger = elements > filters ? elements : filters, most = lanes / larger;
  const bool two = most * filters == lanes && rng_below(r, 2);
  const size_t groups = (two ? most : 0) + 1 + rng_below(r, most);
  g->elements = elements, g->channels = groups * elements, g->filters = groups * filters;
  g->vec_channels = most * elements, g->cols = two ? 2 * lanes : lanes;
  for (size_t j = 0; j < elements; j++)
    for (size_t lane = 0; lane < lanes; lane++)
      c->from[j * lanes + lane] = lane < most * filters ? (int32_t)(lane / filters * elements + j) : 0;
}

/* Kernels and steps: those that have a path of their own more often. */
static void choose_taps(rng *r, unfurl_grouped *g) {
  static const size_t widths[] = {3, 3, 3, 5, 1, 2, 0}, heights[] = {3, 3, 1, 2, 0}, ones[] = {1, 1, 1, 2};
  const size_t in_pixel = g->channels + rng_below(r, 2) * rng_below(r, 20);
  g->col_taps = some(r, widths, 7), g->row_taps = some(r, heights, 5);
  g->col_stride = in_pixel * some(r, ones, 4);
  g->pixel_stride = in_pixel * (1 + rng_below(r, 2));
  g->row_stride = (g->col_taps + 1) * g->col_stride + rng_below(r, 9);
  g->line_stride = g->row_stride * (1 + rng_below(r, 2));
  g->weights_row = g->col_taps * g->elements * g->cols;
}

static grouped_case choose_grouped(rng *r, size_t lanes, size_t pixels, size_t elements, size_t filters) {
  grouped_case c = {.grouped = {.lines = 1 + rng_below(r, 3), .pixels = pixels}, .epilogue = choose_epilogue(r)};
  unfurl_grouped *g = &c.grouped;
  choose_groups(r, &c, lanes, elements, filters);
  choose_taps(r, g);
  g->dst_stride = g->filters + rng_below(r, 2) * rng_below(r, 20);
  g->dst_line = pixels * g->dst_stride + rng_below(r, 2) * rng_below(r, 9);
  c.dst_count = (g->lines - 1) * g->dst_line + (pixels - 1) * g->dst_stride + g->filters;
  if (g->row_taps * g->col_taps > 0)
    c.src_count = (g->lines - 1) * g->line_stride + (pixels - 1) * g->pixel_stride + (g->row_taps - 1) * g->row_stride +
                  (g->col_taps - 1) * g->col_stride + g->channels;
  c.weights_count = g->row_taps * g->weights_row;
  g->streams = g->filters % lanes == 0 && g->dst_stride % lanes == 0 && g->dst_line % lanes == 0 && rng_below(r, 2);
  if (rng_below(r, 3) == 0) g->coming.src_floats = c.src_count, g->coming.dst_floats = rng_below(r, 2) * c.dst_count;
  fill(r, SRC, c.src_count);
  fill(r, WEIGHTS, c.weights_count);
  fill(r, BIAS, g->filters);
  fill(r, RESIDUAL, c.dst_count);
  kernel_case_says("groups of %zu to %zu, %zu filters, %zu x %zu pixels, %zu x %zu taps, strides %zu %zu, bias %d, "
                   "residual %d, activation %d",
                   elements, filters, g->filters, g->lines, pixels, g->row_taps, g->col_taps, g->pixel_stride,
                   g->col_stride, c.epilogue.bias, c.epilogue.residual, (int)c.epilogue.epilogue.activation);
  return c;
}

static bool check_grouped_at(const kernel_variant *v, const grouped_case *c, bool before) {
  const unfurl_epilogue epilogue = place_epilogue(&c->epilogue, c->grouped.filters, c->dst_count, before);
  unfurl_grouped g = c->grouped;
  g.src = put(SRC, c->src_count * sizeof(float), before);
  g.weights = put(WEIGHTS, c->weights_count * sizeof(float), before);
  g.dst = put(DST, c->dst_count * sizeof(float), before);
  g.coming.src = g.src, g.coming.dst = g.dst;
  g.from = c->from;
  g.epilogue = &epilogue;
  float *expected = expect(g.dst, c->dst_count);
  kernel_reference_grouped(&g, v->kernels->lanes, kernel_is_fused(v), expected);
  v->kernels->grouped(&g);
  return compare(g.dst, expected, c->dst_count);
}

/* Every size of group that the lanes have room for twice, and every number of pixels that has a path of its own. */
size_t check_groupeds(const kernel_variant *v, size_t rounds, size_t *failures) {
  const size_t lanes = v->kernels->lanes;
  size_t cases = 0;
  for (size_t elements = 1; elements <= lanes / 2; elements++)
    for (size_t filters = 1; filters <= lanes / 2; filters++)
      for (size_t pixels = 1; pixels <= 19; pixels += 1 + pixels / 4)
        for (size_t round = 0; round < rounds; round++, cases++) {
          rng r = {~(((elements * 100 + filters) * 100 + pixels) * 10000 + round)};
          kernel_case_begin(v->name);
          const grouped_case c = choose_grouped(&r, lanes, pixels, elements, filters);
          *failures += !(check_grouped_at(v, &c, false) && check_grouped_at(v, &c, true));
        }
  return cases;
}
