/* SPDX-License-Identifier: BSD-2-Clause */
/* The matrix product underneath: C = op(A) op(B) + beta C, through CBLAS.
 *
 * Row-major; `lda` is the distance in floats from one row of A as it is stored to the next. It is here so that a
 * program can put bare SGEMM beside a convolution, and do the lecture's fully connected layer, without a BLAS of its
 * own:
 *
 *     unfurl_gemm shape = {.m = 784, .n = 6, .k = 75, .lda = 75, .ldb = 75, .ldc = 6, .transpose_b = true};
 *     unfurl_sgemm(&shape, patches, filters, maps, &error);     // 784x75 times (6x75)^T: six activation maps
 *
 * Allocation, locks and threads inside a call are the BLAS library's own. Thread rule: any number of callers; at most
 * 32 are inside the BLAS at once, the others wait (some BLAS libraries fail when their buffers run out).
 */
#ifndef UNFURL_BLAS_H
#define UNFURL_BLAS_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unfurl_gemm {
  size_t m, n, k;                /* C is m x n, op(A) m x k, op(B) k x n; zero is allowed (k = 0: C = beta C) */
  size_t lda, ldb, ldc;          /* floats from one stored row to the next; at least a row's length */
  bool transpose_a, transpose_b; /* op(X) = X^T: A is stored k x m, B is stored n x k */
  float beta;                    /* 0: C is only written */
} unfurl_gemm;

/* One SGEMM. C overlaps neither A nor B. Statuses: INVALID_ARGUMENT (NULL, a leading dimension that is too small),
 * TOO_LARGE (a size over 2^31 - 1: CBLAS counts in int). */
UNFURL_API unfurl_status unfurl_sgemm(const unfurl_gemm *shape, const float *a, const float *b, float *c,
                                      unfurl_error *error);

/* One SGEMV: y[rows] = A[rows][cols] x[cols], A row-major without gaps. Statuses as unfurl_sgemm. */
UNFURL_API unfurl_status unfurl_sgemv(size_t rows, size_t cols, const float *a, const float *x, float *y,
                                      unfurl_error *error);

/* The BLAS library that was built in ("OpenBLAS", "BLIS", "CBLAS"), and the processor core that it chose its kernels
 * for ("Haswell"; "" where it does not tell). Constant strings. */
UNFURL_API const char *unfurl_blas_name(void);
UNFURL_API const char *unfurl_blas_core(void);

#ifdef __cplusplus
}
#endif
#endif
