/* SPDX-License-Identifier: BSD-2-Clause */
#include "lowering/pack_weights.h"

#include <string.h>

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

size_t unfurl_panel_count(const unfurl_conv_geometry *g, size_t cols) {
  return (g->ocg + cols - 1) / cols;
}

/* Column `col` of one panel, [patch] floats `cols` apart, from one filter. */
static void pack_filter(const unfurl_conv_geometry *g, unfurl_layout layout, const float *filter, size_t cols,
                        float *col) {
  const size_t taps = g->h.taps * g->w.taps;
  for (size_t tap = 0; tap < taps; tap++)
    for (size_t c = 0; c < g->icg; c++, col += cols)
      *col = filter[layout == UNFURL_OHWI ? tap * g->icg + c : c * taps + tap];
}

void unfurl_pack_panels(const unfurl_conv_geometry *g, unfurl_layout layout, size_t cols, const float *weights,
                        float *packed) {
  const size_t panels = unfurl_panel_count(g, cols);
  for (size_t panel = 0; panel < g->groups * panels; panel++, packed += g->patch * cols) {
    const size_t first = panel % panels * cols, group = panel / panels;
    for (size_t j = 0; j < cols; j++) {
      if (first + j < g->ocg)
        pack_filter(g, layout, weights + (group * g->ocg + first + j) * g->patch, cols, packed + j);
      else
        for (size_t k = 0; k < g->patch; k++) packed[k * cols + j] = 0;
    }
  }
}
