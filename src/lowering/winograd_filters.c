/* SPDX-License-Identifier: BSD-2-Clause */
#include "lowering/winograd_filters.h"

#include "lowering/pack_weights.h"

enum { TAPS = 3, MOST_INPUTS = 6 };

static const double g2[MOST_INPUTS][TAPS] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};
static const double g4[MOST_INPUTS][TAPS] = {{1. / 4, 0, 0},
                                             {-1. / 6, -1. / 6, -1. / 6},
                                             {-1. / 6, 1. / 6, -1. / 6},
                                             {1. / 24, 1. / 12, 1. / 6},
                                             {1. / 24, -1. / 12, 1. / 6},
                                             {0, 0, 1}};

/* u = G w G^T for one filter and channel, whose taps lie `step` floats apart; u[e] goes to to[e * plane]. */
static void transform(size_t m, const float *w, size_t step, float *to, size_t plane) {
  const double(*g)[TAPS] = m == 2 ? g2 : g4;
  double half[MOST_INPUTS][TAPS];
  for (size_t i = 0; i < m + 2; i++)
    for (size_t q = 0; q < TAPS; q++)
      half[i][q] = g[i][0] * (double)w[q * step] + g[i][1] * (double)w[(TAPS + q) * step] +
                   g[i][2] * (double)w[(2 * TAPS + q) * step];
  for (size_t i = 0; i < m + 2; i++)
    for (size_t j = 0; j < m + 2; j++)
      to[(i * (m + 2) + j) * plane] = (float)(half[i][0] * g[j][0] + half[i][1] * g[j][1] + half[i][2] * g[j][2]);
}

void unfurl_pack_winograd(const unfurl_conv_geometry *g, unfurl_layout layout, size_t m, size_t cols,
                          const float *weights, float *packed) {
  const size_t taps = TAPS * TAPS, elements = (m + 2) * (m + 2), panels = unfurl_panel_count(g, cols);
  const size_t panel_floats = g->icg * cols, plane = panels * panel_floats;
  const size_t channel = layout == UNFURL_OHWI ? 1 : taps, step = layout == UNFURL_OHWI ? g->icg : 1;
  for (size_t group = 0; group < g->groups; group++, packed += elements * plane)
    for (size_t o = 0; o < panels * cols; o++) {
      float *to = packed + o / cols * panel_floats + o % cols;
      const float *filter = weights + (group * g->ocg + o) * taps * g->icg;
      for (size_t c = 0; c < g->icg; c++, to += cols)
        if (o < g->ocg)
          transform(m, filter + c * channel, step, to, plane);
        else
          for (size_t e = 0; e < elements; e++) to[e * plane] = 0;
    }
}
