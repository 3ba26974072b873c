/* SPDX-License-Identifier: BSD-2-Clause */
/* Which solver the planner chooses, why, and what it says about that. The problem with a choice is the depthwise one: two
 * solvers of the library's own compute it. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conv/planner.h"
#include "conv_case.h"
#include "unfurl/wisdom.h"

static unfurl_conv_desc depthwise_desc(void) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.ih = 9, desc.iw = 8, desc.ic = desc.oc = desc.groups = 12, desc.kh = desc.kw = 3;
  desc.pad_top = desc.pad_left = desc.pad_bottom = desc.pad_right = 1;
  return desc;
}

static unfurl_conv_desc dense_desc(void) {
  unfurl_conv_desc desc = depthwise_desc();
  desc.groups = 1;
  return desc;
}

static unfurl_context *heap_context(heap *h) {
  const unfurl_context_options options = heap_options(h);
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  return context;
}

/* Plans; `line` gets what the plan says about itself. */
static void plan_line(const unfurl_context *context, const unfurl_conv_desc *desc, char line[512]) {
  unfurl_conv_plan *plan;
  unfurl_error error;
  cr_assert_eq(unfurl_conv_plan_create(context, desc, &plan, &error), UNFURL_OK, "%s", error.message);
  cr_assert_lt(unfurl_conv_plan_print(plan, line, 512), 512);
  cr_assert_eq(strncmp(line, unfurl_conv_plan_algo(plan), strlen(unfurl_conv_plan_algo(plan))), 0);
  unfurl_conv_plan_destroy(&plan);
}

static void assert_says(const unfurl_context *context, const unfurl_conv_desc *desc, const char *words) {
  char line[512];
  plan_line(context, desc, line);
  cr_assert(strstr(line, words), "\"%s\" does not say \"%s\"", line, words);
}

Test(planner, measures_once_and_remembers) {
  unfurl_context *context = make_context(2);
  unfurl_conv_desc desc = depthwise_desc();
  char first[512], again[512];
  assert_says(context, &desc, "; estimated cheapest, next planar at ");
  desc.planning = UNFURL_PLAN_MEASURE;
  plan_line(context, &desc, first);
  cr_assert(strstr(first, "; measured ") && strstr(first, " us, next "), "%s", first);
  cr_assert_eq(unfurl_wisdom_count(context), 1);
  plan_line(context, &desc, again);
  cr_assert(strstr(again, "; from wisdom, measured "), "%s", again);
  cr_assert_eq(strcspn(first, ":"), strcspn(again, ":"));
  cr_assert_eq(strncmp(first, again, strcspn(first, ":")), 0);
  desc.planning = UNFURL_PLAN_ESTIMATE;
  assert_says(context, &desc, "from wisdom");
  desc.activation = UNFURL_ACTIVATION_RELU;
  assert_says(context, &desc, "from wisdom");
  desc.algo = "strided";
  assert_says(context, &desc, "; asked for; ");
  unfurl_wisdom_forget(context);
  desc.algo = NULL;
  assert_says(context, &desc, "estimated");
  unfurl_context_destroy(&context);
}

/* Anything that may matter to the time makes it another problem. */
Test(planner, another_problem_is_measured_anew) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc changed[8];
  for (size_t i = 0; i < 8; i++) changed[i] = depthwise_desc(), changed[i].planning = UNFURL_PLAN_MEASURE;
  changed[1].batch = 2, changed[2].iw = 9, changed[3].stride_w = 2, changed[4].pad_right = 0;
  changed[5].dilation_h = 2, changed[6].weights_at_execute = true, changed[7].workspace_limit = 1 << 20;
  for (size_t i = 0; i < 8; i++) {
    assert_says(context, &changed[i], "; measured ");
    cr_assert_eq(unfurl_wisdom_count(context), i + 1);
  }
  unfurl_context_destroy(&context);
}

/* Each instruction set has its own wisdom. */
Test(planner, another_instruction_set_is_measured_anew) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = depthwise_desc();
  desc.planning = UNFURL_PLAN_MEASURE;
  assert_says(context, &desc, "measured");
  setenv("UNFURL_ISA", unfurl_cpu_isa() == UNFURL_ISA_PORTABLE ? "baseline" : "portable", 1);
  cr_assert_eq(unfurl_wisdom_count(context), 0);
  assert_says(context, &desc, "; measured ");
  unfurl_context_destroy(&context);
}

Test(planner, one_candidate_is_not_measured) {
  heap h = {0};
  unfurl_context *context = heap_context(&h);
  unfurl_conv_desc desc = dense_desc();
  desc.planning = UNFURL_PLAN_MEASURE;
  heap_reset(&h, 0, false);
  assert_says(context, &desc, "strided: 1 x 9x8x12 -> 9x8x12, 3x3 pad 1; the only own solver for it; ");
  cr_assert_eq(atomic_load(&h.calls), 1);
  cr_assert_eq(unfurl_wisdom_count(context), 0);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

/* Without memory for measuring the plan is estimated; only its own block must be there. */
Test(planner, no_memory_to_measure) {
  heap h = {0};
  unfurl_context *context = heap_context(&h);
  unfurl_conv_desc desc = depthwise_desc();
  desc.planning = UNFURL_PLAN_MEASURE;
  size_t estimated = 0, fail_at = 1;
  for (;; fail_at++) {
    unfurl_conv_plan *plan;
    char line[512];
    heap_reset(&h, fail_at, false);
    const unfurl_status status = unfurl_conv_plan_create(context, &desc, &plan, NULL);
    if (atomic_load(&h.calls) < fail_at) {
      unfurl_conv_plan_destroy(&plan);
      break;
    }
    cr_assert(status == UNFURL_OK || (status == UNFURL_OUT_OF_MEMORY && !plan));
    if (plan) unfurl_conv_plan_print(plan, line, sizeof line), estimated += strstr(line, "estimated") != NULL;
    unfurl_conv_plan_destroy(&plan);
    unfurl_wisdom_forget(context);
    cr_assert_eq(atomic_load(&h.blocks), 1, "failure %zu leaks", fail_at);
  }
  cr_assert_geq(estimated, 6);
  cr_assert_geq(fail_at, 8);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

Test(planner, too_large_to_measure, .timeout = 20) {
  heap h = {0};
  unfurl_context *context = heap_context(&h);
  unfurl_conv_desc desc = depthwise_desc();
  desc.planning = UNFURL_PLAN_MEASURE, desc.batch = 1 << 20, desc.ih = desc.iw = 1 << 10;
  assert_says(context, &desc, "estimated");
  cr_assert_lt(atomic_load(&h.peak_bytes), 1 << 16);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

static bool is_own(const char *algo) {
  return !unfurl_conv_solver_named(algo)->uses_blas;
}

/* Promise 1: whatever threads, batch and instruction set, the planner's choice sums as the canonical sum does. */
Test(planner, chooses_own_solvers_only) {
  static const char *const isas[] = {"portable", "baseline", "avx2", "avx512"};
  for (size_t isa = 0; isa < 4; isa++) {
    setenv("UNFURL_ISA", isas[isa], 1);
    unfurl_context *context = make_context(1 + isa);
    for (size_t s = 0; s < conv_shape_count; s++) {
      unfurl_conv_desc desc = conv_shape_desc(&conv_shapes[s]);
      unfurl_conv_plan *plan, *strided;
      cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, NULL), UNFURL_OK);
      const char *algo = unfurl_conv_plan_algo(plan);
      cr_assert(is_own(algo), "%s: %s", conv_shapes[s].name, algo);
      desc.algo = "strided";
      const bool applies = unfurl_conv_plan_create(context, &desc, &strided, NULL) == UNFURL_OK;
      cr_assert_eq(strcmp(algo, "naive") == 0, !applies, "%s: %s", conv_shapes[s].name, algo);
      unfurl_conv_plan_destroy(&plan);
      unfurl_conv_plan_destroy(&strided);
    }
    unfurl_context_destroy(&context);
  }
}

Test(planner, measured_choices_have_the_same_bits) {
  unfurl_context *context = make_context(2);
  static const conv_shape shape = {"depthwise", .batch = 2,      .ic = 7,          .oc = 14,
                                   .groups = 7, .image = {8, 9}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}};
  conv_case c = conv_case_make(&shape, true);
  conv_variant v = {.src = UNFURL_NHWC, .dst = UNFURL_NHWC, .weights = UNFURL_OHWI, .has_bias = true};
  float *estimated = take(c.sizes.dst * sizeof *estimated), *measured = take(c.sizes.dst * sizeof *measured);
  conv_execute(context, &c, &v, estimated);
  c.desc.planning = UNFURL_PLAN_MEASURE;
  conv_execute(context, &c, &v, measured);
  cr_assert_eq(unfurl_wisdom_count(context), 1);
  cr_assert_arr_eq(estimated, measured, c.sizes.dst * sizeof *measured);
  free(estimated);
  free(measured);
  conv_case_free(&c);
  unfurl_context_destroy(&context);
}

Test(planner, naive_where_nothing_else_applies) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = dense_desc();
  desc.pad_top = 1000, desc.planning = UNFURL_PLAN_MEASURE;
  assert_says(context, &desc,
              "naive: 1 x 9x8x12 -> 1008x8x12, 3x3 pad 1000x1; the only own solver for it; no "
              "workspace");
  unfurl_context_destroy(&context);
}

static void assert_too_large(const unfurl_context *context, const unfurl_conv_desc *desc, const char *words) {
  unfurl_conv_plan *plan;
  unfurl_error error;
  cr_assert_eq(unfurl_conv_plan_create(context, desc, &plan, &error), UNFURL_TOO_LARGE);
  cr_assert_null(plan);
  cr_assert(strstr(error.message, words), "\"%s\" does not say \"%s\"", error.message, words);
}

/* The cheapest gives way to one that needs less workspace, and that is taken down to the last byte that it needs. */
Test(planner, workspace_limit) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = dense_desc();
  unfurl_conv_plan *plan;
  unfurl_error error;
  char refusal[80];
  size_t needed;
  desc.ih = desc.iw = 20, desc.oc = 1, desc.kh = desc.kw = 7;
  desc.pad_top = desc.pad_left = desc.pad_bottom = desc.pad_right = 0;
  assert_says(context, &desc, "planar: "); /* which splits the image into planes: 12 * 20 * 20 floats, and more */
  desc.workspace_limit = 1;
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, &error), UNFURL_TOO_LARGE);
  cr_assert_eq(sscanf(error.message, "solver strided needs %zu bytes", &needed), 1, "%s", error.message);
  cr_assert_lt(needed, 12 * 20 * 20 * sizeof(float));
  desc.workspace_limit = needed;
  assert_says(context, &desc, "strided: ");
  desc.workspace_limit--;
  snprintf(refusal, sizeof refusal, "solver strided needs %zu bytes of workspace a task, the limit is %zu", needed,
           needed - 1);
  assert_too_large(context, &desc, refusal);
  unfurl_context_destroy(&context);
}

/* Whoever names a solver gets it, unless he has set a limit as well. */
Test(planner, named_solvers_and_the_limit) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = dense_desc();
  desc.ih = desc.iw = 200, desc.algo = "im2col";
  assert_says(context, &desc,
              "im2col: 1 x 200x200x12 -> 200x200x12, 3x3 pad 1; asked for; 17.28 MB of workspace a task");
  desc.workspace_limit = 8 << 20;
  assert_too_large(context, &desc, "solver im2col needs 17280000 bytes");
  desc.workspace_limit = 18 << 20;
  assert_says(context, &desc, "im2col: ");
  desc.algo = NULL, desc.workspace_limit = 1;
  assert_too_large(context, &desc, "solver strided needs ");
  unfurl_context_destroy(&context);
}

/* Promise 4: what the planner chooses keeps to 8 MiB a task, on any number of threads. */
Test(planner, default_workspace_is_bounded) {
  static const int64_t sizes[][4] = {{224, 3, 64, 3},    {224, 64, 64, 3},  {14, 512, 512, 3},
                                     {7, 2048, 1000, 1}, {1024, 32, 32, 5}, {3000, 3, 16, 7}};
  for (size_t threads = 1; threads <= 4; threads += 3) {
    unfurl_context *context = make_context(threads);
    for (size_t i = 0; i < 6 * 4; i++) {
      unfurl_conv_desc desc;
      unfurl_conv_plan *plan;
      unfurl_conv_desc_init(&desc);
      desc.ih = desc.iw = sizes[i / 4][0], desc.ic = sizes[i / 4][1], desc.oc = sizes[i / 4][2];
      desc.kh = desc.kw = sizes[i / 4][3], desc.pad_top = desc.pad_left = sizes[i / 4][3] / 2, desc.batch = 16;
      desc.src_layout = (unfurl_layout)(i % 2), desc.dst_layout = (unfurl_layout)(i / 2 % 2);
      cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, NULL), UNFURL_OK);
      cr_assert_leq(unfurl_conv_plan_workspace_size(plan, 1), (8 << 20) + 64);
      unfurl_conv_plan_destroy(&plan);
    }
    unfurl_context_destroy(&context);
  }
}

/* Rows so long that none of the solvers keeps to the default: the planner does not give up, nor take the naive loop. */
Test(planner, default_limit_gives_way) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = dense_desc();
  desc.ih = 4, desc.iw = 1 << 20;
  assert_says(context, &desc, "strided: ");
  unfurl_context_destroy(&context);
}

/* A descriptor of the time before there was a choice. */
Test(planner, an_older_descriptor_is_read) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = depthwise_desc();
  memset((char *)&desc + offsetof(unfurl_conv_desc, planning), 0xff,
         sizeof desc - offsetof(unfurl_conv_desc, planning));
  desc.size = offsetof(unfurl_conv_desc, planning);
  assert_says(context, &desc, "estimated");
  desc.size -= sizeof(size_t);
  unfurl_conv_plan *plan;
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, NULL), UNFURL_INVALID_ARGUMENT);
  unfurl_context_destroy(&context);
}

Test(planner, a_way_of_planning_that_is_none) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = depthwise_desc();
  unfurl_conv_plan *plan;
  unfurl_error error;
  desc.planning = (unfurl_planning)2;
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert(strstr(error.message, "planning"), "%s", error.message);
  unfurl_context_destroy(&context);
}

Test(planner, plans_in_words) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc wide = dense_desc();
  wide.ic = wide.oc = 32;
  assert_says(context, &wide,
              "winograd_f4: 1 x 9x8x32 -> 9x8x32, 3x3 pad 1; estimated cheapest, next winograd_f4_taps at 2.");
  wide.tolerance = 0;
  assert_says(context, &wide, "strided: 1 x 9x8x32 -> 9x8x32, 3x3 pad 1; the only own solver for it; ");
  unfurl_conv_desc desc = dense_desc();
  desc.algo = "naive", desc.stride_h = 2, desc.dilation_w = 2, desc.groups = 3;
  assert_says(context, &desc,
              "naive: 1 x 9x8x12 -> 5x6x12, 3x3 stride 2x1 pad 1 dilation 1x2 groups 3; asked for; no "
              "workspace");
  desc = dense_desc();
  desc.transposed = true, desc.stride_h = desc.stride_w = 2;
  assert_says(context, &desc, "strided: 1 x 9x8x12 -> 17x15x12, transposed 3x3 stride 2 pad 1; the only own solver");
  unfurl_context_destroy(&context);
}
