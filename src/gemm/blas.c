/* SPDX-License-Identifier: BSD-2-Clause */
#include "gemm/blas.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <cblas.h>

#include "base/context.h"
#include "base/status.h"

/* What the CBLAS interface does not standardise: who it is, and how its threads are counted. */
#if defined(UNFURL_BLAS_OPENBLAS)
static void set_single_thread(void) {
  openblas_set_num_threads(1);
}
const char *unfurl_blas_name(void) {
  return "OpenBLAS";
}
const char *unfurl_blas_core(void) {
  return openblas_get_corename();
}
#elif defined(UNFURL_BLAS_BLIS)
/* As blis.h declares them; including it would define the types of cblas.h a second time. */
void bli_thread_set_num_threads(int64_t threads);
int bli_arch_query_id(void);
const char *bli_arch_string(int id);

static void set_single_thread(void) {
  bli_thread_set_num_threads(1);
}
const char *unfurl_blas_name(void) {
  return "BLIS";
}
const char *unfurl_blas_core(void) {
  return bli_arch_string(bli_arch_query_id());
}
#else
static void set_single_thread(void) {}
const char *unfurl_blas_name(void) {
  return "CBLAS";
}
const char *unfurl_blas_core(void) {
  return "";
}
#endif

/* OpenBLAS has a fixed number of buffers; when more callers than that are inside, it prints and returns garbage. And a
 * process that is forked while another thread is inside may find the locks of the BLAS taken, for ever: a fork waits until
 * all have left. */
enum { MAX_CALLERS = 32 };
static atomic_int callers, forks;
static _Thread_local bool is_inside;

static void enter_blas(void) {
  is_inside = true;
  for (;; sched_yield()) {
    if (atomic_load(&forks)) continue;
    if (atomic_fetch_add(&callers, 1) < MAX_CALLERS && !atomic_load(&forks)) break;
    atomic_fetch_sub(&callers, 1);
  }
}

static void leave_blas(void) {
  atomic_fetch_sub(&callers, 1);
  is_inside = false;
}

/* `is_inside`: a signal handler forks, which may not wait for the thread that it has interrupted. */
static void before_fork(void) {
  atomic_fetch_add(&forks, 1);
  while (!is_inside && atomic_load(&callers)) sched_yield();
}

static void after_fork(void) {
  atomic_fetch_sub(&forks, 1);
}

/* The other threads, which the counters may tell of, are not in the child. */
static void after_fork_in_child(void) {
  atomic_store(&callers, is_inside ? 1 : 0);
  atomic_store(&forks, 0);
}

void unfurl_gemm_run(const unfurl_gemm *s, const float *a, const float *b, float *c) {
  if (s->m == 0 || s->n == 0) return;
  if (s->k == 0) { /* OpenBLAS has been wrong here (its issue 2914) */
    for (size_t i = 0; i < s->m; i++)
      for (size_t j = 0; j < s->n; j++) c[i * s->ldc + j] = s->beta == 0 ? 0 : s->beta * c[i * s->ldc + j];
    return;
  }
  enter_blas();
  cblas_sgemm(CblasRowMajor, s->transpose_a ? CblasTrans : CblasNoTrans, s->transpose_b ? CblasTrans : CblasNoTrans,
              (int)s->m, (int)s->n, (int)s->k, 1.0f, a, (int)s->lda, b, (int)s->ldb, s->beta, c, (int)s->ldc);
  leave_blas();
}

void unfurl_gemv_run(bool transposed, size_t rows, size_t cols, const float *a, size_t lda, const float *x, float *y) {
  const size_t length = transposed ? cols : rows, sum_length = transposed ? rows : cols;
  if (length == 0) return;
  if (sum_length == 0) {
    memset(y, 0, length * sizeof *y);
    return;
  }
  enter_blas();
  cblas_sgemv(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, (int)rows, (int)cols, 1.0f, a, (int)lda, x, 1,
              0.0f, y, 1);
  leave_blas();
}

bool unfurl_gemm_fits(const unfurl_gemm *s) {
  return s->m <= INT_MAX && s->n <= INT_MAX && s->k <= INT_MAX && s->lda <= INT_MAX && s->ldb <= INT_MAX &&
         s->ldc <= INT_MAX;
}

unfurl_status unfurl_sgemm(const unfurl_gemm *shape, const float *a, const float *b, float *c, unfurl_error *error) {
  if (!shape || !a || !b || !c) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  if (!unfurl_gemm_fits(shape)) return unfurl_fail(error, UNFURL_TOO_LARGE, "a size is over 2^31 - 1");
  const size_t a_cols = shape->transpose_a ? shape->m : shape->k, b_cols = shape->transpose_b ? shape->k : shape->n;
  if (shape->lda < (a_cols ? a_cols : 1) || shape->ldb < (b_cols ? b_cols : 1) ||
      shape->ldc < (shape->n ? shape->n : 1))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a leading dimension is less than the row's length");
  unfurl_gemm_run(shape, a, b, c);
  return unfurl_succeed(error);
}

unfurl_status unfurl_sgemv(size_t rows, size_t cols, const float *a, const float *x, float *y, unfurl_error *error) {
  if (!a || !x || !y) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  if (rows > INT_MAX || cols > INT_MAX) return unfurl_fail(error, UNFURL_TOO_LARGE, "a size is over 2^31 - 1");
  unfurl_gemv_run(false, rows, cols, a, cols, x, y);
  return unfurl_succeed(error);
}

/* Products of small integers are exact in any order, so a correct BLAS gives them to the bit. Sizes around the widths
 * of vectors and tiles; 61 columns of B leave tails. */
enum { TEST_M = 37, TEST_N = 61, TEST_K = 45 };

static float test_a(size_t i, size_t p) {
  return (float)((i * 7 + p * 3) % 11) - 5;
}

static float test_b(size_t p, size_t j) {
  return (float)((p * 5 + j * 2) % 13) - 6;
}

static float expected(size_t i, size_t j) {
  float sum = 0;
  for (size_t p = 0; p < TEST_K; p++) sum += test_a(i, p) * test_b(p, j);
  return sum;
}

static bool products_are_exact(void) {
  float a[TEST_M * TEST_K], b[TEST_N * TEST_K], c[TEST_M * TEST_N], x[TEST_K], y[TEST_M];
  for (size_t p = 0; p < TEST_K; p++) {
    for (size_t i = 0; i < TEST_M; i++) a[i * TEST_K + p] = test_a(i, p);
    for (size_t j = 0; j < TEST_N; j++) b[j * TEST_K + p] = test_b(p, j);
    x[p] = test_b(p, 0);
  }
  const unfurl_gemm shape = {
      .m = TEST_M, .n = TEST_N, .k = TEST_K, .lda = TEST_K, .ldb = TEST_K, .ldc = TEST_N, .transpose_b = true};
  unfurl_gemm_run(&shape, a, b, c);
  unfurl_gemv_run(false, TEST_M, TEST_K, a, TEST_K, x, y);
  for (size_t i = 0; i < TEST_M; i++) {
    if (y[i] != expected(i, 0)) return false;
    for (size_t j = 0; j < TEST_N; j++)
      if (c[i * TEST_N + j] != expected(i, j)) return false;
  }
  return true;
}

static pthread_once_t first_use = PTHREAD_ONCE_INIT;
static bool test_passed;

static void begin_use(void) {
  pthread_atfork(before_fork, after_fork, after_fork_in_child);
  test_passed = products_are_exact();
}

unfurl_status unfurl_blas_prepare(const unfurl_context *context, unfurl_error *error) {
  if (context->options.blas_single_thread) set_single_thread();
  pthread_once(&first_use, begin_use);
  if (!test_passed)
    return unfurl_fail(error, UNFURL_BLAS_ERROR, "%s (%s) gives wrong products on this machine", unfurl_blas_name(),
                       unfurl_blas_core());
  return UNFURL_OK;
}
