/* SPDX-License-Identifier: BSD-2-Clause */
/* A batch that goes through a network in parts gives the bits that it gives as a whole, whatever operators stand between
 * those that take each image by itself. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "net.h"
#include "support.h"
#include "unfurl/conv.h"
#include "unfurl/session.h"

enum { C = 6, SIDE = 8, MOST_BATCH = 6, PIXELS = C * SIDE * SIDE };

/* Nodes up to the first without operator; names of outputs; layers that take turns when they may, for any batch. */
typedef struct parts_case {
  const char *label;
  net_step nodes[10];
  const char *outputs[3];
  size_t in_turns;
} parts_case;

/* The conversion of x to the layout of images is a layer too, and so is that of an output. */
static const parts_case cases[] = {
    {"a chain", {{"Conv", "x w b", "c"}, {"Relu", "c", "r"}, {"Conv", "r wd b", "d"}, {"MaxPool", "d", "y"}}, {"y"}, 5},
    {"outputs within the chain",
     {{"Conv", "x w b", "c"}, {"Tanh", "c", "t"}, {"Conv", "t w", "d"}, {"Sigmoid", "d", "y"}},
     {"y", "c", "t"},
     7},
    {"a residual",
     {{"Conv", "x w b", "c"}, {"Conv", "c w", "d"}, {"Add", "c d", "s"}, {"Relu", "s", "r"}, {"MaxPool", "r", "y"}},
     {"y"},
     5},
    {"a gate a channel",
     {{"Conv", "x w b", "c"},
      {"GlobalAveragePool", "c", "g"},
      {"Conv", "g w1", "d"},
      {"Sigmoid", "d", "e"},
      {"Mul", "c e", "y"}},
     {"y"},
     6},
    {"branches that meet",
     {{"Conv", "x w b", "c"}, {"AveragePool", "x", "p"}, {"MaxPool", "c", "q"}, {"Concat", "p q", "y"}},
     {"y"},
     6},
    {"normalised",
     {{"LeakyRelu", "x", "r"}, {"BatchNormalization", "r b b b positive", "n"}, {"Clip", "n", "y"}},
     {"y"},
     2}, /* Clip is part of the one before */
    {"constants for all images",
     {{"Conv", "x w", "c"}, {"Add", "c channels", "s"}, {"Mul", "image s", "m"}, {"Sub", "m number", "y"}},
     {"y"},
     6},
    {"flattened and classified",
     {{"Conv", "x w b", "c"},
      {"GlobalMaxPool", "c", "g"},
      {"Flatten", "g", "f"},
      {"Gemm", "f fc", "l"},
      {"Softmax", "l", "y"}},
     {"y"},
     5},
    {"reshaped", {{"Conv", "x w b", "c"}, {"Reshape", "c rows", "f"}, {"Tanh", "f", "y"}}, {"y"}, 5},
    {"transposed in between",
     {{"Conv", "x w b", "c"}, {"Transpose", "c", "t"}, {"Relu", "t", "r"}, {"Transpose", "r", "y"}},
     {"y"},
     3},
    {"channels cut off", {{"Conv", "x w b", "c"}, {"Slice", "c one six channel", "s"}, {"Tanh", "s", "y"}}, {"y"}, 5},
    {"images cut off, as many as there are of one",
     {{"Relu", "x", "r"}, {"Concat0", "r x", "c"}, {"Slice", "c one six image0", "s"}, {"Tanh", "s", "y"}},
     {"y"},
     2},
    {"an input that is not used up", {{"Relu", "x", "r"}, {"Tanh", "r", "t"}, {"Add", "t x", "y"}}, {"y", "x"}, 4},
    {"one after the other along the batch",
     {{"Relu", "x", "r"}, {"Concat0", "r x", "c"}, {"Tanh", "c", "y"}},
     {"y"},
     2},
    {"chosen by comparison, and tiled",
     {{"Conv", "x w b", "c"},
      {"Less", "c number", "l"},
      {"Not", "l", "n"},
      {"Where", "n c channels", "s"},
      {"Mean", "s image", "m"},
      {"Tile", "m twice", "t"},
      {"ReduceLogSumExp", "t channel", "y"}},
     {"y"},
     9},
    {"images tiled", {{"Relu", "x", "r"}, {"Tile", "r images", "t"}, {"Tanh", "t", "y"}}, {"y"}, 2},
    {"images as filters", {{"Conv", "x x", "y"}}, {"y"}, 2},
    {"places in the whole batch", {{"MaxPool", "x", "y places"}}, {"y", "places"}, 3},
    {"a sum that broadcasts an image", {{"Tanh", "x", "t"}, {"Add", "t z", "y"}}, {"y"}, 1},
};

static void add_node(net *n, const net_step *s) {
  static const int64_t pads[] = {1, 1, 1, 1}, groups = C, two[] = {2, 2}, along_channels = 1, along_batch = 0;
  const bool is_pool = strstr(s->op, "Pool") && s->op[0] != 'G', is_conv = !strcmp(s->op, "Conv");
  unfurl_attribute attributes[3];
  size_t count = 0;
  if (is_pool) attributes[count++] = attribute_ints("kernel_shape", 2, two);
  if (is_conv && !strstr(s->inputs, "w1")) attributes[count++] = attribute_ints("pads", 4, pads);
  if (is_conv && strstr(s->inputs, "wd")) attributes[count++] = attribute_int("group", &groups);
  if (!strcmp(s->op, "Concat")) attributes[count++] = attribute_int("axis", &along_channels);
  if (!strcmp(s->op, "Concat0")) attributes[count++] = attribute_int("axis", &along_batch);
  net_node_with(n, !strcmp(s->op, "Concat0") ? "Concat" : s->op, s->inputs, s->output, count, attributes);
}

static net make_network(const unfurl_context *context, const parts_case *c) {
  const float positive[C] = {1, 2, 3, 1, 2, 3};
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){-1, C, SIDE, SIDE});
  net_input(&n, "z", 4, (const int64_t[]){1, C, SIDE, SIDE});
  net_real_weights(&n, "w", 4, (const int64_t[]){C, C, 3, 3}, 1);
  net_real_weights(&n, "wd", 4, (const int64_t[]){C, 1, 3, 3}, 2);
  net_real_weights(&n, "w1", 4, (const int64_t[]){C, C, 1, 1}, 3);
  net_real_weights(&n, "b", 1, (const int64_t[]){C}, 4);
  net_real_weights(&n, "fc", 2, (const int64_t[]){C, 5}, 5);
  net_real_weights(&n, "channels", 3, (const int64_t[]){C, 1, 1}, 6);
  net_real_weights(&n, "image", 4, (const int64_t[]){1, C, SIDE, SIDE}, 7);
  net_constant(&n, "number", 0, NULL, (const float[]){0.25f});
  net_constant(&n, "positive", 1, (const int64_t[]){C}, positive);
  net_integers(&n, "one", 1, (const int64_t[]){1});
  net_integers(&n, "six", 1, (const int64_t[]){6});
  net_integers(&n, "channel", 1, (const int64_t[]){1});
  net_integers(&n, "twice", 4, (const int64_t[]){1, 2, 1, 1});
  net_integers(&n, "images", 4, (const int64_t[]){2, 1, 1, 1});
  net_integers(&n, "image0", 1, (const int64_t[]){0});
  net_integers(&n, "rows", 3, (const int64_t[]){0, SIDE, C * SIDE});
  for (const net_step *s = c->nodes; s->op; s++) add_node(&n, s);
  for (size_t i = 0; i < 3 && c->outputs[i]; i++) net_output(&n, c->outputs[i]);
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s: %s", c->label, n.error.message);
  return n;
}

static unfurl_session *run(const net *n, const char *algo, int64_t batch, size_t most_images) {
  static float pixels[MOST_BATCH * PIXELS], other[PIXELS];
  unfurl_session_options options;
  unfurl_session *session;
  unfurl_error error;
  unfurl_tensor inputs[2];
  unfurl_session_options_init(&options);
  options.algo = algo, options.most_images = most_images;
  fill_real(pixels, MOST_BATCH * PIXELS, 9);
  fill_real(other, PIXELS, 10);
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 4, (const int64_t[]){batch, C, SIDE, SIDE}, pixels);
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 4, (const int64_t[]){1, C, SIDE, SIDE}, other);
  cr_assert_eq(unfurl_session_create(n->model, &options, &session, &error), UNFURL_OK, "%s", error.message);
  for (int i = 0; i < 2; i++)
    cr_assert_eq(unfurl_session_run(session, inputs, 2, &error), UNFURL_OK, "%s", error.message);
  return session;
}

static unfurl_layer layer_at(const unfurl_session *session, size_t index) {
  unfurl_layer layer = {.size = sizeof layer};
  cr_assert_eq(unfurl_session_layer(session, index, &layer, NULL), UNFURL_OK);
  return layer;
}

static size_t count_in_turns(const unfurl_session *session) {
  size_t count = 0;
  for (size_t i = 0; i < unfurl_session_layer_count(session); i++) count += layer_at(session, i).turns > 1;
  return count;
}

static void check(const unfurl_context *context, const parts_case *c, const char *algo, size_t batch, size_t most) {
  net n = make_network(context, c);
  unfurl_session *whole = run(&n, algo, (int64_t)batch, SIZE_MAX), *parts = run(&n, algo, (int64_t)batch, most);
  const size_t in_turns = count_in_turns(parts);
  cr_assert_eq(count_in_turns(whole), 0);
  if (most < batch && batch > 1) cr_assert_eq(in_turns, c->in_turns, "%s: %zu layers in turns", c->label, in_turns);
  for (size_t i = 0; i < unfurl_model_output_count(n.model); i++)
    cr_assert(net_same_output(whole, parts, i), "%s: output %zu differs", c->label, i);
  for (size_t i = 0; i < unfurl_session_layer_count(whole); i++) {
    const unfurl_layer a = layer_at(whole, i), b = layer_at(parts, i);
    cr_assert_eq(a.operations, b.operations);
    cr_assert_arr_eq(a.output.dims, b.output.dims, a.output.rank * sizeof *a.output.dims);
    cr_assert(!a.conv || a.conv->batch == b.conv->batch * (int64_t)b.turns);
  }
  unfurl_session_destroy(&whole);
  unfurl_session_destroy(&parts);
  unfurl_model_destroy(&n.model);
}

Test(parts, parts_and_whole_have_the_same_bits) {
  static const size_t batches[] = {1, 4, 6}, parts[] = {1, 2, 4};
  for (size_t threads = 1; threads <= 3; threads += 2) {
    heap h = {0};
    unfurl_context_options options = heap_options(&h);
    unfurl_context *context;
    options.threads = threads, options.blas_single_thread = true;
    cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
      for (size_t b = 0; b < 3; b++)
        for (size_t p = 0; p < 3; p++) {
          if (parts[p] > batches[b]) continue;
          check(context, &cases[i], NULL, batches[b], parts[p]);
          check(context, &cases[i], "im2col", batches[b], parts[p]);
        }
    unfurl_context_destroy(&context);
    cr_assert(heap_is_clean(&h));
  }
}

/* What only one turn needs takes the memory of one turn. */
Test(parts, memory_is_that_of_a_turn) {
  unfurl_context *context;
  unfurl_session_memory whole = {.size = sizeof whole}, parts = {.size = sizeof parts};
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  net n = make_network(context, &cases[7]); /* the one with a small output */
  unfurl_session *a = run(&n, NULL, 6, SIZE_MAX), *b = run(&n, NULL, 6, 1);
  cr_assert_eq(unfurl_session_memory_used(a, &whole, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_memory_used(b, &parts, NULL), UNFURL_OK);
  cr_assert_lt(parts.arena_bytes, whole.arena_bytes / 4);
  cr_assert_eq(parts.weights_bytes, whole.weights_bytes);
  unfurl_session_destroy(&a);
  unfurl_session_destroy(&b);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}

/* Left to itself, a session takes small networks whole, and images that fill the cache one by one. */
Test(parts, the_cache_decides) {
  const int64_t pads[] = {1, 1, 1, 1};
  const unfurl_attribute padding = attribute_ints("pads", 4, pads);
  unfurl_context *context;
  unfurl_session *session;
  unfurl_tensor x;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){-1, 1, -1, -1});
  net_weights(&n, "w", 4, (const int64_t[]){8, 1, 3, 3}, 1);
  net_weights(&n, "w8", 4, (const int64_t[]){8, 8, 3, 3}, 2);
  net_node_with(&n, "Conv", "x w", "c", 1, &padding);
  net_node_with(&n, "Conv", "c w8", "d", 1, &padding);
  net_node(&n, "GlobalAveragePool", "d", "y");
  net_output(&n, "y");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  for (int64_t side = 8; side <= 2048; side *= 256) {
    unfurl_tensor_init(&x, UNFURL_F32, 4, (const int64_t[]){2, 1, side, side}, NULL);
    cr_assert_eq(unfurl_session_prepare(session, &x, 1, NULL), UNFURL_OK);
    cr_assert_eq(layer_at(session, 1).turns, side == 8 ? 1 : 2);
  }
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}
