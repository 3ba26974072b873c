/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/norm.h"

#include <math.h>
#include <stdbool.h>

#include "base/parallel.h"
#include "shape/tensor.h"

enum { LEAST_TASK = 20000 /* elements */ };

void unfurl_batch_norm_factors(const unfurl_batch_norm *norm, size_t channels, float *scale, float *shift) {
  for (size_t c = 0; c < channels; c++) {
    const double factor = (double)norm->gamma[c] / sqrt((double)norm->variance[c] + (double)norm->epsilon);
    scale[c] = (float)factor;
    shift[c] = (float)((double)norm->beta[c] - (double)norm->mean[c] * factor);
  }
}

/* Lines along which the factors run (channels last), or stay the same (a plane of one channel). */
typedef struct scale_job {
  const float *x, *scale, *shift;
  float *y;
  size_t channels, line;
  bool channels_last;
} scale_job;

static void scale_lines(void *arg, size_t begin, size_t end) {
  const scale_job *job = arg;
  for (size_t i = begin; i < end; i++) {
    const float *x = job->x + i * job->line;
    float *y = job->y + i * job->line;
    if (job->channels_last) {
      for (size_t c = 0; c < job->line; c++) y[c] = x[c] * job->scale[c] + job->shift[c];
    } else {
      const float scale = job->scale[i % job->channels], shift = job->shift[i % job->channels];
      for (size_t j = 0; j < job->line; j++) y[j] = x[j] * scale + shift;
    }
  }
}

void unfurl_scale_channels(const unfurl_context *context, const unfurl_tensor *x, const float *scale,
                           const float *shift, const unfurl_tensor *y) {
  const size_t count = unfurl_tensor_count(x), channels = (size_t)x->dims[1];
  if (count == 0) return;
  scale_job job = {.x = x->data, .scale = scale, .shift = shift, .y = y->data, .channels = channels};
  job.channels_last = x->layout == UNFURL_NHWC || x->rank == 2;
  job.line = job.channels_last ? channels : count / (channels * (size_t)x->dims[0]);
  unfurl_parallel_ranges(context, count / job.line, 1 + LEAST_TASK / job.line, scale_lines, &job);
}
