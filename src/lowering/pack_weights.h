/* SPDX-License-Identifier: BSD-2-Clause */
/* Packing: weights from the order in which they are given into the order in which a solver reads them. */
#ifndef UNFURL_LOWERING_PACK_WEIGHTS_H
#define UNFURL_LOWERING_PACK_WEIGHTS_H

#include "shape/conv_geometry.h"

/* Unrolled filters: packed[filter][kh][kw][channel], each filter one row that matches a row of the patch matrix.
 * Not transposed: filters are oc, channels icg. Transposed: the stored dimensions are (ic, ocg), taken the same way. */
void unfurl_pack_unrolled(const unfurl_conv_geometry *geometry, unfurl_layout layout, const float *weights,
                          float *packed);

/* Panels: packed[group][panel][patch][cols], where panel p has the filters p * cols .. p * cols + cols - 1 of the group
 * side by side, and zeros behind the last. */
void unfurl_pack_panels(const unfurl_conv_geometry *geometry, unfurl_layout layout, size_t cols, const float *weights,
                        float *packed);

/* Panels of one group. */
size_t unfurl_panel_count(const unfurl_conv_geometry *geometry, size_t cols);

#endif
