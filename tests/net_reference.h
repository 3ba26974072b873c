/* SPDX-License-Identifier: BSD-2-Clause */
/* The layers of a small network, in double, each as its definition reads: what sessions are compared with. Images are
 * NCHW; every function makes a new image and frees the one that it was given. */
#ifndef UNFURL_TESTS_NET_REFERENCE_H
#define UNFURL_TESTS_NET_REFERENCE_H

#include <stddef.h>

typedef struct image {
  size_t n, c, h, w;
  double *data;
} image;

image image_of(size_t n, size_t c, size_t h, size_t w, const float *data);
void image_free(image *x);

/* Filters are [filters][c][k][k], stride 1; bias may be NULL. */
image reference_conv(image x, size_t filters, size_t k, size_t pad, const float *weights, const float *bias);
image reference_relu(image x);
image reference_tanh(image x);

/* Windows of k x k, k pixels apart. */
image reference_max_pool(image x, size_t k);
image reference_average_pool(image x, size_t k);

/* Each image is a row of c*h*w; weights are [row][outputs]. */
image reference_gemm(image x, size_t outputs, const float *weights, const float *bias);
image reference_softmax(image x);

#endif
