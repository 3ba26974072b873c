/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/elementwise.h"

#include "base/context.h"
#include "base/parallel.h"
#include "gemm/tile.h"

enum { LEAST_TASK = 20000 /* elements */ };

typedef struct map_job {
  const unfurl_kernels *kernels;
  unfurl_activation activation;
  const float *parameters, *x;
  float *y;
} map_job;

static void map_range(void *arg, size_t begin, size_t end) {
  const map_job *job = arg;
  unfurl_activate(job->kernels, job->activation, job->parameters[0], job->parameters[1], end - begin, job->x + begin,
                  job->y + begin);
}

void unfurl_map_activation(const unfurl_context *context, unfurl_activation activation, const float parameters[2],
                           size_t count, const float *x, float *y) {
  map_job job = {.kernels = unfurl_kernels_for(unfurl_context_isa(context), 1, 1),
                 .activation = activation,
                 .parameters = parameters,
                 .x = x,
                 .y = y};
  unfurl_parallel_ranges(context, count, LEAST_TASK, map_range, &job);
}
