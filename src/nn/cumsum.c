/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/cumsum.h"

#include <string.h>

#include "base/parallel.h"
#include "shape/tensor.h"

enum { LEAST_TASK = 20000 /* elements */ };

typedef struct cumsum_job {
  unfurl_cumsum what;
  const char *x;
  char *y;
} cumsum_job;

/* y = a + b; `dtype` is a constant in each call below. */
static inline void add_row(const unfurl_dtype dtype, size_t count, const void *a, const void *b, void *y) {
  switch (dtype) {
  case UNFURL_F32:
    for (size_t i = 0; i < count; i++) ((float *)y)[i] = ((const float *)a)[i] + ((const float *)b)[i];
    break;
  case UNFURL_I64:
    for (size_t i = 0; i < count; i++) ((uint64_t *)y)[i] = ((const uint64_t *)a)[i] + ((const uint64_t *)b)[i];
    break;
  default:
    for (size_t i = 0; i < count; i++) ((uint32_t *)y)[i] = ((const uint32_t *)a)[i] + ((const uint32_t *)b)[i];
  }
}

/* One matrix of [length][inner], row by row. */
static inline __attribute__((always_inline)) void sum_rows(const unfurl_cumsum *what, const unfurl_dtype dtype,
                                                           const char *x, char *y) {
  const size_t row = what->inner * unfurl_dtype_size(dtype);
  const ptrdiff_t step = what->reverse ? -(ptrdiff_t)row : (ptrdiff_t)row;
  const size_t first = what->reverse ? (what->length - 1) * row : 0;
  x += first, y += first;
  if (what->exclusive)
    memset(y, 0, row);
  else
    memcpy(y, x, row);
  for (size_t i = 1; i < what->length; i++, x += step, y += step)
    add_row(dtype, what->inner, y, what->exclusive ? x : x + step, y + step);
}

static void run_range(void *arg, size_t begin, size_t end) {
  const cumsum_job *job = arg;
  const unfurl_cumsum *what = &job->what;
  const size_t matrix = what->length * what->inner * unfurl_dtype_size(what->dtype);
  for (size_t i = begin; i < end; i++) {
    const char *x = job->x + i * matrix;
    char *y = job->y + i * matrix;
    switch (what->dtype) {
    case UNFURL_F32: sum_rows(what, UNFURL_F32, x, y); break;
    case UNFURL_I64: sum_rows(what, UNFURL_I64, x, y); break;
    default: sum_rows(what, UNFURL_I32, x, y); break;
    }
  }
}

void unfurl_cumsum_run(const unfurl_context *context, const unfurl_cumsum *what, const void *x, void *y) {
  cumsum_job job = {.what = *what, .x = x, .y = y};
  const size_t matrix = what->length * what->inner;
  if (matrix > 0) unfurl_parallel_ranges(context, what->outer, 1 + LEAST_TASK / matrix, run_range, &job);
}

/* The columns that are kept of row `row`, from *begin to *end - 1. */
static void kept_columns(int64_t row, int64_t cols, bool upper, int64_t k, size_t range[2]) {
  int64_t edge = row + k + (upper ? 0 : 1);
  edge = edge < 0 ? 0 : edge > cols ? cols : edge;
  range[0] = upper ? (size_t)edge : 0;
  range[1] = upper ? (size_t)cols : (size_t)edge;
}

void unfurl_triangle(const unfurl_tensor *x, bool upper, int64_t k, const unfurl_tensor *y) {
  const int64_t rows = x->dims[x->rank - 2], cols = x->dims[x->rank - 1];
  const size_t size = unfurl_dtype_size(x->dtype), line = (size_t)cols * size, count = unfurl_tensor_count(x);
  const int64_t diagonal = k < -rows ? -rows : k > cols ? cols : k;
  size_t range[2];
  if (count == 0) return;
  memset(y->data, 0, count * size);
  for (size_t i = 0; i < count / (size_t)cols; i++) {
    kept_columns((int64_t)(i % (size_t)rows), cols, upper, diagonal, range);
    if (range[1] <= range[0]) continue;
    const size_t from = i * line + range[0] * size;
    memcpy((char *)y->data + from, (const char *)x->data + from, (range[1] - range[0]) * size);
  }
}
