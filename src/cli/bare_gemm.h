/* SPDX-License-Identifier: BSD-2-Clause */
/* The product that a convolution is lowered to, and nothing else: the yardstick beside the solvers.
 *
 *     for each image, for each group:  C[oh*ow][oc/groups] = patches[oh*ow][kh*kw*ic/groups] * weights^T
 *
 * through unfurl_sgemm, with the rows of C split over the context's threads. The patch matrix of one image is made
 * beforehand and stands for those of all images; bias and activation are left out. To be compared with the others, the
 * same products can also be made from each image's own patches.
 */
#ifndef CLI_BARE_GEMM_H
#define CLI_BARE_GEMM_H

#include "measure_data.h"
#include "problem.h"
#include "unfurl/blas.h"
#include "unfurl/context.h"
#include "unfurl/conv.h"

typedef struct bare_gemm {
  const unfurl_context *context;
  unfurl_conv_desc image; /* the convolution with batch 1 */
  size_t batch, groups, tasks;
  unfurl_gemm shape; /* one product */
  float *patches;    /* [groups][m][k] */
} bare_gemm;

/* TOO_LARGE, OUT_OF_MEMORY, BLAS_ERROR. Released by bare_gemm_free in any case. */
unfurl_status bare_gemm_init(bare_gemm *gemm, const unfurl_context *context, const problem_spec *problem,
                             unfurl_error *error);
void bare_gemm_free(bare_gemm *gemm);

/* The whole convolution with each image's own patches, bias and ReLU into data->dst: to verify, not to be timed. */
unfurl_status bare_gemm_verify(bare_gemm *gemm, measure_data *data, unfurl_error *error);

/* The products of one execution, all with the patches that are there. data->dst is overwritten. */
void bare_gemm_run(const bare_gemm *gemm, measure_data *data);

#endif
