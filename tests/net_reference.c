/* SPDX-License-Identifier: BSD-2-Clause */
#include "net_reference.h"

#include <math.h>
#include <stdlib.h>

static image new_image(size_t n, size_t c, size_t h, size_t w) {
  image x = {.n = n, .c = c, .h = h, .w = w, .data = calloc(n * c * h * w + 1, sizeof(double))};
  if (!x.data) abort();
  return x;
}

static size_t count_of(const image *x) {
  return x->n * x->c * x->h * x->w;
}

static double *at(const image *x, size_t n, size_t c, size_t h, size_t w) {
  return &x->data[((n * x->c + c) * x->h + h) * x->w + w];
}

image image_of(size_t n, size_t c, size_t h, size_t w, const float *data) {
  const image x = new_image(n, c, h, w);
  for (size_t i = 0; i < count_of(&x); i++) x.data[i] = (double)data[i];
  return x;
}

void image_free(image *x) {
  free(x->data);
  *x = (image){0};
}

static double conv_pixel(const image *x, size_t n, size_t y, size_t col, size_t k, size_t pad, const float *filter) {
  double sum = 0;
  for (size_t c = 0; c < x->c; c++)
    for (size_t i = 0; i < k; i++)
      for (size_t j = 0; j < k; j++) {
        const size_t row = y + i, column = col + j; /* counted from the first pixel of padding */
        if (row < pad || row >= x->h + pad || column < pad || column >= x->w + pad) continue;
        sum += *at(x, n, c, row - pad, column - pad) * (double)filter[(c * k + i) * k + j];
      }
  return sum;
}

image reference_conv(image x, size_t filters, size_t k, size_t pad, const float *weights, const float *bias) {
  const image y = new_image(x.n, filters, x.h + 2 * pad - k + 1, x.w + 2 * pad - k + 1);
  for (size_t n = 0; n < y.n; n++)
    for (size_t f = 0; f < filters; f++)
      for (size_t h = 0; h < y.h; h++)
        for (size_t w = 0; w < y.w; w++)
          *at(&y, n, f, h, w) =
              conv_pixel(&x, n, h, w, k, pad, weights + f * x.c * k * k) + (bias ? (double)bias[f] : 0);
  image_free(&x);
  return y;
}

image reference_relu(image x) {
  for (size_t i = 0; i < count_of(&x); i++) x.data[i] = fmax(x.data[i], 0);
  return x;
}

image reference_tanh(image x) {
  for (size_t i = 0; i < count_of(&x); i++) x.data[i] = tanh(x.data[i]);
  return x;
}

static double window(const image *x, size_t n, size_t c, size_t h, size_t w, size_t k, int is_max) {
  double largest = -INFINITY, sum = 0;
  for (size_t i = 0; i < k; i++)
    for (size_t j = 0; j < k; j++) {
      const double value = *at(x, n, c, h * k + i, w * k + j);
      largest = fmax(largest, value);
      sum += value;
    }
  return is_max ? largest : sum / (double)(k * k);
}

static image pool(image x, size_t k, int is_max) {
  const image y = new_image(x.n, x.c, x.h / k, x.w / k);
  for (size_t n = 0; n < y.n; n++)
    for (size_t c = 0; c < y.c; c++)
      for (size_t h = 0; h < y.h; h++)
        for (size_t w = 0; w < y.w; w++) *at(&y, n, c, h, w) = window(&x, n, c, h, w, k, is_max);
  image_free(&x);
  return y;
}

image reference_max_pool(image x, size_t k) {
  return pool(x, k, 1);
}

image reference_average_pool(image x, size_t k) {
  return pool(x, k, 0);
}

image reference_gemm(image x, size_t outputs, const float *weights, const float *bias) {
  const image y = new_image(x.n, outputs, 1, 1);
  const size_t row = x.c * x.h * x.w;
  for (size_t n = 0; n < x.n; n++)
    for (size_t o = 0; o < outputs; o++) {
      double sum = bias ? (double)bias[o] : 0;
      for (size_t i = 0; i < row; i++) sum += x.data[n * row + i] * (double)weights[i * outputs + o];
      y.data[n * outputs + o] = sum;
    }
  image_free(&x);
  return y;
}

image reference_softmax(image x) {
  const size_t row = x.c * x.h * x.w;
  for (size_t n = 0; n < x.n; n++) {
    double largest = -INFINITY, sum = 0, *values = x.data + n * row;
    for (size_t i = 0; i < row; i++) largest = fmax(largest, values[i]);
    for (size_t i = 0; i < row; i++) sum += exp(values[i] - largest);
    for (size_t i = 0; i < row; i++) values[i] = exp(values[i] - largest) / sum;
  }
  return x;
}
