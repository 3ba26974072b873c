/* SPDX-License-Identifier: BSD-2-Clause */
/* Fusion changes no result: random small networks, built twice from one seed, once with no_fuse. Every output has the
 * same bits; where a normalisation was folded into filters, which rounds in another place, it is close. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "net.h"
#include "support.h"
#include "unfurl/session.h"

enum { NETWORKS = 200, MOST_VALUES = 40, MOST_OUTPUTS = 3, MOST_WEIGHTS = 4096, MOST_PIXELS = 2 * 5 * 9 * 9 };

/* A value of the network that is being made: its channels and size. */
typedef struct live {
  char name[16];
  int64_t c, h, w;
} live;

typedef struct maker {
  rng r;
  net n;
  live values[MOST_VALUES];
  size_t count;
  size_t constants;
  bool chains;           /* the newest value is picked, always */
  bool rounds_elsewhere; /* fused and unfused round in different places */
} maker;

/* Newer values are likelier, so that chains are made; older ones get several users. */
static live *pick(maker *m) {
  const size_t back = m->chains || rng_below(&m->r, 3) ? 0 : rng_below(&m->r, m->count);
  return &m->values[m->count - 1 - back];
}

static live *add_value(maker *m, int64_t c, int64_t h, int64_t w) {
  live *v = &m->values[m->count];
  *v = (live){.c = c, .h = h, .w = w};
  snprintf(v->name, sizeof v->name, "v%zu", m->count++);
  return v;
}

/* A new constant with numbers around `center`; its name goes to `name`. */
static void add_constant(maker *m, size_t rank, const int64_t *dims, float center, char name[16]) {
  float data[MOST_WEIGHTS];
  size_t count = 1;
  for (size_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  fill_real(data, count, rng_next(&m->r));
  for (size_t i = 0; i < count; i++) data[i] = center + 0.5f * data[i];
  snprintf(name, 16, "k%zu", m->constants++);
  net_constant(&m->n, name, rank, dims, data);
}

static void add_conv(maker *m) {
  const live x = *pick(m);
  const int64_t k = x.h >= 3 && x.w >= 3 && rng_below(&m->r, 2) ? 3 : 1, stride = 1 + (int64_t)rng_below(&m->r, 2);
  const int64_t pad = k == 3 ? (int64_t)rng_below(&m->r, 2) : 0;
  const int64_t group = rng_below(&m->r, 3) ? 1 : x.c, filters = group * (1 + (int64_t)rng_below(&m->r, 2));
  const int64_t strides[] = {stride, stride}, pads[] = {pad, pad, pad, pad};
  const unfurl_attribute attributes[] = {attribute_ints("strides", 2, strides), attribute_ints("pads", 4, pads),
                                         attribute_int("group", &group)};
  char weights[16], bias[16], inputs[64];
  add_constant(m, 4, (const int64_t[]){filters, x.c / group, k, k}, 0, weights);
  add_constant(m, 1, &filters, 0, bias);
  snprintf(inputs, sizeof inputs, rng_below(&m->r, 2) ? "%s %s %s" : "%s %s", x.name, weights, bias);
  const live *y = add_value(m, filters, (x.h + 2 * pad - k) / stride + 1, (x.w + 2 * pad - k) / stride + 1);
  net_node_with(&m->n, "Conv", inputs, y->name, 3, attributes);
}

static void add_conv_transpose(maker *m) {
  const live x = *pick(m);
  const int64_t strides[] = {2, 2}, pads[] = {1, 1, 1, 1};
  const unfurl_attribute attributes[] = {attribute_ints("strides", 2, strides), attribute_ints("pads", 4, pads)};
  char weights[16], inputs[64];
  if (x.h > 6 || x.w > 6) return;
  add_constant(m, 4, (const int64_t[]){x.c, 2, 4, 4}, 0, weights);
  snprintf(inputs, sizeof inputs, "%s %s", x.name, weights);
  net_node_with(&m->n, "ConvTranspose", inputs, add_value(m, 2, 2 * x.h, 2 * x.w)->name, 2, attributes);
  m->rounds_elsewhere = true; /* the planner may choose "naive" */
}

static void add_clip(maker *m) {
  const live x = *pick(m);
  char low[16], high[16], inputs[64];
  static const char *const forms[] = {"%s %s %s", "%s - %3$s", "%s %s"};
  add_constant(m, 0, NULL, -0.5f, low);
  add_constant(m, 0, NULL, 1, high);
  snprintf(inputs, sizeof inputs, forms[rng_below(&m->r, 3)], x.name, low, high);
  net_node(&m->n, "Clip", inputs, add_value(m, x.c, x.h, x.w)->name);
}

static void add_activation(maker *m) {
  static const char *const ops[] = {"Relu", "Tanh", "Sigmoid", "LeakyRelu", "Identity", "Dropout"};
  const live x = *pick(m);
  const size_t op = rng_below(&m->r, 6);
  const float alpha = 0.1f;
  const unfurl_attribute attribute = attribute_float("alpha", &alpha);
  const bool has_alpha = op == 3 && rng_below(&m->r, 2);
  net_node_with(&m->n, ops[op], x.name, add_value(m, x.c, x.h, x.w)->name, has_alpha, &attribute);
}

static void add_norm(maker *m) {
  const live x = *pick(m);
  static const float centers[] = {1, 0, 0, 1}; /* scale, shift, mean, and a variance that is positive */
  char inputs[96];
  int length = snprintf(inputs, sizeof inputs, "%s", x.name);
  for (size_t i = 0; i < 4; i++) {
    char name[16];
    add_constant(m, 1, &x.c, centers[i], name);
    length += snprintf(inputs + length, sizeof inputs - (size_t)length, " %s", name);
  }
  net_node(&m->n, "BatchNormalization", inputs, add_value(m, x.c, x.h, x.w)->name);
  m->rounds_elsewhere = true;
}

/* A residual connection, where two values have the same shape. */
static void add_sum(maker *m) {
  const live x = *pick(m);
  for (size_t i = 0; i + 1 < m->count; i++) {
    const live *other = &m->values[i];
    char inputs[64];
    if (other->c != x.c || other->h != x.h || other->w != x.w) continue;
    snprintf(inputs, sizeof inputs, rng_below(&m->r, 2) ? "%1$s %2$s" : "%2$s %1$s", x.name, other->name);
    net_node(&m->n, "Add", inputs, add_value(m, x.c, x.h, x.w)->name);
    return;
  }
}

static void add_pool(maker *m) {
  const live x = *pick(m);
  const int64_t window[] = {2, 2};
  const unfurl_attribute attribute = attribute_ints("kernel_shape", 2, window);
  if (x.h < 2 || x.w < 2) return;
  net_node_with(&m->n, rng_below(&m->r, 2) ? "MaxPool" : "AveragePool", x.name,
                add_value(m, x.c, x.h - 1, x.w - 1)->name, 1, &attribute);
}

/* Margins of their own, mostly of zeros, before a convolution or a pool that may have padding too. */
static void add_padded(maker *m) {
  const live x = *pick(m);
  const int64_t top = (int64_t)rng_below(&m->r, 4), left = (int64_t)rng_below(&m->r, 4), one = 1;
  const int64_t margins[] = {0, 0, top, left, 0, 0, left, top}, window[] = {2, 2}, pads[] = {1, 0, 0, 1};
  const float value = rng_below(&m->r, 4) ? 0 : 0.5f;
  const unfurl_attribute given[] = {attribute_ints("pads", 8, margins), attribute_float("value", &value)};
  const bool is_input = rng_below(&m->r, 2) && value == 0, has_pads = rng_below(&m->r, 2);
  char inputs[64];
  if (x.h + top + left > 12 || x.w + top + left > 12) return;
  snprintf(inputs, sizeof inputs, is_input ? "%s m%zu" : "%s", x.name, m->count);
  if (is_input) net_integers(&m->n, inputs + strlen(x.name) + 1, 8, margins);
  const live padded = *add_value(m, x.c, x.h + top + left, x.w + left + top);
  net_node_with(&m->n, "Pad", inputs, padded.name, is_input ? 0 : 2, given);
  if (rng_below(&m->r, 2)) {
    m->chains = true;
    add_conv(m);
    m->chains = false;
    return;
  }
  const unfurl_attribute pool[] = {attribute_ints("kernel_shape", 2, window), attribute_ints("pads", 4, pads),
                                   attribute_int("count_include_pad", &one)};
  const live *y = add_value(m, x.c, padded.h - 1 + has_pads, padded.w - 1 + has_pads);
  net_node_with(&m->n, "AveragePool", padded.name, y->name, has_pads ? 2 + rng_below(&m->r, 2) : 1, pool);
}

/* What fusion is for: convolution, normalisation (sometimes), activation. */
static void add_block(maker *m) {
  add_conv(m);
  m->chains = true;
  if (rng_below(&m->r, 4) == 0 && unfurl_op_find("BatchNormalization")) add_norm(m);
  add_activation(m);
  m->chains = false;
}

/* A block with a residual connection: what a convolution makes of a value is added to it, and sometimes activated. */
static void add_residual(maker *m) {
  const live x = *pick(m);
  const int64_t pads[] = {1, 1, 1, 1};
  const unfurl_attribute padding = attribute_ints("pads", 4, pads);
  char weights[16], inputs[64];
  add_constant(m, 4, (const int64_t[]){x.c, x.c, 3, 3}, 0, weights);
  snprintf(inputs, sizeof inputs, "%s %s", x.name, weights);
  const live *y = add_value(m, x.c, x.h, x.w);
  net_node_with(&m->n, "Conv", inputs, y->name, 1, &padding);
  snprintf(inputs, sizeof inputs, "%s %s", x.name, y->name);
  net_node(&m->n, "Add", inputs, add_value(m, x.c, x.h, x.w)->name);
  m->chains = true;
  if (rng_below(&m->r, 2)) add_activation(m);
  m->chains = false;
}

/* A tail that is an output of its own: stretched, fully connected, activated. */
static void add_dense(maker *m) {
  static const char *const ops[] = {"Relu", "Sigmoid", "LeakyRelu", "Identity"};
  const live x = *pick(m);
  const int64_t row = x.c * x.h * x.w, outputs = 1 + (int64_t)rng_below(&m->r, 9),
                transposed = (int64_t)rng_below(&m->r, 2);
  const unfurl_attribute attribute = attribute_int("transB", &transposed);
  char weights[16], bias[16], inputs[64];
  if (row * outputs > MOST_WEIGHTS) return;
  add_constant(m, 2, transposed ? (const int64_t[]){outputs, row} : (const int64_t[]){row, outputs}, 0, weights);
  add_constant(m, 1, &outputs, 0, bias);
  snprintf(inputs, sizeof inputs, rng_below(&m->r, 2) ? "flat %s %s" : "flat %s", weights, bias);
  net_node(&m->n, "Flatten", x.name, "flat");
  net_node_with(&m->n, "Gemm", inputs, "dense", 1, &attribute);
  net_node(&m->n, ops[rng_below(&m->r, 4)], "dense", "scores");
  net_output(&m->n, "scores");
}

typedef void add_fn(maker *m);

/* Operators that are not there yet are left out. */
static void add_layer(maker *m) {
  static add_fn *const layers[] = {add_block, add_block, add_conv,           add_activation, add_clip,  add_sum,
                                   add_pool,  add_norm,  add_conv_transpose, add_residual,   add_padded};
  static const char *const needs[] = {"Sigmoid", "LeakyRelu",          "Conv",          "Sigmoid", "Clip", "Add",
                                      "MaxPool", "BatchNormalization", "ConvTranspose", "Add",     "Pad"};
  const size_t layer = rng_below(&m->r, sizeof layers / sizeof *layers);
  if (unfurl_op_find(needs[layer])) layers[layer](m);
}

static maker make_network(const unfurl_context *context, uint64_t seed, bool no_fuse) {
  unfurl_model_options options;
  unfurl_model_options_init(&options);
  options.no_fuse = no_fuse;
  maker m = {.r = {seed}, .n = net_begin(context, &options)};
  const int64_t c = 1 + (int64_t)rng_below(&m.r, 4), h = 4 + (int64_t)rng_below(&m.r, 6);
  const int64_t w = 4 + (int64_t)rng_below(&m.r, 6);
  const live *x = add_value(&m, c, h, w);
  net_input(&m.n, x->name, 4, (const int64_t[]){-1, c, h, w});
  const size_t layers = 1 + rng_below(&m.r, 8);
  for (size_t i = 0; i < layers; i++) add_layer(&m);
  net_output(&m.n, m.values[m.count - 1].name);
  for (size_t i = rng_below(&m.r, MOST_OUTPUTS); i > 0; i--) net_output(&m.n, pick(&m)->name);
  if (rng_below(&m.r, 2)) add_dense(&m);
  net_finish(&m.n);
  cr_assert_eq(m.n.status, UNFURL_OK, "network %llu: %s", (unsigned long long)seed, m.n.error.message);
  return m;
}

static unfurl_session *run_network(const maker *m, const char *algo) {
  static float pixels[MOST_PIXELS];
  unfurl_session_options options;
  unfurl_session *session;
  unfurl_tensor x;
  unfurl_error error;
  const live *in = &m->values[0];
  unfurl_session_options_init(&options);
  options.algo = algo;
  fill_real(pixels, MOST_PIXELS, 1);
  unfurl_tensor_init(&x, UNFURL_F32, 4, (const int64_t[]){2, in->c, in->h, in->w}, pixels);
  cr_assert_eq(unfurl_session_create(m->n.model, &options, &session, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(unfurl_session_run(session, &x, 1, &error), UNFURL_OK, "%s", error.message);
  return session;
}

static void check_close(const float *a, const float *b, size_t count, uint64_t seed) {
  for (size_t i = 0; i < count; i++)
    cr_assert_float_eq((double)a[i], (double)b[i], 1e-5 * (1 + fabs((double)b[i])), "network %llu, element %zu: %g, %g",
                       (unsigned long long)seed, i, (double)a[i], (double)b[i]);
}

static void compare(const maker *m, const unfurl_session *a, const unfurl_session *b, bool exact, uint64_t seed) {
  for (size_t i = 0; i < unfurl_model_output_count(m->n.model); i++) {
    if (exact) {
      cr_assert(net_same_output(a, b, i), "network %llu, output %zu differs", (unsigned long long)seed, i);
      continue;
    }
    const unfurl_tensor *x = unfurl_session_output(a, i), *y = unfurl_session_output(b, i);
    size_t bytes;
    cr_assert(x->rank == y->rank && !memcmp(x->dims, y->dims, x->rank * sizeof *x->dims));
    cr_assert_eq(unfurl_tensor_bytes(x, &bytes, NULL), UNFURL_OK);
    check_close(x->data, y->data, bytes / sizeof(float), seed);
  }
}

static void check_with(const maker *fused, const maker *plain, const char *algo, bool exact, uint64_t seed) {
  unfurl_session *a = run_network(fused, algo), *b = run_network(plain, algo);
  compare(fused, a, b, exact, seed);
  unfurl_session_destroy(&a);
  unfurl_session_destroy(&b);
}

/* "naive" is another matter: it rounds once, after the activation. Returns how many nodes fusion saved. */
static size_t check_network(const unfurl_context *context, uint64_t seed) {
  maker fused = make_network(context, seed, false), plain = make_network(context, seed, true);
  check_with(&fused, &plain, "im2col", !fused.rounds_elsewhere, seed);
  check_with(&fused, &plain, "naive", false, seed);
  check_with(&fused, &plain, NULL, false, seed);
  unfurl_session *ours = run_network(&plain, NULL), *naive = run_network(&plain, "naive");
  compare(&plain, ours, naive, false, seed);
  const size_t saved = plain.n.model->node_count - fused.n.model->node_count;
  unfurl_session_destroy(&ours);
  unfurl_session_destroy(&naive);
  unfurl_model_destroy(&fused.n.model);
  unfurl_model_destroy(&plain.n.model);
  return saved;
}

Test(fusion, random_networks, .timeout = 120) {
  heap h = {0};
  unfurl_context_options options = heap_options(&h);
  unfurl_context *context;
  size_t saved = 0;
  options.blas_single_thread = true;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  for (uint64_t seed = 0; seed < NETWORKS; seed++) saved += check_network(context, seed);
  cr_log_info("fusion saved %zu nodes in %d networks", saved, NETWORKS);
  cr_assert_geq(saved, NETWORKS / 2, "only %zu nodes were fused: the networks show nothing", saved);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

/* What may not be fused: a convolution's result that something else uses too, or that is an output. */
Test(fusion, results_that_others_use_stay) {
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  for (int as_output = 0; as_output < 2; as_output++) {
    net n = net_begin(context, NULL);
    net_input(&n, "x", 4, (const int64_t[]){1, 1, 3, 3});
    net_constant(&n, "w", 4, (const int64_t[]){1, 1, 1, 1}, (const float[]){-1});
    net_node(&n, "Conv", "x w", "c");
    net_node(&n, "Relu", "c", "r");
    net_node(&n, "Tanh", as_output ? "r" : "c", "t");
    net_output(&n, "r");
    net_output(&n, as_output ? "c" : "t");
    net_finish(&n);
    cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
    cr_assert_eq(n.model->node_count, as_output ? 2 : 3);
    unfurl_model_destroy(&n.model);
  }
  unfurl_context_destroy(&context);
}

/* A normalisation that is behind no convolution takes the activation behind it, bit for bit, in both layouts. */
Test(fusion, normalisations_are_activated) {
  static const char *const activations[] = {"Relu", "Tanh", "Sigmoid", "LeakyRelu", "HardSwish"};
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  for (size_t i = 0; i < 2 * sizeof activations / sizeof *activations; i++) {
    maker m[2];
    for (size_t plain = 0; plain < 2; plain++) {
      unfurl_model_options options;
      unfurl_model_options_init(&options);
      options.no_fuse = plain;
      m[plain] = (maker){.r = {i}, .n = net_begin(context, &options)};
      net_input(&m[plain].n, add_value(&m[plain], 5, 9, 9)->name, 4, (const int64_t[]){-1, 5, 9, 9});
      m[plain].chains = true;
      if (i % 2) add_pool(&m[plain]);
      add_norm(&m[plain]);
      net_node(&m[plain].n, activations[i / 2], pick(&m[plain])->name, "y");
      net_output(&m[plain].n, "y");
      net_finish(&m[plain].n);
      cr_assert_eq(m[plain].n.status, UNFURL_OK, "%s", m[plain].n.error.message);
      cr_assert_eq(m[plain].n.model->node_count, 1 + i % 2 + plain);
    }
    check_with(&m[0], &m[1], NULL, true, i);
    for (size_t plain = 0; plain < 2; plain++) unfurl_model_destroy(&m[plain].n.model);
  }
  unfurl_context_destroy(&context);
}

/* Margins of zeros become padding; those of something else, or that a pool would not count, stay. */
Test(fusion, margins_become_padding) {
  static const struct {
    const char *op;
    float value;
    int64_t counts, ceil;
    size_t nodes;
  } cases[] = {{"Conv", 0, 0, 0, 1},        {"Conv", 1, 0, 0, 2},        {"AveragePool", 0, 1, 0, 1},
               {"AveragePool", 0, 0, 0, 2}, {"AveragePool", 0, 1, 1, 2}, {"MaxPool", 0, 0, 0, 2}};
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const int64_t margins[] = {0, 0, 1, 2, 0, 0, 3, 0}, pads[] = {1, 1, 1, 1}, window[] = {3, 3};
    const unfurl_attribute pad[] = {attribute_ints("pads", 8, margins), attribute_float("value", &cases[i].value)};
    const unfurl_attribute attributes[] = {attribute_ints("pads", 4, pads), attribute_ints("kernel_shape", 2, window),
                                           attribute_int("count_include_pad", &cases[i].counts),
                                           attribute_int("ceil_mode", &cases[i].ceil)};
    const bool is_conv = !strcmp(cases[i].op, "Conv");
    net n = net_begin(context, NULL);
    net_input(&n, "x", 4, (const int64_t[]){1, 2, 5, 5});
    net_weights(&n, "w", 4, (const int64_t[]){1, 2, 3, 3}, 1);
    net_node_with(&n, "Pad", "x", "p", 2, pad);
    net_node_with(&n, cases[i].op, is_conv ? "p w" : "p", "y", is_conv || !strcmp(cases[i].op, "MaxPool") ? 2 : 4,
                  attributes);
    net_output(&n, "y");
    net_finish(&n);
    cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
    cr_assert_eq(n.model->node_count, cases[i].nodes, "case %zu: %zu nodes", i, n.model->node_count);
    unfurl_model_destroy(&n.model);
  }
  unfurl_context_destroy(&context);
}

/* Weights that two convolutions share, of which one is normalised: folding may not touch the other's. */
Test(fusion, shared_weights_stay_as_they_are) {
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  const int64_t one[] = {1};
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){1, 1, 1, 1});
  net_constant(&n, "w", 4, (const int64_t[]){1, 1, 1, 1}, (const float[]){3});
  net_constant(&n, "b", 1, one, (const float[]){1});
  net_constant(&n, "scale", 1, one, (const float[]){10});
  net_constant(&n, "zero", 1, one, (const float[]){0});
  net_constant(&n, "variance", 1, one, (const float[]){1});
  net_node(&n, "Conv", "x w b", "c1");
  net_node(&n, "BatchNormalization", "c1 scale b zero variance", "y1");
  net_node(&n, "Conv", "x w b", "y2");
  net_output(&n, "y1");
  net_output(&n, "y2");
  net_output(&n, "w");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  unfurl_session *session;
  unfurl_tensor x;
  float two = 2;
  unfurl_tensor_init(&x, UNFURL_F32, 4, (const int64_t[]){1, 1, 1, 1}, &two);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &x, 1, NULL), UNFURL_OK);
  cr_assert_float_eq(*(const float *)unfurl_session_output(session, 0)->data, 71, 1e-3);
  cr_assert_float_eq(*(const float *)unfurl_session_output(session, 1)->data, 7, 0);
  cr_assert_float_eq(*(const float *)unfurl_session_output(session, 2)->data, 3, 0);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}
