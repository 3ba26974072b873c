/* SPDX-License-Identifier: BSD-2-Clause */
/* Every solver gives the bits of the reference, on every row of the shape table, in every combination of layouts. */
#include <criterion/criterion.h>
#include <string.h>

#include "conv_case.h"

/* The rows that a solver must at least apply to, so that a test can't pass by skipping everything. */
static size_t least_rows(const char *algo) {
  if (!strcmp(algo, "naive")) return conv_shape_count;
  if (!strcmp(algo, "im2col")) return 80;
  if (!strncmp(algo, "winograd", 8)) return 0; /* not with a tolerance of 0; test_winograd.c has them */
  return 4;
}

static void check_solver(const unfurl_context *context, const conv_case *c, size_t algo, size_t *rows) {
  size_t applied = 0;
  for (size_t layouts = 0; layouts < CONV_LAYOUTS; layouts++) {
    const conv_variant v = conv_variant_of(layouts, unfurl_conv_algo_name(algo));
    applied += conv_check_exact(context, c, &v);
  }
  if (applied > 0) rows[algo]++;
}

Test(conv, every_solver_on_every_shape) {
  enum { MOST = 64 };
  size_t rows[MOST] = {0};
  unfurl_context *context = make_context(1);
  cr_assert_lt(unfurl_conv_algo_count(), MOST);
  for (size_t s = 0; s < conv_shape_count; s++) {
    conv_case c = conv_case_make(&conv_shapes[s], false);
    for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++) check_solver(context, &c, algo, rows);
    conv_case_free(&c);
  }
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++) {
    const char *name = unfurl_conv_algo_name(algo);
    cr_log_info("%s applied to %zu of %zu shapes", name, rows[algo], conv_shape_count);
    cr_assert_geq(rows[algo], least_rows(name), "%s applied to %zu shapes only", name, rows[algo]);
  }
  unfurl_context_destroy(&context);
}

Test(conv, what_the_planner_chooses) {
  unfurl_context *context = make_context(2);
  for (size_t s = 0; s < conv_shape_count; s++) {
    conv_case c = conv_case_make(&conv_shapes[s], false);
    for (size_t layouts = 0; layouts < CONV_LAYOUTS; layouts++) {
      const conv_variant v = conv_variant_of(layouts, NULL);
      cr_assert(conv_check_exact(context, &c, &v));
    }
    conv_case_free(&c);
  }
  unfurl_context_destroy(&context);
}

Test(conv, more_tasks_than_threads_or_work) {
  unfurl_context *context = make_context(3);
  for (size_t s = 0; s < conv_shape_count; s++) {
    conv_case c = conv_case_make(&conv_shapes[s], false);
    for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++) {
      conv_variant v = conv_variant_of(s % CONV_LAYOUTS, unfurl_conv_algo_name(algo));
      v.tasks = 50;
      conv_check_exact(context, &c, &v);
    }
    conv_case_free(&c);
  }
  unfurl_context_destroy(&context);
}

Test(conv, output_size_is_the_reference_s) {
  for (size_t s = 0; s < conv_shape_count; s++) {
    const unfurl_conv_desc desc = conv_shape_desc(&conv_shapes[s]);
    const conv_sizes sizes = conv_sizes_of(&desc);
    int64_t oh, ow;
    unfurl_error error;
    cr_assert_eq(unfurl_conv_output_size(&desc, &oh, &ow, &error), UNFURL_OK, "%s", error.message);
    cr_assert_eq(oh, (int64_t)sizes.oh, "%s", conv_shapes[s].name);
    cr_assert_eq(ow, (int64_t)sizes.ow, "%s", conv_shapes[s].name);
  }
}

Test(conv, shape_table_is_large_and_its_names_differ) {
  size_t transposed = 0;
  for (size_t i = 0; i < conv_shape_count; i++) {
    transposed += conv_shapes[i].transposed;
    for (size_t j = 0; j < i; j++) cr_assert_str_neq(conv_shapes[i].name, conv_shapes[j].name);
  }
  cr_assert_geq(conv_shape_count - transposed, 60);
  cr_assert_geq(transposed, 15);
}

Test(conv, algorithms_have_names) {
  for (size_t i = 0; i < unfurl_conv_algo_count(); i++) cr_assert_not_null(unfurl_conv_algo_name(i));
  cr_assert_null(unfurl_conv_algo_name(unfurl_conv_algo_count()));
  cr_assert_null(unfurl_conv_algo_name(SIZE_MAX));
}

Test(conv, plan_describes_itself_in_one_line) {
  unfurl_context *context = make_context(1);
  const unfurl_conv_desc desc = conv_shape_desc(&conv_shapes[0]);
  unfurl_conv_plan *plan;
  char line[512], cut[8] = "xxxxxxx";
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, NULL), UNFURL_OK);
  const size_t length = unfurl_conv_plan_print(plan, line, sizeof line);
  cr_assert_eq(length, strlen(line));
  cr_assert_null(strchr(line, '\n'));
  cr_assert_not_null(strstr(line, unfurl_conv_plan_algo(plan)));
  cr_assert_eq(unfurl_conv_plan_print(plan, cut, sizeof cut), length);
  cr_assert_eq(strlen(cut), sizeof cut - 1);
  cr_assert_eq(strncmp(cut, line, sizeof cut - 1), 0);
  cr_assert_eq(unfurl_conv_plan_print(plan, NULL, 0), length);
  unfurl_conv_plan_destroy(&plan);
  cr_assert_null(plan);
  unfurl_conv_plan_destroy(&plan);
  unfurl_conv_plan_destroy(NULL);
  unfurl_conv_weights_destroy(NULL);
  unfurl_context_destroy(&context);
}
