/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters as Winograd's products take them: transformed once, when weights are packed, or as they are. See
 * gemm/winograd.h. */
#ifndef UNFURL_LOWERING_WINOGRAD_FILTERS_H
#define UNFURL_LOWERING_WINOGRAD_FILTERS_H

#include "lowering/pack_weights.h"

/* packed[group][element (m + 2)^2][panel][icg][its columns]: element e of G w G^T of each filter w, a panel of filters side
 * by side and zeros behind the last. 3x3 filters. m = 2: computed in double precision and rounded once; m = 4: each sum rounded,
 * as they are where they are transformed late (gemm/winograd.h). */
void unfurl_pack_winograd(const unfurl_conv_geometry *geometry, unfurl_layout layout, size_t m,
                          const unfurl_panels *panels, const float *weights, float *packed);

/* packed[group][panel][icg][tap 9][cols]: for those that are transformed late. */
void unfurl_pack_taps(const unfurl_conv_geometry *geometry, unfurl_layout layout, size_t cols, const float *weights,
                      float *packed);

#endif
