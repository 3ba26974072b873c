/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/softmax.h"

#include <math.h>

#include "base/parallel.h"
#include "base/vmath.h"
#include "nn/lanes.h"

enum { LANES = UNFURL_LANES, LEAST_TASK = 4000 /* elements */ };

typedef struct softmax_job {
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

static void softmax_range(void *arg, size_t begin, size_t end) {
  const softmax_job *job = arg;
  for (size_t i = begin; i < end; i++) {
    const size_t at = i / job->inner * job->length * job->inner + i % job->inner;
    softmax_row(job->x + at, job->y + at, job->length, job->inner);
  }
}

void unfurl_softmax(const unfurl_context *context, const size_t shape[3], const float *x, float *y) {
  softmax_job job = {.length = shape[1], .inner = shape[2], .x = x, .y = y};
  unfurl_parallel_ranges(context, shape[0] * shape[2], 1 + LEAST_TASK / (shape[1] + 1), softmax_range, &job);
}
