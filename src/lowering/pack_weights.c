/* SPDX-License-Identifier: BSD-2-Clause */
#include "lowering/pack_weights.h"

#include <string.h>

#include "base/memory.h"

void unfurl_pack_unrolled(const unfurl_conv_geometry *g, unfurl_layout layout, const float *weights, float *packed) {
  if (layout == UNFURL_OHWI) {
    memcpy(packed, weights, g->weights * sizeof *packed);
    return;
  }
  const size_t filters = g->transposed ? g->ic : g->oc, channels = g->transposed ? g->ocg : g->icg;
  const size_t taps = g->h.taps * g->w.taps;
  for (size_t f = 0; f < filters; f++)
    for (size_t tap = 0; tap < taps; tap++)
      for (size_t c = 0; c < channels; c++) *packed++ = weights[(f * channels + c) * taps + tap];
}

unfurl_panels unfurl_panels_of(const unfurl_conv_geometry *g, size_t cols, size_t lanes) {
  return (unfurl_panels){cols, unfurl_divide_up(g->ocg, cols), unfurl_round_up(g->ocg, lanes)};
}

size_t unfurl_panel_cols(const unfurl_panels *panels, size_t panel) {
  return unfurl_smaller(panels->cols, panels->all_cols - panel * panels->cols);
}

/* Where the weight of filter `o`, channel c of its group and a tap is, as weights are given: (oc, icg, taps) or, when
 * transposed, (ic, ocg, taps), the taps last (OIHW) or before the second dimension (OHWI). */
static size_t weight_at(const unfurl_conv_geometry *g, unfurl_layout layout, size_t o, size_t c, size_t tap) {
  const size_t taps = g->h.taps * g->w.taps, second = g->transposed ? g->ocg : g->icg;
  const size_t f = g->transposed ? o / g->ocg * g->icg + c : o, s = g->transposed ? o % g->ocg : c;
  return layout == UNFURL_OHWI ? (f * taps + tap) * second + s : (f * second + s) * taps + tap;
}

/* Column `col` of one panel, [patch] floats `cols` apart, from filter `o`. */
static void pack_filter(const unfurl_conv_geometry *g, unfurl_layout layout, const float *weights, size_t o,
                        size_t cols, float *col) {
  for (size_t tap = 0; tap < g->h.taps * g->w.taps; tap++)
    for (size_t c = 0; c < g->icg; c++, col += cols) *col = weights[weight_at(g, layout, o, c, tap)];
}

void unfurl_pack_panels(const unfurl_conv_geometry *g, unfurl_layout layout, const unfurl_panels *panels,
                        const float *weights, float *packed) {
  for (size_t panel = 0; panel < g->groups * panels->count; panel++) {
    const size_t first = panel % panels->count * panels->cols, group = panel / panels->count;
    const size_t cols = unfurl_panel_cols(panels, panel % panels->count);
    for (size_t j = 0; j < cols; j++) {
      if (first + j < g->ocg)
        pack_filter(g, layout, weights, group * g->ocg + first + j, cols, packed + j);
      else
        for (size_t k = 0; k < g->patch; k++) packed[k * cols + j] = 0;
    }
    packed += g->patch * cols;
  }
}
