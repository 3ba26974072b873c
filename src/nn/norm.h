/* SPDX-License-Identifier: BSD-2-Clause */
/* Normalisation with statistics that were fixed in training: a scale and a shift for each channel. */
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

#endif
