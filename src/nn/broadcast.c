/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/broadcast.h"

#include "base/logmath.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "nn/walk.h"
#include "shape/tensor.h"

enum { LEAST_TASK = 20000 /* elements */, Y = 0, A = 1, B = 2 };

static int64_t dim_from_end(const unfurl_tensor *tensor, size_t from_end) {
  return from_end < tensor->rank ? tensor->dims[tensor->rank - 1 - from_end] : 1;
}

bool unfurl_broadcast_dims(const unfurl_tensor *a, const unfurl_tensor *b, unfurl_tensor *y) {
  int64_t dims[UNFURL_MAX_RANK];
  const size_t rank = a->rank > b->rank ? a->rank : b->rank;
  for (size_t i = 0; i < rank; i++) {
    const int64_t da = dim_from_end(a, i), db = dim_from_end(b, i);
    if (da != db && da != 1 && db != 1) return false;
    dims[rank - 1 - i] = da == 1 ? db : da;
  }
  unfurl_tensor_init(y, a->dtype, rank, dims, NULL);
  return true;
}

void unfurl_broadcast_strides(const unfurl_tensor *x, const unfurl_tensor *y, ptrdiff_t strides[UNFURL_MAX_RANK]) {
  ptrdiff_t own[UNFURL_MAX_RANK];
  unfurl_tensor_strides(x, own);
  const size_t missing = y->rank - x->rank;
  for (size_t i = 0; i < y->rank; i++) strides[i] = i < missing || x->dims[i - missing] == 1 ? 0 : own[i - missing];
}

typedef struct binary_job {
  unfurl_walk walk;
  unfurl_binary op;
  unfurl_dtype dtype;
  const char *a, *b;
  char *y;
} binary_job;

/* Where inner loops read and write: lines, one after the other, and the strides along a line. */
typedef struct binary_lines {
  const char *a, *b;
  char *y;
  ptrdiff_t a_step, b_step, y_step; /* bytes, from line to line */
  ptrdiff_t a_stride, b_stride, y_stride;
  size_t lines, count;
} binary_lines;

static inline float apply_f32(unfurl_binary op, float a, float b) {
  switch (op) {
  case UNFURL_BINARY_ADD: return a + b;
  case UNFURL_BINARY_SUB: return a - b;
  case UNFURL_BINARY_MUL: return a * b;
  case UNFURL_BINARY_DIV: return a / b;
  case UNFURL_BINARY_MAX: return a > b || a != a ? a : b;
  case UNFURL_BINARY_MIN: return a < b || a != a ? a : b;
  case UNFURL_BINARY_POW: return unfurl_powf(a, b);
  default: return a < 0 ? a * b : a;
  }
}

/* Integers wrap around: their values may come from a file. */
static inline int64_t apply_i64(unfurl_binary op, int64_t a, int64_t b) {
  switch (op) {
  case UNFURL_BINARY_ADD: return (int64_t)((uint64_t)a + (uint64_t)b);
  case UNFURL_BINARY_SUB: return (int64_t)((uint64_t)a - (uint64_t)b);
  case UNFURL_BINARY_MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
  case UNFURL_BINARY_MAX: return a > b ? a : b;
  case UNFURL_BINARY_MIN: return a < b ? a : b;
  default: return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
  }
}

/* `op` is a constant in each call below, and the strides that matter are cases of their own, so that all vectorise. */
static inline void lines_f32(const binary_lines *l, const unfurl_binary op) {
  const char *at = l->a, *bt = l->b;
  char *yt = l->y;
  for (size_t left = l->lines, n = l->count; left > 0; left--, at += l->a_step, bt += l->b_step, yt += l->y_step) {
    const float *a = (const float *)(const void *)at, *b = (const float *)(const void *)bt;
    float *y = (float *)(void *)yt;
    if (l->y_stride == 1 && l->a_stride == 1 && l->b_stride == 1)
      for (size_t i = 0; i < n; i++) y[i] = apply_f32(op, a[i], b[i]);
    else if (l->y_stride == 1 && l->a_stride == 1 && l->b_stride == 0)
      for (size_t i = 0; i < n; i++) y[i] = apply_f32(op, a[i], *b);
    else if (l->y_stride == 1 && l->a_stride == 0 && l->b_stride == 1)
      for (size_t i = 0; i < n; i++) y[i] = apply_f32(op, *a, b[i]);
    else
      for (size_t i = 0; i < n; i++, a += l->a_stride, b += l->b_stride, y += l->y_stride) *y = apply_f32(op, *a, *b);
  }
}

static void run_lines_f32(const binary_lines *lines, unfurl_binary op) {
  switch (op) {
  case UNFURL_BINARY_ADD: lines_f32(lines, UNFURL_BINARY_ADD); break;
  case UNFURL_BINARY_SUB: lines_f32(lines, UNFURL_BINARY_SUB); break;
  case UNFURL_BINARY_MUL: lines_f32(lines, UNFURL_BINARY_MUL); break;
  case UNFURL_BINARY_DIV: lines_f32(lines, UNFURL_BINARY_DIV); break;
  case UNFURL_BINARY_MAX: lines_f32(lines, UNFURL_BINARY_MAX); break;
  case UNFURL_BINARY_MIN: lines_f32(lines, UNFURL_BINARY_MIN); break;
  case UNFURL_BINARY_POW: lines_f32(lines, UNFURL_BINARY_POW); break;
  case UNFURL_BINARY_PRELU: lines_f32(lines, UNFURL_BINARY_PRELU); break;
  }
}

static void run_lines_i64(const binary_lines *l, unfurl_binary op) {
  for (size_t line = 0; line < l->lines; line++) {
    const int64_t *a = (const void *)(l->a + (ptrdiff_t)line * l->a_step);
    const int64_t *b = (const void *)(l->b + (ptrdiff_t)line * l->b_step);
    int64_t *y = (void *)(l->y + (ptrdiff_t)line * l->y_step);
    for (size_t i = 0; i < l->count; i++, a += l->a_stride, b += l->b_stride, y += l->y_stride)
      *y = apply_i64(op, *a, *b);
  }
}

static void run_lines_i32(const binary_lines *l, unfurl_binary op) {
  for (size_t line = 0; line < l->lines; line++) {
    const int32_t *a = (const void *)(l->a + (ptrdiff_t)line * l->a_step);
    const int32_t *b = (const void *)(l->b + (ptrdiff_t)line * l->b_step);
    int32_t *y = (void *)(l->y + (ptrdiff_t)line * l->y_step);
    for (size_t i = 0; i < l->count; i++, a += l->a_stride, b += l->b_stride, y += l->y_stride)
      *y = (int32_t)(uint32_t)(uint64_t)apply_i64(op, *a, *b);
  }
}

/* Lines begin..end-1, as many at a time as are the same step apart. */
static void run_range(void *arg, size_t begin, size_t end) {
  const binary_job *job = arg;
  const unfurl_walk *w = &job->walk;
  const size_t last = w->rank - 1, together = w->dims[last - 1];
  const ptrdiff_t e = (ptrdiff_t)unfurl_dtype_size(job->dtype);
  for (size_t i = begin, count; i < end; i += count) {
    count = unfurl_smaller(together - i % together, end - i);
    const binary_lines lines = {.a = job->a + unfurl_walk_offset(w, A, last, i) * e,
                                .b = job->b + unfurl_walk_offset(w, B, last, i) * e,
                                .y = job->y + unfurl_walk_offset(w, Y, last, i) * e,
                                .a_step = w->strides[A][last - 1] * e,
                                .b_step = w->strides[B][last - 1] * e,
                                .y_step = w->strides[Y][last - 1] * e,
                                .a_stride = w->strides[A][last],
                                .b_stride = w->strides[B][last],
                                .y_stride = w->strides[Y][last],
                                .lines = count,
                                .count = w->dims[last]};
    if (job->dtype == UNFURL_F32)
      run_lines_f32(&lines, job->op);
    else if (job->dtype == UNFURL_I64)
      run_lines_i64(&lines, job->op);
    else
      run_lines_i32(&lines, job->op);
  }
}

/* One long line is cut in two dimensions, so that it can be shared out. */
static void cut_line(unfurl_walk *w) {
  const size_t last = w->rank - 1, length = w->dims[last];
  if (unfurl_walk_count(w) != length || length < 2 * LEAST_TASK || w->rank != 2) return;
  for (size_t parts = 64; parts > 1; parts--)
    if (length % parts == 0) {
      w->dims[last - 1] = parts, w->dims[last] = length / parts;
      for (size_t o = 0; o < w->operands; o++) w->strides[o][last - 1] = (ptrdiff_t)w->dims[last] * w->strides[o][last];
      return;
    }
}

void unfurl_binary_run(const unfurl_context *context, unfurl_binary op, const unfurl_tensor *a, const unfurl_tensor *b,
                       const unfurl_tensor *y) {
  binary_job job = {
      .walk = {.rank = y->rank, .operands = 3}, .op = op, .dtype = y->dtype, .a = a->data, .b = b->data, .y = y->data};
  unfurl_walk *w = &job.walk;
  for (size_t i = 0; i < y->rank; i++) w->dims[i] = (size_t)y->dims[i];
  unfurl_tensor_strides(y, w->strides[Y]);
  unfurl_broadcast_strides(a, y, w->strides[A]);
  unfurl_broadcast_strides(b, y, w->strides[B]);
  if (unfurl_walk_count(w) == 0) return;
  unfurl_walk_simplify(w, 2);
  cut_line(w);
  const size_t line = w->dims[w->rank - 1];
  unfurl_parallel_ranges(context, unfurl_walk_count(w) / line, 1 + LEAST_TASK / line, run_range, &job);
}
