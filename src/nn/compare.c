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
  switch (op) {
  case UNFURL_COMPARE_EQUAL: return a == b;
  case UNFURL_COMPARE_LESS: return a < b;
  case UNFURL_COMPARE_LESS_EQUAL: return a <= b;
  case UNFURL_COMPARE_GREATER: return a > b;
  default: return a >= b;
  }
}

static inline bool holds_int(const unfurl_compare op, int64_t a, int64_t b) {
  switch (op) {
  case UNFURL_COMPARE_EQUAL: return a == b;
  case UNFURL_COMPARE_LESS: return a < b;
  case UNFURL_COMPARE_LESS_EQUAL: return a <= b;
  case UNFURL_COMPARE_GREATER: return a > b;
  case UNFURL_COMPARE_GREATER_EQUAL: return a >= b;
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

static void compare_any(const unfurl_lines *l, compare_job job) {
  const size_t as = (size_t)l->stride[A], bs = (size_t)l->stride[B], ys = (size_t)l->stride[Y];
  for (ptrdiff_t line = 0; line < (ptrdiff_t)l->lines; line++) {
    const void *a = l->at[A] + line * l->step[A], *b = l->at[B] + line * l->step[B];
    unsigned char *y = (unsigned char *)l->at[Y] + line * l->step[Y];
    for (size_t i = 0; i < l->count; i++) y[i * ys] = holds(job, a, i * as, b, i * bs);
  }
}

/* What images are compared by, floats and flags, has a call of its own below for each operator, in which `job` is a constant,
 * and loops for the strides that matter: so these vectorise. */
static inline __attribute__((always_inline)) void compare_lines(const unfurl_lines *l, const compare_job job) {
  const ptrdiff_t bs = l->stride[B];
  if (l->stride[Y] != 1 || l->stride[A] != 1 || (bs != 1 && bs != 0)) {
    compare_any(l, job);
    return;
  }
  for (ptrdiff_t line = 0, n = (ptrdiff_t)l->count; line < (ptrdiff_t)l->lines; line++) {
    const void *a = l->at[A] + line * l->step[A], *b = l->at[B] + line * l->step[B];
    unsigned char *y = (unsigned char *)l->at[Y] + line * l->step[Y];
    if (bs == 1)
      for (ptrdiff_t i = 0; i < n; i++) y[i] = holds(job, a, (size_t)i, b, (size_t)i);
    else
      for (ptrdiff_t i = 0; i < n; i++) y[i] = holds(job, a, (size_t)i, b, 0);
  }
}

static void compare_floats(const unfurl_lines *lines, unfurl_compare op) {
  switch (op) {
  case UNFURL_COMPARE_EQUAL: compare_lines(lines, (compare_job){UNFURL_COMPARE_EQUAL, UNFURL_F32}); break;
  case UNFURL_COMPARE_LESS: compare_lines(lines, (compare_job){UNFURL_COMPARE_LESS, UNFURL_F32}); break;
  case UNFURL_COMPARE_LESS_EQUAL: compare_lines(lines, (compare_job){UNFURL_COMPARE_LESS_EQUAL, UNFURL_F32}); break;
  case UNFURL_COMPARE_GREATER: compare_lines(lines, (compare_job){UNFURL_COMPARE_GREATER, UNFURL_F32}); break;
  default: compare_lines(lines, (compare_job){UNFURL_COMPARE_GREATER_EQUAL, UNFURL_F32}); break;
  }
}

static void compare_flags(const unfurl_lines *lines, unfurl_compare op) {
  switch (op) {
  case UNFURL_COMPARE_AND: compare_lines(lines, (compare_job){UNFURL_COMPARE_AND, UNFURL_BOOL}); break;
  case UNFURL_COMPARE_OR: compare_lines(lines, (compare_job){UNFURL_COMPARE_OR, UNFURL_BOOL}); break;
  case UNFURL_COMPARE_XOR: compare_lines(lines, (compare_job){UNFURL_COMPARE_XOR, UNFURL_BOOL}); break;
  default: compare_lines(lines, (compare_job){UNFURL_COMPARE_EQUAL, UNFURL_BOOL}); break;
  }
}

static void run_compare(const unfurl_lines *lines, const void *arg) {
  const compare_job *job = arg;
  switch (job->dtype) {
  case UNFURL_F32: compare_floats(lines, job->op); break;
  case UNFURL_BOOL: compare_flags(lines, job->op); break;
  default: compare_any(lines, *job); break;
  }
}

void unfurl_compare_run(const unfurl_context *context, unfurl_compare op, const unfurl_tensor *a,
                        const unfurl_tensor *b, const unfurl_tensor *y) {
  const compare_job job = {op, a->dtype};
  unfurl_broadcast_run(context, 3, (const unfurl_tensor *const[]){y, a, b}, run_compare, &job);
}

/* `size`, of an element, is a constant in each call below. */
static inline __attribute__((always_inline)) void choose_lines(const unfurl_lines *l, const size_t size) {
  const ptrdiff_t bytes = (ptrdiff_t)size, n = (ptrdiff_t)l->count, cs = l->stride[CONDITION];
  const ptrdiff_t as = l->stride[A] * bytes, bs = l->stride[B] * bytes, ys = l->stride[Y] * bytes;
  for (ptrdiff_t line = 0; line < (ptrdiff_t)l->lines; line++) {
    const char *a = l->at[A] + line * l->step[A], *b = l->at[B] + line * l->step[B];
    const unsigned char *condition = (const unsigned char *)l->at[CONDITION] + line * l->step[CONDITION];
    char *y = l->at[Y] + line * l->step[Y];
    for (ptrdiff_t i = 0; i < n; i++) memcpy(y + i * ys, condition[i * cs] ? a + i * as : b + i * bs, size);
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
