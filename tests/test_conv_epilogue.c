/* SPDX-License-Identifier: BSD-2-Clause */
/* What follows the sum: bias, residual and each activation, in every solver, layout and combination. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "conv_case.h"

static const conv_shape *shape_named(const char *name) {
  for (size_t i = 0; i < conv_shape_count; i++)
    if (!strcmp(conv_shapes[i].name, name)) return &conv_shapes[i];
  cr_assert_fail("no shape is called %s", name);
  return NULL;
}

typedef void check_fn(const unfurl_context *context, const conv_case *c, const conv_variant *v);

static void check_bits(const unfurl_context *context, const conv_case *c, const conv_variant *v) {
  conv_check_exact(context, c, v);
}

static void for_each_solver(const unfurl_context *context, const conv_case *c, const conv_variant *like,
                            check_fn *check) {
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
    for (size_t layouts = 0; layouts < CONV_LAYOUTS; layouts++) {
      conv_variant v = *like;
      const conv_variant where = conv_variant_of(layouts, NULL);
      v.algo = unfurl_conv_algo_name(algo);
      v.src = where.src, v.dst = where.dst, v.weights = where.weights;
      check(context, c, &v);
    }
}

static void for_each_shape(const conv_variant *like, check_fn *check) {
  unfurl_context *context = make_context(1);
  for (size_t s = 0; s < conv_shape_count; s++) {
    if (!conv_shape_is_small(&conv_shapes[s])) continue;
    conv_case c = conv_case_make(&conv_shapes[s], false);
    for_each_solver(context, &c, like, check);
    conv_case_free(&c);
  }
  unfurl_context_destroy(&context);
}

Test(conv_epilogue, bias) {
  const conv_variant v = {.has_bias = true};
  for_each_shape(&v, check_bits);
}

Test(conv_epilogue, residual) {
  const conv_variant v = {.has_residual = true};
  for_each_shape(&v, check_bits);
}

Test(conv_epilogue, bias_residual_relu) {
  const conv_variant v = {.has_bias = true, .has_residual = true, .activation = UNFURL_ACTIVATION_RELU};
  for_each_shape(&v, check_bits);
}

Test(conv_epilogue, exact_activations) {
  const conv_variant variants[] = {
      {.activation = UNFURL_ACTIVATION_RELU},
      {.activation = UNFURL_ACTIVATION_CLIP, .alpha = -3, .beta = 5},
      {.activation = UNFURL_ACTIVATION_CLIP, .alpha = 0, .beta = 6, .has_bias = true},
      {.activation = UNFURL_ACTIVATION_CLIP, .alpha = -INFINITY, .beta = 1},
      {.activation = UNFURL_ACTIVATION_LEAKY_RELU, .alpha = 0.25f, .has_residual = true},
      {.activation = UNFURL_ACTIVATION_LEAKY_RELU, .alpha = -2, .has_bias = true},
  };
  for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) for_each_shape(&variants[i], check_bits);
}

/* Within 1e-6 of the value, where it is large enough to have all its bits. Where the function subtracts, as hard sigmoid
 * and GELU do, that is the case for 1. */
static void check_close(const unfurl_context *context, const conv_case *c, const conv_variant *v) {
  const double least = v->activation >= UNFURL_ACTIVATION_HARD_SIGMOID ? 0.5 : 0;
  float *result = take(c->sizes.dst * sizeof *result);
  const bool applies = conv_execute(context, c, v, result);
  for (size_t i = 0; i < c->sizes.dst && applies; i++) {
    const double expected = conv_expected(c, v, i), error = fabs((double)result[i] - expected);
    cr_assert_leq(error, 1e-6 * fmax(fabs(expected), least) + 0x1p-126, "%s with %s, element %zu: %a, not %a", c->name,
                  v->algo, i, (double)result[i], expected);
  }
  free(result);
}

/* Sums of a size at which the function bends: powers of two keep everything exact. */
static void scale_down(conv_case *c, double by) {
  for (size_t i = 0; i < c->sizes.src; i++) c->src[i] *= (float)by;
  for (size_t i = 0; i < (size_t)c->desc.oc; i++) c->bias[i] *= (float)by;
  for (size_t i = 0; i < c->sizes.dst; i++) c->residual[i] *= (float)by, c->sums[i] *= by;
}

static void check_curve(unfurl_activation activation) {
  unfurl_context *context = make_context(1);
  const conv_variant v = {
      .has_bias = true, .has_residual = true, .activation = activation, .alpha = 0.2f, .beta = 0.5f};
  for (size_t s = 0; s < conv_shape_count; s++) {
    if (!conv_shape_is_small(&conv_shapes[s])) continue;
    conv_case c = conv_case_make(&conv_shapes[s], false);
    scale_down(&c, 0x1p-5);
    for_each_solver(context, &c, &v, check_close);
    scale_down(&c, 0x1p5);
    for_each_solver(context, &c, &v, check_close);
    conv_case_free(&c);
  }
  unfurl_context_destroy(&context);
}

Test(conv_epilogue, sigmoid) {
  check_curve(UNFURL_ACTIVATION_SIGMOID);
}

Test(conv_epilogue, tanh) {
  check_curve(UNFURL_ACTIVATION_TANH);
}

Test(conv_epilogue, silu) {
  check_curve(UNFURL_ACTIVATION_SILU);
}

Test(conv_epilogue, hard_swish) {
  check_curve(UNFURL_ACTIVATION_HARD_SWISH);
}

Test(conv_epilogue, hard_sigmoid) {
  check_curve(UNFURL_ACTIVATION_HARD_SIGMOID);
}

Test(conv_epilogue, gelu) {
  check_curve(UNFURL_ACTIVATION_GELU);
}

/* NaN goes through the sum and through every activation. The result that pixel 0 does not reach is a number. */
static void check_nan(const unfurl_context *context, const conv_case *c, const conv_variant *v) {
  float *result = take(c->sizes.dst * sizeof *result);
  if (conv_execute(context, c, v, result)) {
    const size_t last = c->sizes.dst - 1;
    cr_assert(isnan(result[0]), "%s, activation %d: %a", v->algo, (int)v->activation, (double)result[0]);
    cr_assert_not(isnan(result[last]), "%s, activation %d", v->algo, (int)v->activation);
  }
  free(result);
}

Test(conv_epilogue, nan_stays_nan) {
  const char *const names[] = {"lecture", "groups 2", "1x1", "depthwise", "transposed"};
  unfurl_context *context = make_context(1);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    conv_case c = conv_case_make(shape_named(names[i]), false);
    const float nan = NAN;
    for (int64_t channel = 0; channel < c.desc.ic; channel++) c.src[channel] = nan;
    for (int a = UNFURL_ACTIVATION_NONE; a <= UNFURL_ACTIVATION_GELU; a++) {
      const conv_variant v = {.activation = (unfurl_activation)a, .alpha = -1, .beta = 1};
      for_each_solver(context, &c, &v, check_nan);
    }
    conv_case_free(&c);
  }
  unfurl_context_destroy(&context);
}

/* Padding adds nothing, whatever is in the image: infinity beside the border stays where it belongs. */
static void check_infinity(const unfurl_context *context, const conv_case *c, const conv_variant *v) {
  float *result = take(c->sizes.dst * sizeof *result);
  if (conv_execute(context, c, v, result))
    for (size_t i = 0; i < c->sizes.dst; i++) {
      const bool reached = c->magnitudes[i] == (double)INFINITY;
      cr_assert_eq((bool)isfinite(result[i]), !reached, "%s, element %zu is %a", v->algo, i, (double)result[i]);
    }
  free(result);
}

Test(conv_epilogue, infinity_stays_local) {
  unfurl_context *context = make_context(1);
  conv_shape shape = *shape_named("ResNet block");
  shape.ic = 1, shape.oc = 1;
  conv_case c = conv_case_make(&shape, false);
  for (size_t i = 0; i < c.sizes.weights; i++) c.weights[i] = 1;
  c.src[0] = INFINITY;
  for (size_t i = 0; i < c.sizes.dst; i++) {
    const size_t y = i / 14, x = i % 14;
    c.magnitudes[i] = y < 2 && x < 2 ? (double)INFINITY : 1;
  }
  const conv_variant v = {0};
  for_each_solver(context, &c, &v, check_infinity);
  conv_case_free(&c);
  unfurl_context_destroy(&context);
}
