/* SPDX-License-Identifier: BSD-2-Clause */
/* The floating-point environment: whatever the caller has set, results are those of the default environment, and the
 * caller finds it again as it was, exception flags included. Flushing denormals is an option of the context. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conv_case.h"
#include "net.h"
#include "unfurl/session.h"

enum { STRANGE = 4 };

/* Sets the index-th environment that a caller may have. */
static void enter_strange(size_t index) {
  static const int directions[STRANGE] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};
  fesetround(directions[index]);
  if (index == STRANGE - 1) set_float_control(float_control() | float_control_flush_bits());
  feclearexcept(FE_ALL_EXCEPT);
}

/* Results that are denormal, and sums that round: both would differ in a strange environment. */
static conv_case delicate_case(const conv_shape *shape) {
  conv_case c = conv_case_make(shape, true);
  for (size_t i = 0; i < c.sizes.src; i++)
    if (i % 2) c.src[i] *= 0x1p-70f;
  for (size_t i = 0; i < c.sizes.weights; i++)
    if (i % 3) c.weights[i] *= 0x1p-70f;
  return c;
}

typedef struct execution {
  unfurl_conv_plan *plan;
  unfurl_conv_args args;
  float *dst;
  size_t count;
} execution;

/* False if the solver does not apply. */
static bool execution_make(execution *e, const unfurl_context *context, conv_case *c, const char *algo) {
  unfurl_error error;
  c->desc.algo = algo;
  c->desc.weights_at_execute = true;
  const unfurl_status status = unfurl_conv_plan_create(context, &c->desc, &e->plan, &error);
  if (status == UNFURL_UNSUPPORTED) return false;
  cr_assert_eq(status, UNFURL_OK, "%s", error.message);
  e->count = c->sizes.dst;
  e->dst = take(e->count * sizeof *e->dst);
  unfurl_conv_args_init(&e->args);
  e->args.src = c->src, e->args.raw_weights = c->weights, e->args.raw_bias = c->bias, e->args.dst = e->dst;
  return true;
}

static void execution_free(execution *e) {
  unfurl_conv_plan_destroy(&e->plan);
  free(e->dst);
}

/* Everything, from the context on, happens in the strange environment; only then is compared. */
static void check_conv(const conv_shape *shape, const char *algo, size_t threads, size_t strange) {
  conv_case c = delicate_case(shape);
  execution plain, odd;
  unfurl_context *context = make_context(threads);
  const bool applies = execution_make(&plain, context, &c, algo);
  if (applies) cr_assert_eq(unfurl_conv_plan_execute(plain.plan, &plain.args, NULL), UNFURL_OK);
  fenv_t before;
  fegetenv(&before);
  enter_strange(strange);
  unfurl_context *strange_context = make_context(threads);
  if (applies) execution_make(&odd, strange_context, &c, algo);
  const uint64_t word = float_control();
  const unfurl_status status = applies ? unfurl_conv_plan_execute(odd.plan, &odd.args, NULL) : UNFURL_OK;
  const uint64_t word_after = float_control();
  fesetenv(&before);
  cr_assert_eq(word_after, word, "%s: the control word was %llx and is %llx", algo, (unsigned long long)word,
               (unsigned long long)word_after);
  cr_assert_eq(status, UNFURL_OK);
  if (applies) {
    cr_assert_arr_eq(odd.dst, plain.dst, plain.count * sizeof(float), "\"%s\" with %s on %zu threads, environment %zu",
                     shape->name, algo, threads, strange);
    execution_free(&plain);
    execution_free(&odd);
  }
  unfurl_context_destroy(&strange_context);
  unfurl_context_destroy(&context);
  conv_case_free(&c);
}

Test(fpenv, convolutions_neither_see_nor_change_the_caller_s) {
  const conv_shape shapes[] = {
      {"small", .ic = 5, .oc = 6, .image = {9, 8}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
      {"large", .batch = 3, .ic = 16, .oc = 16, .image = {20, 20}, .kernel = {3, 3}},
      {"pointwise", .batch = 2, .ic = 9, .oc = 8, .image = {8, 8}, .kernel = {1, 1}},
      {"depthwise", .ic = 8, .oc = 8, .groups = 8, .image = {12, 12}, .kernel = {3, 3}},
      {"transposed", .ic = 6, .oc = 5, .image = {7, 7}, .kernel = {3, 3}, .stride = {2, 2}, .transposed = true},
  };
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
      for (size_t i = 0; i < STRANGE * 2; i++)
        check_conv(&shapes[s], unfurl_conv_algo_name(algo), i % 2 ? 3 : 1, i / 2);
}

/* The data does show it: summed in another direction, or with denormals flushed, the bits differ. */
Test(fpenv, the_data_is_delicate) {
  const conv_shape shape = {"small", .ic = 5, .oc = 6, .image = {9, 8}, .kernel = {3, 3}};
  conv_case c = delicate_case(&shape);
  volatile float sums[STRANGE + 1];
  fenv_t before;
  fegetenv(&before);
  for (size_t e = 0; e <= STRANGE; e++) {
    if (e < STRANGE) enter_strange(e);
    volatile float up = 0, tiny = 0;
    for (size_t i = 1; i < c.sizes.weights; i += 6)
      up += c.src[i] * c.weights[i + 2], tiny += c.src[i] * c.weights[i + 1];
    for (size_t i = 0; i < c.sizes.weights; i += 6) up += c.src[i] * c.weights[i];
    sums[e] = e == STRANGE - 1 ? tiny : up;
    fesetenv(&before);
    if (e == STRANGE) cr_assert_neq(tiny, 0);
  }
  cr_assert_neq(sums[0], sums[STRANGE]);
  cr_assert_neq(sums[1], sums[0]);
  if (float_control_flush_bits()) cr_assert_eq(sums[STRANGE - 1], 0);
  conv_case_free(&c);
}

/* Made in the default environment: rounding is part of how they are made. */
static float pixels[3 * 2 * 64], weights[4 * 2 * 9], fc[4 * 9 * 5], bias[5];

static void fill_net_data(void) {
  fill_real(pixels, sizeof pixels / sizeof *pixels, 1);
  fill_real(weights, sizeof weights / sizeof *weights, 2);
  fill_real(fc, sizeof fc / sizeof *fc, 3);
  fill_real(bias, sizeof bias / sizeof *bias, 4);
}

static net delicate_net(const unfurl_context *context) {
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){-1, 2, 8, 8});
  net_constant(&n, "w", 4, (const int64_t[]){4, 2, 3, 3}, weights);
  net_constant(&n, "fc", 2, (const int64_t[]){4 * 9, 5}, fc);
  net_node(&n, "Conv", "x w", "c");
  net_node(&n, "Tanh", "c", "t");
  const int64_t two[] = {2, 2};
  const unfurl_attribute pool[] = {attribute_ints("kernel_shape", 2, two), attribute_ints("strides", 2, two)};
  net_node_with(&n, "AveragePool", "t", "p", 2, pool);
  net_node(&n, "Flatten", "p", "f");
  net_constant(&n, "b", 1, (const int64_t[]){5}, bias);
  net_node(&n, "Tanh", "b", "folded");
  net_node(&n, "Gemm", "f fc folded", "g");
  net_node(&n, "Softmax", "g", "y");
  net_output(&n, "y");
  net_output(&n, "p");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  return n;
}

static void copy_outputs(const unfurl_session *session, float *to) {
  for (size_t i = 0; i < 2; i++) {
    const unfurl_tensor *out = unfurl_session_output(session, i);
    size_t bytes;
    cr_assert_not_null(out);
    cr_assert_eq(unfurl_tensor_bytes(out, &bytes, NULL), UNFURL_OK);
    memcpy(to, out->data, bytes);
    to += bytes / sizeof *to;
  }
}

/* Runs the net twice: the first run prepares, the second only computes. Returns the control words around the second. */
static void run_net(size_t threads, float *outputs, uint64_t words[2]) {
  unfurl_context *context = make_context(threads);
  net n = delicate_net(context);
  unfurl_session *session;
  unfurl_tensor x;
  unfurl_tensor_init(&x, UNFURL_F32, 4, (const int64_t[]){3, 2, 8, 8}, pixels);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &x, 1, NULL), UNFURL_OK);
  words[0] = float_control();
  cr_assert_eq(unfurl_session_run(session, &x, 1, NULL), UNFURL_OK);
  words[1] = float_control();
  copy_outputs(session, outputs);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}

Test(fpenv, sessions_neither_see_nor_change_the_caller_s) {
  enum { OUTPUTS = 3 * 5 + 3 * 4 * 9 };
  float plain[OUTPUTS], odd[OUTPUTS];
  uint64_t words[2];
  fill_net_data();
  for (size_t threads = 1; threads <= 3; threads++) {
    run_net(threads, plain, words);
    for (size_t strange = 0; strange < STRANGE; strange++) {
      fenv_t before;
      fegetenv(&before);
      enter_strange(strange);
      const int direction = fegetround();
      run_net(threads, odd, words);
      const int direction_after = fegetround();
      fesetenv(&before);
      cr_assert_eq(words[1], words[0]);
      cr_assert_eq(direction_after, direction);
      cr_assert_arr_eq(odd, plain, sizeof plain, "environment %zu on %zu threads", strange, threads);
    }
  }
}

/* What the library computes on the way (costs of solvers, for example) may set flags, but changes no mode. */
Test(fpenv, planning_leaves_the_modes_alone) {
  for (size_t strange = 0; strange < STRANGE; strange++) {
    fenv_t before;
    fegetenv(&before);
    enter_strange(strange);
    const int direction = fegetround();
    const uint64_t flush = float_control() & float_control_flush_bits();
    unfurl_context *context = make_context(2);
    const unfurl_conv_desc desc = conv_shape_desc(&conv_shapes[0]);
    unfurl_conv_plan *plan;
    const unfurl_status status = unfurl_conv_plan_create(context, &desc, &plan, NULL);
    const int direction_after = fegetround();
    const uint64_t flush_after = float_control() & float_control_flush_bits();
    fesetenv(&before);
    cr_assert_eq(status, UNFURL_OK);
    cr_assert_eq(direction_after, direction);
    cr_assert_eq(flush_after, flush);
    unfurl_conv_plan_destroy(&plan);
    unfurl_context_destroy(&context);
  }
}

/* A host that traps invalid operations is not interrupted by ours. */
Test(fpenv, traps_of_the_caller_do_not_fire) {
  const conv_shape shape = {"small", .ic = 3, .oc = 4, .image = {6, 6}, .kernel = {3, 3}};
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++) {
    conv_case c = conv_case_make(&shape, false);
    execution e;
    unfurl_context *context = make_context(1);
    c.src[0] = INFINITY, c.src[3] = -INFINITY;
    const bool applies = execution_make(&e, context, &c, unfurl_conv_algo_name(algo));
    if (applies && feenableexcept(FE_INVALID | FE_OVERFLOW | FE_DIVBYZERO) != -1) {
      const unfurl_status status = unfurl_conv_plan_execute(e.plan, &e.args, NULL);
      const int enabled = fegetexcept();
      fedisableexcept(FE_ALL_EXCEPT);
      cr_assert_eq(status, UNFURL_OK);
      cr_assert_eq(enabled, FE_INVALID | FE_OVERFLOW | FE_DIVBYZERO);
    }
    if (applies) execution_free(&e);
    unfurl_context_destroy(&context);
    conv_case_free(&c);
  }
}

/* Sums of products around 2^-140, which only denormals can hold. */
static void check_flush(const char *algo, bool flush) {
  const conv_shape shape = {"tiny", .ic = 3, .oc = 4, .image = {6, 6}, .kernel = {3, 3}};
  conv_case c = conv_case_make(&shape, true);
  unfurl_context_options options;
  unfurl_context_options_init(&options);
  cr_assert_not(options.flush_to_zero);
  options.flush_to_zero = flush, options.threads = 2;
  unfurl_context *context;
  execution e;
  size_t zeros = 0;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  for (size_t i = 0; i < c.sizes.src; i++) c.src[i] *= 0x1p-70f;
  for (size_t i = 0; i < c.sizes.weights; i++) c.weights[i] *= 0x1p-70f;
  if (execution_make(&e, context, &c, algo)) {
    e.args.raw_bias = NULL;
    cr_assert_eq(unfurl_conv_plan_execute(e.plan, &e.args, NULL), UNFURL_OK);
    for (size_t i = 0; i < e.count; i++) zeros += fpclassify(e.dst[i]) == FP_ZERO;
    if (float_control_flush_bits())
      cr_assert_eq(zeros, flush ? e.count : 0, "%s, flush %d: %zu of %zu are zero", algo, flush, zeros, e.count);
    execution_free(&e);
  }
  unfurl_context_destroy(&context);
  conv_case_free(&c);
}

Test(fpenv, denormals_are_kept_unless_the_context_says_otherwise) {
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++) {
    check_flush(unfurl_conv_algo_name(algo), false);
    check_flush(unfurl_conv_algo_name(algo), true);
  }
}
