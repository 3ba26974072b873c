/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/broadcast.h"

#include "base/logmath.h"
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

/* Where one inner loop reads and writes, and its strides. */
typedef struct binary_line {
  const void *a, *b;
  void *y;
  ptrdiff_t a_stride, b_stride, y_stride;
  size_t count;
} binary_line;

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
static inline void line_f32(const binary_line *l, const unfurl_binary op) {
  const float *a = l->a, *b = l->b;
  float *y = l->y;
  const size_t n = l->count;
  if (l->y_stride == 1 && l->a_stride == 1 && l->b_stride == 1)
    for (size_t i = 0; i < n; i++) y[i] = apply_f32(op, a[i], b[i]);
  else if (l->y_stride == 1 && l->a_stride == 1 && l->b_stride == 0)
    for (size_t i = 0; i < n; i++) y[i] = apply_f32(op, a[i], *b);
  else if (l->y_stride == 1 && l->a_stride == 0 && l->b_stride == 1)
    for (size_t i = 0; i < n; i++) y[i] = apply_f32(op, *a, b[i]);
  else
    for (size_t i = 0; i < n; i++, a += l->a_stride, b += l->b_stride, y += l->y_stride) *y = apply_f32(op, *a, *b);
}

static void run_line_f32(const binary_line *line, unfurl_binary op) {
  switch (op) {
  case UNFURL_BINARY_ADD: line_f32(line, UNFURL_BINARY_ADD); break;
  case UNFURL_BINARY_SUB: line_f32(line, UNFURL_BINARY_SUB); break;
  case UNFURL_BINARY_MUL: line_f32(line, UNFURL_BINARY_MUL); break;
  case UNFURL_BINARY_DIV: line_f32(line, UNFURL_BINARY_DIV); break;
  case UNFURL_BINARY_MAX: line_f32(line, UNFURL_BINARY_MAX); break;
  case UNFURL_BINARY_MIN: line_f32(line, UNFURL_BINARY_MIN); break;
  case UNFURL_BINARY_POW: line_f32(line, UNFURL_BINARY_POW); break;
  case UNFURL_BINARY_PRELU: line_f32(line, UNFURL_BINARY_PRELU); break;
  }
}

static void run_line_i64(const binary_line *l, unfurl_binary op) {
  const int64_t *a = l->a, *b = l->b;
  int64_t *y = l->y;
  for (size_t i = 0; i < l->count; i++, a += l->a_stride, b += l->b_stride, y += l->y_stride)
    *y = apply_i64(op, *a, *b);
}

static void run_line_i32(const binary_line *l, unfurl_binary op) {
  const int32_t *a = l->a, *b = l->b;
  int32_t *y = l->y;
  for (size_t i = 0; i < l->count; i++, a += l->a_stride, b += l->b_stride, y += l->y_stride)
    *y = (int32_t)(uint32_t)(uint64_t)apply_i64(op, *a, *b);
}

static void run_lines(void *arg, size_t begin, size_t end) {
  const binary_job *job = arg;
  const unfurl_walk *w = &job->walk;
  const size_t outer = w->rank - 1;
  const ptrdiff_t e = (ptrdiff_t)unfurl_dtype_size(job->dtype);
  for (size_t i = begin; i < end; i++) {
    const binary_line line = {.a = job->a + unfurl_walk_offset(w, A, outer, i) * e,
                              .b = job->b + unfurl_walk_offset(w, B, outer, i) * e,
                              .y = job->y + unfurl_walk_offset(w, Y, outer, i) * e,
                              .a_stride = w->strides[A][outer],
                              .b_stride = w->strides[B][outer],
                              .y_stride = w->strides[Y][outer],
                              .count = w->dims[outer]};
    if (job->dtype == UNFURL_F32)
      run_line_f32(&line, job->op);
    else if (job->dtype == UNFURL_I64)
      run_line_i64(&line, job->op);
    else
      run_line_i32(&line, job->op);
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
  unfurl_parallel_ranges(context, unfurl_walk_count(w) / line, 1 + LEAST_TASK / line, run_lines, &job);
}
