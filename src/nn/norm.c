/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/norm.h"

#include <math.h>
#include <stdbool.h>

#include "base/context.h"
#include "base/parallel.h"
#include "gemm/tile.h"
#include "shape/tensor.h"

enum { LEAST_TASK = 20000, ACTIVATED_TOGETHER = 2048 }; /* elements */

void unfurl_batch_norm_factors(const unfurl_batch_norm *norm, size_t channels, float *scale, float *shift) {
  for (size_t c = 0; c < channels; c++) {
    const double factor = (double)norm->gamma[c] / sqrt((double)norm->variance[c] + (double)norm->epsilon);
    scale[c] = (float)factor;
    shift[c] = (float)((double)norm->beta[c] - (double)norm->mean[c] * factor);
  }
}

/* Lines along which the factors run (channels last), or stay the same (a plane of one channel). */
typedef struct scale_job {
  const float *x;
  float *y;
  const unfurl_channel_scale *by;
  const unfurl_kernels *kernels;
  size_t channels, line;
  bool channels_last;
} scale_job;

static void scale_line(const scale_job *job, size_t i) {
  const float *x = job->x + i * job->line;
  float *y = job->y + i * job->line;
  if (job->channels_last) {
    for (size_t c = 0; c < job->line; c++) y[c] = x[c] * job->by->scale[c] + job->by->shift[c];
  } else {
    const float scale = job->by->scale[i % job->channels], shift = job->by->shift[i % job->channels];
    for (size_t j = 0; j < job->line; j++) y[j] = x[j] * scale + shift;
  }
}

/* Some lines at a time, which are still in L1 when they are activated. */
static void scale_lines(void *arg, size_t begin, size_t end) {
  const scale_job *job = arg;
  const size_t together = 1 + ACTIVATED_TOGETHER / job->line;
  for (size_t i = begin, next; i < end; i = next) {
    next = end - i > together ? i + together : end;
    for (size_t line = i; line < next; line++) scale_line(job, line);
    float *y = job->y + i * job->line;
    if (job->by->activation)
      unfurl_activate(job->kernels, job->by->activation, job->by->alpha, job->by->beta, (next - i) * job->line, y, y);
  }
}

void unfurl_scale_channels(const unfurl_context *context, const unfurl_tensor *x, const unfurl_channel_scale *by,
                           const unfurl_tensor *y) {
  const size_t count = unfurl_tensor_count(x), channels = (size_t)x->dims[1];
  if (count == 0) return;
  scale_job job = {.x = x->data,
                   .y = y->data,
                   .by = by,
                   .kernels = unfurl_kernels_for(unfurl_context_isa(context), 1, 1),
                   .channels = channels};
  job.channels_last = x->layout == UNFURL_NHWC || x->rank == 2;
  job.line = job.channels_last ? channels : count / (channels * (size_t)x->dims[0]);
  unfurl_parallel_ranges(context, count / job.line, 1 + LEAST_TASK / job.line, scale_lines, &job);
}
