/* SPDX-License-Identifier: BSD-2-Clause */
/* Indices as tensors hold them: numbers that come from outside, and are believed only after a look. */
#ifndef UNFURL_NN_INDICES_H
#define UNFURL_NN_INDICES_H

#include <stddef.h>
#include <stdint.h>

#include "unfurl/tensor.h"

/* Element `i` of f32 (towards zero; what an int64_t can't hold is INT64_MIN), i64 or i32. */
static inline int64_t unfurl_index_at(const unfurl_tensor *indices, size_t i) {
  if (indices->dtype == UNFURL_I64) return ((const int64_t *)indices->data)[i];
  if (indices->dtype == UNFURL_I32) return ((const int32_t *)indices->data)[i];
  const float x = ((const float *)indices->data)[i];
  return x > -0x1p63f && x < 0x1p63f ? (int64_t)x : INT64_MIN;
}

/* An index of `size` elements, from the end where it is negative, counted from the front; SIZE_MAX beyond the ends. */
static inline size_t unfurl_index_resolve(int64_t given, size_t size) {
  const int64_t at = given < 0 ? given + (int64_t)size : given;
  return at >= 0 && at < (int64_t)size ? (size_t)at : SIZE_MAX;
}

#endif
