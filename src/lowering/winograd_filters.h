/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters as Winograd's products take them: transformed once, when weights are packed, or as they are. See
 * gemm/winograd.h. */
#ifndef UNFURL_LOWERING_WINOGRAD_FILTERS_H
#define UNFURL_LOWERING_WINOGRAD_FILTERS_H

#include "lowering/pack_weights.h"

/* Numbers along an axis that a filter is transformed into: as many as a tile has elements; with stride 2 one fewer, as its
 * last two are multiplied by the same. */
size_t unfurl_winograd_filter_side(const unfurl_conv_geometry *geometry, size_t m);

/* packed[group][element][panel][icg][its columns]: each element of G w G^T of each filter w, a panel of filters side by side
 * and zeros behind the last. Computed in double precision and rounded once; but of 3x3 filters, m = 4, each sum is rounded, as they are where they are transformed late (gemm/winograd.h). */
void unfurl_pack_winograd(const unfurl_conv_geometry *geometry, unfurl_layout layout, size_t m,
                          const unfurl_panels *panels, const float *weights, float *packed);

/* packed[group][panel][icg][tap 9][cols]: for those that are transformed late. */
void unfurl_pack_taps(const unfurl_conv_geometry *geometry, unfurl_layout layout, size_t cols, const float *weights,
                      float *packed);

#endif
