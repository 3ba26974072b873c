/* SPDX-License-Identifier: BSD-2-Clause */
/* Normalisation: with statistics that were fixed in training, a scale and a shift for each channel; or with those of
 * the numbers themselves, which are then read twice, for the mean and for the variance. Either is a sum in lanes
 * (lanes.h), over the pixels in their order, so that its bits depend on nothing but the numbers. */
#ifndef UNFURL_NN_NORM_H
#define UNFURL_NN_NORM_H

#include <stddef.h>

#include "unfurl/context.h"
#include "unfurl/conv.h"
#include "unfurl/tensor.h"

/* The parameters of batch normalisation (S. Ioffe, C. Szegedy, 2015), each [channels]. */
typedef struct unfurl_batch_norm {
  const float *gamma, *beta, *mean, *variance;
  float epsilon;
} unfurl_batch_norm;

/* scale = gamma / sqrt(variance + epsilon), shift = beta - mean * scale, computed in double. */
void unfurl_batch_norm_factors(const unfurl_batch_norm *norm, size_t channels, float *scale, float *shift);

/* A scale and a shift for each channel, and what follows. */
typedef struct unfurl_channel_scale {
  const float *scale, *shift;
  unfurl_activation activation;
  float alpha, beta;
} unfurl_channel_scale;

/* y = activation(x * scale[channel] + shift[channel]), rounded after each; x and y are f32 of rank >= 2, of equal dims
 * and layout; y may be x. */
void unfurl_scale_channels(const unfurl_context *context, const unfurl_tensor *x, const unfurl_channel_scale *by,
                           const unfurl_tensor *y);

/* Of each row of x [rows][length]: its mean, and 1 / sqrt(variance + epsilon), in double from the variance on. */
void unfurl_row_statistics(const unfurl_context *context, const float *x, const size_t shape[2], float epsilon,
                           float *mean, float *inv_std);

/* The same of each channel of each image of x, of rank >= 3 and any layout: [images][channels]. `lanes`: room for
 * unfurl_channel_lanes(x) floats (SIZE_MAX where that overflows). */
size_t unfurl_channel_lanes(const unfurl_tensor *x);
void unfurl_channel_statistics(const unfurl_context *context, const unfurl_tensor *x, float epsilon, float *lanes,
                               float *mean, float *inv_std);

/* y = (x - mean) * inv_std * gamma + beta for each row of x [rows][length], rounded after each; gamma and beta (or
 * NULL) [length], mean and inv_std [rows]. y may be x. */
typedef struct unfurl_layer_norm {
  size_t rows, length;
  const float *gamma, *beta, *mean, *inv_std;
} unfurl_layer_norm;

void unfurl_layer_normalize(const unfurl_context *context, const unfurl_layer_norm *norm, const float *x, float *y);

#endif
