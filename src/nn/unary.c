/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/unary.h"

#include <math.h>

#include "base/logmath.h"
#include "base/parallel.h"
#include "base/vmath.h"

enum { LEAST_TASK = 10000 /* elements */ };

typedef struct unary_job {
  unfurl_unary op;
  float alpha;
  const float *x;
  float *y;
} unary_job;

/* e^x - 1 = tanh(x / 2) * (e^x + 1), which cancels nothing near 0. */
static inline float elu(float x, float alpha) {
  const float below = x < 0 ? x : 0;
  const float small = alpha * (unfurl_tanhf(0.5f * below, false) * (unfurl_expf(below, false) + 1));
  return x < 0 ? small : x;
}

static inline float apply(unfurl_unary op, float x, float alpha) {
  switch (op) {
  case UNFURL_UNARY_ABS: return fabsf(x);
  case UNFURL_UNARY_CEIL: return ceilf(x);
  case UNFURL_UNARY_ELU: return elu(x, alpha);
  case UNFURL_UNARY_ERF: return unfurl_erff(x, false);
  case UNFURL_UNARY_EXP: return unfurl_expf(x, false);
  case UNFURL_UNARY_FLOOR: return floorf(x);
  case UNFURL_UNARY_LOG: return unfurl_logf(x);
  case UNFURL_UNARY_NEG: return -x;
  case UNFURL_UNARY_RECIPROCAL: return 1 / x;
  case UNFURL_UNARY_SOFTPLUS: return unfurl_softplusf(x);
  default: return sqrtf(x);
  }
}

/* `op` is a constant in each call below, so that the loops vectorise. */
static inline void map(const unary_job *job, const unfurl_unary op, size_t begin, size_t end) {
  const float *x = job->x, alpha = job->alpha;
  float *y = job->y;
  for (size_t i = begin; i < end; i++) y[i] = apply(op, x[i], alpha);
}

static void map_range(void *arg, size_t begin, size_t end) {
  const unary_job *job = arg;
  switch (job->op) {
  case UNFURL_UNARY_ABS: map(job, UNFURL_UNARY_ABS, begin, end); break;
  case UNFURL_UNARY_CEIL: map(job, UNFURL_UNARY_CEIL, begin, end); break;
  case UNFURL_UNARY_ELU: map(job, UNFURL_UNARY_ELU, begin, end); break;
  case UNFURL_UNARY_ERF: map(job, UNFURL_UNARY_ERF, begin, end); break;
  case UNFURL_UNARY_EXP: map(job, UNFURL_UNARY_EXP, begin, end); break;
  case UNFURL_UNARY_FLOOR: map(job, UNFURL_UNARY_FLOOR, begin, end); break;
  case UNFURL_UNARY_LOG: map(job, UNFURL_UNARY_LOG, begin, end); break;
  case UNFURL_UNARY_NEG: map(job, UNFURL_UNARY_NEG, begin, end); break;
  case UNFURL_UNARY_RECIPROCAL: map(job, UNFURL_UNARY_RECIPROCAL, begin, end); break;
  case UNFURL_UNARY_SOFTPLUS: map(job, UNFURL_UNARY_SOFTPLUS, begin, end); break;
  case UNFURL_UNARY_SQRT: map(job, UNFURL_UNARY_SQRT, begin, end); break;
  }
}

void unfurl_map_unary(const unfurl_context *context, unfurl_unary op, float alpha, size_t count, const float *x,
                      float *y) {
  unary_job job = {.op = op, .alpha = alpha, .x = x, .y = y};
  unfurl_parallel_ranges(context, count, LEAST_TASK, map_range, &job);
}
