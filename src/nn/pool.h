/* SPDX-License-Identifier: BSD-2-Clause */
/* Max and average pooling of NHWC images: each channel by itself, vectorised over channels. */
#ifndef UNFURL_NN_POOL_H
#define UNFURL_NN_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shape/conv_geometry.h"
#include "unfurl/context.h"

typedef struct unfurl_pool_geometry {
  size_t batch, channels;
  unfurl_conv_axis h, w;
  size_t pad_bottom, pad_right;
  bool count_padding; /* average: padding counts as zeros, not as nothing */
  bool index_columns; /* maximum: indices count pixels column by column */
} unfurl_pool_geometry;

/* dst[batch][oh][ow][channels] = the largest value in the window; NaN if there is one. A window without a pixel gives
 * -infinity. `indices` (or NULL) gets where it was found first: in NCHW order, as ONNX counts, or
 * in NCWH order. */
void unfurl_max_pool(const unfurl_context *context, const unfurl_pool_geometry *pool, const float *src, float *dst,
                     int64_t *indices);

/* The same in the thread that calls, for one image. */
void unfurl_max_pool_image(const unfurl_context *context, const unfurl_pool_geometry *pool, const float *src,
                           float *dst);

/* The mean of the window, summed in the order of its rows. A window without a pixel gives 0. */
void unfurl_average_pool(const unfurl_context *context, const unfurl_pool_geometry *pool, const float *src, float *dst);

#endif
