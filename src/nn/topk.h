/* SPDX-License-Identifier: BSD-2-Clause */
/* The largest or smallest elements along one axis, and where they are. */
#ifndef UNFURL_NN_TOPK_H
#define UNFURL_NN_TOPK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unfurl/context.h"
#include "unfurl/tensor.h"

/* A tensor seen as [outer][length][inner]; of each line of `length` the best `k` (at most as many) are taken. */
typedef struct unfurl_topk {
  size_t outer, length, inner, k;
  bool smallest;
  unfurl_dtype dtype; /* f32, i64 or i32 */
} unfurl_topk;

/* `values` and `indices` are [outer][k][inner], the best first. Of equals the first is the better one; NaN counts as larger
 * than all numbers, -0 and 0 as equal. */
void unfurl_topk_run(const unfurl_context *context, const unfurl_topk *what, const void *x, void *values,
                     int64_t *indices);

#endif
