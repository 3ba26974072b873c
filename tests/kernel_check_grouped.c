/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of kernel_check.c for groups of a few channels. */
#include "kernel_data.h"

enum { MOST_PIXELS = 31 };

typedef struct grouped_case {
  unfurl_grouped grouped; /* without addresses */
  epilogue_choice epilogue;
  int32_t order[UNFURL_TILE_COLS_MAX];
  size_t src_count, weights_count, dst_count;
} grouped_case;

/* Chunks of any runs; pixels and lines that overlap as in a convolution, or do not. */
static void choose_runs(rng *r, unfurl_grouped *g) {
  static const size_t lengths[] = {3, 6, 12, 24, 1, 7, 0}, rows[] = {3, 3, 1, 2, 0}, cols[] = {1, 1, 1, 3};
  g->run_length = some(r, lengths, 7), g->run_rows = some(r, rows, 5), g->run_cols = some(r, cols, 4);
  g->run_col_stride = g->together * (g->run_length + rng_below(r, 3));
  g->run_row_stride = g->run_cols * g->run_col_stride + rng_below(r, 9);
  g->pixel_stride = g->together * (1 + rng_below(r, 9));
  g->line_stride = g->run_row_stride * (1 + rng_below(r, 2));
}

static grouped_case choose_grouped(rng *r, size_t lanes, size_t pixels, size_t together, size_t filters) {
  grouped_case c = {.grouped = {.lines = 1 + rng_below(r, 3), .pixels = pixels}, .epilogue = choose_epilogue(r)};
  unfurl_grouped *g = &c.grouped;
  g->together = together, g->filters = filters;
  for (size_t i = 0; i < lanes; i++) c.order[i] = (int32_t)rng_below(r, lanes);
  choose_runs(r, g);
  g->dst_stride = filters + rng_below(r, 2) * rng_below(r, 20);
  g->dst_line = pixels * g->dst_stride + rng_below(r, 2) * rng_below(r, 9);
  c.dst_count = (g->lines - 1) * g->dst_line + (pixels - 1) * g->dst_stride + filters;
  if (g->run_rows * g->run_length > 0)
    c.src_count = (g->lines - 1) * g->line_stride + (pixels - 1) * g->pixel_stride +
                  (g->run_rows - 1) * g->run_row_stride + (g->run_cols - 1) * g->run_col_stride +
                  g->run_length * together;
  c.weights_count = g->run_rows * g->run_cols * g->run_length * lanes;
  g->streams = filters == lanes && g->dst_stride % lanes == 0 && g->dst_line % lanes == 0 && rng_below(r, 2);
  if (rng_below(r, 3) == 0) g->coming.pixels = rng_below(r, 99), g->coming.step = rng_below(r, 99);
  fill(r, SRC, c.src_count);
  fill(r, WEIGHTS, c.weights_count);
  fill(r, BIAS, filters);
  fill(r, RESIDUAL, c.dst_count);
  kernel_case_says(
      "%zu groups together, %zu filters, %zu x %zu pixels, %zu x %zu runs of %zu, strides %zu %zu, bias %d, "
      "residual %d, activation %d",
      together, filters, g->lines, pixels, g->run_rows, g->run_cols, g->run_length, g->pixel_stride, g->run_col_stride,
      c.epilogue.bias, c.epilogue.residual, (int)c.epilogue.epilogue.activation);
  return c;
}

static bool check_grouped_at(const kernel_variant *v, const grouped_case *c, bool before) {
  const unfurl_epilogue epilogue = place_epilogue(&c->epilogue, c->grouped.filters, c->dst_count, before);
  unfurl_grouped g = c->grouped;
  g.src = put(SRC, c->src_count * sizeof(float), before);
  g.weights = put(WEIGHTS, c->weights_count * sizeof(float), before);
  g.dst = put(DST, c->dst_count * sizeof(float), before);
  g.coming.src = g.src;
  g.order = c->order;
  g.epilogue = &epilogue;
  float *expected = expect(g.dst, c->dst_count);
  kernel_reference_grouped(&g, v->kernels->lanes, kernel_is_fused(v), expected);
  v->kernels->grouped(&g);
  return compare(g.dst, expected, c->dst_count);
}

/* Pixels that fit a vector, and larger ones, of which the source may not have all channels. What is written behind the last
 * is not looked at. */
static bool check_input(const kernel_variant *v, rng *r, size_t elements, size_t together) {
  const size_t floats = elements * together, lanes = v->kernels->lanes, pixels = 1 + rng_below(r, MOST_PIXELS);
  int32_t order[UNFURL_TILE_COLS_MAX];
  unfurl_grouped_input in = {.pixels = pixels, .elements = elements, .together = together, .order = order};
  in.channels = rng_below(r, 3) ? floats : elements * (1 + rng_below(r, together));
  in.pixel_stride = in.channels + rng_below(r, 2) * rng_below(r, 20);
  for (size_t i = 0; i < lanes; i++) order[i] = i < floats ? (int32_t)(i % together * elements + i / together) : 0;
  const size_t src_count = (pixels - 1) * in.pixel_stride + in.channels;
  fill(r, SRC, src_count);
  kernel_case_says("copy of %zu pixels, %zu groups together, of %zu channels", pixels, together, elements);
  bool same = true;
  for (int before = 0; before < 2; before++) {
    in.src = put(SRC, src_count * sizeof(float), before);
    in.dst = put(DST, (pixels * floats + lanes) * sizeof(float), before);
    float *expected = expect(in.dst, pixels * floats);
    kernel_reference_grouped_input(&in, expected);
    v->kernels->grouped_input(&in);
    same = compare(in.dst, expected, pixels * floats) && same;
  }
  return same;
}

/* Every number of groups that share a vector, of filters, and of pixels that has a path of its own. */
size_t check_groupeds(const kernel_variant *v, size_t rounds, size_t *failures) {
  const size_t lanes = v->kernels->lanes;
  size_t cases = 0;
  for (size_t together = 1; together <= UNFURL_GROUPED_TOGETHER(lanes); together *= 2)
    for (size_t round = 0; round < rounds; round++) {
      for (size_t filters = 1; filters <= lanes; filters++)
        for (size_t pixels = 1; pixels <= MOST_PIXELS; pixels += pixels < 15 ? 1 : 3, cases++) {
          rng r = {~(((together * 100 + filters) * 100 + pixels) * 10000 + round)};
          kernel_case_begin(v->name);
          const grouped_case c = choose_grouped(&r, lanes, pixels, together, filters);
          *failures += !(check_grouped_at(v, &c, false) && check_grouped_at(v, &c, true));
        }
      for (size_t elements = 1; elements <= 2 * lanes; elements++, cases++) {
        rng r = {~((together * 100 + elements) * 10000 + round)};
        kernel_case_begin(v->name);
        *failures += !check_input(v, &r, elements, together);
      }
    }
  return cases;
}
