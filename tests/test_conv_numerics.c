/* SPDX-License-Identifier: BSD-2-Clause */
/* Real data: each element of each solver is within gamma(K+2) of the sum, and how the work is cut changes no bit.
 *
 * gamma(n) = n u / (1 - n u) with u = 2^-24 bounds the error of a sum of n rounded products relative to the sum of their
 * absolute values (N. Higham, Accuracy and Stability of Numerical Algorithms, lemma 3.1); 2 are for bias and residual.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "conv_case.h"

static double error_bound(size_t terms) {
  const double nu = (double)(terms + 2) * 0x1p-24;
  return nu / (1 - nu);
}

/* Most products that an element sums. */
static size_t terms_of(const conv_case *c) {
  const unfurl_conv_desc *d = &c->desc;
  return (size_t)(d->kh * d->kw * (d->ic / d->groups));
}

static void check_bound(const unfurl_context *context, const conv_case *c, const conv_variant *v, double *worst) {
  float *result = take(c->sizes.dst * sizeof *result);
  const bool applies = conv_execute(context, c, v, result);
  for (size_t i = 0; i < c->sizes.dst && applies; i++) {
    double magnitude = c->magnitudes[i];
    if (v->has_bias) magnitude += fabs((double)c->bias[i % (size_t)c->desc.oc]);
    if (v->has_residual) magnitude += fabs((double)c->residual[i]);
    const double error = fabs((double)result[i] - conv_expected(c, v, i));
    const double bound = error_bound(terms_of(c)) * magnitude;
    cr_assert_leq(error, bound, "\"%s\" with %s, element %zu: error %g, bound %g", c->name, v->algo, i, error, bound);
    if (bound > 0 && error / bound > *worst) *worst = error / bound;
  }
  free(result);
}

Test(conv_numerics, errors_are_bounded) {
  unfurl_context *context = make_context(1);
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++) {
    double worst = 0;
    for (size_t s = 0; s < conv_shape_count; s++) {
      conv_case c = conv_case_make(&conv_shapes[s], true);
      for (size_t layouts = 0; layouts < CONV_LAYOUTS; layouts++) {
        conv_variant v = conv_variant_of(layouts, unfurl_conv_algo_name(algo));
        check_bound(context, &c, &v, &worst);
        v.has_bias = v.has_residual = true;
        check_bound(context, &c, &v, &worst);
      }
      conv_case_free(&c);
    }
    cr_log_info("%s: largest error is %.2f of the bound", unfurl_conv_algo_name(algo), worst);
  }
  unfurl_context_destroy(&context);
}

/* An error of one part in a million in one weight is seen: the bound is not too wide to mean something. */
Test(conv_numerics, the_bound_is_tight) {
  unfurl_context *context = make_context(1);
  conv_case c = conv_case_make(&conv_shapes[0], true);
  size_t beyond = 0;
  float *result = take(c.sizes.dst * sizeof *result);
  for (size_t i = 0; i < c.sizes.weights; i++) c.weights[i] *= 1.00001f;
  const conv_variant v = conv_variant_of(0, "naive");
  cr_assert(conv_execute(context, &c, &v, result));
  for (size_t i = 0; i < c.sizes.dst; i++)
    beyond += fabs((double)result[i] - c.sums[i]) > error_bound(terms_of(&c)) * c.magnitudes[i];
  cr_assert_gt(beyond, 0);
  free(result);
  conv_case_free(&c);
  unfurl_context_destroy(&context);
}

/* All solvers, each with data on which rounding shows. */
static void check_same_bits(const conv_shape *shape, const char *algo) {
  static const size_t tasks[] = {1, 2, 3, 8};
  conv_case c = conv_case_make(shape, true);
  float *first = take(c.sizes.dst * sizeof *first), *other = take(c.sizes.dst * sizeof *other);
  for (size_t threads = 1; threads <= 4; threads++) {
    unfurl_context *context = make_context(threads);
    for (size_t t = 0; t < sizeof tasks / sizeof *tasks; t++) {
      conv_variant v = conv_variant_of(0, algo);
      v.has_bias = true;
      v.tasks = tasks[t];
      v.misalign = t;
      const bool is_first = threads == 1 && t == 0;
      if (!conv_execute(context, &c, &v, is_first ? first : other)) break;
      if (!is_first)
        cr_assert_arr_eq(other, first, c.sizes.dst * sizeof *first, "%s with %s: %zu tasks on %zu threads differ",
                         shape->name, algo, tasks[t], threads);
    }
    unfurl_context_destroy(&context);
  }
  free(first);
  free(other);
  conv_case_free(&c);
}

Test(conv_numerics, tasks_and_threads_change_no_bit) {
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
    for (size_t s = 0; s < conv_shape_count; s++)
      if (conv_shape_is_small(&conv_shapes[s])) check_same_bits(&conv_shapes[s], unfurl_conv_algo_name(algo));
}

/* Large enough that a plan really cuts it: the small rows above may run as one task. */
Test(conv_numerics, large_work_is_cut_without_a_change) {
  const conv_shape large[] = {
      {"large", .batch = 5, .ic = 8, .oc = 12, .image = {19, 17}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
      {"large, one image", .ic = 12, .oc = 16, .image = {31, 29}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
      {"large, grouped", .batch = 3, .ic = 12, .oc = 24, .groups = 4, .image = {17, 19}, .kernel = {5, 5}},
      {"large, 1x1", .batch = 3, .ic = 48, .oc = 48, .image = {15, 16}, .kernel = {1, 1}},
      {"large, transposed", .batch = 3, .ic = 12, .oc = 12, .image = {14, 13}, .kernel = {4, 4}, .stride = {2, 2},
       .transposed = true},
  };
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
    for (size_t s = 0; s < sizeof large / sizeof *large; s++) check_same_bits(&large[s], unfurl_conv_algo_name(algo));
}

/* An image's result is the same alone and in any place of a batch. */
static void check_batch_position(const unfurl_context *context, const conv_shape *like, const char *algo) {
  conv_shape three = *like, one = *like;
  three.batch = 3, one.batch = 1;
  conv_case batch = conv_case_make(&three, true), alone = conv_case_make(&one, true);
  float *all = take(batch.sizes.dst * sizeof *all), *single = take(alone.sizes.dst * sizeof *single);
  const conv_variant v = conv_variant_of(0, algo);
  if (conv_execute(context, &batch, &v, all))
    for (size_t n = 0; n < 3; n++) {
      memcpy(alone.src, batch.src + n * alone.sizes.src, alone.sizes.src * sizeof *alone.src);
      cr_assert(conv_execute(context, &alone, &v, single));
      cr_assert_arr_eq(single, all + n * alone.sizes.dst, alone.sizes.dst * sizeof *single,
                       "\"%s\" with %s: image %zu differs in a batch", like->name, algo, n);
    }
  free(all);
  free(single);
  conv_case_free(&batch);
  conv_case_free(&alone);
}

Test(conv_numerics, batch_and_position_change_no_bit) {
  unfurl_context *context = make_context(2);
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
    for (size_t s = 0; s < conv_shape_count; s++)
      if (conv_shape_is_small(&conv_shapes[s]))
        check_batch_position(context, &conv_shapes[s], unfurl_conv_algo_name(algo));
  unfurl_context_destroy(&context);
}
