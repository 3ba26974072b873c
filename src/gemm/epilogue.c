/* SPDX-License-Identifier: BSD-2-Clause */
#include "gemm/epilogue.h"

#include "gemm/tile.h"

void unfurl_activate(const unfurl_kernels *kernels, unfurl_activation activation, float alpha, float beta, size_t count,
                     const float *x, float *y) {
  const unfurl_activate_rows row = {
      .activation = activation, .alpha = alpha, .beta = beta, .rows = 1, .cols = count, .x = x, .y = y};
  kernels->activate(&row);
}

void unfurl_epilogue_apply(const unfurl_kernels *kernels, const unfurl_epilogue *e, size_t rows, size_t cols,
                           size_t ldc, float *c) {
  for (size_t i = 0; i < rows; i++, c += ldc) {
    if (e->bias && e->bias_a_row)
      for (size_t j = 0; j < cols; j++) c[j] += e->bias[i];
    else if (e->bias)
      for (size_t j = 0; j < cols; j++) c[j] += e->bias[j];
    if (e->residual)
      for (size_t j = 0; j < cols; j++) c[j] += e->residual[i * ldc + j];
    if (e->activation) unfurl_activate(kernels, e->activation, e->alpha, e->beta, cols, c, c);
  }
}
