/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/argmax.h"

#include <stdint.h>

#include "base/parallel.h"
#include "nn/reduce.h"

enum {
  LEAST_TASK = 20000, /* elements read */
  BLOCK = 256,        /* outputs found together, where they come from neighbours */
  Y = UNFURL_REDUCTION_Y,
  X = UNFURL_REDUCTION_X
};

typedef struct argmax_job {
  unfurl_reduction r;
  const float *x;
  int64_t *y;
  size_t length; /* along the axis */
  ptrdiff_t stride;
  size_t block, blocks; /* outputs at a time, of the last kept dimension */
} argmax_job;

/* Whether `x`, behind `best`, is to be taken instead. */
static inline bool is_better(float x, float best, const bool smallest, const bool last) {
  const bool beyond = smallest ? (last ? x <= best : x < best) : (last ? x >= best : x > best);
  return beyond | ((x != x) & (last | (best == best)));
}

/* `n` outputs from neighbours. Indices are as wide as the numbers, so that both fit into vectors of one shape. */
static inline void find_block(const argmax_job *job, const float *restrict x, size_t n, int32_t *restrict found,
                              const bool smallest, const bool last) {
  float best[BLOCK];
  for (size_t j = 0; j < n; j++) best[j] = x[j], found[j] = 0;
  for (size_t i = 1; i < job->length; i++) {
    x += job->stride;
    for (size_t j = 0; j < n; j++) {
      const bool better = is_better(x[j], best[j], smallest, last);
      best[j] = better ? x[j] : best[j];
      found[j] = better ? (int32_t)i : found[j];
    }
  }
}

/* One output, whose best element changes rarely. */
static inline int32_t find_one(const argmax_job *job, const float *x, const bool smallest, const bool last) {
  float best = *x;
  int32_t found = 0;
  for (size_t i = 1; i < job->length; i++) {
    const float at = x[(ptrdiff_t)i * job->stride];
    if (is_better(at, best, smallest, last)) best = at, found = (int32_t)i;
  }
  return found;
}

/* The blocks begin..end-1, counted over all lines of the last kept dimension. */
static inline __attribute__((always_inline)) void find_range(const argmax_job *job, size_t begin, size_t end,
                                                             const bool smallest, const bool last) {
  const unfurl_walk *kept = &job->r.kept;
  const size_t inner = kept->rank - 1, count = kept->dims[inner];
  for (size_t i = begin; i < end; i++) {
    const size_t line = i / job->blocks, from = i % job->blocks * job->block;
    const size_t n = count - from < job->block ? count - from : job->block;
    int32_t found[BLOCK];
    const float *x = job->x + unfurl_walk_offset(kept, X, inner, line) + (ptrdiff_t)from * kept->strides[X][inner];
    if (n == 1)
      found[0] = find_one(job, x, smallest, last);
    else
      find_block(job, x, n, found, smallest, last);
    int64_t *y = job->y + unfurl_walk_offset(kept, Y, inner, line) + (ptrdiff_t)from * kept->strides[Y][inner];
    for (size_t j = 0; j < n; j++) y[(ptrdiff_t)j * kept->strides[Y][inner]] = found[j];
  }
}

static void find_first_largest(void *job, size_t begin, size_t end) {
  find_range(job, begin, end, false, false);
}

static void find_last_largest(void *job, size_t begin, size_t end) {
  find_range(job, begin, end, false, true);
}

static void find_first_smallest(void *job, size_t begin, size_t end) {
  find_range(job, begin, end, true, false);
}

static void find_last_smallest(void *job, size_t begin, size_t end) {
  find_range(job, begin, end, true, true);
}

void unfurl_argmax_run(const unfurl_context *context, const unfurl_argmax *what, const unfurl_tensor *x,
                       const unfurl_tensor *y) {
  static unfurl_range_fn *const find[2][2] = {{find_first_largest, find_last_largest},
                                              {find_first_smallest, find_last_smallest}};
  bool reduced[UNFURL_MAX_RANK] = {false};
  reduced[what->axis] = true;
  argmax_job job = {.r = unfurl_reduction_of(x, reduced, y), .x = x->data, .y = y->data};
  const size_t outputs = unfurl_walk_count(&job.r.kept), line = job.r.kept.dims[job.r.kept.rank - 1];
  if (outputs == 0) return;
  job.length = job.r.reduced.dims[0], job.stride = job.r.reduced.strides[X][0];
  job.block = job.r.keeps_neighbours ? BLOCK : 1;
  job.blocks = (line + job.block - 1) / job.block;
  unfurl_parallel_ranges(context, outputs / line * job.blocks, 1 + LEAST_TASK / (job.length * job.block),
                         find[what->smallest][what->last], &job);
}
