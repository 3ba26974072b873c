/* SPDX-License-Identifier: BSD-2-Clause */
/* im2col: the patch matrix, in which each row is one unrolled chunk of the image.
 *
 *     patches[g][(n*oh + y)*ow + x][(kh_i*kw + kw_i)*icg + c] =
 *         src[n][y*stride_h - pad_top + kh_i*dilation_h][x*stride_w - pad_left + kw_i*dilation_w][g*icg + c]
 *
 * with icg = ic / groups; outside the image the value is 0. A row is the chunk in the order kernel row, kernel column,
 * channel: the order in which OHWI weights store a filter, so that
 *
 *     dot(chunk, filter) = dot(unrolled chunk, unrolled filter) = one element of patches * filters^T
 *
 * (K. Chellapilla, S. Puri, P. Simard: High Performance Convolutional Neural Networks for Document Processing, 2006).
 *
 *     unfurl_im2col_size(&desc, &rows, &cols, &error);      // 32x32x3, 5x5: 784 rows of 75
 *     float *patches = malloc(rows * cols * sizeof *patches);
 *     unfurl_im2col(&desc, image, patches, &error);
 *
 * Thread rule: pure functions of their arguments; nothing is allocated.
 */
#ifndef UNFURL_IM2COL_H
#define UNFURL_IM2COL_H

#include <stddef.h>

#include "unfurl/conv.h"
#include "unfurl/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Shape of the patch matrix: `rows` = groups * batch * oh * ow, `cols` = kh * kw * ic / groups. Statuses:
 * INVALID_ARGUMENT, TOO_LARGE, UNSUPPORTED (a transposed convolution has no patch matrix). */
UNFURL_API unfurl_status unfurl_im2col_size(const unfurl_conv_desc *desc, size_t *rows, size_t *cols,
                                            unfurl_error *error);

/* Writes the whole patch matrix, rows * cols floats, padding zeros included. `src` holds desc->batch images in
 * desc->src_layout and does not overlap `patches`. Statuses as unfurl_im2col_size. */
UNFURL_API unfurl_status unfurl_im2col(const unfurl_conv_desc *desc, const float *src, float *patches,
                                       unfurl_error *error);

#ifdef __cplusplus
}
#endif
#endif
