/* SPDX-License-Identifier: BSD-2-Clause */
/* Arithmetic of two tensors that are broadcast to their result. */
#ifndef UNFURL_NN_BINARY_H
#define UNFURL_NN_BINARY_H

#include <stddef.h>

#include "unfurl/context.h"
#include "unfurl/tensor.h"

typedef enum unfurl_binary {
  UNFURL_BINARY_ADD = 0,
  UNFURL_BINARY_SUB,
  UNFURL_BINARY_MUL,
  UNFURL_BINARY_DIV, /* integers: towards zero, and x / 0 = 0 */
  UNFURL_BINARY_MAX, /* NaN if one is */
  UNFURL_BINARY_MIN,
  UNFURL_BINARY_POW,   /* f32 only */
  UNFURL_BINARY_PRELU, /* a < 0 ? a * b : a; f32 only */
  UNFURL_BINARY_FMOD,  /* what division leaves, with the sign of a; integers: 0 of x / 0 */
  UNFURL_BINARY_MOD    /* with the sign of b; integers only */
} unfurl_binary;

/* y = a op b; all three f32, i64 or i32, in any layouts. y may be a or b if it has the same dims and layout. */
void unfurl_binary_run(const unfurl_context *context, unfurl_binary op, const unfurl_tensor *a, const unfurl_tensor *b,
                       const unfurl_tensor *y);

/* The same for `count` elements of each, one behind the other, in the thread that calls. */
void unfurl_binary_apply(unfurl_binary op, unfurl_dtype dtype, size_t count, const void *a, const void *b, void *y);

#endif
