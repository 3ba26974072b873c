/* SPDX-License-Identifier: BSD-2-Clause */
/* Gemm, MatMul and Softmax as nodes of a network: every transposition, factor and way to broadcast C; matrices on the right
 * that are constant or not, with and without a bias; every axis. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "net_run.h"
#include "support.h"
#include "unfurl/session.h"

enum { MOST = 4096 };

/* y = alpha * op(a) op(b) + beta * c */
typedef struct gemm_case {
  int64_t m, n, k, trans_a, trans_b;
  float alpha, beta;
  int64_t c_rank, c_rows, c_cols; /* c_rank -1: no c */
  bool constant_b;
} gemm_case;

static float a[MOST], b[MOST], c[MOST], y[MOST];

static double expected(const gemm_case *g, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t p = 0; p < g->k; p++)
    sum += (double)a[g->trans_a ? p * g->m + i : i * g->k + p] * (double)b[g->trans_b ? j * g->k + p : p * g->n + j];
  sum *= (double)g->alpha;
  if (g->c_rank < 0) return sum;
  const int64_t row = g->c_rows == 1 ? 0 : i, col = g->c_cols == 1 ? 0 : j;
  return sum + (double)g->beta * (double)c[row * g->c_cols + col];
}

static void check_gemm(const unfurl_context *context, const gemm_case *g) {
  const unfurl_attribute attributes[] = {attribute_int("transA", &g->trans_a), attribute_int("transB", &g->trans_b),
                                         attribute_float("alpha", &g->alpha), attribute_float("beta", &g->beta)};
  const int64_t a_dims[] = {g->trans_a ? g->k : g->m, g->trans_a ? g->m : g->k};
  const int64_t b_dims[] = {g->trans_b ? g->n : g->k, g->trans_b ? g->k : g->n};
  const int64_t c_dims[] = {g->c_rank == 1 ? g->c_cols : g->c_rows, g->c_cols};
  unfurl_tensor inputs[2];
  net n = net_begin(context, NULL);
  net_input(&n, "a", 2, a_dims);
  if (g->constant_b)
    net_constant(&n, "b", 2, b_dims, b);
  else
    net_input(&n, "b", 2, b_dims);
  if (g->c_rank >= 0) net_constant(&n, "c", (size_t)g->c_rank, c_dims, c);
  net_node_with(&n, "Gemm", g->c_rank < 0 ? "a b" : "a b c", "y", 4, attributes);
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 2, a_dims, a);
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 2, b_dims, b);
  net_run(&n, inputs, g->constant_b ? 1 : 2, (size_t)(g->m * g->n), y);
  for (int64_t i = 0; i < g->m; i++)
    for (int64_t j = 0; j < g->n; j++)
      cr_assert_float_eq((double)y[i * g->n + j], expected(g, i, j), 0,
                         "%lldx%lldx%lld trans %lld %lld alpha %g beta %g c %lld: [%lld][%lld]", (long long)g->m,
                         (long long)g->n, (long long)g->k, (long long)g->trans_a, (long long)g->trans_b,
                         (double)g->alpha, (double)g->beta, (long long)g->c_rank, (long long)i, (long long)j);
}

/* Small integers and powers of two: exact whatever the order. */
Test(op_dense, gemm) {
  static const int64_t sizes[][3] = {{1, 10, 36}, {1, 1, 1}, {5, 7, 3}, {3, 1, 17}, {17, 33, 9}, {2, 40, 40}};
  static const float factors[][2] = {{1, 1}, {0.5f, 1}, {1, 2}, {-2, 0}, {2, -0.5f}};
  fill_small(a, MOST, 1), fill_small(b, MOST, 2), fill_small(c, MOST, 3);
  for (size_t threads = 1; threads <= 3; threads += 2) {
    unfurl_context *context = net_context(threads);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
      for (size_t v = 0; v < (size_t)5 * 2 * 2 * 2 * 6; v++) {
        gemm_case g = {.m = sizes[s][0], .n = sizes[s][1], .k = sizes[s][2], .trans_a = v % 2, .trans_b = v / 2 % 2};
        const size_t form = v / 8 % 6; /* of c: none, scalar, [n], [1][n], [m][1], [m][n] */
        g.constant_b = v / 4 % 2;
        g.alpha = factors[v / 48][0], g.beta = factors[v / 48][1];
        g.c_rank = form == 0 ? -1 : form == 1 ? 0 : form == 2 ? 1 : 2;
        g.c_rows = form >= 4 ? g.m : 1, g.c_cols = form == 1 || form == 4 ? 1 : g.n;
        check_gemm(context, &g);
      }
    unfurl_context_destroy(&context);
  }
}

/* y = relu(a b + c), a of any rank, b a matrix; c and the activation may be missing. */
typedef struct matmul_case {
  size_t rank;
  int64_t dims[4], n;
  bool constant, has_bias, has_relu;
} matmul_case;

static size_t matmul(const unfurl_context *context, const matmul_case *m, bool no_fuse, float *result) {
  const int64_t k = m->dims[m->rank - 1], b_dims[] = {k, m->n};
  size_t rows = 1;
  unfurl_tensor inputs[2];
  unfurl_model_options options;
  unfurl_model_options_init(&options);
  options.no_fuse = no_fuse;
  net n = net_begin(context, &options);
  for (size_t i = 0; i + 1 < m->rank; i++) rows *= (size_t)m->dims[i];
  net_input(&n, "a", m->rank, m->dims);
  if (m->constant)
    net_constant(&n, "b", 2, b_dims, b);
  else
    net_input(&n, "b", 2, b_dims);
  net_constant(&n, "c", 1, &m->n, c);
  net_node(&n, "MatMul", "a b", m->has_bias || m->has_relu ? "p" : "y");
  if (m->has_bias) net_node(&n, "Add", m->n % 2 ? "p c" : "c p", m->has_relu ? "s" : "y");
  if (m->has_relu) net_node(&n, "Relu", m->has_bias ? "s" : "p", "y");
  unfurl_tensor_init(&inputs[0], UNFURL_F32, m->rank, m->dims, a);
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 2, b_dims, b);
  net_run(&n, inputs, m->constant ? 1 : 2, rows * (size_t)m->n, result);
  return rows;
}

Test(op_dense, matmul_by_a_matrix) {
  static const int64_t shapes[][5] = {{1, 0, 0, 0, 7},  {2, 5, 0, 0, 9}, {2, 1, 0, 0, 64},
                                      {3, 2, 3, 0, 33}, {4, 2, 2, 5, 8}, {4, 1, 1, 1, 16}};
  fill_small(a, MOST, 4), fill_small(b, MOST, 5), fill_small(c, MOST, 6);
  for (size_t v = 0; v < 6 * 16; v++) {
    matmul_case m = {.rank = (size_t)shapes[v / 16][0], .n = 1 + (int64_t)(v * 7 % 40)};
    const int64_t k = shapes[v / 16][4];
    static float apart[MOST];
    unfurl_context *context = net_context(1 + v % 3);
    memcpy(m.dims, shapes[v / 16] + 1, 3 * sizeof *m.dims);
    m.dims[m.rank - 1] = k;
    m.constant = v & 1, m.has_bias = v & 2, m.has_relu = v & 4;
    const size_t rows = matmul(context, &m, v & 8, y);
    for (size_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < m.n; j++) {
        double sum = m.has_bias ? (double)c[j] : 0;
        for (int64_t p = 0; p < k; p++) sum += (double)a[(int64_t)i * k + p] * (double)b[p * m.n + j];
        cr_assert_eq((double)y[(int64_t)i * m.n + j], m.has_relu ? fmax(sum, 0) : sum, "variant %zu", v);
      }
    matmul(context, &m, !(v & 8), apart);
    cr_assert_arr_eq(y, apart, rows * (size_t)m.n * sizeof *y);
    unfurl_context_destroy(&context);
  }
}

/* By constant weights, a row has the bits that it has alone: the sum is the canonical one. */
Test(op_dense, rows_of_a_matmul_do_not_know_each_other) {
  static float together[MOST], alone[MOST];
  fill_real(a, MOST, 7), fill_real(b, MOST, 8), fill_real(c, MOST, 9);
  unfurl_context *context = net_context(2);
  const matmul_case all = {.rank = 3, .dims = {3, 7, 50}, .n = 37, .constant = true, .has_bias = true};
  const size_t rows = matmul(context, &all, false, together);
  for (size_t i = 0; i < rows; i++) {
    const matmul_case one = {.rank = 1, .dims = {50}, .n = 37, .constant = true, .has_bias = true};
    memmove(a, a + (i ? 50 : 0), (MOST - 50) * sizeof *a);
    matmul(context, &one, false, alone);
    cr_assert_arr_eq(alone, together + i * 37, 37 * sizeof *alone);
  }
  unfurl_context_destroy(&context);
}

Test(op_dense, softmax) {
  static const int64_t dims[] = {3, 20, 2, 5};
  enum { COUNT = 3 * 20 * 2 * 5 };
  unfurl_context *context = net_context(2);
  float x[COUNT];
  fill_real(x, COUNT, 1);
  for (size_t i = 0; i < COUNT; i++) x[i] *= 20;
  for (int64_t opset = 11; opset <= 13; opset += 2)
    for (int64_t axis = -4; axis < 4; axis++) {
      const int64_t from = axis < 0 ? axis + 4 : axis;
      size_t length = 1, inner = 1; /* before opset 13, all dimensions from the axis on are one */
      for (int64_t i = from; i < 4; i++) *(i == from || opset < 13 ? &length : &inner) *= (size_t)dims[i];
      unfurl_model_options options;
      unfurl_model_options_init(&options);
      options.opset = opset;
      net n = net_begin(context, &options);
      const unfurl_attribute attribute = attribute_int("axis", &axis);
      unfurl_tensor input;
      net_input(&n, "x", 4, dims);
      net_node_with(&n, "Softmax", "x", "y", 1, &attribute);
      unfurl_tensor_init(&input, UNFURL_F32, 4, dims, x);
      net_run(&n, &input, 1, COUNT, y);
      for (size_t i = 0; i < COUNT; i++) {
        const size_t start = i / inner / length * length * inner + i % inner;
        double sum = 0;
        for (size_t j = 0; j < length; j++) sum += exp((double)x[start + j * inner] - (double)x[i]);
        cr_assert_float_eq((double)y[i], 1 / sum, 1e-6 / sum + 1e-12, "opset %lld, axis %lld, element %zu",
                           (long long)opset, (long long)axis, i);
      }
    }
  unfurl_context_destroy(&context);
}

/* Neither overflow nor 0/0: large numbers of either sign, and equal ones. */
Test(op_dense, softmax_of_extremes) {
  unfurl_context *context = net_context(1);
  float x[] = {1e30f, -1e30f, 0, 1e30f, -3e38f, -3e38f, -3e38f, -3e38f};
  const int64_t dims[] = {2, 4};
  unfurl_tensor input;
  net n = net_begin(context, NULL);
  net_input(&n, "x", 2, dims);
  net_node(&n, "Softmax", "x", "y");
  unfurl_tensor_init(&input, UNFURL_F32, 2, dims, x);
  net_run(&n, &input, 1, 8, y);
  const float rows[] = {0.5f, 0, 0, 0.5f, 0.25f, 0.25f, 0.25f, 0.25f};
  cr_assert_arr_eq(y, rows, sizeof rows);
  unfurl_context_destroy(&context);
}
