/* SPDX-License-Identifier: BSD-2-Clause */
/* Random convolutions, every solver, bits of the reference: what the shape table did not think of.
 *
 * Each problem follows from its number alone, which a failure names. UNFURL_TEST_PROBLEMS says how many (default 5000),
 * UNFURL_TEST_FIRST the number of the first.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "conv_case.h"

static size_t number_from(const char *variable, size_t otherwise) {
  const char *text = getenv(variable);
  return text ? strtoul(text, NULL, 10) : otherwise;
}

/* 1..most, small numbers likelier. */
static int some(rng *r, size_t most) {
  return 1 + (int)rng_below(r, 1 + rng_below(r, most));
}

/* Mostly `common`, else 1..most. */
static int rarely(rng *r, int common, size_t most) {
  return rng_below(r, 3) ? common : some(r, most);
}

/* One direction. Some are long, so that rows and images are cut; some have padding of many rows. */
static void random_axis(rng *r, conv_shape *s, size_t axis) {
  s->image[axis] = some(r, rng_below(r, 8) ? 20 : 700);
  s->kernel[axis] = rng_below(r, 2) ? 3 : some(r, 7);
  s->stride[axis] = rarely(r, 1, 5);
  s->dilation[axis] = rarely(r, 1, 4);
  const size_t most_pad = rng_below(r, 10) ? (size_t)s->kernel[axis] : 30;
  for (size_t end = 0; end < 2; end++) s->pads[axis + 2 * end] = rng_below(r, 2) ? (int)rng_below(r, most_pad) : 0;
}

static void random_channels(rng *r, conv_shape *s) {
  const int channels = some(r, rng_below(r, 6) ? 12 : 150), filters = some(r, rng_below(r, 6) ? 12 : 150);
  s->groups = rarely(r, 1, 6);
  s->ic = s->groups * channels, s->oc = s->groups * filters;
  if (rng_below(r, 8) == 0) s->groups = s->ic = channels, s->oc = channels * some(r, 2);
}

static bool has_output(const conv_shape *s, size_t axis) {
  const int extent = (s->kernel[axis] - 1) * s->dilation[axis] + 1, pads = s->pads[axis] + s->pads[axis + 2];
  if (s->transposed) return (s->image[axis] - 1) * s->stride[axis] + extent - pads + s->output_pads[axis] > 0;
  return s->image[axis] + pads >= extent;
}

static conv_shape random_shape(size_t number, char name[32]) {
  rng r = {number};
  conv_shape s;
  snprintf(name, 32, "problem %zu", number);
  do {
    s = (conv_shape){.name = name, .batch = rarely(&r, 1, 5), .transposed = rng_below(&r, 4) == 0};
    random_axis(&r, &s, 0);
    random_axis(&r, &s, 1);
    random_channels(&r, &s);
    for (size_t axis = 0; axis < 2 && s.transposed; axis++) {
      const int most = s.stride[axis] > s.dilation[axis] ? s.stride[axis] : s.dilation[axis];
      s.output_pads[axis] = rng_below(&r, 3) ? 0 : (int)rng_below(&r, (size_t)most);
    }
  } while (!has_output(&s, 0) || !has_output(&s, 1) || !conv_shape_is_small(&s));
  return s;
}

static conv_variant random_variant(rng *r) {
  conv_variant v = conv_variant_of(rng_below(r, CONV_LAYOUTS), NULL);
  v.has_bias = rng_below(r, 2), v.has_residual = rng_below(r, 4) == 0;
  v.weights_at_execute = rng_below(r, 4) == 0;
  v.activation = rng_below(r, 3) ? UNFURL_ACTIVATION_NONE : UNFURL_ACTIVATION_RELU;
  v.tasks = rng_below(r, 5), v.misalign = rng_below(r, 3) ? 0 : rng_below(r, 64);
  return v;
}

Test(conv_random, every_solver_has_the_bits_of_the_reference) {
  const size_t first = number_from("UNFURL_TEST_FIRST", 0), count = number_from("UNFURL_TEST_PROBLEMS", 5000);
  unfurl_context *contexts[2] = {make_context(1), make_context(3)};
  size_t executes = 0;
  for (size_t number = first; number < first + count; number++) {
    char name[32];
    const conv_shape shape = random_shape(number, name);
    rng r = {~number};
    conv_case c = conv_case_make(&shape, false);
    for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++) {
      conv_variant v = random_variant(&r);
      v.algo = unfurl_conv_algo_name(algo);
      executes += conv_check_exact(contexts[number % 2], &c, &v);
    }
    conv_case_free(&c);
  }
  cr_log_info("%zu problems, %zu executes", count, executes);
  cr_assert_geq(executes, count);
  unfurl_context_destroy(&contexts[0]);
  unfurl_context_destroy(&contexts[1]);
}
