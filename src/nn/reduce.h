/* SPDX-License-Identifier: BSD-2-Clause */
/* Reductions: sums, means, products and extremes along any dimensions of a tensor.
 *
 * What goes into one output is a sequence, in the order of the logical dimensions whatever the layout; its i-th element
 * goes to lane i % 16, and the lanes are joined in one fixed tree (lanes.h). So the bits depend on no layout, thread
 * count or instruction set.
 */
#ifndef UNFURL_NN_REDUCE_H
#define UNFURL_NN_REDUCE_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/walk.h"
#include "unfurl/context.h"
#include "unfurl/tensor.h"

typedef enum unfurl_reduce {
  UNFURL_REDUCE_SUM = 0,
  UNFURL_REDUCE_MEAN,
  UNFURL_REDUCE_PROD,
  UNFURL_REDUCE_MAX, /* NaN if there is one; so the smallest */
  UNFURL_REDUCE_MIN,
  UNFURL_REDUCE_L1, /* sum of magnitudes */
  UNFURL_REDUCE_L2, /* square root of the sum of squares */
  UNFURL_REDUCE_SUM_SQUARE,
  UNFURL_REDUCE_LOG_SUM /* logarithm of the sum */
} unfurl_reduce;

/* How outputs and the elements that they come from lie. */
typedef struct unfurl_reduction {
  unfurl_walk kept;    /* over the outputs; operand 0 is y, operand 1 is x. Neighbours in x are last, if any are kept */
  unfurl_walk reduced; /* over the sequence of one output; operand 0 counts it, operand 1 is x */
  bool keeps_neighbours; /* the last kept dimension has stride 1 in x */
} unfurl_reduction;

enum { UNFURL_REDUCTION_Y = 0, UNFURL_REDUCTION_X = 1 };

/* `reduced` marks dimensions of `x`; `y` has them with size 1, or lacks them all. */
unfurl_reduction unfurl_reduction_of(const unfurl_tensor *x, const bool reduced[UNFURL_MAX_RANK],
                                     const unfurl_tensor *y);

/* Both f32, or of the same integers (not MEAN, L2 and LOG_SUM; sums and products wrap around), in any layouts; `y` as
 * above. Of nothing, the sum is 0, the product 1, the mean NaN, and there must be no extreme. */
void unfurl_reduce_run(const unfurl_context *context, unfurl_reduce op, const unfurl_tensor *x,
                       const bool reduced[UNFURL_MAX_RANK], const unfurl_tensor *y);

/* y = log of the sum of e^x, both f32, in any layouts; of nothing, -infinity. */
void unfurl_log_sum_exp(const unfurl_context *context, const unfurl_tensor *x, const bool reduced[UNFURL_MAX_RANK],
                        const unfurl_tensor *y);

#endif
