/* SPDX-License-Identifier: BSD-2-Clause */
/* What exporters write as several nodes becomes one, in each form that they write: GELU, layer normalisation, a biased
 * product. What is nearly such a thing stays as it is. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "support.h"
#include "unfurl/session.h"

enum { ROWS = 8, K = 4, N = 9, MOST_NODES = 12 };

/* Nodes behind p, the product of x and a matrix; layers that are left of all. `other`: a value that is an output, too. */
typedef struct form {
  const char *label;
  net_step nodes[MOST_NODES];
  const char *other;
  size_t layers;
} form;

static const form forms[] = {
    {"(x gate) / 2",
     {{"Div", "p root", "q"}, {"Erf", "q", "e"}, {"Add", "e one", "g"}, {"Mul", "p g", "m"}, {"Mul", "m half", "y"}},
     NULL,
     1},
    {"(x / 2) gate",
     {{"Mul", "p sine", "q"}, {"Erf", "q", "e"}, {"Add", "one e", "g"}, {"Mul", "half p", "m"}, {"Mul", "g m", "y"}},
     NULL,
     1},
    {"x (gate / 2)",
     {{"Div", "p root", "q"}, {"Erf", "q", "e"}, {"Add", "e one", "g"}, {"Mul", "g half", "m"}, {"Mul", "m p", "y"}},
     NULL,
     1},
    {"a gate that is needed elsewhere",
     {{"Div", "p root", "q"}, {"Erf", "q", "e"}, {"Add", "e one", "g"}, {"Mul", "p g", "m"}, {"Mul", "m half", "y"}},
     "g",
     6},
    {"a GELU that is none",
     {{"Div", "p half", "q"}, {"Erf", "q", "e"}, {"Add", "e one", "g"}, {"Mul", "p g", "m"}, {"Mul", "m half", "y"}},
     NULL,
     6},
    {"a layer normalisation by a power",
     {{"ReduceMean", "p", "a"},
      {"Sub", "p a", "d"},
      {"Pow", "d two", "s"},
      {"ReduceMean", "s", "v"},
      {"Add", "v tiny", "w"},
      {"Sqrt", "w", "r"},
      {"Div", "d r", "n"},
      {"Mul", "n gamma", "m"},
      {"Add", "m beta", "y"}},
     NULL,
     2},
    {"by a product, in another order",
     {{"ReduceMean", "p", "a"},
      {"Sub", "p a", "d"},
      {"Mul", "d d", "s"},
      {"ReduceMean", "s", "v"},
      {"Add", "tiny v", "w"},
      {"Sqrt", "w", "r"},
      {"Div", "d r", "n"},
      {"Mul", "gamma n", "m"},
      {"Add", "beta m", "y"}},
     NULL,
     2},
    {"a difference that is needed elsewhere",
     {{"ReduceMean", "p", "a"},
      {"Sub", "p a", "d"},
      {"Pow", "d two", "s"},
      {"ReduceMean", "s", "v"},
      {"Add", "v tiny", "w"},
      {"Sqrt", "w", "r"},
      {"Div", "d r", "n"},
      {"Mul", "n gamma", "m"},
      {"Add", "m beta", "y"}},
     "d",
     10},
    {"one gamma and beta for all elements",
     {{"ReduceMean", "p", "a"},
      {"Sub", "p a", "d"},
      {"Pow", "d two", "s"},
      {"ReduceMean", "s", "v"},
      {"Add", "v tiny", "w"},
      {"Sqrt", "w", "r"},
      {"Div", "d r", "n"},
      {"Mul", "n single", "m"},
      {"Add", "m single", "y"}},
     NULL,
     10},
    {"a bias and an activation", {{"Add", "beta p", "b"}, {"Relu", "b", "y"}}, NULL, 1},
    {"a sum that is needed before", {{"Add", "p beta", "b"}, {"Relu", "b", "y"}}, "p", 3},
};

static net make_network(const unfurl_context *context, const form *f, bool no_fuse) {
  static const float numbers[] = {1.4142135f, 0.70710677f, 1, 0.5f, 2, 1e-5f};
  static const char *const names[] = {"root", "sine", "one", "half", "two", "tiny"};
  static const int64_t last = -1;
  const unfurl_attribute axes = attribute_ints("axes", 1, &last);
  unfurl_model_options options;
  unfurl_model_options_init(&options);
  options.no_fuse = no_fuse;
  net n = net_begin(context, &options);
  net_input(&n, "x", 2, (const int64_t[]){ROWS, K});
  net_real_weights(&n, "weights", 2, (const int64_t[]){K, N}, 2);
  net_real_weights(&n, "gamma", 1, (const int64_t[]){N}, 3);
  net_real_weights(&n, "single", 1, (const int64_t[]){1}, 5);
  net_real_weights(&n, "beta", 1, (const int64_t[]){N}, 4);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) net_constant(&n, names[i], 0, NULL, &numbers[i]);
  net_node(&n, "MatMul", "x weights", "p");
  for (const net_step *s = f->nodes; s->op; s++)
    net_node_with(&n, s->op, s->inputs, s->output, !strcmp(s->op, "ReduceMean"), &axes);
  net_output(&n, "y");
  if (f->other) net_output(&n, f->other);
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s: %s", f->label, n.error.message);
  return n;
}

/* Both outputs; returns the number of layers. */
static size_t run(const unfurl_context *context, const form *f, bool no_fuse, float y[2][ROWS * N]) {
  static float x[ROWS * K];
  unfurl_session *session;
  unfurl_tensor input;
  net n = make_network(context, f, no_fuse);
  fill_real(x, ROWS * K, 1);
  unfurl_tensor_init(&input, UNFURL_F32, 2, (const int64_t[]){ROWS, K}, x);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &input, 1, NULL), UNFURL_OK);
  for (size_t i = 0; i < unfurl_model_output_count(n.model); i++)
    memcpy(y[i], unfurl_session_output(session, i)->data, sizeof *y);
  const size_t layers = unfurl_session_layer_count(session);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  return layers;
}

Test(fuse_forms, each_becomes_what_it_says) {
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    float fused[2][ROWS * N] = {{0}}, apart[2][ROWS * N] = {{0}};
    size_t nodes = 1;
    for (const net_step *s = forms[i].nodes; s->op; s++) nodes++;
    cr_assert_eq(run(context, &forms[i], true, apart), nodes, "%s", forms[i].label);
    cr_assert_eq(run(context, &forms[i], false, fused), forms[i].layers, "%s", forms[i].label);
    for (size_t j = 0; j < 2 * ROWS * N; j++)
      cr_assert_float_eq((double)fused[j / (ROWS * N)][j % (ROWS * N)], (double)apart[j / (ROWS * N)][j % (ROWS * N)],
                         2e-6, "%s, element %zu", forms[i].label, j);
  }
  unfurl_context_destroy(&context);
}
