/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/unary.h"

#include <math.h>
#include <stdint.h>

#include "base/logmath.h"
#include "base/parallel.h"
#include "base/trigmath.h"
#include "base/vmath.h"

enum { LEAST_TASK = 10000 /* elements */ };

typedef struct unary_job {
  unfurl_unary op;
  unfurl_dtype dtype;
  float parameters[2];
  const void *x;
  void *y;
} unary_job;

/* e^x - 1 = tanh(x / 2) * (e^x + 1), which cancels nothing near 0. */
static inline float exp_less_1(float x) {
  return unfurl_tanhf(0.5f * x, false) * (unfurl_expf(x, false) + 1);
}

/* alpha * (e^(x / divisor) - 1) below 0, and x above. */
static inline float elu(float x, float alpha, float divisor) {
  const float small = alpha * exp_less_1((x < 0 ? x : 0) / divisor);
  return x < 0 ? small : x;
}

/* tanh(log(1 + e)) = n / (n + 2) with n = e * (e + 2); from e^40 on that is 1. */
static inline float mish(float x) {
  const float e = unfurl_expf(x < 40 ? x : 40, false), n = e * (e + 2);
  return x * (n / (n + 2));
}

/* Adding 2^23 leaves no room for a fraction. */
static inline float round_to_even(float x) {
  const float magnitude = fabsf(x), whole = (magnitude + 0x1p23f) - 0x1p23f;
  return magnitude < 0x1p23f ? copysignf(whole, x) : x;
}

static inline float apply(unfurl_unary op, float x, float alpha, float gamma) {
  switch (op) {
  case UNFURL_UNARY_ABS: return fabsf(x);
  case UNFURL_UNARY_CEIL: return ceilf(x);
  case UNFURL_UNARY_CELU: return elu(x, alpha, alpha);
  case UNFURL_UNARY_COS: return unfurl_cosf(x);
  case UNFURL_UNARY_ELU: return elu(x, alpha, 1);
  case UNFURL_UNARY_ERF: return unfurl_erff(x, false);
  case UNFURL_UNARY_EXP: return unfurl_expf(x, false);
  case UNFURL_UNARY_FLOOR: return floorf(x);
  case UNFURL_UNARY_LOG: return unfurl_logf(x);
  case UNFURL_UNARY_MISH: return mish(x);
  case UNFURL_UNARY_NEG: return -x;
  case UNFURL_UNARY_RECIPROCAL: return 1 / x;
  case UNFURL_UNARY_ROUND: return round_to_even(x);
  case UNFURL_UNARY_SELU: return gamma * elu(x, alpha, 1);
  case UNFURL_UNARY_SIGN: return x > 0 ? 1 : x < 0 ? -1 : x;
  case UNFURL_UNARY_SIN: return unfurl_sinf(x);
  case UNFURL_UNARY_SOFTPLUS: return unfurl_softplusf(x);
  case UNFURL_UNARY_SOFTSIGN: return x / (1 + fabsf(x));
  case UNFURL_UNARY_THRESHOLDED_RELU: return x <= alpha ? 0 : x;
  default: return sqrtf(x);
  }
}

/* `op` is a constant in each call below, so that the loops vectorise. */
static inline __attribute__((always_inline)) void map(const unary_job *job, const unfurl_unary op, size_t begin,
                                                      size_t end) {
  const float *x = job->x, alpha = job->parameters[0], gamma = job->parameters[1];
  float *y = job->y;
  for (size_t i = begin; i < end; i++) y[i] = apply(op, x[i], alpha, gamma);
}

static void map_range(void *arg, size_t begin, size_t end) {
  const unary_job *job = arg;
  switch (job->op) {
  case UNFURL_UNARY_ABS: map(job, UNFURL_UNARY_ABS, begin, end); break;
  case UNFURL_UNARY_CEIL: map(job, UNFURL_UNARY_CEIL, begin, end); break;
  case UNFURL_UNARY_CELU: map(job, UNFURL_UNARY_CELU, begin, end); break;
  case UNFURL_UNARY_COS: map(job, UNFURL_UNARY_COS, begin, end); break;
  case UNFURL_UNARY_ELU: map(job, UNFURL_UNARY_ELU, begin, end); break;
  case UNFURL_UNARY_ERF: map(job, UNFURL_UNARY_ERF, begin, end); break;
  case UNFURL_UNARY_EXP: map(job, UNFURL_UNARY_EXP, begin, end); break;
  case UNFURL_UNARY_FLOOR: map(job, UNFURL_UNARY_FLOOR, begin, end); break;
  case UNFURL_UNARY_LOG: map(job, UNFURL_UNARY_LOG, begin, end); break;
  case UNFURL_UNARY_MISH: map(job, UNFURL_UNARY_MISH, begin, end); break;
  case UNFURL_UNARY_NEG: map(job, UNFURL_UNARY_NEG, begin, end); break;
  case UNFURL_UNARY_RECIPROCAL: map(job, UNFURL_UNARY_RECIPROCAL, begin, end); break;
  case UNFURL_UNARY_ROUND: map(job, UNFURL_UNARY_ROUND, begin, end); break;
  case UNFURL_UNARY_SELU: map(job, UNFURL_UNARY_SELU, begin, end); break;
  case UNFURL_UNARY_SIGN: map(job, UNFURL_UNARY_SIGN, begin, end); break;
  case UNFURL_UNARY_SIN: map(job, UNFURL_UNARY_SIN, begin, end); break;
  case UNFURL_UNARY_SOFTPLUS: map(job, UNFURL_UNARY_SOFTPLUS, begin, end); break;
  case UNFURL_UNARY_SOFTSIGN: map(job, UNFURL_UNARY_SOFTSIGN, begin, end); break;
  case UNFURL_UNARY_SQRT: map(job, UNFURL_UNARY_SQRT, begin, end); break;
  case UNFURL_UNARY_THRESHOLDED_RELU: map(job, UNFURL_UNARY_THRESHOLDED_RELU, begin, end); break;
  }
}

void unfurl_map_unary(const unfurl_context *context, unfurl_unary op, const float parameters[2], size_t count,
                      const float *x, float *y) {
  unary_job job = {.op = op, .parameters = {parameters[0], parameters[1]}, .x = x, .y = y};
  unfurl_parallel_ranges(context, count, LEAST_TASK, map_range, &job);
}

static inline int64_t apply_integer(unfurl_unary op, int64_t x) {
  if (op == UNFURL_UNARY_SIGN) return (x > 0) - (x < 0);
  return op == UNFURL_UNARY_NEG || x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
}

static void map_integers(void *arg, size_t begin, size_t end) {
  const unary_job *job = arg;
  for (size_t i = begin; i < end; i++)
    if (job->dtype == UNFURL_I64)
      ((int64_t *)job->y)[i] = apply_integer(job->op, ((const int64_t *)job->x)[i]);
    else
      ((int32_t *)job->y)[i] = (int32_t)(uint32_t)(uint64_t)apply_integer(job->op, ((const int32_t *)job->x)[i]);
}

void unfurl_map_integers(const unfurl_context *context, unfurl_unary op, unfurl_dtype dtype, size_t count,
                         const void *x, void *y) {
  unary_job job = {.op = op, .dtype = dtype, .x = x, .y = y};
  unfurl_parallel_ranges(context, count, LEAST_TASK, map_integers, &job);
}

static void map_not(void *arg, size_t begin, size_t end) {
  const unary_job *job = arg;
  const unsigned char *x = job->x;
  unsigned char *y = job->y;
  for (size_t i = begin; i < end; i++) y[i] = !x[i];
}

void unfurl_map_not(const unfurl_context *context, size_t count, const unsigned char *x, unsigned char *y) {
  unary_job job = {.x = x, .y = y};
  unfurl_parallel_ranges(context, count, LEAST_TASK, map_not, &job);
}

static void map_is_nan(void *arg, size_t begin, size_t end) {
  const unary_job *job = arg;
  const float *x = job->x;
  unsigned char *y = job->y;
  for (size_t i = begin; i < end; i++) y[i] = x[i] != x[i];
}

void unfurl_map_is_nan(const unfurl_context *context, size_t count, const float *x, unsigned char *y) {
  unary_job job = {.x = x, .y = y};
  unfurl_parallel_ranges(context, count, LEAST_TASK, map_is_nan, &job);
}

static void map_equals(void *arg, size_t begin, size_t end) {
  const unary_job *job = arg;
  const float *x = job->x, a = job->parameters[0], b = job->parameters[1];
  unsigned char *y = job->y;
  for (size_t i = begin; i < end; i++) y[i] = (x[i] == a) | (x[i] == b);
}

void unfurl_map_equals(const unfurl_context *context, const float values[2], size_t count, const float *x,
                       unsigned char *y) {
  unary_job job = {.parameters = {values[0], values[1]}, .x = x, .y = y};
  unfurl_parallel_ranges(context, count, LEAST_TASK, map_equals, &job);
}
