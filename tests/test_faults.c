/* SPDX-License-Identifier: BSD-2-Clause */
/* Every allocation is made to fail, once and from there on: the call that needed it says OUT_OF_MEMORY, nothing leaks,
 * results are untouched, and a retry without the fault works. The number of failure points is printed.
 *
 * A scenario is a list of calls of which each may fail. It is run with the first allocation failing, then the second,
 * and so on, until it needs no more allocations than that.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "conv_case.h"
#include "net.h"
#include "unfurl/session.h"

/* What a scenario works with. It frees all that it made, on every path, and returns the first error. */
typedef struct faulty {
  heap h;
  size_t fail_at; /* 0: never */
  bool from_there_on;
  size_t threads;
} faulty;

typedef unfurl_status scenario_fn(faulty *f, unfurl_error *error);

static unfurl_status make_context_of(faulty *f, unfurl_context **context, unfurl_error *error) {
  unfurl_context_options options = heap_options(&f->h);
  options.threads = f->threads, options.blas_single_thread = true;
  return unfurl_context_create(&options, context, error);
}

/* Runs the scenario with one fault; returns false when the fault was beyond its last allocation. */
static bool run_with_fault(scenario_fn *scenario, size_t threads, size_t fail_at, bool from_there_on) {
  faulty f = {.fail_at = fail_at, .from_there_on = from_there_on, .threads = threads};
  unfurl_error error = {0};
  heap_reset(&f.h, fail_at, from_there_on);
  const unfurl_status status = scenario(&f, &error);
  cr_assert(heap_is_clean(&f.h), "fault %zu (%d): %zu blocks and %zu bytes leak, %zu mistakes", fail_at, from_there_on,
            atomic_load(&f.h.blocks), atomic_load(&f.h.bytes), atomic_load(&f.h.mistakes));
  const bool was_reached = atomic_load(&f.h.calls) >= fail_at;
  cr_assert_eq(status, was_reached ? UNFURL_OUT_OF_MEMORY : UNFURL_OK, "fault %zu (%d): status %d, %s", fail_at,
               from_there_on, (int)status, error.message);
  cr_assert_eq(error.status, status);
  if (was_reached) cr_assert(strstr(error.message, "memory") || strstr(error.message, "threads"), "%s", error.message);
  return was_reached;
}

static void check_scenario(const char *name, scenario_fn *scenario, size_t threads) {
  size_t points = 0;
  for (int from_there_on = 0; from_there_on < 2; from_there_on++) {
    size_t fail_at = 1;
    while (run_with_fault(scenario, threads, fail_at, from_there_on)) fail_at++;
    points += fail_at - 1;
  }
  cr_log_info("%s: %zu failure points on %zu threads", name, points, threads);
  cr_assert_gt(points, 0);
}

static unfurl_status context_alone(faulty *f, unfurl_error *error) {
  unfurl_context *context = (unfurl_context *)(uintptr_t)1;
  const unfurl_status status = make_context_of(f, &context, error);
  cr_assert_eq(context == NULL, status != UNFURL_OK);
  unfurl_context_destroy(&context);
  return status;
}

Test(faults, context) {
  check_scenario("context", context_alone, 1);
  check_scenario("context", context_alone, 4);
}

/* Executes without workspace or with weights at execute; dst is untouched after an error. */
static unfurl_status execute(const unfurl_conv_plan *plan, const conv_case *c, const unfurl_conv_weights *packed,
                             unfurl_error *error) {
  guarded dst = guarded_alloc(c->sizes.dst);
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = c->src, args.dst = dst.data, args.weights = packed;
  if (!packed) args.raw_weights = c->weights, args.raw_bias = c->bias;
  const unfurl_status status = unfurl_conv_plan_execute(plan, &args, error);
  cr_assert(guarded_intact(&dst));
  cr_assert(status ? all_untouched(dst.data, dst.count) : all_touched(dst.data, dst.count));
  guarded_free(&dst);
  return status;
}

static unfurl_status convolve(faulty *f, conv_case *c, unfurl_error *error) {
  unfurl_context *context = NULL;
  unfurl_conv_plan *plan = NULL;
  unfurl_conv_weights *packed = NULL;
  unfurl_status status = make_context_of(f, &context, error);
  if (!status) status = unfurl_conv_plan_create(context, &c->desc, &plan, error);
  if (status == UNFURL_UNSUPPORTED && c->desc.algo) status = UNFURL_OK, *error = (unfurl_error){0};
  if (plan && !status && !c->desc.weights_at_execute)
    status = unfurl_conv_weights_create(plan, c->weights, c->bias, &packed, error);
  if (plan && !status) status = execute(plan, c, packed, error);
  unfurl_conv_weights_destroy(&packed);
  unfurl_conv_plan_destroy(&plan);
  unfurl_context_destroy(&context);
  return status;
}

static const conv_shape SHAPES[] = {
    {"plain", .ic = 3, .oc = 4, .image = {9, 8}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
    {"pointwise", .batch = 2, .ic = 5, .oc = 6, .image = {4, 4}, .kernel = {1, 1}},
    {"grouped", .ic = 4, .oc = 4, .groups = 2, .image = {6, 6}, .kernel = {3, 3}, .stride = {2, 2}},
    {"depthwise", .ic = 6, .oc = 6, .groups = 6, .image = {6, 6}, .kernel = {3, 3}},
    {"transposed", .ic = 3, .oc = 4, .image = {5, 5}, .kernel = {3, 3}, .stride = {2, 2}, .transposed = true},
};
enum { CASES = sizeof SHAPES / sizeof *SHAPES };
static conv_case cases[CASES];

/* Every solver, weights packed before and at execute, one after the other. */
static unfurl_status convolutions(faulty *f, unfurl_error *error) {
  unfurl_status status = UNFURL_OK;
  for (size_t i = 0; i < CASES; i++)
    for (size_t algo = 0; algo < 2 * unfurl_conv_algo_count() && !status; algo++) {
      cases[i].desc.algo = unfurl_conv_algo_name(algo / 2);
      cases[i].desc.weights_at_execute = algo % 2;
      status = convolve(f, &cases[i], error);
    }
  return status;
}

Test(faults, convolution, .timeout = 120) {
  for (size_t i = 0; i < CASES; i++) cases[i] = conv_case_make(&SHAPES[i], false);
  check_scenario("convolutions", convolutions, 1);
  check_scenario("convolutions", convolutions, 3);
  for (size_t i = 0; i < CASES; i++) conv_case_free(&cases[i]);
}

/* A network with all that allocates: many names, metadata, constants to fold, fusion, attributes of every kind. */
static net build(const unfurl_context *context) {
  static const int64_t window[] = {2, 2}, pads[] = {1, 1, 1, 1};
  const unfurl_attribute pool[] = {attribute_ints("kernel_shape", 2, window), attribute_ints("strides", 2, window),
                                   attribute_string("auto_pad", "VALID")};
  const unfurl_attribute padding = attribute_ints("pads", 4, pads);
  const float half = 0.5f;
  const unfurl_attribute scale = attribute_float("alpha", &half);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){-1, 2, -1, -1});
  net_typed_input(&n, "shape", UNFURL_I64, 1, (const int64_t[]){2});
  net_weights(&n, "w", 4, (const int64_t[]){4, 2, 3, 3}, 1);
  net_weights(&n, "square", 4, (const int64_t[]){4, 4, 1, 1}, 4);
  net_weights(&n, "per_filter", 1, (const int64_t[]){4}, 2);
  net_constant(&n, "ones", 1, (const int64_t[]){4}, (const float[]){1, 1, 1, 1});
  net_weights(&n, "large", 2, (const int64_t[]){64, 20}, 3);
  net_integers(&n, "transposed", 2, (const int64_t[]){20, 64});
  if (!n.status) n.status = unfurl_model_set_metadata(n.model, "key", "value", &n.error);
  net_node_with(&n, "Conv", "x w per_filter", "c", 1, &padding);
  net_node(&n, "BatchNormalization", "c per_filter per_filter per_filter ones", "norm");
  net_node(&n, "Relu", "norm", "r");
  net_node(&n, "Conv", "r square", "chained");
  net_node_with(&n, "MaxPool", "chained", "p indices", 3, pool);
  net_node(&n, "Conv", "p p", "run_time_weights"); /* weights that the network computes */
  net_node(&n, "Conv", "p square", "d");
  net_node(&n, "Add", "d p", "sum"); /* a residual */
  net_node(&n, "Reshape", "sum shape", "rows");
  net_node(&n, "Tanh", "large", "folded");
  net_node_with(&n, "Gemm", "rows folded", "g", 1, &scale);
  net_node(&n, "Softmax", "g", "y");
  net_node(&n, "Reshape", "large transposed", "known");
  const char *const outputs[] = {"y", "indices", "x", "known", "run_time_weights"};
  for (size_t i = 0; i < 5; i++) net_output(&n, outputs[i]);
  net_finish(&n);
  return n;
}

static unfurl_status model_alone(faulty *f, unfurl_error *error) {
  unfurl_context *context = NULL;
  unfurl_status status = make_context_of(f, &context, error);
  if (!status) {
    net n = build(context);
    status = n.status, *error = n.error;
    unfurl_model_destroy(&n.model);
  }
  unfurl_context_destroy(&context);
  return status;
}

Test(faults, model) {
  check_scenario("model", model_alone, 1);
}

/* After an error there are no outputs, and the inputs are as they were. */
static unfurl_status run_once(unfurl_session *session, size_t batch, unfurl_error *error) {
  float pixels[4 * 2 * 64], kept[4 * 2 * 64];
  int64_t shape[] = {(int64_t)batch, 64};
  unfurl_tensor inputs[2];
  fill_small(pixels, sizeof pixels / sizeof *pixels, 5);
  memcpy(kept, pixels, sizeof kept);
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 4, (const int64_t[]){(int64_t)batch, 2, 8, 8}, pixels);
  unfurl_tensor_init(&inputs[1], UNFURL_I64, 1, (const int64_t[]){2}, shape);
  const unfurl_status status = unfurl_session_run(session, inputs, 2, error);
  for (size_t i = 0; i < 5; i++) cr_assert_eq(unfurl_session_output(session, i) == NULL, status != UNFURL_OK);
  cr_assert_arr_eq(pixels, kept, sizeof kept);
  return status;
}

/* Runs of other batches; when one fails, memory comes back and the same run must work, and give what it should. */
static unfurl_status run_batches(faulty *f, unfurl_session *session, unfurl_error *error) {
  static const size_t batches[] = {1, 4, 2};
  for (size_t i = 0; i < 3; i++) {
    const unfurl_status status = run_once(session, batches[i], error);
    if (!status) continue;
    const size_t calls = atomic_load(&f->h.calls);
    f->h.fail_at = 0;
    unfurl_error none;
    cr_assert_eq(run_once(session, batches[i], &none), UNFURL_OK, "%s", none.message);
    cr_assert_eq(unfurl_session_output(session, 0)->dims[0], (int64_t)batches[i]);
    atomic_store(&f->h.calls, calls);
    return status;
  }
  return UNFURL_OK;
}

static size_t chained(const unfurl_session *session) {
  size_t count = 0;
  for (size_t i = 0; i < unfurl_session_layer_count(session); i++) {
    unfurl_layer layer = {.size = sizeof layer};
    cr_assert_eq(unfurl_session_layer(session, i, &layer, NULL), UNFURL_OK);
    count += layer.bands > 0;
  }
  return count;
}

static unfurl_status network(faulty *f, unfurl_error *error) {
  unfurl_context *context = NULL;
  unfurl_session *session = NULL;
  unfurl_session_options options;
  unfurl_session_options_init(&options);
  options.most_images = 2; /* a batch of 4 goes through in parts, */
  options.most_rows = 1;   /* and each image in bands */
  unfurl_status status = make_context_of(f, &context, error);
  if (!status) {
    net n = build(context);
    status = n.status, *error = n.error;
    if (!status) status = unfurl_session_create(n.model, &options, &session, error);
    if (status) cr_assert_null(session);
    if (!status) status = run_batches(f, session, error);
    if (!status) cr_assert_gt(chained(session), 0);
    unfurl_session_destroy(&session);
    options.algo = "im2col"; /* wants the weights in another form */
    if (!status) status = unfurl_session_create(n.model, &options, &session, error);
    if (!status) status = run_batches(f, session, error);
    unfurl_session_destroy(&session);
    unfurl_model_destroy(&n.model);
  }
  unfurl_context_destroy(&context);
  return status;
}

Test(faults, session) {
  check_scenario("network", network, 1);
  check_scenario("network", network, 3);
}

/* A size that no allocator has is an error of the allocator, not of ours. */
Test(faults, more_memory_than_there_is) {
  heap h = {0};
  const unfurl_context_options options = heap_options(&h);
  unfurl_context *context;
  unfurl_error error;
  unfurl_conv_desc desc;
  unfurl_conv_plan *plan;
  float number = 0;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  unfurl_conv_desc_init(&desc);
  desc.ih = desc.iw = 1 << 15, desc.ic = 1 << 10, desc.kh = desc.kw = 9, desc.algo = "im2col";
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, &error), UNFURL_OK, "%s", error.message);
  unfurl_conv_weights *packed;
  float *weights = take(81 * 1024 * sizeof *weights);
  fill_small(weights, 81 * 1024, 1);
  cr_assert_eq(unfurl_conv_weights_create(plan, weights, NULL, &packed, &error), UNFURL_OK);
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = &number, args.dst = &number, args.weights = packed;
  cr_assert_eq(unfurl_conv_plan_execute(plan, &args, &error), UNFURL_OUT_OF_MEMORY);
  unfurl_conv_weights_destroy(&packed);
  unfurl_conv_plan_destroy(&plan);
  unfurl_context_destroy(&context);
  free(weights);
  cr_assert(heap_is_clean(&h));
}
