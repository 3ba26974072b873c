/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/range.h"

#include <math.h>
#include <string.h>

#include "nn/indices.h"
#include "shape/tensor.h"

static int64_t count_floats(double start, double limit, double delta) {
  const double count = ceil((limit - start) / delta);
  if (!(count < 0x1p62) || delta == 0) return -1;
  return count > 0 ? (int64_t)count : 0;
}

/* Distances are unsigned: they may be longer than an int64_t holds. */
static int64_t count_integers(int64_t start, int64_t limit, int64_t delta) {
  if (delta == 0) return -1;
  if (delta > 0 ? start >= limit : start <= limit) return 0;
  const uint64_t a = (uint64_t)start, b = (uint64_t)limit, d = (uint64_t)delta;
  const uint64_t count = delta > 0 ? (b - a - 1) / d + 1 : (a - b - 1) / (0 - d) + 1;
  return count <= INT64_MAX ? (int64_t)count : -1;
}

int64_t unfurl_range_count(unfurl_dtype dtype, const void *start, const void *limit, const void *delta) {
  switch (dtype) {
  case UNFURL_I64: return count_integers(*(const int64_t *)start, *(const int64_t *)limit, *(const int64_t *)delta);
  case UNFURL_I32: return count_integers(*(const int32_t *)start, *(const int32_t *)limit, *(const int32_t *)delta);
  default:
    return count_floats((double)*(const float *)start, (double)*(const float *)limit, (double)*(const float *)delta);
  }
}

void unfurl_range_run(const void *start, const void *delta, const unfurl_tensor *y) {
  const size_t count = (size_t)y->dims[0];
  switch (y->dtype) {
  case UNFURL_I64: {
    const uint64_t from = *(const uint64_t *)start, step = *(const uint64_t *)delta;
    for (size_t i = 0; i < count; i++) ((uint64_t *)y->data)[i] = from + i * step;
    break;
  }
  case UNFURL_I32: {
    const uint32_t from = *(const uint32_t *)start, step = *(const uint32_t *)delta;
    for (size_t i = 0; i < count; i++) ((uint32_t *)y->data)[i] = from + (uint32_t)i * step;
    break;
  }
  default: {
    const float from = *(const float *)start, step = *(const float *)delta;
    for (size_t i = 0; i < count; i++) ((float *)y->data)[i] = from + (float)i * step;
  }
  }
}

void unfurl_one_hot(const unfurl_tensor *indices, size_t inner, const void *values, const unfurl_tensor *y) {
  const size_t size = unfurl_dtype_size(y->dtype), count = unfurl_tensor_count(indices), all = unfurl_tensor_count(y);
  char *to = y->data;
  for (size_t i = 0; i < all; i++) memcpy(to + i * size, values, size);
  for (size_t i = 0; i < count; i++) {
    const size_t depth = all / count, at = unfurl_index_resolve(unfurl_index_at(indices, i), depth);
    if (at == SIZE_MAX) continue;
    memcpy(to + ((i / inner * depth + at) * inner + i % inner) * size, (const char *)values + size, size);
  }
}
