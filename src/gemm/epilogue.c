/* SPDX-License-Identifier: BSD-2-Clause */
#include "gemm/epilogue.h"

#include "base/vmath.h"

/* Comparisons are written so that NaN takes the branch that keeps it. */
void unfurl_activate(unfurl_activation activation, float alpha, float beta, size_t count, const float *x, float *y) {
  switch (activation) {
  case UNFURL_ACTIVATION_NONE:
    if (x != y)
      for (size_t i = 0; i < count; i++) y[i] = x[i];
    break;
  case UNFURL_ACTIVATION_RELU:
    for (size_t i = 0; i < count; i++) y[i] = x[i] < 0 ? 0 : x[i];
    break;
  case UNFURL_ACTIVATION_CLIP:
    for (size_t i = 0; i < count; i++) {
      const float raised = x[i] < alpha ? alpha : x[i];
      y[i] = raised > beta ? beta : raised;
    }
    break;
  case UNFURL_ACTIVATION_LEAKY_RELU:
    for (size_t i = 0; i < count; i++) y[i] = x[i] < 0 ? alpha * x[i] : x[i];
    break;
  case UNFURL_ACTIVATION_SIGMOID:
    for (size_t i = 0; i < count; i++) y[i] = unfurl_sigmoidf(x[i]);
    break;
  case UNFURL_ACTIVATION_TANH:
    for (size_t i = 0; i < count; i++) y[i] = unfurl_tanhf(x[i]);
    break;
  case UNFURL_ACTIVATION_SILU:
    for (size_t i = 0; i < count; i++) y[i] = x[i] * unfurl_sigmoidf(x[i]);
    break;
  case UNFURL_ACTIVATION_HARD_SWISH:
    for (size_t i = 0; i < count; i++) {
      const float ramp = x[i] + 3.0f, raised = ramp < 0 ? 0 : ramp;
      y[i] = x[i] * ((raised > 6 ? 6 : raised) / 6.0f);
    }
    break;
  }
}

void unfurl_epilogue_apply(const unfurl_epilogue *e, size_t rows, size_t cols, size_t ldc, float *c) {
  for (size_t i = 0; i < rows; i++, c += ldc) {
    if (e->bias && e->bias_a_row)
      for (size_t j = 0; j < cols; j++) c[j] += e->bias[i];
    else if (e->bias)
      for (size_t j = 0; j < cols; j++) c[j] += e->bias[j];
    if (e->residual)
      for (size_t j = 0; j < cols; j++) c[j] += e->residual[i * ldc + j];
    if (e->activation) unfurl_activate(e->activation, e->alpha, e->beta, cols, c, c);
  }
}
