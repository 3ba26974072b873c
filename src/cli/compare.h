/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a tensor what it should be? */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/tensor.h"

typedef struct compare_tolerance {
  double rtol, atol; /* f32: |got - expected| <= atol + rtol * |expected|; other types: equal */
} compare_tolerance;

/* Dtype, shape and elements, both in NCHW layout. NaN equals NaN. If they differ: false, and `why` says how. */
bool compare_tensors(const unfurl_tensor *got, const unfurl_tensor *expected, const compare_tolerance *tolerance,
                     char *why, size_t why_size);

#endif
