/* SPDX-License-Identifier: BSD-2-Clause */
/* The one table of convolutions that every solver is tested on: what networks really have, in small, and the edges of
 * every field. All of it, times solvers, times layouts, runs in seconds. */
#ifndef UNFURL_TESTS_SHAPES_H
#define UNFURL_TESTS_SHAPES_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/conv.h"

/* A field that is left out has its default. Pairs are height and width, pads are top, left, bottom, right. */
typedef struct conv_shape {
  const char *name;
  int batch, ic, oc, groups;
  int image[2], kernel[2], stride[2], dilation[2];
  int pads[4];
  bool transposed;
  int output_pads[2];
} conv_shape;

extern const conv_shape conv_shapes[];
extern const size_t conv_shape_count;

/* The rows but those with more than 300,000 multiply-adds: for tests that do each row many times. */
bool conv_shape_is_small(const conv_shape *shape);

/* What the table did not think of: a small convolution of any kind that follows from its number alone. */
enum { CONV_SHAPE_NAME = 32 };
conv_shape conv_shape_random(size_t number, char name[CONV_SHAPE_NAME]);

/* The descriptor of a row: NHWC, OHWI, no activation, tolerance 0 (only solvers that are as exact as the sum). */
unfurl_conv_desc conv_shape_desc(const conv_shape *shape);

/* Floats in src, weights and dst; and of dst's image. The row is valid, so this can't fail. */
typedef struct conv_sizes {
  size_t src, weights, dst;
  size_t oh, ow;
} conv_sizes;

conv_sizes conv_sizes_of(const unfurl_conv_desc *desc);

#endif
