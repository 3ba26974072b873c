/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/binary.h"

#include <math.h>
#include <stdint.h>

#include "base/logmath.h"
#include "nn/broadcast.h"

enum { Y = 0, A = 1, B = 2 };

typedef struct binary_job {
  unfurl_binary op;
  unfurl_dtype dtype;
} binary_job;

static inline float apply_f32(unfurl_binary op, float a, float b) {
  switch (op) {
  case UNFURL_BINARY_ADD: return a + b;
  case UNFURL_BINARY_SUB: return a - b;
  case UNFURL_BINARY_MUL: return a * b;
  case UNFURL_BINARY_DIV: return a / b;
  case UNFURL_BINARY_MAX: return a > b || a != a ? a : b;
  case UNFURL_BINARY_MIN: return a < b || a != a ? a : b;
  case UNFURL_BINARY_POW: return unfurl_powf(a, b);
  case UNFURL_BINARY_FMOD: return fmodf(a, b);
  default: return a < 0 ? a * b : a;
  }
}

static inline int64_t remainder_of(int64_t a, int64_t b) {
  return b == 0 || b == -1 ? 0 : a % b;
}

static inline int64_t modulo(int64_t a, int64_t b) {
  const int64_t left = remainder_of(a, b);
  return left != 0 && (left < 0) != (b < 0) ? left + b : left;
}

/* Integers wrap around: their values may come from a file. */
static inline int64_t apply_i64(unfurl_binary op, int64_t a, int64_t b) {
  switch (op) {
  case UNFURL_BINARY_ADD: return (int64_t)((uint64_t)a + (uint64_t)b);
  case UNFURL_BINARY_SUB: return (int64_t)((uint64_t)a - (uint64_t)b);
  case UNFURL_BINARY_MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
  case UNFURL_BINARY_MAX: return a > b ? a : b;
  case UNFURL_BINARY_MIN: return a < b ? a : b;
  case UNFURL_BINARY_FMOD: return remainder_of(a, b);
  case UNFURL_BINARY_MOD: return modulo(a, b);
  default: return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
  }
}

/* `op` is a constant in each call below, and the strides that matter are cases of their own, so that all vectorise. */
static inline void lines_f32(const unfurl_lines *l, const unfurl_binary op) {
  const char *at = l->at[A], *bt = l->at[B];
  char *yt = l->at[Y];
  const ptrdiff_t as = l->stride[A], bs = l->stride[B], ys = l->stride[Y];
  for (size_t left = l->lines, n = l->count; left > 0; left--, at += l->step[A], bt += l->step[B], yt += l->step[Y]) {
    const float *a = (const float *)(const void *)at, *b = (const float *)(const void *)bt;
    float *y = (float *)(void *)yt;
    if (ys == 1 && as == 1 && bs == 1)
      for (size_t i = 0; i < n; i++) y[i] = apply_f32(op, a[i], b[i]);
    else if (ys == 1 && as == 1 && bs == 0)
      for (size_t i = 0; i < n; i++) y[i] = apply_f32(op, a[i], *b);
    else if (ys == 1 && as == 0 && bs == 1)
      for (size_t i = 0; i < n; i++) y[i] = apply_f32(op, *a, b[i]);
    else
      for (size_t i = 0; i < n; i++, a += as, b += bs, y += ys) *y = apply_f32(op, *a, *b);
  }
}

static void run_lines_f32(const unfurl_lines *lines, unfurl_binary op) {
  switch (op) {
  case UNFURL_BINARY_ADD: lines_f32(lines, UNFURL_BINARY_ADD); break;
  case UNFURL_BINARY_SUB: lines_f32(lines, UNFURL_BINARY_SUB); break;
  case UNFURL_BINARY_MUL: lines_f32(lines, UNFURL_BINARY_MUL); break;
  case UNFURL_BINARY_DIV: lines_f32(lines, UNFURL_BINARY_DIV); break;
  case UNFURL_BINARY_MAX: lines_f32(lines, UNFURL_BINARY_MAX); break;
  case UNFURL_BINARY_MIN: lines_f32(lines, UNFURL_BINARY_MIN); break;
  case UNFURL_BINARY_POW: lines_f32(lines, UNFURL_BINARY_POW); break;
  case UNFURL_BINARY_PRELU: lines_f32(lines, UNFURL_BINARY_PRELU); break;
  case UNFURL_BINARY_FMOD:
  case UNFURL_BINARY_MOD: lines_f32(lines, UNFURL_BINARY_FMOD); break;
  }
}

static void run_lines_i64(const unfurl_lines *l, unfurl_binary op) {
  for (size_t line = 0; line < l->lines; line++) {
    const int64_t *a = (const void *)(l->at[A] + (ptrdiff_t)line * l->step[A]);
    const int64_t *b = (const void *)(l->at[B] + (ptrdiff_t)line * l->step[B]);
    int64_t *y = (void *)(l->at[Y] + (ptrdiff_t)line * l->step[Y]);
    for (size_t i = 0; i < l->count; i++, a += l->stride[A], b += l->stride[B], y += l->stride[Y])
      *y = apply_i64(op, *a, *b);
  }
}

static void run_lines_i32(const unfurl_lines *l, unfurl_binary op) {
  for (size_t line = 0; line < l->lines; line++) {
    const int32_t *a = (const void *)(l->at[A] + (ptrdiff_t)line * l->step[A]);
    const int32_t *b = (const void *)(l->at[B] + (ptrdiff_t)line * l->step[B]);
    int32_t *y = (void *)(l->at[Y] + (ptrdiff_t)line * l->step[Y]);
    for (size_t i = 0; i < l->count; i++, a += l->stride[A], b += l->stride[B], y += l->stride[Y])
      *y = (int32_t)(uint32_t)(uint64_t)apply_i64(op, *a, *b);
  }
}

static void run_lines(const unfurl_lines *lines, const void *arg) {
  const binary_job *job = arg;
  if (job->dtype == UNFURL_F32)
    run_lines_f32(lines, job->op);
  else if (job->dtype == UNFURL_I64)
    run_lines_i64(lines, job->op);
  else
    run_lines_i32(lines, job->op);
}

void unfurl_binary_run(const unfurl_context *context, unfurl_binary op, const unfurl_tensor *a, const unfurl_tensor *b,
                       const unfurl_tensor *y) {
  const binary_job job = {.op = op, .dtype = y->dtype};
  unfurl_broadcast_run(context, 3, (const unfurl_tensor *const[]){y, a, b}, run_lines, &job);
}

void unfurl_binary_apply(unfurl_binary op, unfurl_dtype dtype, size_t count, const void *a, const void *b, void *y) {
  const unfurl_lines lines = {
      .at = {y, (char *)(uintptr_t)a, (char *)(uintptr_t)b}, .stride = {1, 1, 1}, .lines = 1, .count = count};
  run_lines(&lines, &(binary_job){.op = op, .dtype = dtype});
}
