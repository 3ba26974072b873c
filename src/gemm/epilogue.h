/* SPDX-License-Identifier: BSD-2-Clause */
/* The epilogue of a product: bias, residual, activation, one rounding each, in this order. */
#ifndef UNFURL_GEMM_EPILOGUE_H
#define UNFURL_GEMM_EPILOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/conv.h"

typedef struct unfurl_epilogue {
  unfurl_activation activation;
  float alpha, beta;     /* of the activation */
  bool bias_a_row;       /* bias[row] (NCHW: a row is a channel), not bias[col] (NHWC: a row is a pixel) */
  const float *bias;     /* or NULL */
  const float *residual; /* laid out as c; or NULL */
} unfurl_epilogue;

struct unfurl_kernels;

/* Applies it to c[rows][cols], whose rows are `ldc` floats apart. */
void unfurl_epilogue_apply(const struct unfurl_kernels *kernels, const unfurl_epilogue *epilogue, size_t rows,
                           size_t cols, size_t ldc, float *c);

/* y[i] = activation(x[i]); y may be x. */
void unfurl_activate(const struct unfurl_kernels *kernels, unfurl_activation activation, float alpha, float beta,
                     size_t count, const float *x, float *y);

#endif
