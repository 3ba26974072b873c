/* SPDX-License-Identifier: BSD-2-Clause */
/* The public SGEMM and SGEMV: every transposition, leading dimension and beta against loops, and what they refuse. */
#include <criterion/criterion.h>
#include <limits.h>
#include <string.h>

#include "support.h"
#include "unfurl/blas.h"

enum { MOST = 40 * 48 /* floats of any matrix here */ };

static double element(const float *matrix, size_t ld, bool transpose, size_t row, size_t col) {
  return (double)(transpose ? matrix[col * ld + row] : matrix[row * ld + col]);
}

static void check_product(const unfurl_gemm *s) {
  static float a[MOST], b[MOST], before[MOST];
  guarded c = guarded_alloc(s->m * s->ldc);
  unfurl_error error;
  fill_small(a, MOST, 1);
  fill_small(b, MOST, 2);
  if (s->beta != 0) fill_small(c.data, c.count, 3);
  memcpy(before, c.data, c.count * sizeof(float));
  cr_assert_eq(unfurl_sgemm(s, a, b, c.data, &error), UNFURL_OK, "%s", error.message);
  cr_assert(guarded_intact(&c));
  for (size_t i = 0; i < s->m; i++)
    for (size_t j = 0; j < s->ldc; j++) {
      const size_t at = i * s->ldc + j;
      double expected = s->beta == 0 ? 0 : (double)s->beta * (double)before[at];
      for (size_t p = 0; p < s->k; p++)
        expected += element(a, s->lda, s->transpose_a, i, p) * element(b, s->ldb, s->transpose_b, p, j);
      if (j < s->n)
        cr_assert_float_eq((double)c.data[at], expected, 0, "%zux%zux%zu: [%zu][%zu]", s->m, s->n, s->k, i, j);
      else
        cr_assert_arr_eq(&c.data[at], &before[at], sizeof(float), "a gap between rows was written");
    }
  guarded_free(&c);
}

Test(blas, products) {
  static const size_t sizes[][3] = {{1, 1, 1},    {2, 3, 4},   {17, 5, 9}, {5, 17, 31},
                                    {33, 40, 37}, {1, 29, 13}, {29, 1, 13}};
  static const float betas[] = {0, 1, -2};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t v = 0; v < 4 * 3 * 2; v++) {
      const size_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2], gap = v / 12 * 3;
      unfurl_gemm s = {
          .m = m, .n = n, .k = k, .transpose_a = v % 2, .transpose_b = v / 2 % 2, .beta = betas[v / 4 % 3]};
      s.lda = (s.transpose_a ? m : k) + gap, s.ldb = (s.transpose_b ? k : n) + gap, s.ldc = n + gap;
      check_product(&s);
    }
}

/* OpenBLAS issue 2914: nothing to sum must give beta C, also where C was NaN and beta is 0. */
Test(blas, nothing_to_sum) {
  static const float betas[] = {0, 1, 2};
  for (size_t i = 0; i < 3; i++) {
    const unfurl_gemm s = {.m = 5, .n = 7, .k = 0, .lda = 1, .ldb = 7, .ldc = 9, .beta = betas[i]};
    check_product(&s);
  }
  float a = 1, x = 1, y[3] = {5, 6, 7};
  cr_assert_eq(unfurl_sgemv(3, 0, &a, &x, y, NULL), UNFURL_OK);
  for (size_t i = 0; i < 3; i++) cr_assert_float_eq(y[i], 0, 0);
}

Test(blas, nothing_to_compute) {
  float a = 1, b = 1, c = 42;
  const unfurl_gemm no_rows = {.m = 0, .n = 3, .k = 3, .lda = 3, .ldb = 3, .ldc = 3};
  const unfurl_gemm no_cols = {.m = 3, .n = 0, .k = 3, .lda = 3, .ldb = 1, .ldc = 1};
  cr_assert_eq(unfurl_sgemm(&no_rows, &a, &b, &c, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_sgemm(&no_cols, &a, &b, &c, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_sgemv(0, 3, &a, &b, &c, NULL), UNFURL_OK);
  cr_assert_float_eq(c, 42, 0);
}

static void check_refused(const unfurl_gemm *s, unfurl_status status) {
  float number = 42;
  unfurl_error error = {0};
  cr_assert_eq(unfurl_sgemm(s, &number, &number, &number, &error), status);
  cr_assert_neq(error.message[0], '\0');
  cr_assert_eq(unfurl_sgemm(s, &number, &number, &number, NULL), status);
  cr_assert_float_eq(number, 42, 0);
}

Test(blas, leading_dimensions_that_are_too_small) {
  const unfurl_gemm fine = {.m = 2, .n = 3, .k = 4, .lda = 4, .ldb = 3, .ldc = 3};
  unfurl_gemm s = fine;
  s.lda = 3;
  check_refused(&s, UNFURL_INVALID_ARGUMENT);
  s = fine, s.ldb = 2;
  check_refused(&s, UNFURL_INVALID_ARGUMENT);
  s = fine, s.ldc = 2;
  check_refused(&s, UNFURL_INVALID_ARGUMENT);
  s = fine, s.transpose_a = true, s.lda = 1;
  check_refused(&s, UNFURL_INVALID_ARGUMENT);
  s = fine, s.transpose_b = true, s.ldb = 3;
  check_refused(&s, UNFURL_INVALID_ARGUMENT);
  s = fine, s.lda = 0;
  check_refused(&s, UNFURL_INVALID_ARGUMENT);
}

Test(blas, sizes_that_an_int_does_not_hold) {
  const size_t large = (size_t)INT_MAX + 1;
  const unfurl_gemm shapes[] = {
      {.m = large, .n = 1, .k = 1, .lda = 1, .ldb = 1, .ldc = 1},
      {.m = 1, .n = large, .k = 1, .lda = 1, .ldb = large, .ldc = large},
      {.m = 1, .n = 1, .k = SIZE_MAX, .lda = SIZE_MAX, .ldb = 1, .ldc = 1},
      {.m = 1, .n = 1, .k = 1, .lda = large, .ldb = 1, .ldc = 1},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) check_refused(&shapes[i], UNFURL_TOO_LARGE);
  float number = 42;
  cr_assert_eq(unfurl_sgemv(large, 1, &number, &number, &number, NULL), UNFURL_TOO_LARGE);
  cr_assert_eq(unfurl_sgemv(1, large, &number, &number, &number, NULL), UNFURL_TOO_LARGE);
}

Test(blas, null_pointers) {
  const unfurl_gemm s = {.m = 1, .n = 1, .k = 1, .lda = 1, .ldb = 1, .ldc = 1};
  float number = 1;
  cr_assert_eq(unfurl_sgemm(NULL, &number, &number, &number, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_sgemm(&s, NULL, &number, &number, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_sgemm(&s, &number, NULL, &number, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_sgemm(&s, &number, &number, NULL, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_sgemv(1, 1, NULL, &number, &number, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_sgemv(1, 1, &number, NULL, &number, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_sgemv(1, 1, &number, &number, NULL, NULL), UNFURL_INVALID_ARGUMENT);
}

Test(blas, says_who_it_is) {
  cr_assert_neq(unfurl_blas_name()[0], '\0');
  cr_assert_not_null(unfurl_blas_core());
}
