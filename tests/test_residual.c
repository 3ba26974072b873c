/* SPDX-License-Identifier: BSD-2-Clause */
/* Residual connections that sessions fuse into convolutions: the same bits as node by node, and only where the Add may
 * go. Networks are lists of nodes; the constants that they name are made by the test. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "support.h"
#include "unfurl/conv.h"
#include "unfurl/session.h"

enum { C = 4, SIDE = 6, MOST_BATCH = 3, PIXELS = C * SIDE * SIDE };

/* Nodes up to the first without operator; names of outputs; how many layers of the session are a fused Add. */
typedef struct residual_case {
  const char *label;
  net_step nodes[8];
  const char *outputs[3];
  size_t fused;
} residual_case;

/* 3x3 convolutions keep the size; "w1" is 1x1, "wd" depthwise, "wt" of a transposed one with 1x1. */
static const residual_case cases[] = {
    {"a block of ResNet",
     {{"Conv", "x w b", "c"}, {"Relu", "c", "r"}, {"Conv", "r w2 b", "d"}, {"Add", "d x2", "s"}, {"Relu", "s", "y"}},
     {"y"},
     1},
    {"nothing behind it", {{"Conv", "x w b", "c"}, {"Add", "x2 c", "y"}}, {"y"}, 1},
    {"no bias, Clip", {{"Conv", "x w1", "c"}, {"Add", "c x2", "s"}, {"Clip", "s low high", "y"}}, {"y"}, 1},
    {"depthwise, LeakyRelu", {{"Conv", "x wd b", "c"}, {"Add", "c x2", "s"}, {"LeakyRelu", "s", "y"}}, {"y"}, 1},
    {"transposed", {{"ConvTranspose", "x wt b", "c"}, {"Add", "c x2", "s"}, {"Tanh", "s", "y"}}, {"y"}, 1},
    {"Sum of two", {{"Conv", "x w b", "c"}, {"Sum", "c x2", "s"}, {"Sigmoid", "s", "y"}}, {"y"}, 1},
    {"one of two convolutions", {{"Conv", "x w b", "c"}, {"Conv", "x w1 b", "d"}, {"Add", "c d", "y"}}, {"y"}, 1},
    {"a residual that comes later",
     {{"Conv", "x w b", "c"}, {"Tanh", "x2", "t"}, {"Sigmoid", "t", "u"}, {"Add", "c u", "y"}},
     {"y"},
     1},
    {"two blocks in a row",
     {{"Conv", "x w b", "c"},
      {"Add", "c x2", "s"},
      {"Relu", "s", "r"},
      {"Conv", "r w2 b", "d"},
      {"Add", "r d", "t"},
      {"Relu", "t", "y"}},
     {"y"},
     2},
    {"the sum is an output", {{"Conv", "x w b", "c"}, {"Add", "c x2", "s"}, {"Relu", "s", "y"}}, {"y", "s"}, 1},
    {"the sum is used twice",
     {{"Conv", "x w b", "c"}, {"Add", "c x2", "s"}, {"Relu", "s", "r"}, {"Add", "r s", "y"}},
     {"y"},
     1},
    {"two Adds, one convolution", {{"Conv", "x w b", "c"}, {"Add", "c x2", "s"}, {"Add", "s t2", "y"}}, {"y"}, 1},
    {"the result is an output", {{"Conv", "x w b", "c"}, {"Add", "c x2", "y"}}, {"y", "c"}, 0},
    {"the result is used twice", {{"Conv", "x w b", "c"}, {"Relu", "c", "r"}, {"Add", "c r", "y"}}, {"y"}, 0},
    {"twice the same", {{"Conv", "x w b", "c"}, {"Add", "c c", "y"}}, {"y"}, 0},
    {"activated before", {{"Conv", "x w b", "c"}, {"Relu", "c", "r"}, {"Add", "r x2", "y"}}, {"y"}, 0},
    {"a number a channel", {{"Conv", "x w b", "c"}, {"Add", "c channels", "y"}}, {"y"}, 0},
    {"one image for all", {{"Conv", "x w b", "c"}, {"Add", "image c", "y"}}, {"y"}, 0},
    {"a larger residual", {{"Conv", "small w b", "c"}, {"Add", "c x2", "y"}}, {"y"}, 0},
    {"a difference", {{"Conv", "x w b", "c"}, {"Sub", "c x2", "y"}}, {"y"}, 0},
};

static net make_network(const unfurl_context *context, const residual_case *c, bool no_fuse) {
  const int64_t pads[] = {1, 1, 1, 1}, groups = C, whole[] = {SIDE, SIDE}, one[] = {1, 1};
  const unfurl_attribute padding = attribute_ints("pads", 4, pads);
  const unfurl_attribute depthwise[] = {padding, attribute_int("group", &groups)};
  unfurl_model_options options;
  unfurl_model_options_init(&options);
  options.no_fuse = no_fuse;
  net n = net_begin(context, &options);
  net_input(&n, "x", 4, (const int64_t[]){-1, C, SIDE, SIDE});
  net_real_weights(&n, "w", 4, (const int64_t[]){C, C, 3, 3}, 1);
  net_real_weights(&n, "w2", 4, (const int64_t[]){C, C, 3, 3}, 2);
  net_real_weights(&n, "w1", 4, (const int64_t[]){C, C, 1, 1}, 3);
  net_real_weights(&n, "wd", 4, (const int64_t[]){C, 1, 3, 3}, 4);
  net_real_weights(&n, "wt", 4, (const int64_t[]){C, C, 1, 1}, 5);
  net_real_weights(&n, "b", 1, (const int64_t[]){C}, 6);
  net_real_weights(&n, "channels", 3, (const int64_t[]){C, 1, 1}, 7);
  net_real_weights(&n, "image", 4, (const int64_t[]){1, C, SIDE, SIDE}, 8);
  net_constant(&n, "low", 0, NULL, (const float[]){-0.25f});
  net_constant(&n, "high", 0, NULL, (const float[]){0.5f});
  const unfurl_attribute single = attribute_ints("kernel_shape", 2, one);
  const unfurl_attribute global = attribute_ints("kernel_shape", 2, whole);
  net_node_with(&n, "MaxPool", "x", "small", 1, &global); /* one pixel: broadcasts to x */
  net_node_with(&n, "MaxPool", "x", "x2", 1, &single);    /* x in the layout of images */
  net_node(&n, "Tanh", "x2", "t2");
  for (const net_step *s = c->nodes; s->op; s++) {
    const bool is_depthwise = strstr(s->inputs, " wd"), is_padded = strstr(s->inputs, " w ") || strstr(s->inputs, "w2");
    net_node_with(&n, s->op, s->inputs, s->output, is_depthwise ? 2 : is_padded, is_depthwise ? depthwise : &padding);
  }
  for (size_t i = 0; i < 3 && c->outputs[i]; i++) net_output(&n, c->outputs[i]);
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s: %s", c->label, n.error.message);
  return n;
}

static unfurl_session *run(const net *n, const char *algo, int64_t batch) {
  static float pixels[MOST_BATCH * PIXELS];
  unfurl_session_options options;
  unfurl_session *session;
  unfurl_error error;
  unfurl_tensor x;
  unfurl_session_options_init(&options);
  options.algo = algo, options.tolerance = 0;
  fill_real(pixels, MOST_BATCH * PIXELS, 9);
  unfurl_tensor_init(&x, UNFURL_F32, 4, (const int64_t[]){batch, C, SIDE, SIDE}, pixels);
  cr_assert_eq(unfurl_session_create(n->model, &options, &session, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(unfurl_session_run(session, &x, 1, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(unfurl_session_run(session, &x, 1, &error), UNFURL_OK, "%s", error.message);
  return session;
}

static size_t count_fused(const unfurl_session *session) {
  size_t count = 0;
  for (size_t i = 0; i < unfurl_session_layer_count(session); i++) {
    unfurl_layer layer = {.size = sizeof layer};
    cr_assert_eq(unfurl_session_layer(session, i, &layer, NULL), UNFURL_OK);
    count += strstr(layer.op_type, " + Add") != NULL;
  }
  return count;
}

static void check(const unfurl_context *context, const residual_case *c, const char *algo, int64_t batch) {
  net fused = make_network(context, c, false), plain = make_network(context, c, true);
  unfurl_session *a = run(&fused, algo, batch), *b = run(&plain, algo, batch);
  cr_assert_eq(count_fused(b), 0);
  cr_assert_eq(count_fused(a), c->fused, "%s, batch %d: %zu fused", c->label, (int)batch, count_fused(a));
  for (size_t i = 0; i < unfurl_model_output_count(fused.model); i++)
    cr_assert(net_same_output(a, b, i), "%s, %s, batch %d: output %zu differs", c->label, algo ? algo : "auto",
              (int)batch, i);
  unfurl_session_destroy(&a);
  unfurl_session_destroy(&b);
  unfurl_model_destroy(&fused.model);
  unfurl_model_destroy(&plain.model);
}

/* "naive" is left out: it rounds once, after the activation. */
Test(residual, fused_and_plain_have_the_same_bits) {
  static const char *const algos[] = {"strided", "im2col", "im2col_strips"};
  for (size_t threads = 1; threads <= 3; threads += 2) {
    heap h = {0};
    unfurl_context_options options = heap_options(&h);
    unfurl_context *context;
    options.threads = threads, options.blas_single_thread = true;
    cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
      for (size_t a = 0; a < sizeof algos / sizeof *algos; a++)
        for (int64_t batch = 1; batch <= MOST_BATCH; batch += 2) check(context, &cases[i], algos[a], batch);
    unfurl_context_destroy(&context);
    cr_assert(heap_is_clean(&h));
  }
}

static size_t layer_at(const unfurl_session *session, const char *name, unfurl_layer *layer) {
  size_t i = 0;
  *layer = (unfurl_layer){.size = sizeof *layer, .name = ""};
  for (; i < unfurl_session_layer_count(session) && strcmp(layer->name, name) != 0; i++)
    cr_assert_eq(unfurl_session_layer(session, i, layer, NULL), UNFURL_OK);
  cr_assert_str_eq(layer->name, name);
  return i;
}

/* Of two convolutions the later one adds, the activation is its own, and its result is that of the activation. */
Test(residual, the_later_convolution_adds) {
  static const residual_case c = {
      .label = "downsampling block",
      .nodes = {{"Conv", "x w b", "c"}, {"Conv", "x w1", "d"}, {"Add", "c d", "s"}, {"Relu", "s", "y"}},
      .outputs = {"y"}};
  unfurl_context *context;
  unfurl_layer first, second;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  net n = make_network(context, &c, false);
  unfurl_session *session = run(&n, NULL, 2);
  const size_t at = layer_at(session, "Conv of c", &first), then = layer_at(session, "Conv of d", &second);
  cr_assert_lt(at, then);
  cr_assert_str_eq(first.op_type, "Conv");
  cr_assert_str_eq(second.op_type, "Conv + Add");
  cr_assert_eq(second.conv->activation, UNFURL_ACTIVATION_RELU);
  cr_assert_eq(second.operations, 2.0 * PIXELS * C);
  cr_assert_eq(unfurl_session_layer_count(session), 4, "%zu layers", unfurl_session_layer_count(session));
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}
