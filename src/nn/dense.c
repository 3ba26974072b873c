/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/dense.h"

#include <limits.h>

#include "base/parallel.h"
#include "gemm/blas.h"

enum { LEAST_TASK = 200000 /* multiply-adds */ };

bool unfurl_dense_fits(const unfurl_dense *d) {
  return d->m <= INT_MAX && d->n <= INT_MAX && d->k <= INT_MAX;
}

typedef struct dense_job {
  const unfurl_dense *dense;
  const float *x, *weights, *c;
  float *y;
} dense_job;

/* Scales the products of rows x cols at (row, col) and adds c. */
static void finish(const dense_job *job, size_t row_begin, size_t row_end, size_t col_begin, size_t col_end) {
  const unfurl_dense *d = job->dense;
  for (size_t i = row_begin; i < row_end; i++) {
    float *y = job->y + i * d->n;
    if (d->alpha != 1)
      for (size_t j = col_begin; j < col_end; j++) y[j] *= d->alpha;
    if (!job->c) continue;
    const float *c = job->c + i * d->c_row;
    for (size_t j = col_begin; j < col_end; j++) y[j] += d->beta * c[j * d->c_col];
  }
}

static void run_rows(void *arg, size_t begin, size_t end) {
  const dense_job *job = arg;
  const unfurl_dense *d = job->dense;
  const unfurl_gemm shape = {
      .m = end - begin,
      .n = d->n,
      .k = d->k,
      .lda = d->transpose_x ? d->m : d->k,
      .ldb = d->transpose_weights ? d->k : d->n,
      .ldc = d->n,
      .transpose_a = d->transpose_x,
      .transpose_b = d->transpose_weights,
  };
  unfurl_gemm_run(&shape, job->x + begin * (d->transpose_x ? 1 : d->k), job->weights, job->y + begin * d->n);
  finish(job, begin, end, 0, d->n);
}

/* m = 1: the outputs begin..end-1. */
static void run_outputs(void *arg, size_t begin, size_t end) {
  const dense_job *job = arg;
  const unfurl_dense *d = job->dense;
  if (d->transpose_weights)
    unfurl_gemv_run(false, end - begin, d->k, job->weights + begin * d->k, d->k, job->x, job->y + begin);
  else
    unfurl_gemv_run(true, d->k, end - begin, job->weights + begin, d->n, job->x, job->y + begin);
  finish(job, 0, 1, begin, end);
}

void unfurl_dense_run(const unfurl_context *context, const unfurl_dense *d, const float *x, const float *weights,
                      const float *c, float *y) {
  dense_job job = {.dense = d, .x = x, .weights = weights, .c = c, .y = y};
  const size_t item = d->m == 1 ? d->k : d->k * d->n;
  const size_t grain = 1 + LEAST_TASK / (item ? item : 1);
  if (d->m == 1)
    unfurl_parallel_ranges(context, d->n, grain, run_outputs, &job);
  else
    unfurl_parallel_ranges(context, d->m, grain, run_rows, &job);
}
