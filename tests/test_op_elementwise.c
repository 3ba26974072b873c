/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators of single elements and of elements of two tensors, as nodes of a network, against the C library in double. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "net_run.h"
#include "support.h"
#include "typed.h"
#include "unfurl/session.h"

enum { COUNT = 40000, MOST = 4096 };

static float alpha, beta; /* of the node that is checked; Selu calls the second gamma */

static double negative(double x) {
  return -x;
}
static double reciprocal(double x) {
  return 1 / x;
}
static double elu(double x) {
  return x < 0 ? (double)alpha * expm1(x) : x;
}
static double hard_sigmoid(double x) {
  return fmax(0, fmin(1, (double)alpha * x + (double)beta));
}
static double softplus(double x) {
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double celu(double x) {
  return x < 0 ? (double)alpha * expm1(x / (double)alpha) : x;
}
static double mish(double x) {
  return x * tanh(softplus(x));
}
static double selu(double x) {
  return (double)beta * elu(x);
}
static double sign(double x) {
  return (x > 0) - (x < 0);
}
static double softsign(double x) {
  return x / (1 + fabs(x));
}
static double thresholded(double x) {
  return x > (double)alpha ? x : 0;
}

/* One operator; `given`: of its attributes alpha and beta, whose defaults stand here. */
typedef struct unary_case {
  const char *op;
  double (*exact)(double);
  float alpha, beta;
  size_t given;
} unary_case;

static const unary_case unary_cases[] = {
    {"Abs", fabs, 0, 0, 0},
    {"Ceil", ceil, 0, 0, 0},
    {"Celu", celu, 1, 0, 0},
    {"Celu", celu, 0.7f, 0, 1},
    {"Celu", celu, -2, 0, 1},
    {"Cos", cos, 0, 0, 0},
    {"Elu", elu, 1, 0, 0},
    {"Elu", elu, 0.3f, 0, 1},
    {"Erf", erf, 0, 0, 0},
    {"Exp", exp, 0, 0, 0},
    {"Floor", floor, 0, 0, 0},
    {"HardSigmoid", hard_sigmoid, 0.2f, 0.5f, 0},
    {"HardSigmoid", hard_sigmoid, 0.7f, -0.25f, 2},
    {"Log", log, 0, 0, 0},
    {"Mish", mish, 0, 0, 0},
    {"Neg", negative, 0, 0, 0},
    {"Reciprocal", reciprocal, 0, 0, 0},
    {"Round", rint, 0, 0, 0},
    {"Selu", selu, 1.6732632423543772f, 1.0507009873554805f, 0},
    {"Selu", selu, 0.5f, 3, 2},
    {"Sign", sign, 0, 0, 0},
    {"Sin", sin, 0, 0, 0},
    {"Softplus", softplus, 0, 0, 0},
    {"Softsign", softsign, 0, 0, 0},
    {"Sqrt", sqrt, 0, 0, 0},
    {"ThresholdedRelu", thresholded, 1, 0, 0},
    {"ThresholdedRelu", thresholded, -0.5f, 0, 1},
};

static void check_unary(const unfurl_context *context, const unary_case *c) {
  static float x[COUNT], y[COUNT];
  static const float special[] = {0,   -0.0f, INFINITY, -INFINITY, NAN,   0x1p-149f, -1e-30f,     1e-6f, -1e-6f,
                                  100, -100,  2.5f,     -3.5f,     -0.3f, 8388609,   -8388607.5f, 1e9f,  1};
  const char *second = strcmp(c->op, "Selu") ? "beta" : "gamma";
  const unfurl_attribute attributes[] = {attribute_float("alpha", &c->alpha), attribute_float(second, &c->beta)};
  unfurl_tensor input;
  alpha = c->alpha, beta = c->beta;
  fill_real(x, COUNT, 3);
  for (size_t i = 0; i < COUNT; i++) x[i] *= i % 2 ? 8 : 0.5f;
  memcpy(x, special, sizeof special);
  unfurl_tensor_init(&input, UNFURL_F32, 1, (const int64_t[]){COUNT}, x);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 1, (const int64_t[]){COUNT});
  net_node_with(&n, c->op, "x", "y", c->given, attributes);
  net_run(&n, &input, 1, COUNT, y);
  for (size_t i = 0; i < COUNT; i++) {
    const double exact = c->exact((double)x[i]);
    const bool must_be_nan = isnan(exact) || isnan(x[i]); /* fmax drops NaN */
    if (must_be_nan || isinf((float)exact))
      cr_assert(must_be_nan ? isnan(y[i]) : y[i] == (float)exact, "%s(%a) = %a", c->op, (double)x[i], (double)y[i]);
    else
      cr_assert_float_eq((double)y[i], exact,
                         1e-44 * fmax(1, fabs((double)x[i])) + 4e-7 * fabs(exact) +
                             (strncmp(c->op, "Hard", 4) ? 0 : 1e-7),
                         "%s(%a) = %a", c->op, (double)x[i], (double)y[i]);
  }
}

Test(op_elementwise, single_elements_as_the_c_library_has_them) {
  for (size_t threads = 1; threads <= 2; threads++) {
    unfurl_context *context = net_context(threads);
    for (size_t i = 0; i < sizeof unary_cases / sizeof *unary_cases; i++) check_unary(context, &unary_cases[i]);
    unfurl_context_destroy(&context);
  }
}

static double larger(double a, double b) {
  return isnan(a) || isnan(b) ? NAN : fmax(a, b);
}
static double smaller(double a, double b) {
  return isnan(a) || isnan(b) ? NAN : fmin(a, b);
}
static double prelu(double a, double b) {
  return a < 0 ? a * b : a;
}

static const broadcast_shapes broadcasts[] = {
    {{4, 4}, {{2, 3, 5, 7}, {2, 3, 5, 7}}},
    {{4, 3}, {{2, 3, 5, 7}, {3, 1, 1}}},
    {{4, 0}, {{2, 3, 5, 7}, {0}}},
    {{4, 1}, {{2, 3, 5, 7}, {7}}},
    {{4, 3}, {{2, 3, 5, 7}, {1, 5, 1}}},
    {{4, 4}, {{2, 3, 5, 7}, {2, 1, 1, 7}}},
    {{2, 1}, {{4, 6}, {6}}},
    {{3, 2}, {{3, 1, 8}, {1, 1}}},
};

static size_t elements_of(const broadcast_shapes *s, size_t which) {
  size_t count = 1;
  for (size_t i = 0; i < s->rank[which]; i++) count *= (size_t)s->dims[which][i];
  return count;
}

/* `behind`: the first tensor comes from a convolution that changes nothing, in its layout. */
static void check_binary(const unfurl_context *context, const char *op, double (*exact)(double, double),
                         const broadcast_shapes *s, bool behind) {
  static float a[MOST], b[MOST], y[MOST];
  static const float one[] = {1, 1, 1};
  const size_t count = elements_of(s, 0), others = elements_of(s, 1);
  unfurl_tensor inputs[2];
  fill_real(a, count, 5);
  fill_real(b, others, 6);
  if (!strcmp(op, "Pow"))
    for (size_t i = 0; i < count; i++) a[i] = fabsf(a[i]);
  a[1] = NAN;
  net n = net_begin(context, NULL);
  net_input(&n, "x", s->rank[0], s->dims[0]);
  net_input(&n, "b", s->rank[1], s->dims[1]);
  if (behind) {
    const int64_t group = s->dims[0][1];
    const unfurl_attribute attribute = attribute_int("group", &group);
    net_constant(&n, "w", 4, (const int64_t[]){group, 1, 1, 1}, one);
    net_node_with(&n, "Conv", "x w", "a", 1, &attribute);
  }
  net_node(&n, op, behind ? "a b" : "x b", "y");
  unfurl_tensor_init(&inputs[0], UNFURL_F32, s->rank[0], s->dims[0], a);
  unfurl_tensor_init(&inputs[1], UNFURL_F32, s->rank[1], s->dims[1], b);
  net_run(&n, inputs, 2, count, y);
  for (size_t i = 0; i < count; i++) {
    const double wanted = exact((double)a[i], (double)b[broadcast_partner(s, i)]);
    cr_assert(isnan(wanted) ? isnan(y[i]) : fabs((double)y[i] - wanted) <= 1e-7 * fabs(wanted), "%s of %a: %a, not %a",
              op, (double)a[i], (double)y[i], wanted);
  }
}

Test(op_elementwise, two_tensors_broadcast_as_numpy_has_them) {
  unfurl_context *context = net_context(2);
  for (size_t i = 0; i < sizeof broadcasts / sizeof *broadcasts; i++)
    for (size_t behind = 0; behind < 2; behind++) {
      if (behind && broadcasts[i].rank[0] < 4) continue;
      check_binary(context, "Max", larger, &broadcasts[i], behind);
      check_binary(context, "Min", smaller, &broadcasts[i], behind);
      check_binary(context, "Pow", pow, &broadcasts[i], behind);
      check_binary(context, "PRelu", prelu, &broadcasts[i], behind);
    }
  unfurl_context_destroy(&context);
}

/* Before opset 7, a list of slopes was one for each channel; since then, it is for the last dimension. */
Test(op_elementwise, slopes_of_old_models_are_for_channels) {
  static const float x[] = {-1, -1, -1, -1, -1, -1, -1, -1}, slopes[] = {2, 3};
  unfurl_context *context = net_context(1);
  for (int opset = 6; opset <= 7; opset++) {
    float y[8];
    unfurl_tensor inputs[2];
    unfurl_model_options options;
    unfurl_model_options_init(&options);
    options.opset = opset;
    net n = net_begin(context, &options);
    net_input(&n, "x", 4, (const int64_t[]){1, 2, 2, 2});
    net_input(&n, "s", 1, (const int64_t[]){2});
    net_node(&n, "PRelu", "x s", "y");
    unfurl_tensor_init(&inputs[0], UNFURL_F32, 4, (const int64_t[]){1, 2, 2, 2}, (void *)(uintptr_t)x);
    unfurl_tensor_init(&inputs[1], UNFURL_F32, 1, (const int64_t[]){2}, (void *)(uintptr_t)slopes);
    net_run(&n, inputs, 2, 8, y);
    for (size_t i = 0; i < 8; i++) cr_assert_eq(y[i], -slopes[opset < 7 ? i / 4 : i % 2]);
  }
  unfurl_context_destroy(&context);
}

/* Of one, two or three tensors, also of integers. */
Test(op_elementwise, largest_and_smallest_of_many) {
  static const int64_t a[] = {1, 5, INT64_MIN}, b[] = {3}, c[] = {2, INT64_MAX, -7};
  static const int64_t *const all[] = {a, b, c}, sizes[] = {3, 1, 3};
  static const char *const inputs_of[] = {"a", "a b", "a b c"};
  unfurl_context *context = net_context(1);
  for (size_t count = 1; count <= 3; count++)
    for (size_t is_max = 0; is_max < 2; is_max++) {
      unfurl_tensor inputs[3];
      int64_t y[3];
      net n = net_begin(context, NULL);
      for (size_t i = 0; i < count; i++) {
        net_typed_input(&n, (const char *[]){"a", "b", "c"}[i], UNFURL_I64, 1, &sizes[i]);
        unfurl_tensor_init(&inputs[i], UNFURL_I64, 1, &sizes[i], (void *)(uintptr_t)all[i]);
      }
      net_node(&n, is_max ? "Max" : "Min", inputs_of[count - 1], "y");
      net_run(&n, inputs, count, 3, y);
      for (size_t i = 0; i < 3; i++) {
        int64_t wanted = a[i];
        if (count > 1 && (is_max ? b[0] > wanted : b[0] < wanted)) wanted = b[0];
        if (count > 2 && (is_max ? c[i] > wanted : c[i] < wanted)) wanted = c[i];
        cr_assert_eq(y[i], wanted);
      }
    }
  unfurl_context_destroy(&context);
}

/* PyTorch writes hard swish as x * HardSigmoid(x); behind a convolution that is one layer. */
Test(op_elementwise, hard_swish_in_two_nodes_joins_the_convolution) {
  static const float sixth = 1.0f / 6, half = 0.5f;
  static float x[MOST], fused[MOST], apart[MOST];
  const unfurl_attribute given[] = {attribute_float("alpha", &sixth), attribute_float("beta", &half)};
  const int64_t dims[] = {2, 4, 5, 6};
  unfurl_context *context = net_context(1);
  fill_real(x, 240, 1);
  for (size_t i = 0; i < 240; i++) x[i] *= 9;
  for (size_t no_fuse = 0; no_fuse < 2; no_fuse++) {
    unfurl_tensor input;
    unfurl_model_options options;
    unfurl_model_options_init(&options);
    options.no_fuse = no_fuse;
    net n = net_begin(context, &options);
    net_input(&n, "x", 4, dims);
    net_real_weights(&n, "w", 4, (const int64_t[]){4, 4, 1, 1}, 2);
    net_node(&n, "Conv", "x w", "c");
    net_node_with(&n, "HardSigmoid", "c", "h", 2, given);
    net_node(&n, "Mul", "c h", "y");
    unfurl_tensor_init(&input, UNFURL_F32, 4, dims, x);
    net_run(&n, &input, 1, 240, no_fuse ? apart : fused);
  }
  for (size_t i = 0; i < 240; i++) cr_assert_float_eq((double)fused[i], (double)apart[i], 1e-5);
  unfurl_context_destroy(&context);
}
