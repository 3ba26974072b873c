/* SPDX-License-Identifier: BSD-2-Clause */
/* Winograd's transforms in kernel_check.c. */
#include <string.h>

#include "kernel_data.h"

/* Tiles of inputs, and of outputs: of 3x3 filters, also with stride 2, of 4x4 and 5x5. */
static const size_t sides[] = {4, 5, 8, 6, 6, 6}, outputs[] = {2, 2, 6, 2, 3, 4};

static size_t rounded_up(size_t count, size_t lanes) {
  return (count + lanes - 1) / lanes * lanes;
}

/* Which inputs along an axis are inside the image: mostly all. */
static void choose_inside(rng *r, size_t inputs, size_t inside[2]) {
  inside[0] = 0, inside[1] = inputs;
  if (rng_below(r, 3)) return;
  inside[0] = rng_below(r, inputs);
  inside[1] = inside[0] + rng_below(r, inputs - inside[0] + 1);
}

static bool check_input_at(const kernel_variant *v, const unfurl_winograd_input *tile, size_t image, size_t dst_count,
                           bool before) {
  unfurl_winograd_input t = *tile;
  t.image = put(SRC, image * sizeof(float), before);
  t.dst = put(DST, dst_count * sizeof(float), before);
  float *expected = expect(t.dst, dst_count);
  kernel_reference_winograd_input(&t, kernel_is_fused(v), v->kernels->lanes, expected);
  v->kernels->winograd_input(&t);
  return compare(t.dst, expected, dst_count);
}

static bool check_input(const kernel_variant *v, rng *r, size_t channels) {
  unfurl_winograd_input t = {.side = some(r, sides, 4), .channels = channels};
  const size_t inputs = t.side, lanes = v->kernels->lanes;
  choose_inside(r, inputs, t.rows);
  choose_inside(r, inputs, t.cols);
  const size_t most_left = inputs == 8 ? 5 : inputs == 6 ? 3 : 0; /* of a tile that is cut off */
  t.rows_left = rng_below(r, 2) * rng_below(r, most_left + 1),
  t.cols_left = rng_below(r, 2) * rng_below(r, most_left + 1);
  const size_t col = channels + rng_below(r, 2) * rng_below(r, 20), row = inputs * col + rng_below(r, 9);
  t.row_stride = (ptrdiff_t)row, t.col_stride = (ptrdiff_t)col;
  t.at = -(ptrdiff_t)(t.rows[0] * row + t.cols[0] * col);
  t.plane = rounded_up(channels, UNFURL_WINOGRAD_LANES) + UNFURL_WINOGRAD_LANES * rng_below(r, 3);
  const bool sees = t.rows[1] > t.rows[0] && t.cols[1] > t.cols[0];
  const size_t image = sees ? (t.rows[1] - t.rows[0] - 1) * row + (t.cols[1] - t.cols[0] - 1) * col + channels : 0;
  const size_t dst_count = (inputs * inputs - 1) * t.plane + rounded_up(channels, lanes);
  fill(r, SRC, image);
  kernel_case_begin(v->name);
  kernel_case_says("input of %zu, %zu channels, rows %zu to %zu, columns %zu to %zu, left %zu %zu", t.side, channels,
                   t.rows[0], t.rows[1], t.cols[0], t.cols[1], t.rows_left, t.cols_left);
  return check_input_at(v, &t, image, dst_count, false) && check_input_at(v, &t, image, dst_count, true);
}

static bool check_output_at(const kernel_variant *v, const unfurl_winograd_output *tile, const epilogue_choice *choice,
                            size_t src_count, size_t dst_count, bool before) {
  const unfurl_epilogue epilogue = place_epilogue(choice, tile->filters, dst_count, before);
  unfurl_winograd_output t = *tile;
  t.src = put(SRC, src_count * sizeof(float), before);
  t.dst = put(DST, dst_count * sizeof(float), before);
  t.epilogue = &epilogue;
  float *expected = expect(t.dst, dst_count);
  kernel_reference_winograd_output(&t, kernel_is_fused(v), expected);
  v->kernels->winograd_output(&t);
  return compare(t.dst, expected, dst_count);
}

static bool check_output(const kernel_variant *v, rng *r, size_t filters) {
  const epilogue_choice choice = choose_epilogue(r);
  const size_t kind = rng_below(r, 6);
  unfurl_winograd_output t = {.side = sides[kind], .m = outputs[kind], .filters = filters};
  const size_t inputs = t.side, lanes = v->kernels->lanes;
  t.rows = rng_below(r, 3) ? t.m : 1 + rng_below(r, t.m);
  t.cols = rng_below(r, 3) ? t.m : 1 + rng_below(r, t.m);
  t.col_stride = filters + rng_below(r, 2) * rng_below(r, 20);
  t.row_stride = t.m * t.col_stride + rng_below(r, 3) / 2 * rng_below(r, 9);
  t.streams = filters % lanes == 0 && t.col_stride % lanes == 0 && t.row_stride % lanes == 0;
  t.plane = rounded_up(filters, lanes) + rng_below(r, 3) * lanes;
  const size_t src_count = (inputs * inputs - 1) * t.plane + rounded_up(filters, lanes);
  const size_t dst_count = (t.rows - 1) * t.row_stride + (t.cols - 1) * t.col_stride + filters;
  fill(r, SRC, src_count);
  fill(r, BIAS, filters);
  fill(r, RESIDUAL, dst_count);
  kernel_case_begin(v->name);
  kernel_case_says("output of %zu to %zu, %zu filters, %zu x %zu, bias %d, residual %d, activation %d", t.side, t.m,
                   filters, t.rows, t.cols, choice.bias, choice.residual, (int)choice.epilogue.activation);
  return check_output_at(v, &t, &choice, src_count, dst_count, false) &&
         check_output_at(v, &t, &choice, src_count, dst_count, true);
}

static bool check_taps_at(const kernel_variant *v, const unfurl_winograd_taps *tiles, const size_t counts[3],
                          bool before) {
  const size_t lanes = v->kernels->lanes, dst_count = counts[2];
  unfurl_winograd_taps t = *tiles;
  t.src = put(SRC, counts[0] * sizeof(float), before);
  t.filters = t.ahead = put(WEIGHTS, counts[1] * sizeof(float), before);
  t.dst = put(DST, dst_count * sizeof(float), before);
  float *expected = expect(t.dst, dst_count);
  if (t.adds) { /* to the same sums */
    const float *sums = put(RESIDUAL, dst_count * sizeof(float), before);
    memcpy(t.dst, sums, dst_count * sizeof *sums);
    memcpy(expected, sums, dst_count * sizeof *sums);
  }
  kernel_reference_winograd_taps(&t, kernel_is_fused(v), lanes, expected);
  v->kernels->winograd_taps(&t);
  return compare(t.dst, expected, dst_count);
}

static bool check_taps(const kernel_variant *v, rng *r, size_t channels) {
  enum { SIDE = UNFURL_WINOGRAD_SIDE, ELEMENTS = 36 };
  const size_t lanes = v->kernels->lanes;
  unfurl_winograd_taps t = {.channels = channels, .adds = rng_below(r, 2)};
  t.src_row = channels * 6 * SIDE + rng_below(r, 3) * 6 * SIDE;
  t.dst_row = lanes * (1 + rng_below(r, 3));
  t.dst_plane = SIDE * t.dst_row + rng_below(r, 3) * lanes;
  const size_t counts[] = {5 * t.src_row + channels * 6 * SIDE, channels * UNFURL_WINOGRAD_TAPS * lanes,
                           (ELEMENTS - 1) * t.dst_plane + (SIDE - 1) * t.dst_row + lanes};
  fill(r, SRC, counts[0]);
  fill(r, WEIGHTS, counts[1]);
  fill(r, RESIDUAL, counts[2]);
  kernel_case_begin(v->name);
  kernel_case_says("four tiles of F(4) by taps, %zu channels, adds %d", channels, t.adds);
  return check_taps_at(v, &t, counts, false) && check_taps_at(v, &t, counts, true);
}

/* Some whole vectors, and a part of one. */
size_t check_winograds(const kernel_variant *v, size_t rounds, size_t *failures) {
  size_t cases = 0;
  for (size_t channels = 1; channels <= 3 * v->kernels->lanes + 1; channels++)
    for (size_t round = 0; round < 2 * rounds; round++, cases += 2) {
      rng r = {channels * 10000 + round};
      *failures += !check_input(v, &r, channels);
      *failures += !check_output(v, &r, channels);
      if (round % 4) continue; /* this one takes its time */
      *failures += !check_taps(v, &r, channels);
      cases++;
    }
  return cases;
}
