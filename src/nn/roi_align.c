/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "nn/sample.h"

enum { LEAST_TASK = 10000 /* multiplications */ };

typedef struct roi_job {
  unfurl_roi_align how;
  size_t height, width, channels, rows, cols; /* of x; of y */
  const float *x, *regions;
  const size_t *images;
  float *y;
} roi_job;

/* Samples along one side of a bin: from `start` + step / 2 on, `step` apart, `count` of them. */
typedef struct side {
  double start, step, count;
  double first; /* the number of the first that may be within the image */
  size_t tries; /* how many from there on may be */
} side;

/* `sizes`: pixels of the image, bins of the region. Samples are at most a pixel apart unless the ratio says otherwise, and
 * more than half of one, where there are several: so however large a region is, only as many are looked at as an image has
 * room for. */
static side side_of(const roi_job *job, float low, float high, size_t bin, const size_t sizes[2]) {
  const double offset = job->how.half_pixel ? 0.5 : 0, begin = (double)(low * job->how.scale) - offset;
  const double length = (double)(high * job->how.scale) - offset - begin;
  const double each = (length < 1 && !job->how.half_pixel ? 1 : length) / (double)sizes[1];
  side s = {.start = begin + (double)bin * each, .count = job->how.ratio ? (double)job->how.ratio : ceil(each)};
  if (!(s.count >= 1)) return s;
  s.step = each / s.count;
  double end = s.count;
  if (job->how.ratio == 0) {
    const double before = floor((-1 - s.start) / s.step - 0.5), room = 2 * (double)sizes[0] + 8;
    s.first = before > 0 ? before : 0;
    end = s.count < s.first + room ? s.count : s.first + room;
  }
  s.tries = end > s.first ? (size_t)(end - s.first) : 0;
  return s;
}

/* The two pixels on both sides of a sample; false where it is more than one pixel outside. */
static bool find_pixels(double at, size_t size, size_t index[2], float weights[2]) {
  if (!(at >= -1 && at <= (double)size)) return false;
  const double last = (double)size - 1, inside = at < 0 ? 0 : at > last ? last : at;
  index[0] = (size_t)inside;
  index[1] = index[0] + 1 < size ? index[0] + 1 : index[0];
  weights[1] = (float)(inside - (double)index[0]);
  weights[0] = (float)(1 - (inside - (double)index[0]));
  return true;
}

static void add_sample(const roi_job *job, const float *x, double down, double across, float *y) {
  size_t rows[2], cols[2];
  float row_weights[2], col_weights[2];
  if (!find_pixels(down, job->height, rows, row_weights) || !find_pixels(across, job->width, cols, col_weights)) return;
  for (size_t i = 0; i < 2; i++)
    for (size_t j = 0; j < 2; j++)
      unfurl_sample_add(y, x + (rows[i] * job->width + cols[j]) * job->channels, row_weights[i] * col_weights[j],
                        job->channels);
}

static double place(const side *s, size_t i) {
  return s->start + (s->first + (double)i + 0.5) * s->step;
}

static void fill_bin(const roi_job *job, const float *x, const side *down, const side *across, float *y) {
  memset(y, 0, job->channels * sizeof *y);
  for (size_t i = 0; i < down->tries; i++)
    for (size_t j = 0; j < across->tries; j++) add_sample(job, x, place(down, i), place(across, j), y);
  const double samples = down->count * across->count;
  for (size_t c = 0; c < job->channels; c++) y[c] /= (float)(samples < 1 ? 1 : samples);
}

static bool is_finite(const roi_job *job, const float *region) {
  bool finite = true;
  for (size_t i = 0; i < 4; i++) finite = finite && fabsf(region[i] * job->how.scale) < INFINITY;
  return finite;
}

/* The bins begin..end-1 of all regions. */
static void run_range(void *arg, size_t begin, size_t end) {
  const roi_job *job = arg;
  const size_t bins = job->rows * job->cols, image = job->height * job->width * job->channels;
  for (size_t b = begin; b < end; b++) {
    const float *region = job->regions + b / bins * 4;
    float *y = job->y + b * job->channels;
    if (!is_finite(job, region)) {
      for (size_t c = 0; c < job->channels; c++) y[c] = NAN;
      continue;
    }
    const side down =
        side_of(job, region[1], region[3], b % bins / job->cols, (const size_t[]){job->height, job->rows});
    const side across = side_of(job, region[0], region[2], b % job->cols, (const size_t[]){job->width, job->cols});
    fill_bin(job, job->x + job->images[b / bins] * image, &down, &across, y);
  }
}

void unfurl_roi_align_run(const unfurl_context *context, const unfurl_roi_align *how, const unfurl_tensor *x,
                          const float *regions, const size_t *images, const unfurl_tensor *y) {
  roi_job job = {.how = *how,
                 .channels = (size_t)x->dims[1],
                 .height = (size_t)x->dims[2],
                 .width = (size_t)x->dims[3],
                 .rows = (size_t)y->dims[2],
                 .cols = (size_t)y->dims[3],
                 .x = x->data,
                 .regions = regions,
                 .images = images,
                 .y = y->data};
  unfurl_parallel_ranges(context, (size_t)y->dims[0] * job.rows * job.cols, 1 + LEAST_TASK / (16 * job.channels + 1),
                         run_range, &job);
}
