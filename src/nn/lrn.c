/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/lrn.h"

#include <math.h>

#include "base/logmath.h"
#include "base/parallel.h"

enum { LEAST_TASK = 10000 /* elements */, BLOCK = 256 /* channels, whose sums are in L1 */ };

typedef struct lrn_job {
  const unfurl_lrn *lrn;
  const float *x;
  float *y;
} lrn_job;

/* The squares around the channels first..first+n-1 of a pixel, summed and scaled. */
static void window_sums(const unfurl_lrn *lrn, const float *x, size_t first, size_t n, float *restrict sums) {
  for (size_t j = 0; j < n; j++) sums[j] = 0;
  for (size_t tap = 0; tap <= lrn->before + lrn->after; tap++) { /* channel c meets c + tap - before */
    const size_t begin = first + tap < lrn->before ? lrn->before - first - tap : 0;
    const size_t beyond = lrn->channels + lrn->before > first + tap ? lrn->channels + lrn->before - first - tap : 0;
    const size_t end = beyond < n ? beyond : n;
    for (size_t j = begin; j < end; j++) {
      const float at = x[first + j + tap - lrn->before];
      sums[j] += at * at;
    }
  }
  for (size_t j = 0; j < n; j++) sums[j] = lrn->bias + lrn->scale * sums[j];
}

/* y = x / s^beta; two square roots make the power that networks have, 3/4. */
static void divide_by_power(float beta, const float *restrict x, const float *restrict s, size_t n, float *restrict y) {
  if (beta == 0.75f)
    for (size_t j = 0; j < n; j++) {
      const float root = sqrtf(s[j]);
      y[j] = x[j] / (root * sqrtf(root));
    }
  else if (beta == 0.5f)
    for (size_t j = 0; j < n; j++) y[j] = x[j] / sqrtf(s[j]);
  else if (beta == 1.0f)
    for (size_t j = 0; j < n; j++) y[j] = x[j] / s[j];
  else
    for (size_t j = 0; j < n; j++) y[j] = x[j] / unfurl_powf(s[j], beta);
}

static void lrn_pixels(void *arg, size_t begin, size_t end) {
  const lrn_job *job = arg;
  const unfurl_lrn *lrn = job->lrn;
  for (size_t p = begin; p < end; p++)
    for (size_t first = 0; first < lrn->channels; first += BLOCK) {
      const size_t n = lrn->channels - first < BLOCK ? lrn->channels - first : BLOCK, at = p * lrn->channels;
      float sums[BLOCK];
      window_sums(lrn, job->x + at, first, n, sums);
      divide_by_power(lrn->beta, job->x + at + first, sums, n, job->y + at + first);
    }
}

void unfurl_lrn_run(const unfurl_context *context, const unfurl_lrn *lrn, const float *x, float *y) {
  lrn_job job = {.lrn = lrn, .x = x, .y = y};
  unfurl_parallel_ranges(context, lrn->pixels, 1 + LEAST_TASK / (lrn->channels + 1), lrn_pixels, &job);
}
