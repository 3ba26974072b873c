/* SPDX-License-Identifier: BSD-2-Clause */
/* Results much larger than the caches are written past them, where they lie on cache lines: the bits are those of the same
 * results where they do not, which are written as always. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "unfurl/conv.h"

enum { SIZE = 368, CHANNELS = 16, FILTERS = 64, LINE = 64 };

static unfurl_conv_desc describe(float tolerance) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.ih = desc.iw = SIZE, desc.ic = CHANNELS, desc.oc = FILTERS, desc.kh = desc.kw = 3;
  desc.pad_top = desc.pad_left = desc.pad_bottom = desc.pad_right = 1;
  desc.activation = UNFURL_ACTIVATION_RELU;
  desc.tolerance = tolerance;
  return desc;
}

static void check(float tolerance, const char *algo, const float *image, const float *filters, float *results[2]) {
  unfurl_context_options options;
  unfurl_context *context;
  unfurl_conv_plan *plan;
  unfurl_conv_weights *weights;
  unfurl_conv_args args;
  const unfurl_conv_desc desc = describe(tolerance);
  unfurl_context_options_init(&options);
  options.threads = 2;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, NULL), UNFURL_OK);
  cr_assert_str_eq(unfurl_conv_plan_algo(plan), algo);
  cr_assert_eq(unfurl_conv_weights_create(plan, filters, filters, &weights, NULL), UNFURL_OK);
  unfurl_conv_args_init(&args);
  args.src = image, args.weights = weights;
  for (size_t i = 0; i < 2; i++) {
    args.dst = results[i];
    cr_assert_eq(unfurl_conv_plan_execute(plan, &args, NULL), UNFURL_OK);
  }
  cr_assert_eq(memcmp(results[0], results[1], sizeof(float) * SIZE * SIZE * FILTERS), 0, "%s", algo);
  unfurl_conv_weights_destroy(&weights);
  unfurl_conv_plan_destroy(&plan);
  unfurl_context_destroy(&context);
}

Test(streams, bits_are_the_same) {
  const size_t outputs = (size_t)SIZE * SIZE * FILTERS, bytes = outputs * sizeof(float);
  float *image = malloc(sizeof(float) * SIZE * SIZE * CHANNELS),
        *filters = malloc(sizeof(float) * 9 * CHANNELS * FILTERS);
  float *results[2] = {aligned_alloc(LINE, bytes), NULL}, *block = aligned_alloc(LINE, bytes + LINE);
  cr_assert(image && filters && results[0] && block);
  results[1] = block + 1;
  fill_real(image, (size_t)SIZE * SIZE * CHANNELS, 1);
  fill_real(filters, (size_t)9 * CHANNELS * FILTERS, 2);
  check(0, "strided", image, filters, results);
  check(2e-5f, "winograd_f4", image, filters, results);
  free(block);
  free(results[0]);
  free(filters);
  free(image);
}
