/* SPDX-License-Identifier: BSD-2-Clause */
/* The best so far are a heap of indices with the worst on top, in the place where they are wanted; then it is sorted. Keys
 * give elements of any type one order, in which no two are alike: so there is one result, however it is found.
 */
#include "nn/topk.h"

#include <string.h>

#include "base/parallel.h"

enum { LEAST_TASK = 20000 /* elements read */ };

typedef struct topk_job {
  unfurl_topk what;
  const char *x;
  char *values;
  int64_t *indices;
} topk_job;

/* One line of elements and its heap, whose elements are `stride` apart. */
typedef struct topk_line {
  const void *x;
  int64_t *heap;
  size_t stride;
  bool smallest;
  unfurl_dtype dtype;
} topk_line;

/* The bits of floats are in the order of what they stand for, those of negative ones the other way round. */
static inline int64_t key_of_float(float x) {
  int32_t bits;
  const float no_negative_zero = x + 0.0f;
  memcpy(&bits, &no_negative_zero, sizeof bits);
  return x != x ? INT64_MAX : bits < 0 ? bits ^ INT32_MAX : bits;
}

/* Larger is better. */
static inline int64_t key_at(const topk_line *line, const unfurl_dtype dtype, size_t i) {
  const size_t at = i * line->stride;
  const int64_t key = dtype == UNFURL_F32   ? key_of_float(((const float *)line->x)[at])
                      : dtype == UNFURL_I64 ? ((const int64_t *)line->x)[at]
                                            : ((const int32_t *)line->x)[at];
  return line->smallest ? ~key : key;
}

static inline int64_t key_in_heap(const topk_line *line, size_t place) {
  return key_at(line, line->dtype, (size_t)line->heap[place * line->stride]);
}

static bool is_worse(const topk_line *line, size_t a, size_t b) {
  const int64_t key_a = key_in_heap(line, a), key_b = key_in_heap(line, b);
  return key_a < key_b || (key_a == key_b && line->heap[a * line->stride] > line->heap[b * line->stride]);
}

static void swap_places(const topk_line *line, size_t a, size_t b) {
  const int64_t index = line->heap[a * line->stride];
  line->heap[a * line->stride] = line->heap[b * line->stride];
  line->heap[b * line->stride] = index;
}

static void sift_down(const topk_line *line, size_t place, size_t size) {
  for (size_t child; (child = 2 * place + 1) < size; place = child) {
    if (child + 1 < size && is_worse(line, child + 1, child)) child++;
    if (!is_worse(line, child, place)) return;
    swap_places(line, child, place);
  }
}

/* The elements behind the first k. `dtype` is a constant in each call below: few of them are better than the worst so far,
 * most are only looked at. Equal to it, one is behind it, and no better. */
static inline __attribute__((always_inline)) void take_better(const topk_line *line, const unfurl_dtype dtype,
                                                              size_t length, size_t k) {
  int64_t worst = key_in_heap(line, 0);
  for (size_t i = k; i < length; i++) {
    if (key_at(line, dtype, i) <= worst) continue;
    line->heap[0] = (int64_t)i;
    sift_down(line, 0, k);
    worst = key_in_heap(line, 0);
  }
}

static void fill_line(const topk_line *line, size_t length, size_t k) {
  for (size_t i = 0; i < k; i++) line->heap[i * line->stride] = (int64_t)i;
  for (size_t i = k / 2; i-- > 0;) sift_down(line, i, k);
  switch (line->dtype) {
  case UNFURL_F32: take_better(line, UNFURL_F32, length, k); break;
  case UNFURL_I64: take_better(line, UNFURL_I64, length, k); break;
  default: take_better(line, UNFURL_I32, length, k); break;
  }
  for (size_t size = k; size-- > 1;) {
    swap_places(line, 0, size);
    sift_down(line, 0, size);
  }
}

/* Lines begin..end-1. */
static void run_lines(void *arg, size_t begin, size_t end) {
  const topk_job *job = arg;
  const unfurl_topk *what = &job->what;
  const size_t size = unfurl_dtype_size(what->dtype), inner = what->inner;
  for (size_t i = begin; i < end; i++) {
    const char *x = job->x + (i / inner * what->length * inner + i % inner) * size;
    const size_t first = i / inner * what->k * inner + i % inner;
    const topk_line line = {
        .x = x, .heap = job->indices + first, .stride = inner, .smallest = what->smallest, .dtype = what->dtype};
    fill_line(&line, what->length, what->k);
    for (size_t j = 0; j < what->k; j++)
      memcpy(job->values + (first + j * inner) * size, x + (size_t)line.heap[j * inner] * inner * size, size);
  }
}

void unfurl_topk_run(const unfurl_context *context, const unfurl_topk *what, const void *x, void *values,
                     int64_t *indices) {
  topk_job job = {.what = *what, .x = x, .values = values, .indices = indices};
  if (what->k == 0) return;
  unfurl_parallel_ranges(context, what->outer * what->inner, 1 + LEAST_TASK / what->length, run_lines, &job);
}
