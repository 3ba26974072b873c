/* SPDX-License-Identifier: BSD-2-Clause */
/* The geometry of a convolution: computed and validated once from a descriptor, then passed around as const.
 *
 * Every number in it is in range: all sizes are >= 1 (padding and output padding >= 0), no tensor is larger than
 * PTRDIFF_MAX bytes, and products of its fields that describe elements of src, dst or weights do not overflow.
 */
#ifndef UNFURL_SHAPE_CONV_GEOMETRY_H
#define UNFURL_SHAPE_CONV_GEOMETRY_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/conv.h"

/* One direction of the image. Tap t of output o reads input o * stride - pad + t * dilation (not transposed). */
typedef struct unfurl_conv_axis {
  size_t in, out, taps, stride, dilation;
  size_t pad; /* before the first pixel */
} unfurl_conv_axis;

/* Where the element (image, row, col, channel) of a tensor is, in floats. */
typedef struct unfurl_image_strides {
  size_t image, row, col, channel;
} unfurl_image_strides;

typedef struct unfurl_conv_geometry {
  size_t batch, groups;
  size_t ic, oc;   /* of all groups */
  size_t icg, ocg; /* of one group */
  unfurl_conv_axis h, w;
  bool transposed;
  size_t in_pixels, out_pixels; /* of one image */
  size_t patch;                 /* floats in an unrolled chunk: kh * kw * icg */
  size_t weights;               /* floats in all filters */
  unfurl_image_strides src, dst;
} unfurl_conv_geometry;

/* Reads a descriptor that a caller passed, whatever its version, into `desc`. */
unfurl_status unfurl_conv_desc_read(unfurl_conv_desc *desc, const unfurl_conv_desc *given, unfurl_error *error);

/* Validates `desc`; statuses as unfurl_conv_output_size. */
unfurl_status unfurl_conv_geometry_init(unfurl_conv_geometry *geometry, const unfurl_conv_desc *desc,
                                        unfurl_error *error);

#endif
