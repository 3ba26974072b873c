/* SPDX-License-Identifier: BSD-2-Clause */
/* Row-major tensors of any type, whose elements tests see as numbers. It knows no test framework. */
#ifndef UNFURL_TESTS_TYPED_H
#define UNFURL_TESTS_TYPED_H

#include "support.h"
#include "unfurl/tensor.h"

enum { TYPED_MOST = 1 << 16 };

typedef struct typed {
  unfurl_tensor tensor; /* its data is that below */
  union {
    float f32[TYPED_MOST];
    int64_t i64[TYPED_MOST];
    int32_t i32[TYPED_MOST];
    unsigned char bools[TYPED_MOST];
  } data;
} typed;

void typed_make(typed *t, unfurl_dtype dtype, size_t rank, const int64_t *dims);

/* `to` becomes a copy with elements of its own. */
void typed_copy(typed *to, const typed *from);

/* Integers in -9..9, or flags. */
void typed_fill(typed *t, rng *r);

size_t typed_count(const unfurl_tensor *t);
double typed_get(const unfurl_tensor *t, size_t i);
void typed_put(typed *t, size_t i, double value);

/* The numbers of element `i` along each dimension, and back. */
void typed_unravel(const unfurl_tensor *t, size_t i, size_t at[UNFURL_MAX_RANK]);
size_t typed_ravel(const unfurl_tensor *t, const size_t *at);

/* Shapes of two tensors that are broadcast; the first has that of the result. And where the second one has what belongs to
 * element `at` of the first. */
typedef struct broadcast_shapes {
  size_t rank[2];
  int64_t dims[2][4];
} broadcast_shapes;

size_t broadcast_partner(const broadcast_shapes *shapes, size_t at);

#endif
