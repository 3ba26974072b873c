/* SPDX-License-Identifier: BSD-2-Clause */
/* Layers that go through an image together, a band of rows at a time, give the bits that they give one after the other,
 * whatever the height of the bands, the threads and the batch. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "shape/tensor.h"
#include "support.h"
#include "unfurl/conv.h"
#include "unfurl/session.h"

enum { C = 6, WIDE = 20, H = 13, W = 11, MOST_BATCH = 3, PIXELS = C * H * W };

/* Convolutions and pools by the name of their weights. */
typedef struct window_kind {
  const char *name;
  int64_t oc, icg, taps, groups, stride, dilation, pads[4], ceil_mode;
} window_kind;

static const window_kind kinds[] = {
    {"expand", WIDE, C, 1, 1, 1, 1, {0}, 0},
    {"project", C, WIDE, 1, 1, 1, 1, {0}, 0},
    {"deep", WIDE, 1, 3, WIDE, 1, 1, {1, 1, 1, 1}, 0},
    {"deep5", WIDE, 1, 5, WIDE, 2, 1, {2, 1, 2, 3}, 0},
    {"wide_apart", C, C, 3, 1, 1, 3, {3, 3, 3, 3}, 0},
    {"stem", C, C, 7, 1, 2, 1, {3, 3, 3, 3}, 0},
    {"skipping", C, C, 1, 1, 3, 1, {0}, 0},
    {"same", C, C, 3, 1, 1, 1, {1, 1, 1, 1}, 0},
    {"grouped", C, 2, 3, 3, 1, 1, {0, 1, 2, 1}, 0},
    {"max", 0, 0, 3, 0, 2, 1, {1, 1, 1, 1}, 0},
    {"hanging", 0, 0, 2, 0, 3, 1, {0}, 1},
    {"squeeze", C, 2 * C, 1, 1, 1, 1, {0}, 0},
};

/* Nodes up to the first without operator; an output; layers in chains, and how many these are where threads share an
 * image. The conversions of input and output are layers too. */
typedef struct chain_case {
  const char *label;
  net_step nodes[8];
  const char *outputs[3];
  size_t chained, shared;
} chain_case;

static const chain_case cases[] = {
    {"an inverted residual",
     {{"Conv", "x expand b20", "e"},
      {"Relu", "e", "f"},
      {"Conv", "f deep b20", "d"},
      {"Conv", "d project b", "p"},
      {"Add", "p x", "y"}},
     {"y"},
     3,
     3},
    {"a residual from within",
     {{"Conv", "x same b", "a"},
      {"Conv", "a wide_apart", "c"},
      {"Conv", "c same", "d"},
      {"Add", "d a", "s"},
      {"Relu", "s", "r"},
      {"Conv", "r skipping", "y"}},
     {"y"},
     4,
     4},
    {"strides, one after the other",
     {{"Conv", "x expand", "e"}, {"Conv", "e deep5 b20", "d"}, {"Conv", "d project", "p"}, {"Conv", "p stem", "y"}},
     {"y"},
     4,
     4},
    {"a stem and its pool", {{"Conv", "x stem b", "c"}, {"MaxPool", "c max", "y"}}, {"y"}, 2, 2},
    {"pools", {{"MaxPool", "x hanging", "a"}, {"Conv", "a same b", "c"}, {"MaxPool", "c max", "y"}}, {"y"}, 3, 3},
    {"rows that nobody reads",
     {{"Conv", "x same", "c"}, {"Conv", "c skipping", "d"}, {"Conv", "d grouped", "y"}},
     {"y"},
     3,
     3},
    {"two readers",
     {{"Conv", "x same", "a"}, {"Conv", "a same", "c"}, {"Conv", "a grouped", "d"}, {"Add", "c d", "y"}},
     {"y"},
     3,
     3},
    {"an output within",
     {{"Conv", "x same", "a"}, {"Conv", "a same", "c"}, {"Conv", "c same b", "y"}},
     {"y", "c"},
     3,
     2},
    {"read within and later",
     {{"Conv", "x same", "a"},
      {"Conv", "a expand b20", "e"},
      {"GlobalMaxPool", "e", "g"},
      {"Mul", "e g", "m"},
      {"Conv", "m project", "p"},
      {"Add", "p a", "y"}},
     {"y"},
     4,
     4},
    {"an operator in between that takes whole images",
     {{"Conv", "x same", "a"},
      {"Tanh", "a", "t"},
      {"GlobalMaxPool", "t", "g"},
      {"Mul", "t g", "m"},
      {"Conv", "m same", "y"}},
     {"y"},
     2,
     2},
    {"a scale that stands first",
     {{"Conv", "x same", "a"},
      {"GlobalMaxPool", "a", "g"},
      {"Conv", "a grouped", "c"},
      {"Mul", "g c", "m"},
      {"Conv", "m same", "y"}},
     {"y"},
     3,
     3},
    {"a dense block",
     {{"Conv", "x same", "a"},
      {"Conv", "a same", "c"},
      {"Concat", "a c", "j"},
      {"BatchNormalization", "j n12 b12 m12 n12", "k"},
      {"Relu", "k", "r"},
      {"Conv", "r squeeze", "s"},
      {"Concat", "a c s", "y"}},
     {"y"},
     6,
     5},
    {"four joined, the last from within",
     {{"Conv", "x same", "a"}, {"Conv", "x grouped", "c"}, {"Concat", "a a a c", "j"}, {"MaxPool", "j max", "y"}},
     {"y"},
     3,
     3},
    {"a scale from within, which is whole before",
     {{"GlobalMaxPool", "x", "g"},
      {"Conv", "g expand", "e"},
      {"Conv", "e project", "p"},
      {"Conv", "p expand b20", "q"},
      {"Mul", "q e", "y"}},
     {"y"},
     3,
     3},
};

static const window_kind *kind_of(const char *inputs) {
  const char *name = strchr(inputs, ' ');
  for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++) {
    const size_t length = strlen(kinds[i].name);
    if (!strncmp(name + 1, kinds[i].name, length) && (name[1 + length] == ' ' || !name[1 + length])) return &kinds[i];
  }
  return NULL;
}

static void add_node(net *n, const net_step *s) {
  const window_kind *k = strstr(s->op, "Global") ? NULL : kind_of(s->inputs);
  unfurl_attribute attributes[6];
  size_t count = 0;
  char first[8] = "";
  if (!k) {
    const unfurl_attribute channels = attribute_int("axis", &(const int64_t){1});
    net_node_with(n, s->op, s->inputs, s->output, strcmp(s->op, "Concat") ? 0 : 1, &channels);
    return;
  }
  const int64_t taps[] = {k->taps, k->taps}, strides[] = {k->stride, k->stride},
                dilations[] = {k->dilation, k->dilation};
  attributes[count++] = attribute_ints("kernel_shape", 2, taps);
  attributes[count++] = attribute_ints("strides", 2, strides);
  attributes[count++] = attribute_ints("dilations", 2, dilations);
  attributes[count++] = attribute_ints("pads", 4, k->pads);
  if (k->groups > 1) attributes[count++] = attribute_int("group", &k->groups);
  if (k->ceil_mode) attributes[count++] = attribute_int("ceil_mode", &k->ceil_mode);
  strncpy(first, s->inputs, 1);
  net_node_with(n, s->op, k->oc ? s->inputs : first, s->output, count, attributes);
}

static net make_network(const unfurl_context *context, const chain_case *c) {
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){-1, C, -1, W});
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (kinds[i].oc)
      net_real_weights(&n, kinds[i].name, 4, (const int64_t[]){kinds[i].oc, kinds[i].icg, kinds[i].taps, kinds[i].taps},
                       i);
  net_real_weights(&n, "b", 1, (const int64_t[]){C}, 90);
  net_real_weights(&n, "b20", 1, (const int64_t[]){WIDE}, 91);
  net_real_weights(&n, "b12", 1, (const int64_t[]){2 * C}, 92);
  net_real_weights(&n, "m12", 1, (const int64_t[]){2 * C}, 93);
  float variances[2 * C];
  for (size_t i = 0; i < 2 * C; i++) variances[i] = 0.5f + 0.1f * (float)i;
  net_constant(&n, "n12", 1, (const int64_t[]){2 * C}, variances);
  for (const net_step *s = c->nodes; s->op; s++) add_node(&n, s);
  for (size_t i = 0; i < 3 && c->outputs[i]; i++) net_output(&n, c->outputs[i]);
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s: %s", c->label, n.error.message);
  return n;
}

static unfurl_session *run(const net *n, const unfurl_session_options *options, int64_t batch) {
  static float pixels[MOST_BATCH * PIXELS];
  unfurl_session *session;
  unfurl_error error;
  unfurl_tensor x;
  fill_real(pixels, MOST_BATCH * PIXELS, 9);
  unfurl_tensor_init(&x, UNFURL_F32, 4, (const int64_t[]){batch, C, H, W}, pixels);
  cr_assert_eq(unfurl_session_create(n->model, options, &session, &error), UNFURL_OK, "%s", error.message);
  for (int i = 0; i < 2; i++) cr_assert_eq(unfurl_session_run(session, &x, 1, &error), UNFURL_OK, "%s", error.message);
  return session;
}

static size_t count_chained(const unfurl_session *session) {
  size_t count = 0;
  for (size_t i = 0; i < unfurl_session_layer_count(session); i++) {
    unfurl_layer layer = {.size = sizeof layer}, first = layer;
    cr_assert_eq(unfurl_session_layer(session, i, &layer, NULL), UNFURL_OK);
    cr_assert_eq(unfurl_session_layer(session, layer.chain, &first, NULL), UNFURL_OK);
    cr_assert_eq(first.bands, layer.bands);
    cr_assert(layer.bands || layer.chain == i);
    count += layer.bands > 0;
  }
  return count;
}

/* Whether a layer of that stride in a chain has a solver whose name begins like that. */
static bool has_chained(const unfurl_session *session, const char *algo, int64_t stride) {
  for (size_t i = 0; i < unfurl_session_layer_count(session); i++) {
    unfurl_layer layer = {.size = sizeof layer};
    cr_assert_eq(unfurl_session_layer(session, i, &layer, NULL), UNFURL_OK);
    if (layer.bands && !strncmp(layer.algo, algo, strlen(algo)) && layer.conv->stride_h == stride) return true;
  }
  return false;
}

static void check(const unfurl_context *context, const chain_case *c, int64_t batch, size_t most_images) {
  net n = make_network(context, c);
  unfurl_session_options options;
  unfurl_session_options_init(&options);
  options.tolerance = 0, options.most_rows = SIZE_MAX, options.most_images = most_images;
  unfurl_session *whole = run(&n, &options, batch);
  cr_assert_eq(count_chained(whole), 0);
  const size_t images = most_images ? most_images : (size_t)batch;
  const size_t chained = images % unfurl_context_threads(context) ? c->shared : c->chained;
  for (size_t rows = 1; rows <= H; rows += rows == 5 ? H - 5 : 1) {
    options.most_rows = rows;
    unfurl_session *banded = run(&n, &options, batch);
    cr_assert_eq(count_chained(banded), chained, "%s: %zu layers in chains", c->label, count_chained(banded));
    for (size_t i = 0; i < unfurl_model_output_count(n.model); i++)
      cr_assert(net_same_output(whole, banded, i), "%s: output %zu differs in bands of %zu rows", c->label, i, rows);
    unfurl_session_destroy(&banded);
  }
  unfurl_session_destroy(&whole);
  unfurl_model_destroy(&n.model);
}

Test(chain, bands_and_whole_images_have_the_same_bits) {
  for (size_t threads = 1; threads <= 4; threads++) {
    heap h = {0};
    unfurl_context_options options = heap_options(&h);
    unfurl_context *context;
    options.threads = threads;
    cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
      for (int64_t batch = 1; batch <= MOST_BATCH; batch++)
        for (size_t most_images = 0; most_images < 2; most_images++) check(context, &cases[i], batch, most_images);
    unfurl_context_destroy(&context);
    cr_assert(heap_is_clean(&h));
  }
}

/* An image x, of which nothing is left along dimension `empty`, goes through an operator and Mul. */
static net make_empty_network(const unfurl_context *context, const net_step *first, size_t empty) {
  const int64_t axis = (int64_t)empty, channels = empty == 1 ? 0 : 1, one = 1, none = 0;
  const unfurl_attribute along = attribute_int("axis", &one);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){1, 1, 4, 5});
  net_integers(&n, "zero", 1, &none);
  net_integers(&n, "axes", 1, &axis);
  for (const char *name = "gbmv"; *name; name++)
    net_real_weights(&n, (const char[]){*name, 0}, 1, &channels, (uint64_t)*name);
  net_constant(&n, "two", 3, (const int64_t[]){1, 1, 1}, &(const float){2});
  net_node(&n, "Slice", "x zero zero axes", "z");
  net_node_with(&n, first->op, first->inputs, first->output, strcmp(first->op, "Concat") ? 0 : 1, &along);
  net_node(&n, "Mul", "t two", "y");
  net_output(&n, "y");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  return n;
}

static size_t run_empty_network(const unfurl_context *context, const net_step *first, size_t empty) {
  float pixels[4 * 5] = {0};
  unfurl_session *session;
  unfurl_error error;
  unfurl_tensor x;
  net n = make_empty_network(context, first, empty);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, &error), UNFURL_OK, "%s", error.message);
  unfurl_tensor_init(&x, UNFURL_F32, 4, (const int64_t[]){1, 1, 4, 5}, pixels);
  cr_assert_eq(unfurl_session_run(session, &x, 1, &error), UNFURL_OK, "%s", error.message);
  const size_t count = unfurl_tensor_count(unfurl_session_output(session, 0));
  cr_assert_eq(count_chained(session), 0);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  return count;
}

/* No images, channels, rows or columns. */
Test(chain, empty_images) {
  static const net_step norm = {"BatchNormalization", "z g b m v", "t"}, twice = {"Concat", "z z", "t"};
  static const net_step beside = {"Concat", "z x", "t"};
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  for (size_t empty = 0; empty < 4; empty++) {
    cr_assert_eq(run_empty_network(context, &norm, empty), 0);
    cr_assert_eq(run_empty_network(context, &twice, empty), 0);
  }
  cr_assert_eq(run_empty_network(context, &beside, 1), 4 * 5);
  unfurl_context_destroy(&context);
}

/* A solver that is asked for is asked for the whole image. */
Test(chain, solvers_by_name_see_whole_images) {
  unfurl_context *context;
  unfurl_session_options options;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  net n = make_network(context, &cases[7]);
  unfurl_session_options_init(&options);
  options.most_rows = 1, options.algo = "naive";
  unfurl_session *session = run(&n, &options, 1);
  cr_assert_eq(count_chained(session), 0);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}

/* Left to itself, a session chains layers between which more lies than the cache holds, and keeps no room for that. */
Test(chain, the_cache_decides) {
  unfurl_context *context;
  unfurl_session_options options;
  unfurl_tensor x;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  net n = make_network(context, &cases[0]);
  unfurl_session_options_init(&options);
  for (int64_t rows = 8; rows <= 1 << 14; rows *= 1 << 11) {
    unfurl_session *chained, *apart;
    unfurl_session_memory memory[2] = {{.size = sizeof *memory}, {.size = sizeof *memory}};
    unfurl_tensor_init(&x, UNFURL_F32, 4, (const int64_t[]){1, C, rows, W}, NULL);
    options.most_rows = 0;
    cr_assert_eq(unfurl_session_create(n.model, &options, &chained, NULL), UNFURL_OK);
    cr_assert_eq(unfurl_session_prepare(chained, &x, 1, NULL), UNFURL_OK);
    options.most_rows = SIZE_MAX;
    cr_assert_eq(unfurl_session_create(n.model, &options, &apart, NULL), UNFURL_OK);
    cr_assert_eq(unfurl_session_prepare(apart, &x, 1, NULL), UNFURL_OK);
    cr_assert_eq(count_chained(chained), rows == 8 ? 0 : 3);
    cr_assert_eq(unfurl_session_memory_used(chained, &memory[0], NULL), UNFURL_OK);
    cr_assert_eq(unfurl_session_memory_used(apart, &memory[1], NULL), UNFURL_OK);
    if (rows > 8) cr_assert_lt(memory[0].arena_bytes, memory[1].arena_bytes / 2);
    cr_assert_lt(memory[0].workspace_bytes, (size_t)8 << 20);
    unfurl_session_destroy(&chained);
    unfurl_session_destroy(&apart);
  }
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}

enum { LAYERS = 6, CHANNELS = 24, MANY_CHANNELS = 64, MOST_SIDE = 40, RANDOM_NETWORKS = 400 };

static int64_t draw(uint64_t *state, int64_t from, int64_t to) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return from + (int64_t)(*state >> 33) % (to - from + 1);
}

/* A layer on values[*count - 1], of `size` pixels, that may add an earlier value of its own size; false where it would
 * leave no pixel. */
static bool add_random_layer(net *n, uint64_t *state, int64_t channels, char values[][24], int64_t sizes[][2],
                             size_t *count) {
  int64_t k[] = {draw(state, 1, 4), draw(state, 1, 4)}, strides[] = {draw(state, 1, 5) / 3 + 1, draw(state, 1, 2)};
  int64_t dilations[] = {draw(state, 1, 2), draw(state, 1, 2)};
  const bool is_winograd = draw(state, 0, 2) == 0, is_pool = !is_winograd && draw(state, 0, 3) == 0;
  const bool is_depthwise = !is_winograd && !is_pool && draw(state, 0, 2) == 0;
  const bool is_large = is_winograd && draw(state, 0, 2) == 0;
  const int64_t stride = !is_large && channels == MANY_CHANNELS ? draw(state, 1, 2) : 1;
  for (size_t i = 0; i < 2 && is_winograd; i++) k[i] = is_large ? 5 : 3, strides[i] = stride, dilations[i] = 1;
  const size_t last = *count - 1;
  int64_t pads[4], size[2];
  char inputs[64], name[24];
  for (size_t i = 0; i < 2; i++) {
    pads[i] = draw(state, 0, k[i] - 1), pads[2 + i] = draw(state, 0, k[i] - 1);
    const int64_t room = sizes[last][i] + pads[i] + pads[2 + i] - (k[i] - 1) * dilations[i] - 1;
    if (room < 0) return false;
    size[i] = room / strides[i] + 1;
  }
  unfurl_attribute attributes[5] = {attribute_ints("kernel_shape", 2, k), attribute_ints("strides", 2, strides),
                                    attribute_ints("dilations", 2, dilations), attribute_ints("pads", 4, pads),
                                    attribute_int("group", &channels)};
  snprintf(values[*count], sizeof values[*count], "v%zu", *count);
  snprintf(name, sizeof name, "w%zu", *count);
  if (!is_pool)
    net_real_weights(n, name, 4, (const int64_t[]){channels, is_depthwise ? 1 : channels, k[0], k[1]}, *count);
  snprintf(inputs, sizeof inputs, is_pool ? "%s" : "%s %s", values[last], name);
  net_node_with(n, is_pool ? "MaxPool" : "Conv", inputs, values[*count], is_depthwise ? 5 : 4, attributes);
  sizes[*count][0] = size[0], sizes[*count][1] = size[1];
  (*count)++;
  for (size_t earlier = 0; earlier + 1 < *count && !is_pool && draw(state, 0, 1); earlier++) {
    if (memcmp(sizes[earlier], size, sizeof size) != 0) continue;
    snprintf(inputs, sizeof inputs, "%s %s", values[earlier], values[*count - 1]);
    snprintf(values[*count], sizeof values[*count], "v%zu", *count);
    net_node(n, "Add", inputs, values[*count]);
    memcpy(sizes[*count], size, sizeof size);
    (*count)++;
    break;
  }
  return true;
}

static net make_random_network(const unfurl_context *context, uint64_t *state, int64_t channels, int64_t size[2]) {
  char values[2 * LAYERS + 1][24] = {"x"};
  int64_t sizes[2 * LAYERS + 1][2];
  size_t count = 1;
  net n = net_begin(context, NULL);
  for (size_t i = 0; i < 2; i++) size[i] = sizes[0][i] = draw(state, 1, MOST_SIDE);
  net_input(&n, "x", 4, (const int64_t[]){-1, channels, size[0], size[1]});
  net_node(&n, "Relu", "x", "v1"); /* so that the output is never the input */
  memcpy(values[count], "v1", 3);
  memcpy(sizes[count++], size, sizeof sizes[0]);
  for (size_t i = 0; i + 1 < LAYERS; i++) add_random_layer(&n, state, channels, values, sizes, &count);
  net_output(&n, values[count - 1]);
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  return n;
}

/* Any kernels, strides, dilations, paddings and residuals: bands of any height, on any number of threads. */
Test(chain, random_networks) {
  enum { BATCH = 2 };
  static float pixels[BATCH * MANY_CHANNELS * MOST_SIDE * MOST_SIDE];
  uint64_t state = 1;
  size_t chained = 0, f2 = 0, f4 = 0, f6 = 0, of_5x5 = 0, of_stride_2 = 0;
  fill_real(pixels, sizeof pixels / sizeof *pixels, 9);
  for (size_t i = 0; i < RANDOM_NETWORKS; i++) {
    unfurl_context *context;
    unfurl_context_options context_options;
    unfurl_context_options_init(&context_options);
    context_options.threads = (size_t)draw(&state, 1, 4);
    cr_assert_eq(unfurl_context_create(&context_options, &context, NULL), UNFURL_OK);
    int64_t size[2];
    const int64_t channels = i % 8 ? CHANNELS : MANY_CHANNELS;
    net n = make_random_network(context, &state, channels, size);
    unfurl_session_options options;
    unfurl_session_options_init(&options);
    options.tolerance = i % 4 == 2 ? 0 : i % 4 == 1 ? 5e-6f : 2e-5f;
    unfurl_session *sessions[2];
    unfurl_tensor x;
    unfurl_error error;
    unfurl_tensor_init(&x, UNFURL_F32, 4, (const int64_t[]){draw(&state, 1, BATCH), channels, size[0], size[1]},
                       pixels);
    for (size_t s = 0; s < 2; s++) {
      options.most_rows = s ? (size_t)draw(&state, 1, 5) : SIZE_MAX;
      cr_assert_eq(unfurl_session_create(n.model, &options, &sessions[s], NULL), UNFURL_OK);
      for (int run = 0; run < 2; run++)
        cr_assert_eq(unfurl_session_run(sessions[s], &x, 1, &error), UNFURL_OK, "%s", error.message);
    }
    chained += count_chained(sessions[1]) > 1;
    f2 += has_chained(sessions[1], "winograd_f2", 1), f4 += has_chained(sessions[1], "winograd_f4", 1);
    f6 += has_chained(sessions[1], "winograd_f6", 1);
    of_5x5 += has_chained(sessions[1], "winograd_5x5", 1), of_stride_2 += has_chained(sessions[1], "winograd_f2", 2);
    cr_assert(net_same_output(sessions[0], sessions[1], 0), "network %zu differs in bands of %zu rows", i,
              options.most_rows);
    for (size_t s = 0; s < 2; s++) unfurl_session_destroy(&sessions[s]);
    unfurl_model_destroy(&n.model);
    unfurl_context_destroy(&context);
  }
  cr_assert(chained > RANDOM_NETWORKS / 2 && f2 > RANDOM_NETWORKS / 10 && f4 > RANDOM_NETWORKS / 10, "%zu %zu %zu",
            chained, f2, f4);
  cr_assert(f6 > RANDOM_NETWORKS / 100 && of_5x5 > RANDOM_NETWORKS / 20 && of_stride_2 > 0, "%zu %zu %zu", f6, of_5x5,
            of_stride_2);
}
