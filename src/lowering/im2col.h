/* SPDX-License-Identifier: BSD-2-Clause */
/* im2col: copies the rows of a patch view into a matrix. Layout of the matrix and source of the method: see
 * unfurl/im2col.h. */
#ifndef UNFURL_LOWERING_IM2COL_H
#define UNFURL_LOWERING_IM2COL_H

#include <stddef.h>

#include "shape/conv_geometry.h"

/* A rectangle of output pixels. */
typedef struct unfurl_pixels {
  size_t row_begin, row_end, col_begin, col_end;
} unfurl_pixels;

/* Unrolls the chunks of these output pixels of one image and one group: patches is [pixels][patch], the pixels in
 * row-major order; every element is written, padding as 0. Not for transposed convolutions. */
void unfurl_im2col_pixels(const unfurl_conv_geometry *geometry, const float *image, size_t group,
                          const unfurl_pixels *pixels, float *patches);

#endif
