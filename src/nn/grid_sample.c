/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/parallel.h"
#include "nn/resize_taps.h"
#include "nn/sample.h"

enum { LEAST_TASK = 10000 /* multiplications */, MOST_TAPS = UNFURL_RESIZE_MOST_TAPS };

static const double CUBIC_A = -0.75;

/* The taps of one axis. */
typedef struct taps {
  size_t count;
  size_t index[MOST_TAPS];
  float weights[MOST_TAPS];
  bool outside[MOST_TAPS]; /* that count for nothing */
} taps;

typedef struct grid_job {
  unfurl_grid_sample how;
  size_t height, width, channels, pixels; /* of an image of x; of one of y */
  const float *x, *grid;
  float *y;
} grid_job;

/* A place from -1 to 1 as a number of pixels. In f32 step by step, as other engines do: the last bit may decide which pixel
 * is the nearest, or whether it is outside. */
static float to_pixels(const unfurl_grid_sample *how, float place, size_t size) {
  const float length = (float)size;
  return how->align_corners ? (place + 1) / 2 * (length - 1) : ((place + 1) * length - 1) / 2;
}

/* Mirrored at the centres of the outermost pixels, or at their outer edges, as often as it takes. */
static double reflect(const unfurl_grid_sample *how, double at, size_t size) {
  const double low = how->align_corners ? 0 : -0.5, span = how->align_corners ? (double)size - 1 : (double)size;
  if (span == 0) return 0;
  const double way = fabs(at - low), times = floor(way / span), rest = way - times * span;
  return fmod(times, 2) == 0 ? low + rest : low + span - rest;
}

static double limit(double at, double low, double high) {
  return at < low ? low : at > high ? high : at;
}

/* Where padding moves a place to. Far outside it may as well be a little outside. */
static double pad(const unfurl_grid_sample *how, double at, size_t size) {
  const double last = (double)size - 1;
  if (how->padding == UNFURL_SAMPLE_ZEROS) return limit(at, -(double)MOST_TAPS, last + MOST_TAPS);
  return limit(how->padding == UNFURL_SAMPLE_REFLECTION ? reflect(how, at, size) : at, 0, last);
}

/* Tap number `t` is the pixel at this whole number, if there is one. */
static void set_tap(taps *t, size_t i, double at, double weight, size_t size) {
  t->outside[i] = at < 0 || at >= (double)size;
  t->index[i] = t->outside[i] ? 0 : (size_t)at;
  t->weights[i] = (float)weight;
}

/* Cubic taps are padded each by itself, others together. */
static void find_taps(const unfurl_grid_sample *how, float place, size_t size, taps *t) {
  const bool is_cubic = how->mode == UNFURL_RESIZE_CUBIC;
  const double pixels = (double)to_pixels(how, place, size), at = is_cubic ? pixels : pad(how, pixels, size);
  const double below = floor(at), r = at - below;
  double weights[MOST_TAPS] = {1 - r, r};
  *t = (taps){.count = is_cubic ? 4 : how->mode == UNFURL_RESIZE_LINEAR ? 2 : 1};
  if (!(fabs(at) < INFINITY)) {
    *t = (taps){.count = 1, .weights = {NAN}};
    return;
  }
  if (is_cubic) unfurl_resize_cubic_weights(CUBIC_A, r, weights);
  for (size_t i = 0; i < t->count; i++)
    if (is_cubic)
      set_tap(t, i, pad(how, below + (double)i - 1, size), weights[i], size);
    else if (t->count == 2)
      set_tap(t, i, below + (double)i, weights[i], size);
    else
      set_tap(t, i, rint(at), 1, size);
}

static void sample(const grid_job *job, const float *x, const float *place, float *y) {
  taps across, down;
  find_taps(&job->how, place[0], job->width, &across);
  find_taps(&job->how, place[1], job->height, &down);
  memset(y, 0, job->channels * sizeof *y);
  for (size_t i = 0; i < down.count; i++)
    for (size_t j = 0; j < across.count; j++) {
      if (down.outside[i] || across.outside[j]) continue;
      const size_t pixel = down.index[i] * job->width + across.index[j];
      unfurl_sample_add(y, x + pixel * job->channels, down.weights[i] * across.weights[j], job->channels);
    }
}

/* The pixels begin..end-1 of all images. */
static void run_range(void *arg, size_t begin, size_t end) {
  const grid_job *job = arg;
  const size_t image = job->height * job->width * job->channels;
  for (size_t p = begin; p < end; p++)
    sample(job, job->x + p / job->pixels * image, job->grid + 2 * p, job->y + p * job->channels);
}

void unfurl_grid_sample_run(const unfurl_context *context, const unfurl_grid_sample *how, const unfurl_tensor *x,
                            const float *grid, const unfurl_tensor *y) {
  grid_job job = {.how = *how,
                  .channels = (size_t)x->dims[1],
                  .height = (size_t)x->dims[2],
                  .width = (size_t)x->dims[3],
                  .pixels = (size_t)(y->dims[2] * y->dims[3]),
                  .x = x->data,
                  .grid = grid,
                  .y = y->data};
  unfurl_parallel_ranges(context, (size_t)y->dims[0] * job.pixels, 1 + LEAST_TASK / (4 * job.channels + 1), run_range,
                         &job);
}
