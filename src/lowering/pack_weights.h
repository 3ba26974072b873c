/* SPDX-License-Identifier: BSD-2-Clause */
/* Packing: weights from the order in which they are given into the order in which a solver reads them. */
#ifndef UNFURL_LOWERING_PACK_WEIGHTS_H
#define UNFURL_LOWERING_PACK_WEIGHTS_H

#include "shape/conv_geometry.h"

/* Unrolled filters: packed[filter][kh][kw][channel], each filter one row that matches a row of the patch matrix.
 * Not transposed: filters are oc, channels icg. Transposed: the stored dimensions are (ic, ocg), taken the same way. */
void unfurl_pack_unrolled(const unfurl_conv_geometry *geometry, unfurl_layout layout, const float *weights,
                          float *packed);

/* How the filters of a group are cut into panels. The last one is as wide as what is left, in whole vectors. */
typedef struct unfurl_panels {
  size_t cols, count; /* columns of a panel; panels */
  size_t all_cols;    /* columns of all panels together */
} unfurl_panels;

unfurl_panels unfurl_panels_of(const unfurl_conv_geometry *geometry, size_t cols, size_t lanes);

/* Columns of a panel. */
size_t unfurl_panel_cols(const unfurl_panels *panels, size_t panel);

/* Panels: packed[group][panel][patch][its columns], where panel p has the filters p * cols .. p * cols + cols - 1 of the
 * group side by side, and zeros behind the last. */
void unfurl_pack_panels(const unfurl_conv_geometry *geometry, unfurl_layout layout, const unfurl_panels *panels,
                        const float *weights, float *packed);

#endif
