/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of single floats, in any layout: those that convolutions can't take over (see elementwise.h for these). */
#ifndef UNFURL_NN_UNARY_H
#define UNFURL_NN_UNARY_H

#include <stddef.h>

#include "unfurl/context.h"

typedef enum unfurl_unary {
  UNFURL_UNARY_ABS = 0,
  UNFURL_UNARY_CEIL,
  UNFURL_UNARY_ELU, /* x < 0 ? alpha * (e^x - 1) : x */
  UNFURL_UNARY_ERF,
  UNFURL_UNARY_EXP,
  UNFURL_UNARY_FLOOR,
  UNFURL_UNARY_LOG,
  UNFURL_UNARY_NEG,
  UNFURL_UNARY_RECIPROCAL,
  UNFURL_UNARY_SOFTPLUS, /* log(1 + e^x) */
  UNFURL_UNARY_SQRT
} unfurl_unary;

/* y[i] = op(x[i]), with alpha where it has one; y may be x. NaN stays NaN. */
void unfurl_map_unary(const unfurl_context *context, unfurl_unary op, float alpha, size_t count, const float *x,
                      float *y);

#endif
