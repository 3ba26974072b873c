/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums of all elements so far, and triangles of matrices. */
#ifndef UNFURL_NN_CUMSUM_H
#define UNFURL_NN_CUMSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unfurl/context.h"
#include "unfurl/tensor.h"

/* Tensors seen as [outer][length][inner], of type f32, i64 or i32. */
typedef struct unfurl_cumsum {
  size_t outer, length, inner;
  bool exclusive; /* an element is not part of its own sum */
  bool reverse;   /* from the last element to the first */
  unfurl_dtype dtype;
} unfurl_cumsum;

/* y: the sums along the middle axis, element by element (integers wrap around). */
void unfurl_cumsum_run(const unfurl_context *context, const unfurl_cumsum *what, const void *x, void *y);

/* Copies matrices (the last two dimensions, row-major) with zeros below (or `upper` = false: above) the k-th diagonal. */
void unfurl_triangle(const unfurl_tensor *x, bool upper, int64_t k, const unfurl_tensor *y);

#endif
