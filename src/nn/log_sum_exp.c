/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>

#include "base/logmath.h"
#include "base/parallel.h"
#include "nn/lanes.h"
#include "nn/reduce.h"

enum { LANES = UNFURL_LANES, LEAST_TASK = 4000 /* elements read */, Y = UNFURL_REDUCTION_Y, X = UNFURL_REDUCTION_X };

typedef struct log_sum_exp_job {
  unfurl_reduction r;
  const float *x;
  float *y;
  size_t count; /* elements that go into one output */
} log_sum_exp_job;

/* The largest element is left out of the exponents, so that none overflows; an infinite one, or NaN, is not. */
static float shift_of(const log_sum_exp_job *job, const float *from) {
  const unfurl_walk *reduced = &job->r.reduced;
  float best = -INFINITY;
  for (size_t i = 0; i < job->count; i++) {
    const float x = from[unfurl_walk_offset(reduced, X, reduced->rank, i)];
    best = x > best ? x : best;
  }
  return fabsf(best) < INFINITY ? best : 0;
}

static void run_range(void *arg, size_t begin, size_t end) {
  const log_sum_exp_job *job = arg;
  const unfurl_walk *kept = &job->r.kept, *reduced = &job->r.reduced;
  for (size_t i = begin; i < end; i++) {
    const float *from = job->x + unfurl_walk_offset(kept, X, kept->rank, i), shift = shift_of(job, from);
    float lanes[LANES] = {0};
    for (size_t j = 0; j < job->count; j++)
      lanes[j % LANES] += unfurl_expf(from[unfurl_walk_offset(reduced, X, reduced->rank, j)] - shift, false);
    job->y[unfurl_walk_offset(kept, Y, kept->rank, i)] = shift + unfurl_logf(unfurl_lanes_sum(lanes));
  }
}

void unfurl_log_sum_exp(const unfurl_context *context, const unfurl_tensor *x, const bool reduced[UNFURL_MAX_RANK],
                        const unfurl_tensor *y) {
  log_sum_exp_job job = {.r = unfurl_reduction_of(x, reduced, y), .x = x->data, .y = y->data};
  job.count = unfurl_walk_count(&job.r.reduced);
  unfurl_parallel_ranges(context, unfurl_walk_count(&job.r.kept), 1 + LEAST_TASK / (job.count + 1), run_range, &job);
}
