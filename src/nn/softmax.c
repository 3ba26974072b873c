/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/softmax.h"

#include <math.h>

#include "base/logmath.h"
#include "base/parallel.h"
#include "base/vmath.h"
#include "nn/lanes.h"

enum { LANES = UNFURL_LANES, LEAST_TASK = 4000 /* elements */ };

typedef void softmax_row_fn(const float *x, float *y, size_t length, size_t stride);

typedef struct softmax_job {
  softmax_row_fn *row;
  size_t length, inner;
  const float *x;
  float *y;
} softmax_job;

/* NaN counts as the largest, and makes the whole row NaN. */
static float largest(const float *x, size_t length, size_t stride) {
  float best = -INFINITY;
  for (size_t i = 0; i < length; i++) {
    const float value = x[i * stride];
    if (value > best || value != value) best = value;
    if (best != best) break;
  }
  return best;
}

static void softmax_row(const float *x, float *y, size_t length, size_t stride) {
  const float shift = largest(x, length, stride);
  float lanes[LANES] = {0};
  for (size_t i = 0; i < length; i++) {
    const float e = unfurl_expf(x[i * stride] - shift, false);
    y[i * stride] = e;
    lanes[i % LANES] += e;
  }
  const float sum = unfurl_lanes_sum(lanes);
  for (size_t i = 0; i < length; i++) y[i * stride] /= sum;
}

static void log_softmax_row(const float *x, float *y, size_t length, size_t stride) {
  const float shift = largest(x, length, stride);
  float lanes[LANES] = {0};
  for (size_t i = 0; i < length; i++) lanes[i % LANES] += unfurl_expf(x[i * stride] - shift, false);
  const float log = unfurl_logf(unfurl_lanes_sum(lanes));
  for (size_t i = 0; i < length; i++) y[i * stride] = x[i * stride] - shift - log;
}

static void softmax_range(void *arg, size_t begin, size_t end) {
  const softmax_job *job = arg;
  for (size_t i = begin; i < end; i++) {
    const size_t at = i / job->inner * job->length * job->inner + i % job->inner;
    job->row(job->x + at, job->y + at, job->length, job->inner);
  }
}

static void run_rows(const unfurl_context *context, const size_t shape[3], softmax_job *job) {
  job->length = shape[1], job->inner = shape[2];
  unfurl_parallel_ranges(context, shape[0] * shape[2], 1 + LEAST_TASK / (shape[1] + 1), softmax_range, job);
}

void unfurl_softmax(const unfurl_context *context, const size_t shape[3], const float *x, float *y) {
  run_rows(context, shape, &(softmax_job){.row = softmax_row, .x = x, .y = y});
}

void unfurl_log_softmax(const unfurl_context *context, const size_t shape[3], const float *x, float *y) {
  run_rows(context, shape, &(softmax_job){.row = log_softmax_row, .x = x, .y = y});
}
