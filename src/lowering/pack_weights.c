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
