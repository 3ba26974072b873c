/* SPDX-License-Identifier: BSD-2-Clause */
#include "bare_gemm.h"

#include <stdlib.h>

#include "checked.h"
#include "fault.h"
#include "unfurl/im2col.h"

/* Making a plan of a solver that uses the BLAS library tests it, and sets its thread count as the context says. */
static unfurl_status wake_blas(const bare_gemm *gemm, unfurl_error *error) {
  unfurl_conv_desc desc = gemm->image;
  unfurl_conv_plan *plan;
  desc.algo = "im2col";
  const unfurl_status status = unfurl_conv_plan_create(gemm->context, &desc, &plan, error);
  unfurl_conv_plan_destroy(&plan);
  return status;
}

unfurl_status bare_gemm_init(bare_gemm *gemm, const unfurl_context *context, const problem_spec *problem,
                             unfurl_error *error) {
  size_t rows, cols;
  *gemm = (bare_gemm){.context = context, .image = problem->desc, .tasks = unfurl_context_threads(context)};
  gemm->batch = (size_t)problem->desc.batch;
  gemm->groups = (size_t)problem->desc.groups;
  gemm->image.batch = 1;
  unfurl_status status = wake_blas(gemm, error);
  if (status == UNFURL_OK) status = unfurl_im2col_size(&gemm->image, &rows, &cols, error);
  if (status != UNFURL_OK) return status;
  const size_t oc = (size_t)problem->desc.oc;
  gemm->shape = (unfurl_gemm){.m = rows / gemm->groups,
                              .n = oc / gemm->groups,
                              .k = cols,
                              .lda = cols,
                              .ldb = cols,
                              .ldc = oc,
                              .transpose_b = true};
  size_t elements = rows;
  gemm->patches = checked_mul(&elements, cols) ? measure_floats(elements) : NULL;
  return gemm->patches ? UNFURL_OK : fault_memory(error);
}

void bare_gemm_free(bare_gemm *gemm) {
  free(gemm->patches);
  gemm->patches = NULL;
}

/* The products of one image, rows begin..end-1. */
static void multiply_rows(const bare_gemm *gemm, const float *weights, float *dst, size_t begin, size_t end) {
  unfurl_gemm shape = gemm->shape;
  shape.m = end - begin;
  if (shape.m == 0) return;
  for (size_t g = 0; g < gemm->groups; g++) {
    const float *patches = gemm->patches + (g * gemm->shape.m + begin) * shape.k;
    unfurl_sgemm(&shape, patches, weights + g * shape.n * shape.k, dst + begin * shape.ldc + g * shape.n, NULL);
  }
}

typedef struct gemm_job {
  const bare_gemm *gemm;
  const float *weights;
  float *dst;
} gemm_job;

static void run_task(void *arg, size_t task) {
  const gemm_job *job = arg;
  const bare_gemm *gemm = job->gemm;
  const size_t m = gemm->shape.m, image = m * gemm->shape.ldc;
  const size_t begin = m * task / gemm->tasks, end = m * (task + 1) / gemm->tasks;
  for (size_t i = 0; i < gemm->batch; i++) multiply_rows(gemm, job->weights, job->dst + i * image, begin, end);
}

void bare_gemm_run(const bare_gemm *gemm, measure_data *data) {
  gemm_job job = {.gemm = gemm, .weights = data->weights, .dst = data->dst};
  unfurl_context_parallel_for(gemm->context, gemm->tasks, run_task, &job);
}

unfurl_status bare_gemm_verify(bare_gemm *gemm, measure_data *data, unfurl_error *error) {
  const size_t src_image = data->src_count / gemm->batch, dst_image = data->dst_count / gemm->batch;
  for (size_t i = gemm->batch; i-- > 0;) { /* downwards: the first image's patches stay */
    const unfurl_status status = unfurl_im2col(&gemm->image, data->src + i * src_image, gemm->patches, error);
    if (status != UNFURL_OK) return status;
    multiply_rows(gemm, data->weights, data->dst + i * dst_image, 0, gemm->shape.m);
  }
  for (size_t i = 0; i < data->dst_count; i++) {
    const float sum = data->dst[i] + data->bias[i % data->bias_count];
    data->dst[i] = sum < 0 ? 0 : sum;
  }
  return UNFURL_OK;
}
