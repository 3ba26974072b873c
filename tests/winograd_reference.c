/* SPDX-License-Identifier: BSD-2-Clause */
#include "winograd_reference.h"

#include <math.h>
#include <string.h>

#include "unfurl/cpu.h"

enum { SIDE_MOST = 8, TAPS_MOST = 5 };

/* One number's multiply-add, as the instruction set has it. */
static float add_product(float a, float b, float sum) {
  static int is_fused = -1; /* the environment is slow to look at */
  if (is_fused < 0) is_fused = unfurl_cpu_isa() != UNFURL_ISA_BASELINE;
  if (is_fused) return fmaf(a, b, sum);
  const float product = a * b;
  return product + sum;
}

static void spread(size_t side, float *d, size_t step) {
  float t[SIDE_MOST] = {0};
  for (size_t i = 0; i < side; i++) t[i] = d[i * step];
  if (side == 5) {
    d[0] = t[0] - t[2], d[step] = t[2], d[2 * step] = t[2] - t[4], d[3 * step] = t[1], d[4 * step] = t[3];
    return;
  }
  if (side == 8) {
    const float even[] = {add_product(-4.25f, t[4], t[2] + t[6]),
                          add_product(.25f, t[2], add_product(-1.25f, t[4], t[6])),
                          add_product(4, t[2], add_product(-5, t[4], t[6]))};
    const float odd[] = {add_product(-4.25f, t[3], t[1] + t[5]),
                         add_product(.5f, t[1], add_product(-2.5f, t[3], 2 * t[5])),
                         add_product(.5f, t[5], add_product(-2.5f, t[3], 2 * t[1]))};
    d[0] = add_product(5.25f, t[4] - t[2], t[0] - t[6]), d[7 * step] = add_product(5.25f, t[3] - t[5], t[7] - t[1]);
    for (size_t i = 0; i < 3; i++) d[(2 * i + 1) * step] = even[i] + odd[i], d[(2 * i + 2) * step] = even[i] - odd[i];
    return;
  }
  if (side == 4) {
    d[0] = t[0] - t[2], d[step] = t[1] + t[2], d[2 * step] = t[2] - t[1], d[3 * step] = t[1] - t[3];
    return;
  }
  const float even4 = add_product(2.f / 3, t[2], -1.f / 6 * t[4]), odd4 = add_product(2.f / 3, t[1], -1.f / 6 * t[3]);
  const float even1 = 1.f / 24 * (t[4] - t[2]), odd1 = t[3] - t[1];
  d[0] = add_product(-1.25f, t[2], add_product(.25f, t[4], t[0]));
  d[step] = even4 + odd4;
  d[2 * step] = even4 - odd4;
  d[3 * step] = add_product(1.f / 12, odd1, even1);
  d[4 * step] = add_product(-1.f / 12, odd1, even1);
  d[5 * step] = add_product(4, t[1], add_product(-5, t[3], t[5]));
}

/* The same for fewer outputs that are left of six or four along an axis: four, at most. */
static void spread_left(size_t side, size_t left, float *d, size_t step) {
  const float d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
  if (side == 8 && left < 3) {
    d[0] = d0 - d2, d[step] = -9.f / 4 * (d1 + d2), d[2 * step] = 9.f / 4 * (d1 - d2), d[7 * step] = d3 - d1;
    return;
  }
  if (side == 8) {
    const float even1 = add_product(.75f, d4, -3 * d2), odd1 = add_product(.75f, d3, -3 * d1);
    const float even2 = 15.f / 4 * (d4 - d2), odd2 = d3 - d1;
    d[0] = add_product(-1.25f, d2, add_product(.25f, d4, d0));
    d[step] = even1 + odd1, d[2 * step] = even1 - odd1;
    d[3 * step] = add_product(7.5f, odd2, even2), d[4 * step] = add_product(-7.5f, odd2, even2);
    d[7 * step] = add_product(4, d1, add_product(-5, d3, d[5 * step]));
    return;
  }
  if (left < 3) {
    d[0] = d0 - d2, d[step] = (d1 + d2) / 2, d[2 * step] = (d2 - d1) / 2, d[5 * step] = d3 - d1;
    return;
  }
  d[0] = add_product(.5f, d3 - d1, d0 - d2);
  d[step] = add_product(.5f, d2 - d3, d1);
  d[2 * step] = add_product(-1.f / 6, add_product(2, d1, d3), d2 / 2);
  d[3 * step] = 1.f / 6 * (d3 - d1);
  d[5 * step] = add_product(2, d1 - d3, d4 - d2);
}

static void gather_left(size_t side, size_t left, float *p, size_t step) {
  const float sum = p[step] + p[2 * step], difference = p[step] - p[2 * step], last = p[(side - 1) * step];
  const float p3 = left < 3 ? 0 : p[3 * step];
  if (side == 8 && left > 2) {
    const float sum2 = p3 + p[4 * step], difference2 = p3 - p[4 * step];
    p[0] = p[0] + sum + sum2;
    p[step] = add_product(2, difference2, difference), p[2 * step] = add_product(4, sum2, sum);
    p[3 * step] = add_product(8, difference2, difference) + last;
    return;
  }
  p[0] = p[0] + sum;
  p[step] = left < 3 ? difference + last : add_product(2, p3, difference);
  if (left == 3) p[0] = p[0] + p3, p[2 * step] = add_product(4, p3, sum) + last;
}

static void gather(size_t side, size_t m, float *p, size_t step) {
  const float sum1 = p[step] + p[2 * step], difference1 = p[step] - p[2 * step];
  if (side == 5) {
    const float first = p[0] + p[step] + p[3 * step], second = difference1 + p[4 * step];
    p[0] = first, p[step] = second;
    return;
  }
  if (side == 4) {
    const float last = p[3 * step];
    p[0] = p[0] + sum1, p[step] = difference1 - last;
    return;
  }
  const float sum2 = p[3 * step] + p[4 * step], difference2 = p[3 * step] - p[4 * step], last = p[5 * step];
  p[0] = p[0] + sum1 + sum2;
  if (side == 8) {
    const float sum3 = p[5 * step] + p[6 * step], difference3 = p[5 * step] - p[6 * step];
    p[0] = p[0] + sum3;
    for (size_t i = 1; i < 6; i++) { /* the points 1, 2 and 1/2, and their negatives */
      const float power = (float)(1 << i), first = i % 2 ? difference1 : sum1, second = i % 2 ? difference2 : sum2;
      p[i * step] = add_product(1 / power, i % 2 ? difference3 : sum3, add_product(power, second, first));
    }
    p[5 * step] = p[5 * step] + p[7 * step];
    return;
  }
  p[step] = add_product(2, difference2, difference1);
  if (m == 2) {
    p[step] = p[step] + last;
    return;
  }
  p[2 * step] = add_product(4, sum2, sum1);
  if (m == 3) {
    p[2 * step] = p[2 * step] + last;
    return;
  }
  p[3 * step] = add_product(8, difference2, difference1) + last;
}

/* Element i of G w along an axis. In double unless m = 4, and rounded once: the product with a row of G, which with side 6 is
 * a point's powers. */
static double filter_2(const winograd_form *f, size_t i, const double *w) {
  static const double points[] = {0, 1, -1, 2, -2};
  static const double g8[][3] = {{1, 0, 0},
                                 {-2. / 9, -2. / 9, -2. / 9},
                                 {-2. / 9, 2. / 9, -2. / 9},
                                 {1. / 90, 1. / 45, 2. / 45},
                                 {1. / 90, -1. / 45, 2. / 45},
                                 {32. / 45, 16. / 45, 8. / 45},
                                 {32. / 45, -16. / 45, 8. / 45},
                                 {0, 0, 1}};
  if (f->side == 8) return g8[i][0] * w[0] + g8[i][1] * w[1] + g8[i][2] * w[2];
  if (f->side == 5) return i == 0 ? w[0] : i == 1 ? w[0] + w[2] : i == 2 ? w[2] : w[1];
  if (f->side == 4) return i == 0 ? w[0] : i == 3 ? w[2] : .5 * w[0] + (i == 1 ? .5 : -.5) * w[1] + .5 * w[2];
  if (i == 5) return w[f->taps - 1];
  double sum = 0;
  for (size_t q = f->taps; q-- > 0;) sum = sum * points[i] + w[q];
  return sum;
}

/* For m = 4, with G's rows times 4, -6, -6, 24, 24 and 1, each sum rounded. */
static float filter_4(size_t i, float w0, float w1, float w2) {
  const float even = w0 + w2, even4 = w0 + 4 * w2, twice = 2 * w1;
  const float sums[] = {w0, even + w1, even - w1, even4 + twice, even4 - twice, w2};
  return sums[i];
}

static void transform_filter(const winograd_form *f, const float *w, size_t step, float *u) {
  for (size_t i = 0; i < f->side; i++) {
    double half2[TAPS_MOST], column[TAPS_MOST];
    float half4[TAPS_MOST] = {0};
    for (size_t q = 0; q < f->taps; q++) {
      for (size_t p = 0; p < f->taps; p++) column[p] = (double)w[(p * f->taps + q) * step];
      half2[q] = f->m != 4 ? filter_2(f, i, column) : 0;
      half4[q] = f->m == 4 ? filter_4(i, (float)column[0], (float)column[1], (float)column[2]) : 0;
    }
    for (size_t j = 0; j < f->side; j++)
      *u++ = f->m != 4 ? (float)filter_2(f, j, half2) : filter_4(j, half4[0], half4[1], half4[2]);
  }
}

/* Input (y, x) of channel `channel` of image n; 0 outside. */
static float input_at(const conv_case *c, int64_t n, int64_t y, int64_t x, int64_t channel) {
  const unfurl_conv_desc *d = &c->desc;
  return y < 0 || y >= d->ih || x < 0 || x >= d->iw ? 0 : c->src[((n * d->ih + y) * d->iw + x) * d->ic + channel];
}

/* Outputs left of a tile that begins at output `at` and is filtered by fewer points; 0: of none. */
static size_t left_of(const winograd_form *f, size_t out, int64_t at) {
  const size_t left = out - (size_t)at;
  return (f->m == 4 && left < 4) || (f->m == 6 && left < 5) ? left : 0;
}

/* The tile of outputs of filter o that begins at (y, x), before bias. */
static void tile_of(const conv_case *c, const winograd_form *f, int64_t n, int64_t o, int64_t y, int64_t x,
                    float *tile) {
  const unfurl_conv_desc *d = &c->desc;
  const size_t side = f->side;
  const int64_t first_y = y * d->stride_h - d->pad_top, first_x = x * d->stride_w - d->pad_left;
  const int64_t icg = d->ic / d->groups, group = o / (d->oc / d->groups);
  const size_t rows = left_of(f, c->sizes.oh, y), cols = left_of(f, c->sizes.ow, x);
  memset(tile, 0, side * side * sizeof *tile);
  for (int64_t channel = 0; channel < icg; channel++) {
    float in[SIDE_MOST * SIDE_MOST], u[SIDE_MOST * SIDE_MOST];
    for (size_t i = 0; i < side * side; i++)
      in[i] = input_at(c, n, first_y + (int64_t)(i / side), first_x + (int64_t)(i % side), group * icg + channel);
    for (size_t i = 0; i < side; i++) cols ? spread_left(side, cols, in + i * side, 1) : spread(side, in + i * side, 1);
    for (size_t j = 0; j < side; j++) rows ? spread_left(side, rows, in + j, side) : spread(side, in + j, side);
    transform_filter(f, c->weights + o * (int64_t)(f->taps * f->taps) * icg + channel, (size_t)icg, u);
    for (size_t i = 0; i < side * side; i++) tile[i] = add_product(in[i], u[i], tile[i]);
  }
  for (size_t j = 0; j < side; j++) rows ? gather_left(side, rows, tile + j, side) : gather(side, f->m, tile + j, side);
  for (size_t i = 0; i < f->m; i++)
    cols ? gather_left(side, cols, tile + i * side, 1) : gather(side, f->m, tile + i * side, 1);
}

float *winograd_reference(const conv_case *c, const winograd_form *f) {
  const unfurl_conv_desc *d = &c->desc;
  const size_t m = f->m;
  const size_t oh = c->sizes.oh, ow = c->sizes.ow, oc = (size_t)d->oc;
  float *result = take(c->sizes.dst * sizeof *result), tile[SIDE_MOST * SIDE_MOST];
  for (size_t n = 0; n < (size_t)d->batch; n++)
    for (size_t y = 0; y < oh; y += m)
      for (size_t x = 0; x < ow; x += m)
        for (size_t o = 0; o < oc; o++) {
          tile_of(c, f, (int64_t)n, (int64_t)o, (int64_t)y, (int64_t)x, tile);
          for (size_t i = 0; i < m && y + i < oh; i++)
            for (size_t j = 0; j < m && x + j < ow; j++)
              result[((n * oh + y + i) * ow + x + j) * oc + o] = tile[i * f->side + j];
        }
  return result;
}
