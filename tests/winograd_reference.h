/* SPDX-License-Identifier: BSD-2-Clause */
/* Winograd's filtering once more, for single numbers and from the formulas in gemm/winograd.h: the fixed sequence of operations
 * whose bits all solvers of a form have to give. */
#ifndef UNFURL_TESTS_WINOGRAD_REFERENCE_H
#define UNFURL_TESTS_WINOGRAD_REFERENCE_H

#include "conv_case.h"

/* Outputs, inputs and taps of a tile along an axis, and its stride. */
typedef struct winograd_form {
  const char *algo;
  size_t m, side, taps, stride;
} winograd_form;

/* A case's result in NHWC, before bias, residual and activation. The caller frees it. */
float *winograd_reference(const conv_case *conv, const winograd_form *form);

#endif
