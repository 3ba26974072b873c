/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/norm.h"

#include <math.h>
#include <stdbool.h>

#include "base/context.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "gemm/tile.h"
#include "nn/lanes.h"
#include "shape/tensor.h"

enum { LEAST_TASK = 20000, ACTIVATED_TOGETHER = 2048, /* elements */ LANES = UNFURL_LANES };

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

/* What a pass sums up: the numbers themselves, or the squares of how far they are from the mean. */
static inline float term(float x, float mean, const bool squared) {
  const float distance = x - mean;
  return squared ? distance * distance : x;
}

static inline float row_average(const float *x, size_t length, float mean, const bool squared) {
  float lanes[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= length; i += LANES)
    for (size_t l = 0; l < LANES; l++) lanes[l] += term(x[i + l], mean, squared);
  for (size_t l = 0; i + l < length; l++) lanes[l] += term(x[i + l], mean, squared);
  return unfurl_lanes_sum(lanes) / (float)length;
}

static float inverse_deviation(float variance, float epsilon) {
  return (float)(1 / sqrt((double)variance + (double)epsilon));
}

typedef struct row_job {
  const float *x;
  size_t length;
  float epsilon;
  float *mean, *inv_std;
} row_job;

static void row_statistics(void *arg, size_t begin, size_t end) {
  const row_job *job = arg;
  for (size_t i = begin; i < end; i++) {
    const float *x = job->x + i * job->length;
    job->mean[i] = row_average(x, job->length, 0, false);
    job->inv_std[i] = inverse_deviation(row_average(x, job->length, job->mean[i], true), job->epsilon);
  }
}

void unfurl_row_statistics(const unfurl_context *context, const float *x, const size_t shape[2], float epsilon,
                           float *mean, float *inv_std) {
  row_job job = {.x = x, .length = shape[1], .epsilon = epsilon, .mean = mean, .inv_std = inv_std};
  unfurl_parallel_ranges(context, shape[0], 1 + LEAST_TASK / (shape[1] + 1), row_statistics, &job);
}

/* One pass over images whose channels are last: a lane is a row of sums, one a channel, and lanes are shared out. */
typedef struct lane_job {
  const float *x;
  size_t pixels, channels;
  float epsilon;
  bool squared;
  float *lanes; /* [images][LANES][channels] */
  float *mean, *inv_std;
} lane_job;

/* The lanes first..last-1 of an image; they take turns, so that memory is read in its order. */
static inline void sum_lanes(const lane_job *job, const float *x, const float *mean, size_t first, size_t last,
                             float *lanes, const bool squared) {
  const size_t channels = job->channels;
  for (size_t i = first * channels; i < last * channels; i++) lanes[i] = 0;
  for (size_t p = 0; p < job->pixels; p += LANES)
    for (size_t l = first; l < last && p + l < job->pixels; l++) {
      const float *restrict from = x + (p + l) * channels, *restrict centre = mean;
      float *restrict sums = lanes + l * channels;
      for (size_t c = 0; c < channels; c++) sums[c] += term(from[c], squared ? centre[c] : 0, squared);
    }
}

/* The lanes begin..end-1, counted over all images. */
static void channel_lanes(void *arg, size_t begin, size_t end) {
  const lane_job *job = arg;
  for (size_t i = begin, next; i < end; i = next) {
    const size_t n = i / LANES, image = job->pixels * job->channels;
    next = (n + 1) * LANES < end ? (n + 1) * LANES : end;
    const float *x = job->x + n * image, *mean = job->mean + n * job->channels;
    float *lanes = job->lanes + n * LANES * job->channels;
    if (job->squared)
      sum_lanes(job, x, mean, i - n * LANES, next - n * LANES, lanes, true);
    else
      sum_lanes(job, x, mean, i - n * LANES, next - n * LANES, lanes, false);
  }
}

static void join_channel_lanes(void *arg, size_t begin, size_t end) {
  const lane_job *job = arg;
  const size_t channels = job->channels;
  for (size_t n = begin; n < end; n++) {
    float *lanes = job->lanes + n * LANES * channels;
    for (size_t half = LANES / 2; half > 0; half /= 2)
      for (size_t i = 0; i < half * channels; i++) lanes[i] += lanes[i + half * channels];
    for (size_t c = 0; c < channels; c++) {
      const float average = lanes[c] / (float)job->pixels;
      if (job->squared)
        job->inv_std[n * channels + c] = inverse_deviation(average, job->epsilon);
      else
        job->mean[n * channels + c] = average;
    }
  }
}

static bool has_channels_last(const unfurl_tensor *x) {
  return x->layout == UNFURL_NHWC && x->rank > 2;
}

size_t unfurl_channel_lanes(const unfurl_tensor *x) {
  if (!has_channels_last(x)) return 0;
  return unfurl_size_product(3, (const size_t[]){(size_t)x->dims[0], LANES, (size_t)x->dims[1]});
}

void unfurl_channel_statistics(const unfurl_context *context, const unfurl_tensor *x, float epsilon, float *lanes,
                               float *mean, float *inv_std) {
  const size_t images = (size_t)x->dims[0], channels = (size_t)x->dims[1], count = unfurl_tensor_count(x);
  if (count == 0) return;
  const size_t pixels = count / (images * channels);
  if (!has_channels_last(x)) {
    unfurl_row_statistics(context, x->data, (const size_t[]){images * channels, pixels}, epsilon, mean, inv_std);
    return;
  }
  lane_job job = {.x = x->data,
                  .pixels = pixels,
                  .channels = channels,
                  .epsilon = epsilon,
                  .lanes = lanes,
                  .mean = mean,
                  .inv_std = inv_std};
  for (int pass = 0; pass < 2; pass++) {
    job.squared = pass == 1;
    unfurl_parallel_ranges(context, images * LANES, 1 + LEAST_TASK / (count / images / LANES + 1), channel_lanes, &job);
    unfurl_parallel_ranges(context, images, 1 + LEAST_TASK / (LANES * channels), join_channel_lanes, &job);
  }
}

typedef struct layer_job {
  const unfurl_layer_norm *norm;
  const float *x;
  float *y;
} layer_job;

static void normalize_rows(void *arg, size_t begin, size_t end) {
  const layer_job *job = arg;
  const unfurl_layer_norm *norm = job->norm;
  const float *gamma = norm->gamma, *beta = norm->beta;
  for (size_t i = begin; i < end; i++) {
    const float *x = job->x + i * norm->length;
    float *y = job->y + i * norm->length;
    const float mean = norm->mean[i], inv_std = norm->inv_std[i];
    for (size_t j = 0; j < norm->length; j++) y[j] = (x[j] - mean) * inv_std * gamma[j];
    for (size_t j = 0; beta && j < norm->length; j++) y[j] += beta[j];
  }
}

void unfurl_layer_normalize(const unfurl_context *context, const unfurl_layer_norm *norm, const float *x, float *y) {
  layer_job job = {.norm = norm, .x = x, .y = y};
  unfurl_parallel_ranges(context, norm->rows, 1 + LEAST_TASK / (norm->length + 1), normalize_rows, &job);
}
