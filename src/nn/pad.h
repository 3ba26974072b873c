/* SPDX-License-Identifier: BSD-2-Clause */
/* Padding: a tensor with margins around it (or, where a margin is negative, cut off). */
#ifndef UNFURL_NN_PAD_H
#define UNFURL_NN_PAD_H

#include "unfurl/context.h"
#include "unfurl/tensor.h"

typedef enum unfurl_pad_mode {
  UNFURL_PAD_CONSTANT = 0, /* the margin is a value */
  UNFURL_PAD_EDGE,         /* the outermost element, again and again */
  UNFURL_PAD_REFLECT       /* mirrored at the outermost element, which is not repeated */
} unfurl_pad_mode;

/* y = x with begin[i] elements before and the rest after along dimension i; x and y have the same rank and dtype, in any
 * layouts. `value` points to one element (CONSTANT only). EDGE and REFLECT need x not empty, and REFLECT margins smaller
 * than x along every dimension. */
void unfurl_pad(const unfurl_context *context, unfurl_pad_mode mode, const unfurl_tensor *x, const int64_t *begin,
                const void *value, const unfurl_tensor *y);

#endif
