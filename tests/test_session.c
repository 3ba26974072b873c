/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks in sessions give what the reference gives, whatever batch, image size and layout come from run to run. */
#include <criterion/criterion.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "net_reference.h"
#include "support.h"
#include "unfurl/conv.h"
#include "unfurl/session.h"
#include "unfurl/wisdom.h"

enum { SIDE = 14, CHANNELS = 2, MOST_BATCH = 5, PIXELS = CHANNELS * SIDE * SIDE, MOST_FLOATS = 8192 };

static unfurl_context *make_context(heap *h, size_t threads) {
  unfurl_context_options options = heap_options(h);
  unfurl_context *context;
  options.threads = threads, options.blas_single_thread = true;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  return context;
}

static unfurl_session *make_session(const net *n, const unfurl_session_options *options) {
  unfurl_session *session;
  unfurl_error error;
  cr_assert_eq(n->status, UNFURL_OK, "%s", n->error.message);
  cr_assert_eq(unfurl_session_create(n->model, options, &session, &error), UNFURL_OK, "%s", error.message);
  return session;
}

/* Conv 4x5x5 pad 2, Relu, MaxPool 2, Conv 6x3x3, Tanh, AveragePool 5, Flatten, Gemm 6 to 10, Softmax. */
static float w1[4 * CHANNELS * 25], b1[4], w2[6 * 4 * 9], fc[6 * 10], fc_bias[10];

static void make_weights(void) {
  fill_real(w1, sizeof w1 / sizeof *w1, 1);
  fill_real(b1, sizeof b1 / sizeof *b1, 2);
  fill_real(w2, sizeof w2 / sizeof *w2, 3);
  fill_real(fc, sizeof fc / sizeof *fc, 4);
  fill_real(fc_bias, sizeof fc_bias / sizeof *fc_bias, 5);
}

static void add_pool(net *n, const char *op, const char *in, const char *out, int64_t k) {
  const int64_t window[] = {k, k};
  const unfurl_attribute attributes[] = {attribute_ints("kernel_shape", 2, window),
                                         attribute_ints("strides", 2, window)};
  net_node_with(n, op, in, out, 2, attributes);
}

static net lenet(const unfurl_context *context) {
  const int64_t pads[] = {2, 2, 2, 2};
  const unfurl_attribute padding = attribute_ints("pads", 4, pads);
  make_weights();
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){-1, CHANNELS, SIDE, SIDE});
  net_constant(&n, "w1", 4, (const int64_t[]){4, CHANNELS, 5, 5}, w1);
  net_constant(&n, "b1", 1, (const int64_t[]){4}, b1);
  net_constant(&n, "w2", 4, (const int64_t[]){6, 4, 3, 3}, w2);
  net_constant(&n, "fc", 2, (const int64_t[]){6, 10}, fc);
  net_constant(&n, "fc_bias", 1, (const int64_t[]){10}, fc_bias);
  net_node_with(&n, "Conv", "x w1 b1", "c1", 1, &padding);
  net_node(&n, "Relu", "c1", "r1");
  add_pool(&n, "MaxPool", "r1", "p1", 2);
  net_node(&n, "Conv", "p1 w2", "c2");
  net_node(&n, "Tanh", "c2", "t2");
  add_pool(&n, "AveragePool", "t2", "p2", 5);
  net_node(&n, "Flatten", "p2", "flat");
  net_node(&n, "Gemm", "flat fc fc_bias", "logits");
  net_node(&n, "Softmax", "logits", "y");
  net_output(&n, "y");
  net_output(&n, "p1");
  net_output(&n, "logits");
  net_finish(&n);
  return n;
}

/* The same by the reference; `stop` 1 ends at p1, 2 at the logits. */
static image lenet_reference(size_t batch, const float *pixels, int stop) {
  image x = image_of(batch, CHANNELS, SIDE, SIDE, pixels);
  x = reference_max_pool(reference_relu(reference_conv(x, 4, 5, 2, w1, b1)), 2);
  if (stop == 1) return x;
  x = reference_average_pool(reference_tanh(reference_conv(x, 6, 3, 0, w2, NULL)), 5);
  x = reference_gemm(x, 10, fc, fc_bias);
  return stop == 2 ? x : reference_softmax(x);
}

static void check_output(const unfurl_session *session, size_t index, image expected) {
  const unfurl_tensor *out = unfurl_session_output(session, index);
  size_t count;
  cr_assert_not_null(out);
  cr_assert_eq(out->layout, UNFURL_NCHW);
  cr_assert_eq(unfurl_tensor_elements(out, &count, NULL), UNFURL_OK);
  cr_assert_eq(count, expected.n * expected.c * expected.h * expected.w);
  cr_assert_eq(out->dims[0], (int64_t)expected.n);
  for (size_t i = 0; i < count; i++) {
    const double got = (double)((const float *)out->data)[i];
    cr_assert_float_eq(got, expected.data[i], 2e-5 * (1 + fabs(expected.data[i])),
                       "output %zu, element %zu: %g, not %g", index, i, got, expected.data[i]);
  }
  image_free(&expected);
}

static void run(unfurl_session *session, size_t rank, const int64_t *dims, unfurl_layout layout, float *data) {
  unfurl_tensor x;
  unfurl_error error;
  unfurl_tensor_init(&x, UNFURL_F32, rank, dims, data);
  x.layout = layout;
  cr_assert_eq(unfurl_session_run(session, &x, 1, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(error.message[0], '\0');
}

static void check_lenet(unfurl_session *session, size_t batch, uint64_t seed) {
  float pixels[MOST_BATCH * PIXELS];
  fill_real(pixels, batch * PIXELS, seed);
  run(session, 4, (const int64_t[]){(int64_t)batch, CHANNELS, SIDE, SIDE}, UNFURL_NCHW, pixels);
  check_output(session, 0, lenet_reference(batch, pixels, 0));
  check_output(session, 1, lenet_reference(batch, pixels, 1));
  check_output(session, 2, lenet_reference(batch, pixels, 2));
  cr_assert_null(unfurl_session_output(session, 3));
}

Test(session, batch_changes_from_run_to_run) {
  static const size_t batches[] = {1, 1, 5, 2, 2, 5, 1, 3};
  for (size_t threads = 1; threads <= 3; threads += 2) {
    heap h = {0};
    unfurl_context *context = make_context(&h, threads);
    net n = lenet(context);
    unfurl_session *session = make_session(&n, NULL);
    cr_assert_null(unfurl_session_output(session, 0), "there is an output before the first run");
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) check_lenet(session, batches[i], i);
    unfurl_session_destroy(&session);
    cr_assert_null(session);
    unfurl_model_destroy(&n.model);
    unfurl_context_destroy(&context);
    cr_assert(heap_is_clean(&h));
  }
}

Test(session, every_solver) {
  heap h = {0};
  unfurl_context *context = make_context(&h, 1);
  net n = lenet(context);
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++) {
    unfurl_session_options options;
    unfurl_session_options_init(&options);
    options.algo = unfurl_conv_algo_name(algo);
    unfurl_session *session = make_session(&n, &options);
    check_lenet(session, 2, 7);
    unfurl_session_destroy(&session);
  }
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

/* Nothing is allocated as long as shapes stay, and what was packed once serves all sessions. */
Test(session, steady_runs_allocate_nothing) {
  heap h = {0};
  unfurl_context *context = make_context(&h, 2);
  net n = lenet(context);
  unfurl_session *first = make_session(&n, NULL), *second = make_session(&n, NULL);
  unfurl_session_memory memory = {.size = sizeof memory}, again = {.size = sizeof again};
  check_lenet(first, 2, 1);
  heap_reset(&h, 0, false);
  for (uint64_t i = 0; i < 5; i++) check_lenet(first, 2, i);
  cr_assert_eq(atomic_load(&h.calls), 0, "%zu allocations", atomic_load(&h.calls));
  cr_assert_eq(unfurl_session_memory_used(first, &memory, NULL), UNFURL_OK);
  check_lenet(second, 3, 1);
  cr_assert_eq(unfurl_session_memory_used(second, &again, NULL), UNFURL_OK);
  cr_assert_eq(again.weights_bytes, memory.weights_bytes);
  cr_assert_geq(memory.weights_bytes, sizeof w1 + sizeof w2);
  cr_assert_gt(memory.arena_bytes, 0);
  cr_assert_gt(again.arena_bytes, memory.arena_bytes);
  unfurl_session_destroy(&second);
  unfurl_session_destroy(&first);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

/* A network that takes images of any size. */
static net any_size(const unfurl_context *context) {
  make_weights();
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){-1, CHANNELS, -1, -1});
  net_constant(&n, "w1", 4, (const int64_t[]){4, CHANNELS, 5, 5}, w1);
  net_constant(&n, "b1", 1, (const int64_t[]){4}, b1);
  net_node(&n, "Conv", "x w1 b1", "c");
  net_node(&n, "Relu", "c", "y");
  net_output(&n, "y");
  net_finish(&n);
  return n;
}

Test(session, image_size_changes_from_run_to_run) {
  static const size_t sizes[][3] = {{1, 5, 5}, {2, 9, 6}, {1, 20, 31}, {2, 9, 6}, {3, 5, 12}};
  heap h = {0};
  unfurl_context *context = make_context(&h, 2);
  net n = any_size(context);
  unfurl_session *session = make_session(&n, NULL);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const size_t batch = sizes[i][0], rows = sizes[i][1], cols = sizes[i][2];
    float pixels[MOST_FLOATS];
    fill_real(pixels, batch * CHANNELS * rows * cols, i);
    run(session, 4, (const int64_t[]){(int64_t)batch, CHANNELS, (int64_t)rows, (int64_t)cols}, UNFURL_NCHW, pixels);
    check_output(session, 0,
                 reference_relu(reference_conv(image_of(batch, CHANNELS, rows, cols, pixels), 4, 5, 0, w1, b1)));
  }
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

/* The same images, channels last: the same bits. NHWC and NCHW may alternate. */
Test(session, nhwc_inputs) {
  heap h = {0};
  unfurl_context *context = make_context(&h, 1);
  net n = any_size(context);
  unfurl_session *session = make_session(&n, NULL);
  float nchw[2 * CHANNELS * 63], nhwc[2 * CHANNELS * 63], first[MOST_FLOATS];
  const int64_t dims[] = {2, CHANNELS, 9, 7};
  fill_real(nchw, sizeof nchw / sizeof *nchw, 1);
  for (size_t i = 0; i < 2; i++)
    for (size_t c = 0; c < CHANNELS; c++)
      for (size_t p = 0; p < 63; p++) nhwc[(i * 63 + p) * CHANNELS + c] = nchw[(i * CHANNELS + c) * 63 + p];
  for (int round = 0; round < 4; round++) {
    run(session, 4, dims, round % 2 ? UNFURL_NHWC : UNFURL_NCHW, round % 2 ? nhwc : nchw);
    const unfurl_tensor *y = unfurl_session_output(session, 0);
    const size_t bytes = 2 * 4 * 5 * 3 * sizeof(float);
    if (round == 0) memcpy(first, y->data, bytes);
    cr_assert_arr_eq(y->data, first, bytes);
    cr_assert_eq(y->layout, UNFURL_NCHW);
  }
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

/* Weights that are inputs of the network: packed at each run. */
Test(session, weights_at_run_time) {
  heap h = {0};
  unfurl_context *context = make_context(&h, 1);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){1, CHANNELS, 8, 8});
  net_input(&n, "w", 4, (const int64_t[]){-1, CHANNELS, 3, 3});
  net_input(&n, "b", 1, (const int64_t[]){-1});
  net_node(&n, "Conv", "x w b", "c");
  net_node(&n, "Relu", "c", "y");
  net_output(&n, "y");
  net_finish(&n);
  unfurl_session *session = make_session(&n, NULL);
  for (size_t i = 0; i < 6; i++) {
    const size_t filters = 1 + i % 3;
    float x[CHANNELS * 64], w[3 * CHANNELS * 9], b[3];
    unfurl_tensor inputs[3];
    unfurl_error error;
    fill_real(x, CHANNELS * 64, 1), fill_real(w, 3 * CHANNELS * 9, i), fill_real(b, 3, 10 + i);
    unfurl_tensor_init(&inputs[0], UNFURL_F32, 4, (const int64_t[]){1, CHANNELS, 8, 8}, x);
    unfurl_tensor_init(&inputs[1], UNFURL_F32, 4, (const int64_t[]){(int64_t)filters, CHANNELS, 3, 3}, w);
    unfurl_tensor_init(&inputs[2], UNFURL_F32, 1, (const int64_t[]){(int64_t)filters}, b);
    cr_assert_eq(unfurl_session_run(session, inputs, 3, &error), UNFURL_OK, "%s", error.message);
    check_output(session, 0, reference_relu(reference_conv(image_of(1, CHANNELS, 8, 8, x), filters, 3, 0, w, b)));
  }
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

/* A convolution with as many groups as channels, which two solvers compute, and another. */
static net two_convs(const unfurl_context *context) {
  static const int64_t groups = 6;
  const unfurl_attribute group = attribute_int("group", &groups);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){-1, 6, 8, 8});
  net_weights(&n, "w1", 4, (const int64_t[]){12, 1, 3, 3}, 1);
  net_weights(&n, "w2", 4, (const int64_t[]){5, 12, 3, 3}, 2);
  net_node_with(&n, "Conv", "x w1", "c", 1, &group);
  net_node(&n, "Conv", "c w2", "y");
  net_output(&n, "y");
  net_finish(&n);
  return n;
}

static unfurl_status run_two_convs(unfurl_session *session, float *pixels, float *result, unfurl_error *error) {
  unfurl_tensor input;
  unfurl_tensor_init(&input, UNFURL_F32, 4, (const int64_t[]){1, 6, 8, 8}, pixels);
  const unfurl_status status = unfurl_session_run(session, &input, 1, error);
  if (!status) memcpy(result, unfurl_session_output(session, 0)->data, 5 * 4 * 4 * sizeof *result);
  return status;
}

/* Layers say why; a caller of the time before they did gets what it knows of. */
static void check_layers(const unfurl_session *session) {
  size_t measured = 0;
  for (size_t i = 0; i < unfurl_session_layer_count(session); i++) {
    unfurl_layer layer = {.size = sizeof layer}, older = {.size = offsetof(unfurl_layer, plan), .plan = "kept"};
    cr_assert_eq(unfurl_session_layer(session, i, &layer, NULL), UNFURL_OK);
    cr_assert_eq(strncmp(layer.plan, layer.algo, strlen(layer.algo)), 0);
    cr_assert_eq(*layer.plan == '\0', layer.conv == NULL);
    measured += strstr(layer.plan, "measured") != NULL;
    cr_assert_eq(unfurl_session_layer(session, i, &older, NULL), UNFURL_OK);
    cr_assert_str_eq(older.algo, layer.algo);
    cr_assert_str_eq(older.plan, "kept");
  }
  cr_assert_eq(measured, 2);
}

Test(session, measures_its_convolutions) {
  heap h = {0};
  unfurl_context *context = make_context(&h, 2);
  net n = two_convs(context);
  float pixels[6 * 64], estimated[5 * 16], measured[5 * 16];
  unfurl_session_options options;
  fill_real(pixels, sizeof pixels / sizeof *pixels, 9);
  unfurl_session_options_init(&options);
  unfurl_session *session = make_session(&n, &options);
  cr_assert_eq(run_two_convs(session, pixels, estimated, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_wisdom_count(context), 0);
  unfurl_session_destroy(&session);
  options.planning = UNFURL_PLAN_MEASURE;
  session = make_session(&n, &options);
  cr_assert_eq(run_two_convs(session, pixels, measured, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_wisdom_count(context), 2);
  cr_assert_arr_eq(estimated, measured, sizeof measured);
  check_layers(session);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

Test(session, limits_the_workspace_of_its_convolutions) {
  heap h = {0};
  unfurl_context *context = make_context(&h, 1);
  net n = two_convs(context);
  float pixels[6 * 64] = {0}, result[5 * 16];
  unfurl_error error;
  unfurl_session_options options;
  unfurl_session_options_init(&options);
  options.workspace_limit = 1;
  unfurl_session *session = make_session(&n, &options);
  cr_assert_eq(run_two_convs(session, pixels, result, &error), UNFURL_TOO_LARGE);
  cr_assert(strstr(error.message, "bytes of workspace a task, the limit is 1"), "%s", error.message);
  cr_assert(strstr(error.message, "Conv"), "%s", error.message);
  unfurl_session_destroy(&session);
  options.workspace_limit = 1 << 20;
  session = make_session(&n, &options);
  cr_assert_eq(run_two_convs(session, pixels, result, &error), UNFURL_OK, "%s", error.message);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}
