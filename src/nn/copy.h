/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies between tensors whose elements lie in different orders: layout conversion, and whatever moves elements. */
#ifndef UNFURL_NN_COPY_H
#define UNFURL_NN_COPY_H

#include <stddef.h>

#include "unfurl/context.h"
#include "unfurl/tensor.h"

/* One side of a copy: a pointer to the first element, and elements from one index of a dimension to the next. */
typedef struct unfurl_strided {
  void *data;
  ptrdiff_t strides[UNFURL_MAX_RANK];
} unfurl_strided;

/* The elements of a tensor, as its layout has them. */
unfurl_strided unfurl_strided_of(const unfurl_tensor *tensor);

/* Copies rank-dimensional `dims` elements of `element` bytes (1, 4 or 8) from one to the other; no overlap. */
typedef struct unfurl_copy {
  size_t rank, element;
  size_t dims[UNFURL_MAX_RANK];
  unfurl_strided from, to;
} unfurl_copy;

void unfurl_copy_run(const unfurl_context *context, const unfurl_copy *copy);

/* Copies a tensor into one of the same dims and dtype, layout converted. */
void unfurl_copy_tensor(const unfurl_context *context, const unfurl_tensor *from, const unfurl_tensor *to);

#endif
