/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters as Winograd's product takes them: transformed once, when weights are packed. See gemm/winograd.h. */
#ifndef UNFURL_LOWERING_WINOGRAD_FILTERS_H
#define UNFURL_LOWERING_WINOGRAD_FILTERS_H

#include "shape/conv_geometry.h"

/* packed[group][element (m + 2)^2][panel][icg][cols]: element e of G w G^T of each filter w, a panel of filters side by
 * side and zeros behind the last. Computed in double precision and rounded once. 3x3 filters, m = 2 or 4. */
void unfurl_pack_winograd(const unfurl_conv_geometry *geometry, unfurl_layout layout, size_t m, size_t cols,
                          const float *weights, float *packed);

#endif
