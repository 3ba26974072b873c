/* SPDX-License-Identifier: BSD-2-Clause */
/* Results much larger than the caches are written past them, where they lie on cache lines: the bits are those of the same
 * results where they do not, which are written as always. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "unfurl/conv.h"

enum { SIZE = 368, LINE = 64, MOST_CHANNELS = 96, MOST_FILTERS = 96, MOST_WEIGHTS = 9 * 16 * 96 };

/* Exact, by Winograd, and so shallow that several panels' parts of a pixel are written past the caches; depthwise and in
 * small groups, of an image that is brought into them band by band. */
typedef struct stream_case {
  int channels, filters, groups;
  float tolerance;
  const char *algo;
} stream_case;

static const stream_case cases[] = {{16, 64, 1, 0, "strided"},
                                    {16, 64, 1, 2e-5f, "winograd_f6"},
                                    {3, 96, 1, 0, "strided"},
                                    {96, 96, 96, 0, "depthwise"},
                                    {96, 96, 48, 0, "grouped"}};

static unfurl_conv_desc describe(const stream_case *c) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.ih = desc.iw = SIZE, desc.ic = c->channels, desc.oc = c->filters, desc.groups = c->groups, desc.kh = desc.kw = 3;
  desc.pad_top = desc.pad_left = desc.pad_bottom = desc.pad_right = 1;
  desc.activation = UNFURL_ACTIVATION_RELU;
  desc.tolerance = c->tolerance;
  return desc;
}

static void check(const stream_case *c, const float *image, const float *filters, float *results[2]) {
  unfurl_context_options options;
  unfurl_context *context;
  unfurl_conv_plan *plan;
  unfurl_conv_weights *weights;
  unfurl_conv_args args;
  const unfurl_conv_desc desc = describe(c);
  unfurl_context_options_init(&options);
  options.threads = 2;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, NULL), UNFURL_OK);
  cr_assert_str_eq(unfurl_conv_plan_algo(plan), c->algo);
  cr_assert_eq(unfurl_conv_weights_create(plan, filters, filters, &weights, NULL), UNFURL_OK);
  unfurl_conv_args_init(&args);
  args.src = image, args.weights = weights;
  for (size_t i = 0; i < 2; i++) {
    args.dst = results[i];
    cr_assert_eq(unfurl_conv_plan_execute(plan, &args, NULL), UNFURL_OK);
  }
  cr_assert_eq(memcmp(results[0], results[1], sizeof(float) * SIZE * SIZE * (size_t)c->filters), 0, "%s, %d", c->algo,
               c->channels);
  unfurl_conv_weights_destroy(&weights);
  unfurl_conv_plan_destroy(&plan);
  unfurl_context_destroy(&context);
}

Test(streams, bits_are_the_same) {
  const size_t outputs = (size_t)SIZE * SIZE * MOST_FILTERS, bytes = outputs * sizeof(float);
  float *image = malloc(sizeof(float) * SIZE * SIZE * MOST_CHANNELS), *filters = malloc(sizeof(float) * MOST_WEIGHTS);
  float *results[2] = {aligned_alloc(LINE, bytes), NULL}, *block = aligned_alloc(LINE, bytes + LINE);
  cr_assert(image && filters && results[0] && block);
  results[1] = block + 1;
  fill_real(image, (size_t)SIZE * SIZE * MOST_CHANNELS, 1);
  fill_real(filters, MOST_WEIGHTS, 2);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check(&cases[i], image, filters, results);
  free(block);
  free(results[0]);
  free(filters);
  free(image);
}
