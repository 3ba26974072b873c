/* SPDX-License-Identifier: BSD-2-Clause */
/* Arithmetic of two tensors, broadcast as NumPy and ONNX do: dimensions are aligned at the last, and 1 stretches. */
#ifndef UNFURL_NN_BROADCAST_H
#define UNFURL_NN_BROADCAST_H

#include <stdbool.h>
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
  UNFURL_BINARY_POW,  /* f32 only */
  UNFURL_BINARY_PRELU /* a < 0 ? a * b : a; f32 only */
} unfurl_binary;

/* Dims of the result into `y`; false if they do not fit. */
bool unfurl_broadcast_dims(const unfurl_tensor *a, const unfurl_tensor *b, unfurl_tensor *y);

/* Strides of `x` along the dimensions of `y`, which it broadcasts to. */
void unfurl_broadcast_strides(const unfurl_tensor *x, const unfurl_tensor *y, ptrdiff_t strides[UNFURL_MAX_RANK]);

/* y = a op b; all three f32, i64 or i32, in any layouts. y may be a or b if it has the same dims and layout. */
void unfurl_binary_run(const unfurl_context *context, unfurl_binary op, const unfurl_tensor *a, const unfurl_tensor *b,
                       const unfurl_tensor *y);

#endif
