/* SPDX-License-Identifier: BSD-2-Clause */
/* The CBLAS behind unfurl/blas.h: this file's .c is the only one that sees it. */
#ifndef UNFURL_GEMM_BLAS_H
#define UNFURL_GEMM_BLAS_H

#include <stdbool.h>

#include "unfurl/blas.h"
#include "unfurl/context.h"

/* Called by whatever plans to use the BLAS: tests it once with small exact products, and sets its thread count to 1 if
 * the context says so. BLAS_ERROR if the products are wrong. */
unfurl_status unfurl_blas_prepare(const unfurl_context *context, unfurl_error *error);

/* Whether m, n, k and the leading dimensions can be given to CBLAS, which counts in int. */
bool unfurl_gemm_fits(const unfurl_gemm *shape);

/* unfurl_sgemm and unfurl_sgemv without the checks, for shapes that fit. gemv: A is stored [rows][cols] with `lda`
 * floats from row to row; transposed, y = A^T x has `cols` elements. */
void unfurl_gemm_run(const unfurl_gemm *shape, const float *a, const float *b, float *c);
void unfurl_gemv_run(bool transposed, size_t rows, size_t cols, const float *a, size_t lda, const float *x, float *y);

#endif
