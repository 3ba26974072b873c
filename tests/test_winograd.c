/* SPDX-License-Identifier: BSD-2-Clause */
/* Winograd: its error stays within the model on hundreds of shapes, its bits are those of one fixed sequence of
 * operations (winograd_reference.h), and the class of a layer is nobody's choice but the tolerance's. Of
 * 3x3, with stride 2 too, of 4x4 and 5x5.
 * Run once for every instruction set (UNFURL_ISA). */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "conv_case.h"
#include "net.h"
#include "winograd_reference.h"

static const winograd_form forms[] = {{"winograd_f2", 2, 4, 3, 1},      {"winograd_f4", 4, 6, 3, 1},
                                      {"winograd_f4_taps", 4, 6, 3, 1}, {"winograd_f6", 6, 8, 3, 1},
                                      {"winograd_f2", 2, 5, 3, 2},      {"winograd_4x4", 3, 6, 4, 1},
                                      {"winograd_5x5", 2, 6, 5, 1}};

static conv_case make_case(const conv_shape *shape) {
  conv_case c = conv_case_make(shape, true);
  c.desc.tolerance = 2e-5f;
  return c;
}

static conv_case make_case_of(const conv_shape *shape, const winograd_form *f) {
  conv_shape s = *shape;
  s.kernel[0] = s.kernel[1] = (int)f->taps, s.stride[0] = s.stride[1] = (int)f->stride;
  return make_case(&s);
}

/* ||result - expected|| / ||expected|| */
static double relative_error(const conv_case *c, const conv_variant *v, const float *result) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < c->sizes.dst; i++) {
    const double expected = conv_expected(c, v, i), off = (double)result[i] - expected;
    error += off * off, norm += expected * expected;
  }
  return norm > 0 ? sqrt(error / norm) : sqrt(error);
}

static double execute_error(const unfurl_context *context, const conv_case *c, const conv_variant *v) {
  float *result = take(c->sizes.dst * sizeof *result);
  cr_assert(conv_execute(context, c, v, result), "\"%s\": %s does not apply", c->name, v->algo);
  const double error = relative_error(c, v, result);
  free(result);
  return error;
}

/* Numbers that follow on each other without a pattern. */
static int next(unsigned *state, int from, int to) {
  *state = *state * 1664525u + 1013904223u;
  return from + (int)(*state >> 16) % (to - from + 1);
}

/* Any channels, maps, groups and paddings, asymmetric ones too, of a square kernel. */
static conv_shape random_shape(unsigned *state, int taps, int stride) {
  const int groups = next(state, 0, 5) == 0 ? 2 : 1;
  conv_shape s = {.name = "random", .batch = next(state, 1, 3), .groups = groups};
  s.kernel[0] = s.kernel[1] = taps, s.stride[0] = s.stride[1] = stride;
  s.ic = groups * next(state, 1, 40), s.oc = groups * next(state, 1, 40);
  s.image[0] = next(state, taps, 14 + taps), s.image[1] = next(state, taps, 14 + taps);
  for (size_t i = 0; i < 4; i++) s.pads[i] = next(state, 0, taps - 1);
  return s;
}

static void check_errors(const char *algo, int taps, int stride, double bound) {
  unfurl_context *context = make_context(2);
  unsigned state = 1;
  double worst = 0;
  for (size_t i = 0; i < 150; i++) {
    const conv_shape shape = random_shape(&state, taps, stride);
    conv_case c = make_case(&shape);
    conv_variant v = conv_variant_of(i % CONV_LAYOUTS, algo);
    v.has_bias = i & 1, v.has_residual = i & 2, v.weights_at_execute = i & 4, v.misalign = i % 5 * 4;
    v.tasks = 1 + i % 3;
    const double error = execute_error(context, &c, &v);
    cr_assert_leq(error, bound, "%s, %d x %dx%dx%d -> %d, groups %d: error %g", algo, shape.batch, shape.image[0],
                  shape.image[1], shape.ic, shape.oc, shape.groups, error);
    worst = error > worst ? error : worst;
    conv_case_free(&c);
  }
  cr_log_info("%s, %dx%d, stride %d: largest error %.2g", algo, taps, taps, stride, worst);
  unfurl_context_destroy(&context);
}

Test(winograd, f2_keeps_its_bound) {
  check_errors("winograd_f2", 3, 1, 2e-6);
  check_errors("winograd_f2", 3, 2, 2e-6);
}

Test(winograd, f4_keeps_its_bound) {
  check_errors("winograd_f4", 3, 1, 1e-5);
  check_errors("winograd_f4_taps", 3, 1, 1e-5);
}

Test(winograd, f6_keeps_its_bound) {
  check_errors("winograd_f6", 3, 1, 1e-5);
}

Test(winograd, large_filters_keep_their_bound) {
  check_errors("winograd_4x4", 4, 1, 1e-5);
  check_errors("winograd_5x5", 5, 1, 1e-5);
}

/* Many channels, where rounding errors add up. */
Test(winograd, errors_of_wide_layers) {
  static const conv_shape shapes[] = {
      {"wide", .ic = 512, .oc = 24, .image = {7, 7}, .pads = {1, 1, 1, 1}},
      {"as wide as chosen", .ic = 2048, .oc = 8, .image = {8, 8}, .pads = {1, 1, 1, 1}},
      {"as wide as chosen for large filters", .ic = 1024, .oc = 8, .image = {8, 8}, .pads = {2, 2, 2, 2}},
      {"many filters", .ic = 64, .oc = 500, .image = {12, 9}, .pads = {1, 1, 1, 1}},
  };
  unfurl_context *context = make_context(1);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
      if (shapes[i].ic > (forms[k].taps > 3 ? 1024 : forms[k].m == 6 ? 512 : 2048)) continue;
      conv_case c = make_case_of(&shapes[i], &forms[k]);
      const conv_variant v = conv_variant_of(CONV_LAYOUTS - 1, forms[k].algo);
      const double error = execute_error(context, &c, &v);
      cr_assert_leq(error, strcmp(forms[k].algo, "winograd_f2") ? 1e-5 : 2e-6, "%s, %s: %g", c.name, forms[k].algo,
                    error);
      conv_case_free(&c);
    }
  unfurl_context_destroy(&context);
}

/* Every layout, number of tasks and epilogue gives the reference's bits. */
static void check_bits(const unfurl_context *context, const conv_case *c, const winograd_form *f) {
  const char *algo = f->algo;
  float *expected = winograd_reference(c, f), *result = take(c->sizes.dst * sizeof *result);
  for (size_t i = 0; i < 3 * CONV_LAYOUTS; i++) {
    conv_variant v = conv_variant_of(i % CONV_LAYOUTS, algo);
    v.tasks = 1 + i % 3, v.misalign = i % 4 * 4;
    v.has_bias = i >= CONV_LAYOUTS, v.has_residual = i >= 2 * CONV_LAYOUTS;
    v.activation = i >= 2 * CONV_LAYOUTS ? UNFURL_ACTIVATION_LEAKY_RELU
                   : i >= CONV_LAYOUTS   ? UNFURL_ACTIVATION_RELU
                                         : UNFURL_ACTIVATION_NONE;
    v.alpha = 0.1f;
    cr_assert(conv_execute(context, c, &v, result));
    for (size_t at = 0; at < c->sizes.dst; at++) {
      float sum = expected[at];
      if (v.has_bias) sum += c->bias[at % (size_t)c->desc.oc];
      if (v.has_residual) sum += c->residual[at];
      if (v.activation != UNFURL_ACTIVATION_NONE && sum < 0)
        sum = v.activation == UNFURL_ACTIVATION_RELU ? 0 : sum * v.alpha;
      cr_assert(sum == result[at], "%s, %s, way %zu: element %zu is %a, not %a", c->name, algo, i, at,
                (double)result[at], (double)sum);
    }
  }
  free(expected);
  free(result);
}

Test(winograd, bits_are_one_fixed_sequence) {
  static const conv_shape shapes[] = {
      {"one tile", .ic = 3, .oc = 5, .image = {4, 4}, .pads = {1, 1, 1, 1}},
      {"no padding", .ic = 17, .oc = 33, .image = {9, 12}},
      {"a batch", .batch = 7, .ic = 16, .oc = 16, .image = {7, 7}, .pads = {1, 1, 1, 1}},
      {"groups", .batch = 2, .ic = 18, .oc = 34, .groups = 2, .image = {6, 11}, .pads = {2, 0, 1, 2}},
      {"two and three left of six", .ic = 9, .oc = 20, .image = {8, 9}, .pads = {1, 1, 1, 1}},
      {"a map wider than a block", .ic = 24, .oc = 24, .image = {5, 301}, .pads = {1, 1, 1, 1}},
      {"all but one in the padding", .ic = 4, .oc = 4, .image = {1, 1}, .pads = {2, 2, 2, 2}},
  };
  unfurl_context *context = make_context(3);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
      conv_case c = make_case_of(&shapes[i], &forms[k]);
      check_bits(context, &c, &forms[k]);
      conv_case_free(&c);
    }
  unfurl_context_destroy(&context);
}

static const char *planned(const unfurl_context *context, unfurl_conv_desc desc, int64_t batch, float tolerance,
                           const char *algo) {
  unfurl_conv_plan *plan;
  unfurl_error error;
  desc.batch = batch, desc.tolerance = tolerance, desc.algo = algo;
  if (unfurl_conv_plan_create(context, &desc, &plan, &error)) return NULL;
  const char *name = unfurl_conv_plan_algo(plan); /* a constant, which outlives the plan */
  unfurl_conv_plan_destroy(&plan);
  return name;
}

static unfurl_conv_desc square(int64_t size, int64_t ic, int64_t oc) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.ih = desc.iw = size, desc.ic = ic, desc.oc = oc, desc.kh = desc.kw = 3;
  desc.pad_top = desc.pad_left = desc.pad_bottom = desc.pad_right = 1;
  return desc;
}

Test(winograd, the_class_follows_from_shape_and_tolerance) {
  static const struct {
    int64_t taps, stride, size, ic, oc;
    float tolerance;
    const char *algo; /* or another solver with the same sums */
  } cases[] = {
      {3, 1, 28, 64, 64, 2e-5f, "winograd_f4"},   {3, 1, 28, 64, 64, 1e-5f, "winograd_f4"},
      {3, 1, 56, 64, 64, 9e-6f, "winograd_f2"},   {3, 1, 56, 64, 64, 2e-6f, "winograd_f2"},
      {3, 1, 56, 64, 64, 1e-6f, "exact"},         {3, 1, 56, 64, 64, 0, "exact"},
      {3, 1, 7, 512, 512, 2e-5f, "winograd_f4"},  {3, 1, 7, 64, 64, 2e-5f, "winograd_f4"},
      {3, 1, 5, 256, 256, 2e-5f, "winograd_f4"},  {3, 1, 9, 512, 512, 2e-5f, "winograd_f4"},
      {3, 1, 4, 256, 256, 2e-5f, "winograd_f2"},  {3, 1, 2, 256, 256, 2e-5f, "exact"},
      {3, 1, 224, 3, 64, 2e-5f, "exact"},         {3, 1, 14, 64, 4, 2e-5f, "exact"},
      {3, 1, 56, 64, 64, 2e-5f, "winograd_f6"},   {3, 1, 56, 513, 64, 2e-5f, "winograd_f4"},
      {3, 1, 28, 256, 256, 2e-5f, "winograd_f6"}, {3, 2, 56, 128, 128, 2e-6f, "winograd_f2"},
      {3, 2, 56, 128, 128, 1e-6f, "exact"},       {3, 2, 10, 128, 128, 2e-5f, "exact"},
      {3, 2, 14, 256, 256, 2e-5f, "winograd_f2"}, {3, 2, 56, 32, 64, 2e-5f, "exact"},
      {3, 2, 12, 256, 512, 2e-5f, "exact"},       {5, 1, 27, 64, 192, 1e-5f, "winograd_5x5"},
      {5, 1, 27, 64, 192, 9e-6f, "exact"},        {4, 1, 18, 100, 150, 2e-5f, "winograd_4x4"},
      {4, 2, 18, 100, 150, 2e-5f, "exact"},       {5, 1, 28, 16, 32, 2e-5f, "winograd_5x5"},
      {5, 1, 28, 3, 32, 2e-5f, "exact"},          {5, 1, 4, 64, 64, 2e-5f, "exact"},
      {5, 2, 28, 64, 64, 2e-5f, "exact"},         {3, 3, 56, 128, 128, 2e-5f, "exact"},
      {3, 1, 58, 10, 16, 2e-5f, "winograd_f6"},   {3, 1, 28, 10, 16, 2e-5f, "exact"},
      {3, 1, 56, 2049, 16, 2e-5f, "exact"},       {5, 1, 56, 1025, 16, 2e-5f, "exact"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (size_t threads = 1; threads <= 4; threads++)
      for (int64_t batch = 1; batch <= 16; batch += 5) {
        unfurl_context *context = make_context(threads);
        unfurl_conv_desc desc = square(cases[i].size, cases[i].ic, cases[i].oc);
        desc.kh = desc.kw = cases[i].taps, desc.stride_h = desc.stride_w = cases[i].stride;
        desc.pad_top = desc.pad_left = desc.pad_bottom = desc.pad_right = cases[i].taps / 2;
        const char *algo = planned(context, desc, batch, cases[i].tolerance, NULL);
        const char *sums = strncmp(algo, "winograd", 8) ? "exact" : algo;
        cr_assert(!strncmp(sums, cases[i].algo, strlen(cases[i].algo)), "case %zu: %s", i, algo);
        unfurl_context_destroy(&context);
      }
}

Test(winograd, by_name) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = square(12, 32, 32);
  cr_assert_str_eq(planned(context, desc, 1, 2e-5f, "winograd"), "winograd_f4");
  cr_assert_str_eq(planned(context, desc, 1, 5e-6f, "winograd"), "winograd_f2");
  cr_assert_str_eq(planned(context, desc, 1, 5e-6f, "winograd_f2"), "winograd_f2");
  cr_assert_null(planned(context, desc, 1, 5e-6f, "winograd_f4"), "the tolerance is too small");
  cr_assert_null(planned(context, desc, 1, 0, "winograd"), "0 forbids it");
  desc.stride_w = 2;
  cr_assert_null(planned(context, desc, 1, 1, "winograd"), "its strides differ");
  desc.stride_h = 2;
  cr_assert_str_eq(planned(context, desc, 1, 2e-5f, "winograd"), "winograd_f2");
  cr_assert_null(planned(context, desc, 1, 1, "winograd_f4"), "it has a stride");
  desc.stride_h = desc.stride_w = 1, desc.kh = desc.kw = 5;
  cr_assert_str_eq(planned(context, desc, 1, 2e-5f, "winograd"), "winograd_5x5");
  cr_assert_null(planned(context, desc, 1, 1, "winograd_f2"), "it is 5x5");
  desc.kh = desc.kw = 3, desc.dilation_h = 2;
  cr_assert_null(planned(context, desc, 1, 1, "winograd"), "it is dilated");
  unfurl_context_destroy(&context);
}

/* A whole network by name: where Winograd does not apply, the planner chooses. */
Test(winograd, sessions_know_the_name) {
  unfurl_context *context = make_context(1);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){1, 16, 12, 12});
  net_weights(&n, "w", 4, (const int64_t[]){16, 16, 3, 3}, 1);
  net_weights(&n, "w1", 4, (const int64_t[]){16, 16, 1, 1}, 2);
  net_node(&n, "Conv", "x w", "c");
  net_node(&n, "Conv", "c w1", "y");
  net_output(&n, "y");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  unfurl_session_options options;
  unfurl_session_options_init(&options);
  options.algo = "winograd";
  unfurl_session *session;
  unfurl_tensor x;
  float *pixels = take(16 * 144 * sizeof *pixels);
  fill_real(pixels, 16 * 144, 3);
  unfurl_tensor_init(&x, UNFURL_F32, 4, (const int64_t[]){1, 16, 12, 12}, pixels);
  cr_assert_eq(unfurl_session_create(n.model, &options, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &x, 1, NULL), UNFURL_OK);
  size_t by_winograd = 0, by_strided = 0;
  for (size_t i = 0; i < unfurl_session_layer_count(session); i++) {
    unfurl_layer layer = {.size = sizeof layer};
    cr_assert_eq(unfurl_session_layer(session, i, &layer, NULL), UNFURL_OK);
    by_winograd += !strcmp(layer.algo, "winograd_f4");
    by_strided += !strcmp(layer.algo, "strided");
  }
  cr_assert(by_winograd == 1 && by_strided == 1);
  unfurl_session_destroy(&session);
  options.algo = "winogrd";
  cr_assert_eq(unfurl_session_create(n.model, &options, &session, NULL), UNFURL_INVALID_ARGUMENT);
  unfurl_model_destroy(&n.model);
  free(pixels);
  unfurl_context_destroy(&context);
}

/* Transforming the filters in every execute would cost more than it saves. */
Test(winograd, weights_at_execute_are_summed_directly) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = square(12, 32, 32);
  desc.weights_at_execute = true;
  cr_assert_str_eq(planned(context, desc, 1, 2e-5f, NULL), "strided");
  unfurl_context_destroy(&context);
}

/* Packed for one image size, filters fit others of the same class only. */
Test(winograd, weights_are_shared_within_a_class) {
  unfurl_context *context = make_context(1);
  const conv_shape shape = {"shared", .ic = 16, .oc = 16, .image = {12, 12}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}};
  conv_case c = make_case(&shape);
  unfurl_conv_plan *plans[3] = {0};
  unfurl_conv_weights *weights;
  const char *algos[] = {"winograd_f4", "winograd_f4", "winograd_f2"};
  for (size_t i = 0; i < 3; i++) {
    unfurl_conv_desc desc = c.desc;
    desc.algo = algos[i];
    if (i == 1) desc.ih = 5, desc.batch = 2;
    cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plans[i], NULL), UNFURL_OK);
  }
  cr_assert_eq(unfurl_conv_weights_create(plans[0], c.weights, c.bias, &weights, NULL), UNFURL_OK);
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  float *dst = take(2 * c.sizes.dst * sizeof *dst), *src = take(2 * c.sizes.src * sizeof *src);
  memset(src, 0, 2 * c.sizes.src * sizeof *src);
  args.src = src, args.dst = dst, args.weights = weights;
  cr_assert_eq(unfurl_conv_plan_execute(plans[1], &args, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_conv_plan_execute(plans[2], &args, NULL), UNFURL_INVALID_ARGUMENT);
  unfurl_conv_weights_destroy(&weights);
  for (size_t i = 0; i < 3; i++) unfurl_conv_plan_destroy(&plans[i]);
  free(src);
  free(dst);
  conv_case_free(&c);
  unfurl_context_destroy(&context);
}

/* A layer's workspace stays below 8 MiB a task, however many channels it has. */
Test(winograd, workspace_is_bounded) {
  static const int64_t channels[][2] = {{64, 64}, {512, 512}, {2048, 2048}, {4096, 4096}, {8, 8184}, {8184, 8}};
  unfurl_context *context = make_context(1);
  for (size_t i = 0; i < 2 * sizeof channels / sizeof *channels; i++)
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
      const int64_t *c = channels[i / 2];
      unfurl_conv_desc desc = square(56, c[0], c[1]);
      unfurl_conv_plan *plan;
      desc.kh = desc.kw = (int64_t)forms[k].taps, desc.stride_h = desc.stride_w = (int64_t)forms[k].stride;
      desc.batch = 16, desc.src_layout = desc.dst_layout = i % 2 ? UNFURL_NCHW : UNFURL_NHWC, desc.algo = forms[k].algo;
      if (c[0] > 4096 && !strcmp(desc.algo, "winograd_f4_taps")) continue; /* does not apply */
      cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, NULL), UNFURL_OK);
      cr_assert_leq(unfurl_conv_plan_workspace_size(plan, 1), 8u << 20, "case %zu, %s", i, desc.algo);
      unfurl_conv_plan_destroy(&plan);
    }
  unfurl_context_destroy(&context);
}
