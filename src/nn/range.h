/* SPDX-License-Identifier: BSD-2-Clause */
/* Tensors that are made from few numbers. */
#ifndef UNFURL_NN_RANGE_H
#define UNFURL_NN_RANGE_H

#include <stddef.h>
#include <stdint.h>

#include "unfurl/tensor.h"

/* How many numbers there are from *start on, *delta apart, before *limit is reached; of type f32, i64 or i32. -1 where they
 * are without end, or more than an int64_t holds. */
int64_t unfurl_range_count(unfurl_dtype dtype, const void *start, const void *limit, const void *delta);

/* y[i] = start + i * delta; floats: rounded twice. */
void unfurl_range_run(const void *start, const void *delta, const unfurl_tensor *y);

/* y, seen as [outer][depth][inner], is values[1] where the index of [outer][inner] says, and values[0] elsewhere; `values` are
 * two elements of its type. Indices are f32, i64 or i32; of one that is out of range, all is values[0]. */
void unfurl_one_hot(const unfurl_tensor *indices, size_t inner, const void *values, const unfurl_tensor *y);

#endif
