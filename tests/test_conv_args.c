/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments of execute and of packing that are missing or wrong: an error, and dst as it was. */
#include <criterion/criterion.h>
#include <string.h>

#include "conv_case.h"

/* A plan with all that an execute needs, to take things away from. */
typedef struct setting {
  heap h;
  unfurl_context *context;
  conv_case c;
  unfurl_conv_plan *plan;
  unfurl_conv_weights *packed;
  guarded dst;
  unfurl_conv_args args;
  unfurl_error error;
} setting;

static void setting_make(setting *s, bool weights_at_execute) {
  *s = (setting){0};
  const unfurl_context_options options = heap_options(&s->h);
  cr_assert_eq(unfurl_context_create(&options, &s->context, &s->error), UNFURL_OK, "%s", s->error.message);
  s->c = conv_case_make(&conv_shapes[0], false);
  s->c.desc.algo = "im2col"; /* which needs a workspace */
  s->c.desc.weights_at_execute = weights_at_execute;
  cr_assert_eq(unfurl_conv_plan_create(s->context, &s->c.desc, &s->plan, &s->error), UNFURL_OK);
  cr_assert_eq(unfurl_conv_weights_create(s->plan, s->c.weights, NULL, &s->packed, &s->error), UNFURL_OK);
  s->dst = guarded_alloc(s->c.sizes.dst);
  unfurl_conv_args_init(&s->args);
  s->args.src = s->c.src, s->args.weights = s->packed, s->args.dst = s->dst.data;
}

static void setting_free(setting *s) {
  unfurl_conv_weights_destroy(&s->packed);
  unfurl_conv_plan_destroy(&s->plan);
  unfurl_context_destroy(&s->context);
  cr_assert(heap_is_clean(&s->h));
  conv_case_free(&s->c);
  guarded_free(&s->dst);
}

static void check_refused(setting *s) {
  s->error.message[0] = '\0';
  cr_assert_eq(unfurl_conv_plan_execute(s->plan, &s->args, &s->error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(s->error.status, UNFURL_INVALID_ARGUMENT);
  cr_assert_neq(s->error.message[0], '\0');
  cr_assert_eq(unfurl_conv_plan_execute(s->plan, &s->args, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert(all_untouched(s->dst.data, s->dst.count));
}

static void check_accepted(setting *s) {
  cr_assert_eq(unfurl_conv_plan_execute(s->plan, &s->args, &s->error), UNFURL_OK, "%s", s->error.message);
  cr_assert_eq(s->error.message[0], '\0');
  cr_assert_eq(s->error.status, UNFURL_OK);
  cr_assert(all_touched(s->dst.data, s->dst.count));
}

Test(conv_args, something_is_missing) {
  setting s;
  setting_make(&s, false);
  const unfurl_conv_args whole = s.args;
  s.args.src = NULL;
  check_refused(&s);
  s.args = whole, s.args.weights = NULL;
  check_refused(&s);
  s.args = whole, s.args.size = 0;
  check_refused(&s);
  s.args = whole, s.args.size = 5000;
  check_refused(&s);
  s.args = whole, s.args.dst = NULL;
  check_refused(&s);
  cr_assert_eq(unfurl_conv_plan_execute(NULL, &whole, &s.error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_conv_plan_execute(s.plan, NULL, &s.error), UNFURL_INVALID_ARGUMENT);
  s.args = whole;
  check_accepted(&s);
  setting_free(&s);
}

Test(conv_args, raw_weights_need_a_plan_for_them) {
  setting s;
  setting_make(&s, false);
  s.args.weights = NULL, s.args.raw_weights = s.c.weights;
  check_refused(&s);
  cr_assert(strstr(s.error.message, "weights_at_execute"), "%s", s.error.message);
  setting_free(&s);
}

/* A plan for weights at execute takes packed ones too. */
Test(conv_args, a_plan_for_raw_weights_takes_both) {
  setting s;
  setting_make(&s, true);
  check_accepted(&s);
  s.args.weights = NULL;
  fill_nan(s.dst.data, s.dst.count);
  check_refused(&s);
  s.args.raw_weights = s.c.weights;
  check_accepted(&s);
  setting_free(&s);
}

Test(conv_args, packing_without_something) {
  setting s;
  setting_make(&s, false);
  unfurl_conv_weights *packed = s.packed;
  cr_assert_eq(unfurl_conv_weights_create(NULL, s.c.weights, NULL, &packed, &s.error), UNFURL_INVALID_ARGUMENT);
  cr_assert_null(packed);
  packed = s.packed;
  cr_assert_eq(unfurl_conv_weights_create(s.plan, NULL, NULL, &packed, &s.error), UNFURL_INVALID_ARGUMENT);
  cr_assert_null(packed);
  cr_assert_eq(unfurl_conv_weights_create(s.plan, s.c.weights, NULL, NULL, &s.error), UNFURL_INVALID_ARGUMENT);
  setting_free(&s);
}

Test(conv_args, planning_without_something) {
  setting s;
  setting_make(&s, false);
  unfurl_conv_plan *plan = s.plan;
  cr_assert_eq(unfurl_conv_plan_create(NULL, &s.c.desc, &plan, &s.error), UNFURL_INVALID_ARGUMENT);
  cr_assert_null(plan);
  cr_assert_eq(unfurl_conv_plan_create(s.context, &s.c.desc, NULL, &s.error), UNFURL_INVALID_ARGUMENT);
  int64_t oh;
  cr_assert_eq(unfurl_conv_output_size(&s.c.desc, &oh, NULL, &s.error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_conv_output_size(&s.c.desc, NULL, &oh, &s.error), UNFURL_INVALID_ARGUMENT);
  setting_free(&s);
}

/* What is packed is a copy: the caller's weights may go. */
Test(conv_args, packed_weights_are_copies) {
  setting s;
  setting_make(&s, false);
  fill_nan(s.c.weights, s.c.sizes.weights);
  check_accepted(&s);
  const conv_variant v = {0};
  for (size_t i = 0; i < s.c.sizes.dst; i++) cr_assert_float_eq((double)s.dst.data[i], conv_expected(&s.c, &v, i), 0);
  setting_free(&s);
}

/* With a workspace, execute asks the allocator for nothing; without, for one block that it gives back. */
Test(conv_args, allocation) {
  setting s;
  setting_make(&s, false);
  const size_t needed = unfurl_conv_plan_workspace_size(s.plan, 0), blocks = atomic_load(&s.h.blocks);
  guarded workspace = guarded_alloc(needed / sizeof(float) + 1);
  cr_assert_gt(needed, 0);
  heap_reset(&s.h, 0, false);
  check_accepted(&s);
  cr_assert_eq(atomic_load(&s.h.calls), 1);
  cr_assert_eq(atomic_load(&s.h.blocks), blocks);
  heap_reset(&s.h, 0, false);
  s.args.workspace = workspace.data, s.args.workspace_size = needed;
  check_accepted(&s);
  cr_assert_eq(atomic_load(&s.h.calls), 0);
  guarded_free(&workspace);
  setting_free(&s);
}
