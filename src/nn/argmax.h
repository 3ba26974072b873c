/* SPDX-License-Identifier: BSD-2-Clause */
/* Where along one dimension the largest or the smallest element is. */
#ifndef UNFURL_NN_ARGMAX_H
#define UNFURL_NN_ARGMAX_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/context.h"
#include "unfurl/tensor.h"

typedef struct unfurl_argmax {
  size_t axis;   /* of 1 to INT32_MAX elements */
  bool smallest; /* argmin */
  bool last;     /* of equals the last one, not the first */
} unfurl_argmax;

/* `x` is f32, `y` i64 with size 1 along the axis or without it, in any layouts. A NaN is taken for the extreme. */
void unfurl_argmax_run(const unfurl_context *context, const unfurl_argmax *what, const unfurl_tensor *x,
                       const unfurl_tensor *y);

#endif
