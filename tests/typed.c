/* SPDX-License-Identifier: BSD-2-Clause */
#include "typed.h"

void typed_make(typed *t, unfurl_dtype dtype, size_t rank, const int64_t *dims) {
  unfurl_tensor_init(&t->tensor, dtype, rank, dims, &t->data);
}

void typed_copy(typed *to, const typed *from) {
  *to = *from;
  to->tensor.data = &to->data;
}

void typed_fill(typed *t, rng *r) {
  const bool is_flag = t->tensor.dtype == UNFURL_BOOL;
  for (size_t i = 0; i < typed_count(&t->tensor); i++)
    typed_put(t, i, is_flag ? (double)rng_below(r, 2) : (double)rng_below(r, 19) - 9);
}

size_t typed_count(const unfurl_tensor *t) {
  size_t count = 1;
  for (size_t i = 0; i < t->rank; i++) count *= (size_t)t->dims[i];
  return count;
}

double typed_get(const unfurl_tensor *t, size_t i) {
  switch (t->dtype) {
  case UNFURL_F32: return (double)((const float *)t->data)[i];
  case UNFURL_I64: return (double)((const int64_t *)t->data)[i];
  case UNFURL_I32: return ((const int32_t *)t->data)[i];
  default: return ((const unsigned char *)t->data)[i];
  }
}

void typed_put(typed *t, size_t i, double value) {
  switch (t->tensor.dtype) {
  case UNFURL_F32: t->data.f32[i] = (float)value; break;
  case UNFURL_I64: t->data.i64[i] = (int64_t)value; break;
  case UNFURL_I32: t->data.i32[i] = (int32_t)value; break;
  case UNFURL_BOOL: t->data.bools[i] = value != 0; break;
  }
}

void typed_unravel(const unfurl_tensor *t, size_t i, size_t at[UNFURL_MAX_RANK]) {
  for (size_t d = t->rank; d-- > 0; i /= (size_t)t->dims[d]) at[d] = i % (size_t)t->dims[d];
}

size_t typed_ravel(const unfurl_tensor *t, const size_t *at) {
  size_t i = 0;
  for (size_t d = 0; d < t->rank; d++) i = i * (size_t)t->dims[d] + at[d];
  return i;
}

size_t broadcast_partner(const broadcast_shapes *s, size_t at) {
  size_t index = 0, stride = 1;
  for (size_t back = 1; back <= s->rank[0]; back++) {
    const size_t size = (size_t)s->dims[0][s->rank[0] - back], own = at % size;
    at /= size;
    if (back > s->rank[1] || s->dims[1][s->rank[1] - back] == 1) continue;
    index += own * stride;
    stride *= size;
  }
  return index;
}
