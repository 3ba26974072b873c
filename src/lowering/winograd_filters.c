/* SPDX-License-Identifier: BSD-2-Clause */
#include "lowering/winograd_filters.h"

#include "base/memory.h"

enum { TAPS = 3, MOST_TAPS = 5, MOST_INPUTS = 8, INPUTS_4 = 6 };

/* G, unless m = 4. */
typedef struct filter_matrix {
  size_t side, taps;
  double rows[MOST_INPUTS][MOST_TAPS];
} filter_matrix;

static const filter_matrix of_3 = {4, 3, {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}}};
static const filter_matrix of_3_stride_2 = {4, 3, {{1, 0, 0}, {1, 0, 1}, {0, 0, 1}, {0, 1, 0}}};
static const filter_matrix of_4 = {
    6, 4, {{1, 0, 0, 0}, {1, 1, 1, 1}, {1, -1, 1, -1}, {1, 2, 4, 8}, {1, -2, 4, -8}, {0, 0, 0, 1}}};
static const filter_matrix of_5 = {
    6, 5, {{1, 0, 0, 0, 0}, {1, 1, 1, 1, 1}, {1, -1, 1, -1, 1}, {1, 2, 4, 8, 16}, {1, -2, 4, -8, 16}, {0, 0, 0, 0, 1}}};

static const filter_matrix of_3_by_6 = {8,
                                        3,
                                        {{1, 0, 0},
                                         {-2. / 9, -2. / 9, -2. / 9},
                                         {-2. / 9, 2. / 9, -2. / 9},
                                         {1. / 90, 1. / 45, 2. / 45},
                                         {1. / 90, -1. / 45, 2. / 45},
                                         {32. / 45, 16. / 45, 8. / 45},
                                         {32. / 45, -16. / 45, 8. / 45},
                                         {0, 0, 1}}};

static double dot(const double *row, const double *w, size_t taps) {
  double sum = 0;
  for (size_t i = 0; i < taps; i++) sum += row[i] * w[i];
  return sum;
}

/* u = G w G^T for one filter and channel, whose taps lie `step` floats apart; u[e] goes to to[e * plane]. */
static void transform(const filter_matrix *g, const float *w, size_t step, float *to, size_t plane) {
  double half[MOST_INPUTS][MOST_TAPS], column[MOST_TAPS];
  for (size_t q = 0; q < g->taps; q++) {
    for (size_t p = 0; p < g->taps; p++) column[p] = (double)w[(p * g->taps + q) * step];
    for (size_t i = 0; i < g->side; i++) half[i][q] = dot(g->rows[i], column, g->taps);
  }
  for (size_t i = 0; i < g->side; i++)
    for (size_t j = 0; j < g->side; j++) to[(i * g->side + j) * plane] = (float)dot(g->rows[j], half[i], g->taps);
}

/* Three taps along an axis, m = 4, by the sums that gemm/winograd_body.h has for filters that are transformed late. */
static void spread_4(float w0, float w1, float w2, float to[INPUTS_4]) {
  const float even = w0 + w2, even4 = w0 + 4 * w2;
  to[0] = w0;
  to[1] = even + w1;
  to[2] = even - w1;
  to[3] = even4 + 2 * w1;
  to[4] = even4 - 2 * w1;
  to[5] = w2;
}

static void transform_4(const float *w, size_t step, float *to, size_t plane) {
  float half[TAPS][INPUTS_4], u[INPUTS_4];
  for (size_t q = 0; q < TAPS; q++) spread_4(w[q * step], w[(TAPS + q) * step], w[(2 * TAPS + q) * step], half[q]);
  for (size_t i = 0; i < INPUTS_4; i++) {
    spread_4(half[0][i], half[1][i], half[2][i], u);
    for (size_t j = 0; j < INPUTS_4; j++) to[(i * INPUTS_4 + j) * plane] = u[j];
  }
}

size_t unfurl_winograd_filter_side(const unfurl_conv_geometry *g, size_t m) {
  const size_t side = (m - 1) * g->h.stride + g->h.taps;
  return side - (g->h.stride - 1);
}

void unfurl_pack_winograd(const unfurl_conv_geometry *g, unfurl_layout layout, size_t m, const unfurl_panels *panels,
                          const float *weights, float *packed) {
  const size_t side = unfurl_winograd_filter_side(g, m), elements = side * side, taps = g->h.taps * g->w.taps;
  const filter_matrix *matrix = g->h.taps == of_5.taps   ? &of_5
                                : g->h.taps == of_4.taps ? &of_4
                                : m == 6                 ? &of_3_by_6
                                : g->h.stride == 2       ? &of_3_stride_2
                                                         : &of_3;
  const size_t panel_floats = g->icg * panels->cols, plane = g->icg * panels->all_cols;
  const size_t channel = layout == UNFURL_OHWI ? 1 : taps, step = layout == UNFURL_OHWI ? g->icg : 1;
  for (size_t group = 0; group < g->groups; group++, packed += elements * plane)
    for (size_t o = 0; o < panels->all_cols; o++) {
      const size_t panel = o / panels->cols, cols = unfurl_panel_cols(panels, panel);
      float *to = packed + panel * panel_floats + o % panels->cols;
      const float *filter = weights + (group * g->ocg + o) * taps * g->icg;
      for (size_t c = 0; c < g->icg; c++, to += cols)
        if (o < g->ocg && m != 4)
          transform(matrix, filter + c * channel, step, to, plane);
        else if (o < g->ocg)
          transform_4(filter + c * channel, step, to, plane);
        else
          for (size_t e = 0; e < elements; e++) to[e * plane] = 0;
    }
}

void unfurl_pack_taps(const unfurl_conv_geometry *g, unfurl_layout layout, size_t cols, const float *weights,
                      float *packed) {
  const size_t taps = TAPS * TAPS, panels = unfurl_divide_up(g->ocg, cols);
  const size_t channel = layout == UNFURL_OHWI ? 1 : taps, step = layout == UNFURL_OHWI ? g->icg : 1;
  for (size_t group = 0; group < g->groups; group++)
    for (size_t o = 0; o < panels * cols; o++) {
      float *to = packed + ((group * panels + o / cols) * g->icg * taps) * cols + o % cols;
      const float *filter = weights + (group * g->ocg + o) * taps * g->icg;
      for (size_t c = 0; c < g->icg; c++)
        for (size_t t = 0; t < taps; t++, to += cols) *to = o < g->ocg ? filter[c * channel + t * step] : 0;
    }
}
