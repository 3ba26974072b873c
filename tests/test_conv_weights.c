/* SPDX-License-Identifier: BSD-2-Clause */
/* Weights and workspace: packed once and shared, given at execute, refused where they do not belong; and what an execute
 * does with the memory that it gets. */
#include <criterion/criterion.h>
#include <string.h>

#include "conv_case.h"

Test(conv_weights, given_at_execute) {
  unfurl_context *context = make_context(2);
  for (size_t s = 0; s < conv_shape_count; s++) {
    if (!conv_shape_is_small(&conv_shapes[s])) continue;
    conv_case c = conv_case_make(&conv_shapes[s], false);
    for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
      for (size_t layouts = 0; layouts < CONV_LAYOUTS; layouts++) {
        conv_variant v = conv_variant_of(layouts, unfurl_conv_algo_name(algo));
        v.weights_at_execute = true;
        v.has_bias = layouts % 2;
        conv_check_exact(context, &c, &v);
      }
    conv_case_free(&c);
  }
  unfurl_context_destroy(&context);
}

Test(conv_weights, workspace_at_any_address) {
  unfurl_context *context = make_context(2);
  for (size_t s = 0; s < conv_shape_count; s++) {
    if (!conv_shape_is_small(&conv_shapes[s])) continue;
    conv_case c = conv_case_make(&conv_shapes[s], false);
    for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
      for (size_t misalign = 1; misalign < 64; misalign = misalign * 3 + 1) {
        conv_variant v = conv_variant_of(s % CONV_LAYOUTS, unfurl_conv_algo_name(algo));
        v.misalign = misalign;
        v.weights_at_execute = misalign % 2;
        conv_check_exact(context, &c, &v);
      }
    conv_case_free(&c);
  }
  unfurl_context_destroy(&context);
}

/* A plan of the case's convolution, changed as the caller did. */
static unfurl_conv_plan *make_plan(const unfurl_context *context, const unfurl_conv_desc *desc) {
  unfurl_conv_plan *plan;
  unfurl_error error;
  const unfurl_status status = unfurl_conv_plan_create(context, desc, &plan, &error);
  if (status == UNFURL_UNSUPPORTED && desc->algo) return NULL;
  cr_assert_eq(status, UNFURL_OK, "%s", error.message);
  return plan;
}

static unfurl_conv_weights *make_weights(const unfurl_conv_plan *plan, const conv_case *c) {
  unfurl_conv_weights *packed;
  unfurl_error error;
  cr_assert_eq(unfurl_conv_weights_create(plan, c->weights, c->bias, &packed, &error), UNFURL_OK, "%s", error.message);
  cr_assert_geq(unfurl_conv_weights_bytes(packed), c->sizes.weights * sizeof(float));
  return packed;
}

static unfurl_conv_args make_args(const conv_case *c, const unfurl_conv_weights *packed, float *dst) {
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = c->src, args.weights = packed, args.dst = dst;
  return args;
}

/* Another image size and batch, but the same filters. */
static conv_shape resized(const conv_shape *shape) {
  conv_shape other = *shape;
  other.batch = 2;
  other.image[0] += 3, other.image[1] += 2;
  return other;
}

static void execute(const unfurl_conv_plan *plan, const conv_case *c, const unfurl_conv_weights *packed, float *dst) {
  const unfurl_conv_args args = make_args(c, packed, dst);
  unfurl_error error;
  cr_assert_eq(unfurl_conv_plan_execute(plan, &args, &error), UNFURL_OK, "%s: %s", c->name, error.message);
}

/* Weights that `packed` has must give the bits that the plan's own give; and where sums are exact, the right ones. */
static void check_foreign(const unfurl_conv_plan *plan, const conv_case *c, const unfurl_conv_weights *packed) {
  float *dst = take(c->sizes.dst * sizeof *dst), *expected = take(c->sizes.dst * sizeof *dst);
  unfurl_conv_weights *own = make_weights(plan, c);
  execute(plan, c, packed, dst);
  execute(plan, c, own, expected);
  cr_assert_arr_eq(dst, expected, c->sizes.dst * sizeof *dst, "%s with %s", c->name, unfurl_conv_plan_algo(plan));
  const conv_variant v = {.has_bias = true};
  for (size_t i = 0; i < c->sizes.dst && c->desc.tolerance == 0; i++)
    cr_assert_float_eq((double)dst[i], conv_expected(c, &v, i), 0, "%s with %s, element %zu", c->name,
                       unfurl_conv_plan_algo(plan), i);
  unfurl_conv_weights_destroy(&own);
  free(dst);
  free(expected);
}

static void check_shared(const unfurl_context *context, const conv_case *a, const conv_case *b) {
  unfurl_conv_plan *plan = make_plan(context, &a->desc), *larger = make_plan(context, &b->desc);
  if (plan && larger) {
    unfurl_conv_weights *packed = make_weights(plan, a);
    unfurl_conv_plan_destroy(&plan); /* weights live without the plan that made them */
    check_foreign(larger, b, packed);
    unfurl_conv_weights_destroy(&packed);
    cr_assert_null(packed);
  }
  unfurl_conv_plan_destroy(&plan);
  unfurl_conv_plan_destroy(&larger);
}

/* With every solver, in its class. */
static void check_solvers(const unfurl_context *context, conv_case *a, conv_case *b) {
  for (size_t i = 0; i < unfurl_conv_algo_count(); i++) {
    const char *algo = unfurl_conv_algo_name(i);
    a->desc.algo = b->desc.algo = algo;
    a->desc.tolerance = b->desc.tolerance = strncmp(algo, "winograd", 8) == 0 ? 2e-5f : 0;
    check_shared(context, a, b);
  }
}

/* With threads, too: how these share the work out depends on images, and the form of the weights must not. */
Test(conv_weights, shared_by_plans_of_other_images) {
  unfurl_context *contexts[] = {make_context(1), make_context(2), make_context(3)};
  for (size_t s = 0; s < conv_shape_count; s++) {
    const conv_shape other = resized(&conv_shapes[s]);
    conv_case a = conv_case_make(&conv_shapes[s], false), b = conv_case_make(&other, false);
    for (size_t i = 0; i < 3; i++) check_solvers(contexts[i], &a, &b);
    conv_case_free(&a);
    conv_case_free(&b);
  }
  for (size_t i = 0; i < 3; i++) unfurl_context_destroy(&contexts[i]);
}

typedef void change_fn(unfurl_conv_desc *desc);

static void change_ic(unfurl_conv_desc *d) {
  d->ic *= 2;
}
static void change_oc(unfurl_conv_desc *d) {
  d->oc *= 2;
}
static void change_kh(unfurl_conv_desc *d) {
  d->kh = 4;
}
static void change_kw(unfurl_conv_desc *d) {
  d->kw = 4;
}
static void change_groups(unfurl_conv_desc *d) {
  d->groups = 2;
}
static void change_transposed(unfurl_conv_desc *d) {
  d->transposed = true;
}
static void swap_taps(unfurl_conv_desc *d) {
  d->kh = 1, d->kw = 9; /* as many weights as before */
}

/* Executes with weights of another convolution; dst must stay as it is. */
static void check_refused(const unfurl_context *context, const conv_case *c, const unfurl_conv_desc *other) {
  unfurl_conv_plan *plan = make_plan(context, &c->desc), *foreign = make_plan(context, other);
  if (plan && foreign) {
    float *weights = take(4 * c->sizes.weights * sizeof *weights), *dst = take(c->sizes.dst * sizeof *dst);
    fill_small(weights, 4 * c->sizes.weights, 1);
    fill_nan(dst, c->sizes.dst);
    unfurl_conv_weights *packed;
    unfurl_error error = {0};
    cr_assert_eq(unfurl_conv_weights_create(foreign, weights, NULL, &packed, &error), UNFURL_OK, "%s", error.message);
    const unfurl_conv_args args = make_args(c, packed, dst);
    cr_assert_eq(unfurl_conv_plan_execute(plan, &args, &error), UNFURL_INVALID_ARGUMENT);
    cr_assert(strstr(error.message, "weights"), "%s", error.message);
    cr_assert(all_untouched(dst, c->sizes.dst));
    unfurl_conv_weights_destroy(&packed);
    free(weights);
    free(dst);
  }
  unfurl_conv_plan_destroy(&plan);
  unfurl_conv_plan_destroy(&foreign);
}

Test(conv_weights, of_another_convolution_are_refused) {
  static change_fn *const changes[] = {change_ic,     change_oc,         change_kh, change_kw,
                                       change_groups, change_transposed, swap_taps};
  const conv_shape shape = {"base", .ic = 4, .oc = 4, .image = {9, 9}, .kernel = {3, 3}};
  unfurl_context *context = make_context(1);
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++) {
    conv_case c = conv_case_make(&shape, false);
    c.desc.algo = unfurl_conv_algo_name(algo);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
      unfurl_conv_desc other = c.desc;
      changes[i](&other);
      check_refused(context, &c, &other);
    }
    conv_case_free(&c);
  }
  unfurl_context_destroy(&context);
}

/* "naive" packs in a way of its own, so that no other solver can read it, nor it theirs. */
Test(conv_weights, of_another_solver_are_refused) {
  const conv_shape shape = {"base", .ic = 4, .oc = 4, .image = {9, 9}, .kernel = {3, 3}};
  unfurl_context *context = make_context(1);
  conv_case c = conv_case_make(&shape, false);
  unfurl_conv_desc naive = c.desc, im2col = c.desc;
  naive.algo = "naive", im2col.algo = "im2col";
  c.desc = im2col;
  check_refused(context, &c, &naive);
  c.desc = naive;
  check_refused(context, &c, &im2col);
  conv_case_free(&c);
  unfurl_context_destroy(&context);
}

/* One byte less than what is needed, for any number of tasks. */
static void check_small_workspace(const unfurl_conv_plan *plan, const conv_case *c, size_t tasks) {
  const size_t needed = unfurl_conv_plan_workspace_size(plan, tasks);
  if (needed == 0) return;
  guarded workspace = guarded_alloc(needed / sizeof(float) + 1), dst = guarded_alloc(c->sizes.dst);
  unfurl_conv_weights *packed = make_weights(plan, c);
  unfurl_conv_args args = make_args(c, packed, dst.data);
  unfurl_error error;
  args.workspace = workspace.data, args.workspace_size = needed - 1, args.tasks = tasks;
  cr_assert_eq(unfurl_conv_plan_execute(plan, &args, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert(strstr(error.message, "workspace"), "%s", error.message);
  cr_assert(all_untouched(dst.data, dst.count));
  cr_assert(all_untouched(workspace.data, workspace.count));
  args.workspace_size = needed;
  cr_assert_eq(unfurl_conv_plan_execute(plan, &args, &error), UNFURL_OK, "%s", error.message);
  cr_assert(guarded_intact(&workspace));
  unfurl_conv_weights_destroy(&packed);
  guarded_free(&workspace);
  guarded_free(&dst);
}

Test(conv_weights, workspace_too_small_is_refused) {
  unfurl_context *context = make_context(2);
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
    for (size_t s = 0; s < conv_shape_count; s++) {
      if (!conv_shape_is_small(&conv_shapes[s])) continue;
      conv_case c = conv_case_make(&conv_shapes[s], false);
      c.desc.algo = unfurl_conv_algo_name(algo);
      c.desc.weights_at_execute = s % 2;
      unfurl_conv_plan *plan = make_plan(context, &c.desc);
      for (size_t tasks = 0; plan && tasks < 4; tasks++) check_small_workspace(plan, &c, tasks);
      unfurl_conv_plan_destroy(&plan);
      conv_case_free(&c);
    }
  unfurl_context_destroy(&context);
}

/* More tasks never need less, and an absurd number neither overflows nor asks for the impossible. */
Test(conv_weights, workspace_grows_with_tasks_up_to_the_work) {
  unfurl_context *context = make_context(2);
  for (size_t s = 0; s < conv_shape_count; s++) {
    const unfurl_conv_desc desc = conv_shape_desc(&conv_shapes[s]);
    unfurl_conv_plan *plan = make_plan(context, &desc);
    size_t before = 0;
    for (size_t tasks = 1; tasks < 20; tasks++) {
      const size_t now = unfurl_conv_plan_workspace_size(plan, tasks);
      cr_assert_geq(now, before);
      before = now;
    }
    cr_assert_lt(unfurl_conv_plan_workspace_size(plan, SIZE_MAX), (size_t)64 << 20);
    cr_assert_eq(unfurl_conv_plan_workspace_size(plan, 0), unfurl_conv_plan_workspace_size(plan, 2));
    unfurl_conv_plan_destroy(&plan);
  }
  unfurl_context_destroy(&context);
}

/* Copies into memory that ends, or begins, where the process may not read. */
static fenced fenced_copy(const void *from, size_t bytes, bool before) {
  const fenced f = fenced_alloc(bytes, before);
  memcpy(f.data, from, bytes);
  return f;
}

static void execute_fenced(const unfurl_conv_plan *plan, const conv_case *c, bool before) {
  const size_t dst_bytes = c->sizes.dst * sizeof(float), workspace = unfurl_conv_plan_workspace_size(plan, 1);
  fenced f[] = {fenced_copy(c->src, c->sizes.src * sizeof(float), before),
                fenced_copy(c->weights, c->sizes.weights * sizeof(float), before),
                fenced_copy(c->bias, (size_t)c->desc.oc * sizeof(float), before),
                fenced_copy(c->residual, dst_bytes, before),
                fenced_alloc(dst_bytes, before),
                fenced_alloc(workspace, before)};
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = f[0].data, args.raw_weights = f[1].data, args.raw_bias = f[2].data, args.residual = f[3].data;
  args.dst = f[4].data, args.workspace = f[5].data, args.workspace_size = workspace, args.tasks = 1;
  unfurl_error error;
  cr_assert_eq(unfurl_conv_plan_execute(plan, &args, &error), UNFURL_OK, "%s", error.message);
  for (size_t i = 0; i < sizeof f / sizeof *f; i++) fenced_free(&f[i]);
}

Test(conv_weights, nothing_beyond_the_buffers_is_read) {
  unfurl_context *context = make_context(1);
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
    for (size_t s = 0; s < conv_shape_count; s++) {
      if (!conv_shape_is_small(&conv_shapes[s])) continue;
      conv_case c = conv_case_make(&conv_shapes[s], false);
      c.desc.algo = unfurl_conv_algo_name(algo);
      c.desc.weights_at_execute = true;
      c.desc.src_layout = s % 2 ? UNFURL_NCHW : UNFURL_NHWC;
      unfurl_conv_plan *plan = make_plan(context, &c.desc);
      if (plan) execute_fenced(plan, &c, false);
      if (plan) execute_fenced(plan, &c, true);
      unfurl_conv_plan_destroy(&plan);
      conv_case_free(&c);
    }
  unfurl_context_destroy(&context);
}
