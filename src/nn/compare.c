/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/compare.h"

#include <stdint.h>
#include <string.h>

#include "nn/broadcast.h"

enum { Y = 0, A = 1, B = 2, CONDITION = 3 };

typedef struct compare_job {
  unfurl_compare op;
  unfurl_dtype dtype;
} compare_job;

static inline bool holds_f32(const unfurl_compare op, float a, float b) {
  return op == UNFURL_COMPARE_EQUAL ? a == b : op == UNFURL_COMPARE_LESS ? a < b : a <= b;
}

static inline bool holds_int(const unfurl_compare op, int64_t a, int64_t b) {
  switch (op) {
  case UNFURL_COMPARE_EQUAL: return a == b;
  case UNFURL_COMPARE_LESS: return a < b;
  case UNFURL_COMPARE_LESS_EQUAL: return a <= b;
  case UNFURL_COMPARE_AND: return (a != 0) & (b != 0);
  case UNFURL_COMPARE_OR: return (a != 0) | (b != 0);
  default: return (a != 0) != (b != 0);
  }
}

/* Of the elements number `i` of a and `j` of b. */
static inline bool holds(const compare_job job, const void *a, size_t i, const void *b, size_t j) {
  switch (job.dtype) {
  case UNFURL_F32: return holds_f32(job.op, ((const float *)a)[i], ((const float *)b)[j]);
  case UNFURL_I64: return holds_int(job.op, ((const int64_t *)a)[i], ((const int64_t *)b)[j]);
  case UNFURL_I32: return holds_int(job.op, ((const int32_t *)a)[i], ((const int32_t *)b)[j]);
  default: return holds_int(job.op, ((const unsigned char *)a)[i], ((const unsigned char *)b)[j]);
  }
}

/* `job` is a constant in each call below, and the strides that matter are cases of their own, so that all vectorise. */
static inline __attribute__((always_inline)) void compare_lines(const unfurl_lines *l, const compare_job job) {
  for (ptrdiff_t line = 0; line < (ptrdiff_t)l->lines; line++) {
    const void *a = l->at[A] + line * l->step[A], *b = l->at[B] + line * l->step[B];
    unsigned char *y = (unsigned char *)l->at[Y] + line * l->step[Y];
    const size_t as = (size_t)l->stride[A], bs = (size_t)l->stride[B], ys = (size_t)l->stride[Y];
    if (ys == 1 && as == 1 && bs == 1)
      for (size_t i = 0; i < l->count; i++) y[i] = holds(job, a, i, b, i);
    else if (ys == 1 && as == 1 && bs == 0)
      for (size_t i = 0; i < l->count; i++) y[i] = holds(job, a, i, b, 0);
    else
      for (size_t i = 0; i < l->count; i++) y[i * ys] = holds(job, a, i * as, b, i * bs);
  }
}

static inline __attribute__((always_inline)) void compare_numbers(const unfurl_lines *lines, const unfurl_compare op,
                                                                  unfurl_dtype dtype) {
  switch (dtype) {
  case UNFURL_F32: compare_lines(lines, (compare_job){op, UNFURL_F32}); break;
  case UNFURL_I64: compare_lines(lines, (compare_job){op, UNFURL_I64}); break;
  case UNFURL_I32: compare_lines(lines, (compare_job){op, UNFURL_I32}); break;
  case UNFURL_BOOL: compare_lines(lines, (compare_job){op, UNFURL_BOOL}); break;
  }
}

static void run_compare(const unfurl_lines *lines, const void *arg) {
  const compare_job *job = arg;
  switch (job->op) {
  case UNFURL_COMPARE_EQUAL: compare_numbers(lines, UNFURL_COMPARE_EQUAL, job->dtype); break;
  case UNFURL_COMPARE_LESS: compare_numbers(lines, UNFURL_COMPARE_LESS, job->dtype); break;
  case UNFURL_COMPARE_LESS_EQUAL: compare_numbers(lines, UNFURL_COMPARE_LESS_EQUAL, job->dtype); break;
  case UNFURL_COMPARE_AND: compare_lines(lines, (compare_job){UNFURL_COMPARE_AND, UNFURL_BOOL}); break;
  case UNFURL_COMPARE_OR: compare_lines(lines, (compare_job){UNFURL_COMPARE_OR, UNFURL_BOOL}); break;
  case UNFURL_COMPARE_XOR: compare_lines(lines, (compare_job){UNFURL_COMPARE_XOR, UNFURL_BOOL}); break;
  }
}

void unfurl_compare_run(const unfurl_context *context, unfurl_compare op, const unfurl_tensor *a,
                        const unfurl_tensor *b, const unfurl_tensor *y) {
  const compare_job job = {op, a->dtype};
  unfurl_broadcast_run(context, 3, (const unfurl_tensor *const[]){y, a, b}, run_compare, &job);
}

/* `size`, of an element, is a constant in each call below. */
static inline __attribute__((always_inline)) void choose_lines(const unfurl_lines *l, const size_t size) {
  const ptrdiff_t bytes = (ptrdiff_t)size;
  for (ptrdiff_t line = 0; line < (ptrdiff_t)l->lines; line++) {
    const char *a = l->at[A] + line * l->step[A], *b = l->at[B] + line * l->step[B];
    const unsigned char *condition = (const unsigned char *)l->at[CONDITION] + line * l->step[CONDITION];
    char *y = l->at[Y] + line * l->step[Y];
    for (ptrdiff_t i = 0; i < (ptrdiff_t)l->count; i++) {
      const bool is_a = condition[i * l->stride[CONDITION]] != 0;
      memcpy(y + i * l->stride[Y] * bytes, is_a ? a + i * l->stride[A] * bytes : b + i * l->stride[B] * bytes, size);
    }
  }
}

static void run_where(const unfurl_lines *lines, const void *arg) {
  switch (*(const size_t *)arg) {
  case 1: choose_lines(lines, 1); break;
  case 4: choose_lines(lines, 4); break;
  case 8: choose_lines(lines, 8); break;
  }
}

void unfurl_where(const unfurl_context *context, const unfurl_tensor *condition, const unfurl_tensor *a,
                  const unfurl_tensor *b, const unfurl_tensor *y) {
  const size_t size = unfurl_dtype_size(y->dtype);
  unfurl_broadcast_run(context, 4, (const unfurl_tensor *const[]){y, a, b, condition}, run_where, &size);
}
