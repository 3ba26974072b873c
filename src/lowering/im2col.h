/* SPDX-License-Identifier: BSD-2-Clause */
/* im2col: copies the rows of a patch view into a matrix. Layout of the matrix and source of the method: see
 * unfurl/im2col.h. */
#ifndef UNFURL_LOWERING_IM2COL_H
#define UNFURL_LOWERING_IM2COL_H

#include <stddef.h>

#include "shape/conv_geometry.h"

/* Unrolls the chunks of the output rows row_begin..row_end-1 of one image and one group:
 * patches is [(row_end - row_begin) * ow][patch]; every element is written, padding as 0. Not for transposed. */
void unfurl_im2col_rows(const unfurl_conv_geometry *geometry, const float *image, size_t group, size_t row_begin,
                        size_t row_end, float *patches);

#endif
