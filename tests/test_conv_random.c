/* SPDX-License-Identifier: BSD-2-Clause */
/* Random convolutions, every solver, bits of the reference: what the shape table did not think of.
 *
 * Each problem follows from its number alone, which a failure names. UNFURL_TEST_PROBLEMS says how many (default 5000),
 * UNFURL_TEST_FIRST the number of the first.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "conv_case.h"

static size_t number_from(const char *variable, size_t otherwise) {
  const char *text = getenv(variable);
  return text ? strtoul(text, NULL, 10) : otherwise;
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
    char name[CONV_SHAPE_NAME];
    const conv_shape shape = conv_shape_random(number, name);
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
