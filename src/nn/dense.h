/* SPDX-License-Identifier: BSD-2-Clause */
/* The fully connected layer: the stretched image is a row, and the layer one product with the weights. */
#ifndef UNFURL_NN_DENSE_H
#define UNFURL_NN_DENSE_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/context.h"

/* y[m][n] = alpha * op(x)[m][k] op(weights)[k][n] + beta * c[m][n]: one SGEMV for m = 1, one SGEMM otherwise, cut
 * into tasks by rows (or, for m = 1, by outputs). ONNX calls it Gemm. */
typedef struct unfurl_dense {
  size_t m, n, k;
  bool transpose_x;       /* x is stored [k][m] */
  bool transpose_weights; /* weights are stored [n][k] */
  float alpha, beta;
  size_t c_row, c_col; /* floats from row to row and from column to column of c; 0 broadcasts */
} unfurl_dense;

/* Whether CBLAS can count so far. */
bool unfurl_dense_fits(const unfurl_dense *dense);

/* c may be NULL; y overlaps nothing. */
void unfurl_dense_run(const unfurl_context *context, const unfurl_dense *dense, const float *x, const float *weights,
                      const float *c, float *y);

#endif
