/* SPDX-License-Identifier: BSD-2-Clause */
/* Classes of convolutions by how their sums are made. Solvers of one class give the same bits (those that use BLAS
 * aside), so a plan may take any of them; which class it is follows from the layer's shape and the tolerance alone, so
 * that neither threads, batch nor processor can change a result.
 *
 * The error model, for data of zero mean: relative L2 error of F(2x2, 3x3) at most 2e-6; of F(4x4, 3x3), of F(3x3, 4x4) and
 * F(2x2, 5x5), whose transforms have the same points, and of F(6x6, 3x3) at most 1e-5.
 */
#ifndef UNFURL_CONV_CONV_CLASS_H
#define UNFURL_CONV_CONV_CLASS_H

#include "shape/conv_geometry.h"

typedef enum unfurl_conv_class {
  UNFURL_CONV_EXACT = 0, /* the canonical sum, or one as exact */
  UNFURL_CONV_F2,        /* Winograd, F(2x2, 3x3), of stride 1 or 2 */
  UNFURL_CONV_F4,        /* Winograd, F(4x4, 3x3), F(3x3, 4x4) or F(2x2, 5x5) */
  UNFURL_CONV_F6         /* Winograd, F(6x6, 3x3) */
} unfurl_conv_class;

/* Whether it has taps x taps filters of a stride, the same on both axes, that is `most_stride` at most, and neither
 * dilation nor more channels than Winograd's filtering computes. */
bool unfurl_winograd_applies(const unfurl_conv_geometry *geometry, size_t taps, size_t most_stride);

/* Whether a tile of m outputs along an axis, from `side` inputs, needs an element for the first `left` of them (gemm/winograd.h):
 * where a map ends, the last tile may be cut off. And the elements that all tiles of an image need. */
bool unfurl_winograd_uses(size_t m, size_t side, size_t left, size_t element);
size_t unfurl_winograd_products(const unfurl_conv_geometry *geometry, size_t m);

/* The relative L2 error that the class may add. */
double unfurl_conv_class_error(unfurl_conv_class sums);

/* Whether that is within the tolerance. */
bool unfurl_conv_class_allowed(unfurl_conv_class sums, float tolerance);

/* The class of the Winograd solver that suits the shape and the tolerance best (F2 where the tolerance allows neither). */
unfurl_conv_class unfurl_winograd_class(const unfurl_conv_geometry *geometry, float tolerance);

/* The class of a layer. */
unfurl_conv_class unfurl_conv_class_of(const unfurl_conv_geometry *geometry, float tolerance);

#endif
