/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/conv_class.h"

#include "base/memory.h"
#include "gemm/winograd.h"

enum {
  MOST_CHANNELS = 8192, /* in and out: with more, a few transformed tiles would not fit the workspace */

  /* Channels of a group: rounding errors grow with the square root of their number, and with a form's numbers. Large
   * filters are 4x4 and 5x5. */
  MOST_SUMMED = 2048,
  MOST_SUMMED_LARGE = 1024,
  MOST_SUMMED_F6 = 512,

  /* Rows and columns; the direct sum of smaller maps skips more taps than Winograd saves. */
  LEAST_MAP = 4,
  LEAST_MAP_LARGE = 5, /* of large filters */
  LARGE_MAP = 56,      /* from here on, fewer channels outweigh the transforms */

  /* Channels times filters, up to which these are few, and stay in L2; or from which many. */
  FEW_WEIGHTS = 64 * 64,
  MANY_WEIGHTS_STRIDE_2 = 256 * 256,

  /* Tiles of an image. With fewer than the least, reading four times the filters costs what F4 saves, unless there are few
   * filters, or so few tiles that they are transformed late (solve_winograd_taps.c). */
  LEAST_TILES_F4 = 9,
  FEW_TILES_F4 = 4,
  LEAST_TILES_F6 = 9,
  MANY_TILES_STRIDE_2 = 16,

  /* Elements that F(6x6) saves of an image's tiles, whose products take as long as reading its larger filters; where there are
   * many, these are read meanwhile. With few, that is next to nothing. */
  SAVES_F6 = 1000,
  SAVES_F6_OF_MANY = 300,
  MANY_WEIGHTS_F6 = 96 * 128,
  FEW_WEIGHTS_F6 = 32 * 32,
};

bool unfurl_winograd_applies(const unfurl_conv_geometry *g, size_t taps, size_t most_stride) {
  return !g->transposed && g->h.taps == taps && g->w.taps == taps && g->h.stride <= most_stride &&
         g->w.stride == g->h.stride && g->h.dilation == 1 && g->w.dilation == 1 && g->icg + g->ocg <= MOST_CHANNELS;
}

bool unfurl_winograd_uses(size_t m, size_t side, size_t left, size_t element) {
  const bool is_infinity = element + 1 == side;
  if (left == m) return true;
  if (side == UNFURL_WINOGRAD_STRIDE_2) return element % 2 == 1 || element == 0;
  if (m < 4) return !is_infinity;
  if (m == 4) return is_infinity ? left > 1 : element <= (left > 2 ? left : 2);
  return is_infinity ? left % 2 == 0 : element <= unfurl_round_up(left, 2);
}

/* Elements along an axis that all of its tiles need. */
static size_t axis_elements(const unfurl_conv_axis *axis, size_t m) {
  const size_t side = (m - 1) * axis->stride + axis->taps, left = axis->out % m;
  size_t elements = axis->out / m * side;
  for (size_t i = 0; i < side && left > 0; i++) elements += unfurl_winograd_uses(m, side, left, i);
  return elements;
}

size_t unfurl_winograd_products(const unfurl_conv_geometry *g, size_t m) {
  return axis_elements(&g->h, m) * axis_elements(&g->w, m);
}

double unfurl_conv_class_error(unfurl_conv_class sums) {
  return sums >= UNFURL_CONV_F4 ? 1e-5 : sums == UNFURL_CONV_F2 ? 2e-6 : 0;
}

bool unfurl_conv_class_allowed(unfurl_conv_class sums, float tolerance) {
  return (double)tolerance >= (double)(float)unfurl_conv_class_error(sums);
}

static size_t tiles(const unfurl_conv_geometry *g, size_t m) {
  return (g->h.out + m - 1) / m * ((g->w.out + m - 1) / m);
}

/* Whether the 36 products of F(4x4, 3x3) are clearly less work than the 16 of F(2x2) with its smaller tiles: for one image, as
 * the class is the same for every batch. */
static bool suits_f4(const unfurl_conv_geometry *g) {
  const size_t work4 = unfurl_winograd_products(g, 4), work2 = unfurl_winograd_products(g, 2);
  if (tiles(g, 4) == FEW_TILES_F4) return work4 * 4 < work2 * 3;
  if (g->icg * g->ocg <= FEW_WEIGHTS) return tiles(g, 4) >= FEW_TILES_F4 && work4 * 8 < work2 * 7;
  return tiles(g, 4) >= LEAST_TILES_F4 && work4 * 4 < work2 * 3;
}

/* Whether the 64 products of F(6x6, 3x3) are less work than F(4x4)'s 36, although its filters are seven times as large as they
 * were given, not four times. */
static bool suits_f6(const unfurl_conv_geometry *g) {
  const size_t work6 = unfurl_winograd_products(g, 6), work4 = unfurl_winograd_products(g, 4);
  const size_t weights = g->icg * g->ocg, least_saved = weights >= MANY_WEIGHTS_F6 ? SAVES_F6_OF_MANY : SAVES_F6;
  if (tiles(g, 6) < LEAST_TILES_F6 || g->icg > MOST_SUMMED_F6) return false;
  return work6 + least_saved <= work4 || (weights <= FEW_WEIGHTS_F6 && work6 * 5 <= work4 * 4);
}

/* Whether the products of F(2x2, 3x3) with stride 2, 25 a tile, are clearly less work than the sum itself: its tiles are mostly
 * inside the map; and share the filters, or else these are few. */
static bool suits_stride_2(const unfurl_conv_geometry *g) {
  const size_t work = unfurl_winograd_products(g, 2), sums = g->out_pixels * 9;
  if (tiles(g, 2) >= MANY_TILES_STRIDE_2) return work * 11 <= sums * 9;
  return g->icg * g->ocg < MANY_WEIGHTS_STRIDE_2 && work * 10 <= sums * 7;
}

unfurl_conv_class unfurl_winograd_class(const unfurl_conv_geometry *g, float tolerance) {
  if (g->h.taps > 3) return UNFURL_CONV_F4;
  if (g->h.stride == 1 && suits_f6(g) && unfurl_conv_class_allowed(UNFURL_CONV_F6, tolerance)) return UNFURL_CONV_F6;
  return g->h.stride == 1 && suits_f4(g) && unfurl_conv_class_allowed(UNFURL_CONV_F4, tolerance) ? UNFURL_CONV_F4
                                                                                                 : UNFURL_CONV_F2;
}

/* Whether a group has enough channels and filters for the products to outweigh the transforms. */
static bool has_channels(const unfurl_conv_geometry *g, size_t least, size_t together) {
  return g->icg >= least && g->ocg >= least && g->icg + g->ocg >= together;
}

static bool has_map(const unfurl_conv_geometry *g, size_t least) {
  return g->h.out >= least && g->w.out >= least;
}

/* Whether the class keeps its bound of the error, and saves time. */
static bool is_worthwhile(const unfurl_conv_geometry *g, unfurl_conv_class sums) {
  if (g->icg > (g->h.taps > 3 ? MOST_SUMMED_LARGE : MOST_SUMMED)) return false;
  if (g->h.taps > 3) return has_map(g, LEAST_MAP_LARGE) && has_channels(g, 12, 32);
  if (g->h.stride == 2) return has_channels(g, 64, 128) && suits_stride_2(g);
  if (sums == UNFURL_CONV_F2) return has_map(g, LEAST_MAP) && has_channels(g, 16, 48);
  return has_map(g, LEAST_MAP) && has_channels(g, 8, has_map(g, LARGE_MAP) ? 26 : 32);
}

unfurl_conv_class unfurl_conv_class_of(const unfurl_conv_geometry *g, float tolerance) {
  const bool is_large = unfurl_winograd_applies(g, 4, 1) || unfurl_winograd_applies(g, 5, 1);
  if (!is_large && !unfurl_winograd_applies(g, 3, 2)) return UNFURL_CONV_EXACT;
  const unfurl_conv_class sums = unfurl_winograd_class(g, tolerance);
  return is_worthwhile(g, sums) && unfurl_conv_class_allowed(sums, tolerance) ? sums : UNFURL_CONV_EXACT;
}
