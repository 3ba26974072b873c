/* SPDX-License-Identifier: BSD-2-Clause */
/* Tensors that are broadcast as NumPy and ONNX do: dimensions are aligned at the last, and 1 stretches. */
#ifndef UNFURL_NN_BROADCAST_H
#define UNFURL_NN_BROADCAST_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/walk.h"
#include "unfurl/context.h"

/* Dims of the result into `y`, with the type of `a`; false if they do not fit. */
bool unfurl_broadcast_dims(const unfurl_tensor *a, const unfurl_tensor *b, unfurl_tensor *y);

/* Strides of `x` along the dimensions of `y`, which it broadcasts to. */
void unfurl_broadcast_strides(const unfurl_tensor *x, const unfurl_tensor *y, ptrdiff_t strides[UNFURL_MAX_RANK]);

/* Where inner loops read and write: lines of elements, one after the other. Operand 0 is written. */
typedef struct unfurl_lines {
  char *at[UNFURL_WALK_OPERANDS];         /* the first line */
  ptrdiff_t step[UNFURL_WALK_OPERANDS];   /* bytes, from line to line */
  ptrdiff_t stride[UNFURL_WALK_OPERANDS]; /* elements, along a line */
  size_t lines, count;
} unfurl_lines;

typedef void unfurl_lines_fn(const unfurl_lines *lines, const void *arg);

/* Calls `fn` for all lines of operand 0, to which the others are broadcast; in any layouts, types may differ. An operand may
 * be operand 0 if it has the same dims and layout. */
void unfurl_broadcast_run(const unfurl_context *context, size_t count, const unfurl_tensor *const *operands,
                          unfurl_lines_fn *fn, const void *arg);

#endif
