/* SPDX-License-Identifier: BSD-2-Clause */
#include "lecture.h"

#include <math.h>

#include "lecture_filters.h"
#include "samples.h"
#include "timing.h"
#include "unfurl/blas.h"
#include "unfurl/conv.h"
#include "unfurl/im2col.h"

enum { RUNS = 51 };

static unfurl_conv_desc describe(const char *algo) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.ih = desc.iw = LECTURE_SIDE, desc.ic = LECTURE_CHANNELS, desc.oc = LECTURE_FILTERS;
  desc.kh = desc.kw = LECTURE_KERNEL;
  desc.algo = algo;
  return desc;
}

/* A cube laid on a cube: the chunk at the top left, filter 0. */
static void dot_chunk(lecture_numbers *n) {
  n->chunk_dot = 0;
  for (size_t c = 0; c < LECTURE_CHANNELS; c++) n->channel_dots[c] = 0;
  for (size_t i = 0; i < LECTURE_KERNEL; i++)
    for (size_t j = 0; j < LECTURE_KERNEL; j++)
      for (size_t c = 0; c < LECTURE_CHANNELS; c++) {
        const float product = n->image[i][j][c] * n->filters[0][i][j][c];
        n->chunk_dot += product;
        n->channel_dots[c] += product;
      }
}

static void dot_unrolled(lecture_numbers *n) {
  const float *filter = &n->filters[0][0][0][0];
  n->unrolled_dot = 0;
  for (size_t i = 0; i < LECTURE_CHUNK; i++) n->unrolled_dot += n->patches[0][i] * filter[i];
}

static void find_difference(lecture_numbers *n) {
  n->max_difference = 0;
  for (size_t p = 0; p < LECTURE_PLACES; p++)
    for (size_t f = 0; f < LECTURE_FILTERS; f++) {
      const double off = fabs((double)n->maps[p][f] - (double)n->naive[p][f]);
      if (!(off <= n->max_difference)) n->max_difference = off; /* NaN too */
    }
}

/* What is timed: unrolling and SGEMM need the numbers only, a plan the rest, too. */
typedef struct lecture_job {
  lecture_numbers *numbers;
  const unfurl_conv_plan *plan;
  const unfurl_conv_weights *weights;
  float *dst;
  void *workspace;
  size_t workspace_size;
} lecture_job;

static unfurl_status run_unroll(const lecture_job *job, unfurl_error *error) {
  const unfurl_conv_desc desc = describe(NULL);
  return unfurl_im2col(&desc, &job->numbers->image[0][0][0], &job->numbers->patches[0][0], error);
}

static unfurl_status run_sgemm(const lecture_job *job, unfurl_error *error) {
  static const unfurl_gemm shape = {.m = LECTURE_PLACES,
                                    .n = LECTURE_FILTERS,
                                    .k = LECTURE_CHUNK,
                                    .lda = LECTURE_CHUNK,
                                    .ldb = LECTURE_CHUNK,
                                    .ldc = LECTURE_FILTERS,
                                    .transpose_b = true};
  lecture_numbers *n = job->numbers;
  return unfurl_sgemm(&shape, &n->patches[0][0], &n->filters[0][0][0][0], &n->maps[0][0], error);
}

static unfurl_status run_plan(const lecture_job *job, unfurl_error *error) {
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = &job->numbers->image[0][0][0];
  args.weights = job->weights;
  args.dst = job->dst;
  args.workspace = job->workspace;
  args.workspace_size = job->workspace_size;
  return unfurl_conv_plan_execute(job->plan, &args, error);
}

/* The median time of RUNS runs, after one that warms up. */
static unfurl_status time_runs(unfurl_status (*run)(const lecture_job *, unfurl_error *), const lecture_job *job,
                               double *median_us, unfurl_error *error) {
  double seconds[RUNS], min_us;
  unfurl_status status = run(job, error);
  for (size_t i = 0; i < RUNS && status == UNFURL_OK; i++) {
    const double start = timing_now();
    status = run(job, error);
    seconds[i] = timing_now() - start;
  }
  if (status != UNFURL_OK) return status;
  samples_evaluate(seconds, RUNS, &min_us, median_us);
  return UNFURL_OK;
}

/* The layer by one solver, with its workspace made beforehand; *algo is which. */
static unfurl_status time_solver(lecture_numbers *n, const unfurl_context *context, const char **algo, float *dst,
                                 double *median_us, unfurl_error *error) {
  const unfurl_conv_desc desc = describe(*algo);
  unfurl_conv_plan *plan = NULL;
  unfurl_conv_weights *weights = NULL;
  lecture_job job = {.numbers = n, .dst = dst};
  unfurl_status status = unfurl_conv_plan_create(context, &desc, &plan, error);
  if (status == UNFURL_OK) status = unfurl_conv_weights_create(plan, &n->filters[0][0][0][0], NULL, &weights, error);
  if (status == UNFURL_OK) {
    *algo = unfurl_conv_plan_algo(plan);
    job.plan = plan, job.weights = weights;
    job.workspace_size = unfurl_conv_plan_workspace_size(plan, 0);
    job.workspace = unfurl_context_alloc(context, job.workspace_size); /* NULL: allocated at each run */
    status = time_runs(run_plan, &job, median_us, error);
  }
  unfurl_context_free(context, job.workspace, job.workspace_size);
  unfurl_conv_weights_destroy(&weights);
  unfurl_conv_plan_destroy(&plan);
  return status;
}

/* The maps of the planner's solver go where SGEMM's will be; they are only timed. */
static unfurl_status time_all(lecture_numbers *n, const unfurl_context *context, unfurl_error *error) {
  const char *naive = "naive", *im2col = "im2col"; /* planning im2col tests the BLAS and sets its threads */
  const lecture_job job = {.numbers = n};
  double unused;
  n->times.runs = RUNS;
  n->planned = NULL;
  unfurl_status status = time_solver(n, context, &im2col, &n->maps[0][0], &unused, error);
  if (status == UNFURL_OK) status = time_solver(n, context, &n->planned, &n->maps[0][0], &n->times.planned_us, error);
  if (status == UNFURL_OK) status = time_solver(n, context, &naive, &n->naive[0][0], &n->times.naive_us, error);
  if (status == UNFURL_OK) status = time_runs(run_unroll, &job, &n->times.unroll_us, error);
  if (status == UNFURL_OK) status = time_runs(run_sgemm, &job, &n->times.sgemm_us, error);
  return status;
}

unfurl_status lecture_compute(lecture_numbers *numbers, const unfurl_context *context, unfurl_error *error) {
  lecture_filters(numbers->filters);
  lecture_fc_weights(numbers->fc_weights);
  unfurl_status status = time_all(numbers, context, error);
  if (status == UNFURL_OK)
    status = unfurl_sgemv(LECTURE_CLASSES, LECTURE_NUMBERS, &numbers->fc_weights[0][0], &numbers->image[0][0][0],
                          numbers->fc, error);
  if (status != UNFURL_OK) return status;
  dot_chunk(numbers);
  dot_unrolled(numbers);
  find_difference(numbers);
  return UNFURL_OK;
}
