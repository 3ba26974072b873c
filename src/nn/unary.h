/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of single elements, in any layout: those that convolutions can't take over (see elementwise.h for these). */
#ifndef UNFURL_NN_UNARY_H
#define UNFURL_NN_UNARY_H

#include <stddef.h>

#include "unfurl/context.h"
#include "unfurl/tensor.h"

typedef enum unfurl_unary {
  UNFURL_UNARY_ABS = 0,
  UNFURL_UNARY_CEIL,
  UNFURL_UNARY_CELU, /* x < 0 ? alpha * (e^(x / alpha) - 1) : x */
  UNFURL_UNARY_COS,
  UNFURL_UNARY_ELU, /* x < 0 ? alpha * (e^x - 1) : x */
  UNFURL_UNARY_ERF,
  UNFURL_UNARY_EXP,
  UNFURL_UNARY_FLOOR,
  UNFURL_UNARY_LOG,
  UNFURL_UNARY_MISH, /* x * tanh(softplus(x)) */
  UNFURL_UNARY_NEG,
  UNFURL_UNARY_RECIPROCAL,
  UNFURL_UNARY_ROUND, /* halves to the even integer */
  UNFURL_UNARY_SELU,  /* gamma * elu(x) */
  UNFURL_UNARY_SIGN,
  UNFURL_UNARY_SIN,
  UNFURL_UNARY_SOFTPLUS, /* log(1 + e^x) */
  UNFURL_UNARY_SOFTSIGN, /* x / (1 + |x|) */
  UNFURL_UNARY_SQRT,
  UNFURL_UNARY_THRESHOLDED_RELU /* x > alpha ? x : 0 */
} unfurl_unary;

/* y[i] = op(x[i]), with those of alpha and gamma (in this order) that it has; y may be x. NaN stays NaN. */
void unfurl_map_unary(const unfurl_context *context, unfurl_unary op, const float parameters[2], size_t count,
                      const float *x, float *y);

/* Of i64 or i32, for ABS, NEG and SIGN; what can't be held wraps around. */
void unfurl_map_integers(const unfurl_context *context, unfurl_unary op, unfurl_dtype dtype, size_t count,
                         const void *x, void *y);

/* y[i]: whether x[i] is 0; whether it is NaN; whether it equals one of `values` (none equals NaN). */
void unfurl_map_not(const unfurl_context *context, size_t count, const unsigned char *x, unsigned char *y);
void unfurl_map_is_nan(const unfurl_context *context, size_t count, const float *x, unsigned char *y);
void unfurl_map_equals(const unfurl_context *context, const float values[2], size_t count, const float *x,
                       unsigned char *y);

#endif
