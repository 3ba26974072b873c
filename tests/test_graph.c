/* SPDX-License-Identifier: BSD-2-Clause */
/* What finish makes of a graph: an order in which it can be computed, constants folded, what nobody needs dropped. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "graph/op.h"
#include "net.h"
#include "support.h"
#include "unfurl/session.h"

static heap h;
static unfurl_context *context;

static void set_up(void) {
  const unfurl_context_options options = heap_options(&h);
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
}

static void tear_down(void) {
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h), "%zu blocks are left", atomic_load(&h.blocks));
}

TestSuite(graph, .init = set_up, .fini = tear_down);

static void finish(net *n) {
  net_finish(n);
  cr_assert_eq(n->status, UNFURL_OK, "%s", n->error.message);
}

/* Runs the net on one input of those dims; the result is copied. Returns the number of its elements. */
static size_t run(net *n, size_t rank, const int64_t *dims, const float *x, float *y, size_t room) {
  unfurl_session *session;
  unfurl_tensor input;
  unfurl_error error;
  size_t count;
  unfurl_tensor_init(&input, UNFURL_F32, rank, dims, (void *)(uintptr_t)x);
  cr_assert_eq(unfurl_session_create(n->model, NULL, &session, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(unfurl_session_run(session, &input, 1, &error), UNFURL_OK, "%s", error.message);
  const unfurl_tensor *out = unfurl_session_output(session, 0);
  cr_assert_eq(unfurl_tensor_elements(out, &count, NULL), UNFURL_OK);
  cr_assert_leq(count, room);
  memcpy(y, out->data, count * sizeof *y);
  unfurl_session_destroy(&session);
  return count;
}

/* Every value is computed before it is used, whatever the order in which the nodes came. */
static void check_order(const unfurl_model *model) {
  for (size_t n = 0; n < model->node_count; n++) {
    const unfurl_node *node = &model->nodes[n];
    for (size_t i = 0; i < node->input_count; i++) {
      if (node->inputs[i] == UNFURL_NO_VALUE) continue;
      const unfurl_value *value = &model->values[node->inputs[i]];
      if (value->kind == UNFURL_VALUE_COMPUTED) cr_assert_lt(value->producer, n);
    }
    for (size_t o = 0; o < node->output_count; o++)
      if (node->outputs[o] != UNFURL_NO_VALUE) cr_assert_eq(model->values[node->outputs[o]].producer, n);
  }
}

/* A chain of LeakyRelu with alpha -2, -3, ..., added from the last to the first: the order decides the result. */
Test(graph, nodes_added_in_reverse) {
  enum { LENGTH = 20 };
  unfurl_model_options options;
  unfurl_model_options_init(&options);
  options.no_fuse = true;
  net n = net_begin(context, &options);
  for (int i = LENGTH; i-- > 0;) {
    char in[16], out[16];
    const float alpha = (float)-(2 + i % 2);
    const unfurl_attribute attribute = attribute_float("alpha", &alpha);
    snprintf(in, sizeof in, i == 0 ? "x" : "v%d", i);
    snprintf(out, sizeof out, "v%d", i + 1);
    net_node_with(&n, i % 2 ? "Tanh" : "LeakyRelu", in, out, i % 2 ? 0 : 1, &attribute);
  }
  net_output(&n, "v20");
  net_input(&n, "x", 1, (const int64_t[]){1});
  finish(&n);
  cr_assert_eq(n.model->node_count, LENGTH);
  check_order(n.model);
  for (size_t i = 0; i < LENGTH; i++) cr_assert_str_eq(n.model->nodes[i].op->type, i % 2 ? "Tanh" : "LeakyRelu");
  unfurl_model_destroy(&n.model);
}

/* Random graphs whose nodes come in random order. */
Test(graph, nodes_in_any_order) {
  enum { NODES = 40 };
  rng r = {3};
  for (int round = 0; round < 100; round++) {
    size_t inputs[NODES][2], order[NODES];
    for (size_t i = 0; i < NODES; i++) {
      order[i] = i;
      inputs[i][0] = rng_below(&r, i + 1), inputs[i][1] = rng_below(&r, i + 1);
    }
    for (size_t i = NODES - 1; i > 0; i--) {
      const size_t j = rng_below(&r, i + 1), swapped = order[i];
      order[i] = order[j], order[j] = swapped;
    }
    net n = net_begin(context, NULL);
    net_input(&n, "v0", 1, (const int64_t[]){3});
    for (size_t i = 0; i < NODES; i++) {
      char in[32], out[16];
      snprintf(in, sizeof in, "v%zu v%zu", inputs[order[i]][0], inputs[order[i]][1]);
      snprintf(out, sizeof out, "v%zu", order[i] + 1);
      net_node(&n, "Add", in, out);
    }
    net_output(&n, "v40");
    finish(&n);
    check_order(n.model);
    unfurl_model_destroy(&n.model);
  }
}

/* Neither run nor checked: what no output needs may be anything. */
Test(graph, unused_nodes_are_dropped) {
  net n = net_begin(context, NULL);
  net_input(&n, "x", 2, (const int64_t[]){2, 2});
  net_node(&n, "Relu", "x", "y");
  net_node(&n, "Tanh", "y", "unused");
  net_node(&n, "Conv", "unused y", "impossible"); /* x has no channels */
  net_output(&n, "y");
  finish(&n);
  cr_assert_eq(n.model->node_count, 1);
  const float x[4] = {-1, 2, -3, 4};
  float y[4];
  cr_assert_eq(run(&n, 2, (const int64_t[]){2, 2}, x, y, 4), 4);
  cr_assert(y[0] == 0 && y[1] == 2 && y[2] == 0 && y[3] == 4);
  unfurl_model_destroy(&n.model);
}

/* Constants and what follows from them are computed by finish; `fold_limit` says how much memory that may take. */
static net constant_net(size_t fold_limit) {
  unfurl_model_options options;
  unfurl_model_options_init(&options);
  options.fold_limit = fold_limit;
  net n = net_begin(context, &options);
  net_input(&n, "x", 2, (const int64_t[]){-1, 4});
  net_constant(&n, "c", 2, (const int64_t[]){2, 2}, (const float[]){-1, 2, -3, 4});
  net_integers(&n, "shape", 2, (const int64_t[]){1, -1});
  net_node(&n, "Relu", "c", "positive");
  net_node(&n, "Reshape", "positive shape", "row");
  net_node(&n, "Add", "x row", "y");
  net_output(&n, "y");
  finish(&n);
  return n;
}

Test(graph, constants_are_folded) {
  const float x[4] = {10, 20, 30, 40};
  for (size_t limit = 0; limit <= 1024; limit += 1024) {
    net n = constant_net(limit);
    float y[4];
    cr_assert_eq(n.model->node_count, limit ? 1 : 3, "fold_limit %zu leaves %zu nodes", limit, n.model->node_count);
    cr_assert_eq(run(&n, 2, (const int64_t[]){1, 4}, x, y, 4), 4);
    cr_assert(y[0] == 10 && y[1] == 22 && y[2] == 30 && y[3] == 44);
    unfurl_model_destroy(&n.model);
  }
}

/* What is constant, and wrong, is found by finish: the message names the node. */
Test(graph, folding_names_the_node_that_fails) {
  net n = net_begin(context, NULL);
  net_weights(&n, "c", 2, (const int64_t[]){2, 2}, 1);
  net_integers(&n, "shape", 1, (const int64_t[]){3});
  net_node(&n, "Reshape", "c shape", "y");
  net_output(&n, "y");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_INVALID_ARGUMENT);
  cr_assert(strstr(n.error.message, "Reshape of y"), "%s", n.error.message);
  unfurl_model_destroy(&n.model);
}

/* 100,000 nodes in a chain, and as many names: neither recursion nor quadratic time. */
Test(graph, long_chains, .timeout = 60) {
  enum { LENGTH = 100000 };
  net n = net_begin(context, NULL);
  net_input(&n, "v0", 1, (const int64_t[]){1});
  for (int i = LENGTH; i > 0; i--) {
    char in[16], out[16];
    snprintf(in, sizeof in, "v%d", i - 1);
    snprintf(out, sizeof out, "v%d", i);
    net_node(&n, "Identity", in, out);
  }
  net_output(&n, "v100000");
  finish(&n);
  const float x = 42;
  float y = 0;
  cr_assert_eq(run(&n, 1, (const int64_t[]){1}, &x, &y, 1), 1);
  cr_assert_eq(y, 42);
  unfurl_model_destroy(&n.model);
}

/* A normalisation behind a convolution without filters: nothing to fold, and nothing to divide by. */
Test(graph, a_convolution_without_filters) {
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){1, 2, 4, 4});
  net_constant(&n, "w", 4, (const int64_t[]){0, 2, 3, 3}, NULL);
  net_constant(&n, "none", 1, (const int64_t[]){0}, NULL);
  net_node(&n, "Conv", "x w", "c");
  net_node(&n, "BatchNormalization", "c none none none none", "y");
  net_output(&n, "y");
  net_finish(&n); /* an error or not: it must not crash */
  unfurl_model_destroy(&n.model);
}
