/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel of activations, where they are not applied in registers.
 *
 *     y[at(i)][j] = activation(x[at(i)][j])   for rows i, columns j
 *
 * Each is the same operations in the same order on every instruction set: those of base/vmath.h. Products are added by
 * fused multiply-adds where the instruction set has them, as in tile.h. NaN stays NaN.
 */
#ifndef UNFURL_GEMM_ACTIVATE_H
#define UNFURL_GEMM_ACTIVATE_H

#include <stddef.h>

#include "unfurl/conv.h"

typedef struct unfurl_activate_rows {
  unfurl_activation activation;
  float alpha, beta;
  size_t rows, cols;
  const size_t *at; /* [rows]: floats to each row, in x and in y; or NULL: they are `step` floats apart */
  size_t step;
  const float *x;
  float *y; /* may be x */
} unfurl_activate_rows;

#endif
