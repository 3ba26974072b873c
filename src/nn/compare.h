/* SPDX-License-Identifier: BSD-2-Clause */
/* Truth: two tensors that are compared, and one of two that it chooses; all are broadcast to the result. */
#ifndef UNFURL_NN_COMPARE_H
#define UNFURL_NN_COMPARE_H

#include "unfurl/context.h"
#include "unfurl/tensor.h"

typedef enum unfurl_compare {
  UNFURL_COMPARE_EQUAL = 0,
  UNFURL_COMPARE_LESS, /* a < b; f32, i64 and i32 only, and so the next three */
  UNFURL_COMPARE_LESS_EQUAL,
  UNFURL_COMPARE_GREATER,
  UNFURL_COMPARE_GREATER_EQUAL,
  UNFURL_COMPARE_AND, /* bool only, and so the next two */
  UNFURL_COMPARE_OR,
  UNFURL_COMPARE_XOR
} unfurl_compare;

/* y = a op b; y is bool, a and b of one type, in any layouts. */
void unfurl_compare_run(const unfurl_context *context, unfurl_compare op, const unfurl_tensor *a,
                        const unfurl_tensor *b, const unfurl_tensor *y);

/* y = condition ? a : b; the condition is bool, the others of one type, in any layouts. */
void unfurl_where(const unfurl_context *context, const unfurl_tensor *condition, const unfurl_tensor *a,
                  const unfurl_tensor *b, const unfurl_tensor *y);

#endif
