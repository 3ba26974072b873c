/* SPDX-License-Identifier: BSD-2-Clause */
/* Building a model: what is refused, and in which words; what a finished model says about itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

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

TestSuite(model, .init = set_up, .fini = tear_down);

static const int64_t IMAGE[] = {1, 2, 4, 4}, FILTERS[] = {3, 2, 3, 3};

/* An input "x" and a constant "w" that a Conv could take. */
static net begin(void) {
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, IMAGE);
  net_weights(&n, "w", 4, FILTERS, 1);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  return n;
}

/* The net failed so, and the message has these words. A model that failed refuses everything, and can be destroyed. */
static void check_failed(net *n, unfurl_status status, const char *word, const char *other) {
  unfurl_error error;
  cr_assert_eq(n->status, status, "status %d: %s", (int)n->status, n->error.message);
  cr_assert_eq(n->error.status, status);
  cr_assert(strstr(n->error.message, word), "\"%s\" does not say %s", n->error.message, word);
  cr_assert(strstr(n->error.message, other), "\"%s\" does not say %s", n->error.message, other);
  cr_assert_null(strchr(n->error.message, '\n'));
  if (n->model) {
    cr_assert_eq(unfurl_model_add_input(n->model, "another", UNFURL_F32, 0, NULL, &error), UNFURL_INVALID_ARGUMENT);
    cr_assert(strstr(error.message, "failed"), "%s", error.message);
    cr_assert_eq(unfurl_model_finish(n->model, NULL), UNFURL_INVALID_ARGUMENT);
  }
  unfurl_model_destroy(&n->model);
  cr_assert_null(n->model);
}

Test(model, names_are_defined_once) {
  net n = begin();
  net_input(&n, "x", 4, IMAGE);
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "\"x\"", "twice");
  n = begin();
  net_weights(&n, "x", 4, FILTERS, 1);
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "\"x\"", "twice");
  n = begin();
  net_node(&n, "Relu", "x", "w");
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "\"w\"", "Relu");
  n = begin();
  net_node(&n, "Relu", "x", "y");
  net_node(&n, "Tanh", "x", "y");
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "\"y\"", "Tanh");
  n = begin();
  net_node(&n, "Dropout", "x", "y y");
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "\"y\"", "twice");
}

Test(model, names_are_not_empty) {
  net n = begin();
  net_input(&n, "", 4, IMAGE);
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "name", "");
  n = begin();
  net_input(&n, NULL, 4, IMAGE);
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "name", "");
  n = begin();
  cr_assert_eq(unfurl_model_add_output(n.model, "", &n.error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_add_output(n.model, NULL, &n.error), UNFURL_INVALID_ARGUMENT);
  unfurl_model_destroy(&n.model);
}

Test(model, values_that_nothing_defines) {
  net n = begin();
  net_node(&n, "Relu", "nowhere", "y");
  net_output(&n, "y");
  net_finish(&n);
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "\"nowhere\"", "");
  n = begin();
  net_output(&n, "missing");
  net_finish(&n);
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "\"missing\"", "");
  n = begin();
  net_finish(&n);
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "output", "");
}

Test(model, cycles) {
  net n = begin();
  net_node(&n, "Relu", "y", "y");
  net_output(&n, "y");
  net_finish(&n);
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "cycle", "");
  n = begin();
  net_node(&n, "Relu", "x", "start");
  net_node(&n, "Conv", "c w", "a");
  net_node(&n, "Relu", "a", "b");
  net_node(&n, "Tanh", "b", "c");
  net_output(&n, "start");
  net_finish(&n);
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "cycle", "");
}

Test(model, operators_that_are_not_implemented) {
  net n = begin();
  net_node(&n, "Frobnicate", "x", "y");
  check_failed(&n, UNFURL_UNSUPPORTED, "Frobnicate", "Frobnicate of y");
  n = begin();
  net_node(&n, "", "x", "y");
  check_failed(&n, UNFURL_UNSUPPORTED, "\"", "");
  n = begin();
  net_node(&n, "conv", "x w", "y"); /* names are those of the standard, to the letter */
  check_failed(&n, UNFURL_UNSUPPORTED, "conv", "");
}

Test(model, very_long_names_are_cut_in_messages) {
  char name[600], op[600];
  memset(name, 'n', sizeof name - 1);
  memset(op, 'O', sizeof op - 1);
  name[sizeof name - 1] = op[sizeof op - 1] = '\0';
  net n = begin();
  unfurl_node_desc node;
  unfurl_node_desc_init(&node, op);
  node.name = name;
  node.outputs = (const char *const[]){name}, node.output_count = 1;
  n.status = unfurl_model_add_node(n.model, &node, &n.error);
  check_failed(&n, UNFURL_UNSUPPORTED, "nnnn", "OOOO");
}

/* A node without a name is called by its first output. */
Test(model, nodes_without_a_name) {
  net n = begin();
  unfurl_node_desc node;
  unfurl_node_desc_init(&node, "Frobnicate");
  node.outputs = (const char *const[]){"result"}, node.output_count = 1;
  n.status = unfurl_model_add_node(n.model, &node, &n.error);
  check_failed(&n, UNFURL_UNSUPPORTED, "result", "Frobnicate");
}

Test(model, too_few_and_too_many) {
  net n = begin();
  net_node(&n, "Conv", "x", "y");
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "inputs", "Conv of y");
  n = begin();
  net_node(&n, "Conv", "x -", "y");
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "inputs", "Conv of y");
  n = begin();
  net_node(&n, "Conv", "- w", "y");
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "input 0", "Conv of y");
  n = begin();
  net_node(&n, "Relu", "x x", "y");
  check_failed(&n, UNFURL_INVALID_ARGUMENT, "inputs", "Relu of y");
  n = begin();
  net_node(&n, "Relu", "x", "");
  check_failed(&n, UNFURL_UNSUPPORTED, "outputs", "Relu of nothing");
  n = begin();
  net_node(&n, "Relu", "x", "y z");
  check_failed(&n, UNFURL_UNSUPPORTED, "outputs", "Relu of y");
}

static void check_attribute(const unfurl_attribute *attributes, size_t count, unfurl_status status, const char *word) {
  net n = begin();
  net_node_with(&n, "Conv", "x w", "y", count, attributes);
  check_failed(&n, status, word, "Conv of y");
}

Test(model, attributes) {
  const int64_t one = 1, two[] = {1, 1};
  const float number = 1;
  unfurl_attribute a[2] = {attribute_int("frobnicate", &one)};
  check_attribute(a, 1, UNFURL_UNSUPPORTED, "\"frobnicate\"");
  a[0] = attribute_float("group", &number);
  check_attribute(a, 1, UNFURL_INVALID_ARGUMENT, "\"group\"");
  a[0] = attribute_int("strides", &one);
  check_attribute(a, 1, UNFURL_INVALID_ARGUMENT, "\"strides\"");
  a[0] = attribute_string("group", "1");
  check_attribute(a, 1, UNFURL_INVALID_ARGUMENT, "\"group\"");
  a[0] = a[1] = attribute_int("group", &one);
  check_attribute(a, 2, UNFURL_INVALID_ARGUMENT, "\"group\"");
  a[0] = attribute_int("group", NULL);
  check_attribute(a, 1, UNFURL_INVALID_ARGUMENT, "\"group\"");
  a[0] = attribute_ints("strides", 2, NULL);
  check_attribute(a, 1, UNFURL_INVALID_ARGUMENT, "\"strides\"");
  a[0] = attribute_string("auto_pad", NULL);
  check_attribute(a, 1, UNFURL_INVALID_ARGUMENT, "\"auto_pad\"");
  a[0] = attribute_int("group", &one), a[0].count = 2;
  check_attribute(a, 1, UNFURL_INVALID_ARGUMENT, "\"group\"");
  a[0] = attribute_int("group", &one), a[0].name = NULL;
  check_attribute(a, 1, UNFURL_INVALID_ARGUMENT, "initialised");
  a[0] = attribute_ints("strides", 2, two), a[0].size = 0;
  check_attribute(a, 1, UNFURL_INVALID_ARGUMENT, "initialised");
  a[0] = attribute_int("group", &one), a[0].type = (unfurl_attribute_type)77;
  check_attribute(a, 1, UNFURL_INVALID_ARGUMENT, "\"group\"");
  check_attribute(NULL, 1, UNFURL_INVALID_ARGUMENT, "attributes");
}

static unfurl_status create_with_opset(int64_t opset, unfurl_error *error) {
  unfurl_model_options options;
  unfurl_model *model;
  unfurl_model_options_init(&options);
  options.opset = opset;
  const unfurl_status status = unfurl_model_create(context, &options, &model, error);
  cr_assert_eq(model == NULL, status != UNFURL_OK);
  unfurl_model_destroy(&model);
  return status;
}

Test(model, opsets) {
  unfurl_error error;
  for (int64_t opset = 1; opset <= 23; opset++) cr_assert_eq(create_with_opset(opset, &error), UNFURL_OK);
  static const int64_t others[] = {INT64_MIN, -1, 0, 24, INT64_MAX};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    cr_assert_eq(create_with_opset(others[i], &error), UNFURL_UNSUPPORTED);
    cr_assert(strstr(error.message, "opset"), "%s", error.message);
  }
}

Test(model, options_and_pointers) {
  unfurl_model_options options;
  unfurl_model *model;
  unfurl_error error;
  unfurl_model_options_init(&options);
  options.size = 0;
  cr_assert_eq(unfurl_model_create(context, &options, &model, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_null(model);
  cr_assert_eq(unfurl_model_create(NULL, NULL, &model, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_create(context, NULL, NULL, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_add_input(NULL, "x", UNFURL_F32, 4, IMAGE, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_add_output(NULL, "x", &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_finish(NULL, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_create(context, NULL, &model, &error), UNFURL_OK);
  cr_assert_eq(unfurl_model_add_input(model, "x", UNFURL_F32, 4, NULL, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_add_constant(model, "x", NULL, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_add_node(model, NULL, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_set_metadata(model, NULL, "value", &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_set_metadata(model, "key", NULL, &error), UNFURL_INVALID_ARGUMENT);
  unfurl_model_destroy(&model);
  unfurl_model_destroy(&model);
  unfurl_model_destroy(NULL);
}

Test(model, nodes_with_null_pointers) {
  static const char *const inputs[] = {"x"}, *const outputs[] = {"y"}, *const missing[] = {NULL};
  unfurl_node_desc nodes[5];
  for (size_t i = 0; i < 5; i++) {
    unfurl_node_desc_init(&nodes[i], "Relu");
    nodes[i].inputs = inputs, nodes[i].input_count = 1;
    nodes[i].outputs = outputs, nodes[i].output_count = 1;
  }
  nodes[0].op_type = NULL;
  nodes[1].inputs = NULL;
  nodes[2].outputs = NULL;
  nodes[3].inputs = missing;
  nodes[4].size = 3;
  for (size_t i = 0; i < 5; i++) {
    net n = begin();
    cr_assert_eq(unfurl_model_add_node(n.model, &nodes[i], &n.error), UNFURL_INVALID_ARGUMENT, "case %zu", i);
    cr_assert_neq(n.error.message[0], '\0');
    unfurl_model_destroy(&n.model);
  }
}

static void check_dims(size_t rank, const int64_t *dims, unfurl_dtype dtype, unfurl_status status) {
  net n = begin();
  net_typed_input(&n, "bad", dtype, rank, dims);
  check_failed(&n, status, "bad", "");
}

Test(model, inputs_of_impossible_shape) {
  const int64_t negative[] = {1, -2}, large[] = {INT64_MAX, INT64_MAX}, many[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  check_dims(2, negative, UNFURL_F32, UNFURL_INVALID_ARGUMENT);
  check_dims(2, large, UNFURL_F32, UNFURL_TOO_LARGE);
  check_dims(9, many, UNFURL_F32, UNFURL_INVALID_ARGUMENT);
  check_dims(2, many, (unfurl_dtype)9, UNFURL_INVALID_ARGUMENT);
}

Test(model, constants_that_are_no_tensors) {
  float number = 1;
  unfurl_tensor tensors[4];
  for (size_t i = 0; i < 4; i++) unfurl_tensor_init(&tensors[i], UNFURL_F32, 1, (const int64_t[]){1}, &number);
  tensors[0].data = NULL;
  tensors[1].layout = UNFURL_NHWC;
  tensors[2].dims[0] = -1;
  tensors[3].rank = 9;
  for (size_t i = 0; i < 4; i++) {
    net n = begin();
    n.status = unfurl_model_add_constant(n.model, "bad", &tensors[i], &n.error);
    check_failed(&n, UNFURL_INVALID_ARGUMENT, "bad", "");
  }
  unfurl_tensor huge;
  unfurl_tensor_init(&huge, UNFURL_I64, 2, (const int64_t[]){INT64_MAX, 2}, &number);
  net n = begin();
  n.status = unfurl_model_add_constant(n.model, "huge", &huge, &n.error);
  check_failed(&n, UNFURL_TOO_LARGE, "huge", "");
}

static net finished(void) {
  net n = begin();
  net_node(&n, "Conv", "x w", "c");
  net_node(&n, "Relu", "c", "y");
  net_output(&n, "y");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  return n;
}

Test(model, a_finished_model_is_closed) {
  net n = finished();
  unfurl_error error;
  cr_assert_eq(unfurl_model_add_input(n.model, "z", UNFURL_F32, 4, IMAGE, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert(strstr(error.message, "finished"), "%s", error.message);
  cr_assert_eq(unfurl_model_add_output(n.model, "c", &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_set_metadata(n.model, "a", "b", &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_finish(n.model, &error), UNFURL_INVALID_ARGUMENT);
  unfurl_session *session; /* it is still of use */
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, &error), UNFURL_OK, "%s", error.message);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
}

Test(model, inputs_and_outputs_by_index_and_name) {
  net n = finished();
  unfurl_tensor shape;
  unfurl_error error;
  cr_assert_eq(unfurl_model_input_count(n.model), 1);
  cr_assert_eq(unfurl_model_output_count(n.model), 1);
  cr_assert_str_eq(unfurl_model_input_name(n.model, 0), "x");
  cr_assert_str_eq(unfurl_model_output_name(n.model, 0), "y");
  cr_assert_null(unfurl_model_input_name(n.model, 1));
  cr_assert_null(unfurl_model_output_name(n.model, SIZE_MAX));
  cr_assert_eq(unfurl_model_input_index(n.model, "x"), 0);
  cr_assert_eq(unfurl_model_input_index(n.model, "w"), SIZE_MAX);
  cr_assert_eq(unfurl_model_input_index(n.model, NULL), SIZE_MAX);
  cr_assert_eq(unfurl_model_input_shape(n.model, 0, &shape, &error), UNFURL_OK);
  cr_assert(shape.rank == 4 && !memcmp(shape.dims, IMAGE, sizeof IMAGE) && !shape.data);
  cr_assert_eq(unfurl_model_input_shape(n.model, 1, &shape, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_model_input_shape(n.model, 0, NULL, &error), UNFURL_INVALID_ARGUMENT);
  unfurl_model_destroy(&n.model);
}

Test(model, metadata) {
  net n = begin();
  char key[32], value[32];
  for (int i = 0; i < 300; i++) {
    snprintf(key, sizeof key, "key %d", i % 150);
    snprintf(value, sizeof value, "value %d", i);
    cr_assert_eq(unfurl_model_set_metadata(n.model, key, value, &n.error), UNFURL_OK);
  }
  cr_assert_eq(unfurl_model_set_metadata(n.model, "", "empty key", &n.error), UNFURL_OK);
  net_output(&n, "x");
  net_finish(&n);
  cr_assert_str_eq(unfurl_model_metadata(n.model, "key 0"), "value 150");
  cr_assert_str_eq(unfurl_model_metadata(n.model, "key 149"), "value 299");
  cr_assert_str_eq(unfurl_model_metadata(n.model, ""), "empty key");
  cr_assert_null(unfurl_model_metadata(n.model, "key 150"));
  cr_assert_null(unfurl_model_metadata(n.model, NULL));
  cr_assert_null(unfurl_model_metadata(NULL, "key 0"));
  unfurl_model_destroy(&n.model);
}

/* All strings and arrays are copied: the caller's may change at once. */
Test(model, what_is_passed_in_is_copied) {
  char input[] = "x", output[] = "y", op[] = "Conv", name[] = "first", weights[] = "w", key[] = "k", value[] = "v";
  int64_t dims[] = {1, 2, 4, 4}, filters[] = {3, 2, 3, 3}, pads[] = {1, 1, 1, 1};
  float data[3 * 2 * 9] = {1};
  net n = net_begin(context, NULL);
  net_input(&n, input, 4, dims);
  net_constant(&n, weights, 4, filters, data);
  const unfurl_attribute attribute = attribute_ints("pads", 4, pads);
  unfurl_node_desc node;
  unfurl_node_desc_init(&node, op);
  node.name = name;
  node.inputs = (const char *const[]){input, weights}, node.input_count = 2;
  node.outputs = (const char *const[]){output}, node.output_count = 1;
  node.attributes = &attribute, node.attribute_count = 1;
  cr_assert_eq(unfurl_model_add_node(n.model, &node, &n.error), UNFURL_OK, "%s", n.error.message);
  cr_assert_eq(unfurl_model_set_metadata(n.model, key, value, &n.error), UNFURL_OK);
  net_output(&n, output);
  char *const texts[] = {input, output, op, name, weights, key, value};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) memset(texts[i], '?', strlen(texts[i]));
  memset(dims, 0, sizeof dims), memset(filters, 0, sizeof filters), memset(pads, 0xff, sizeof pads);
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  cr_assert_str_eq(unfurl_model_input_name(n.model, 0), "x");
  cr_assert_str_eq(unfurl_model_metadata(n.model, "k"), "v");
  unfurl_session *session;
  unfurl_tensor x;
  float pixels[32] = {0};
  unfurl_tensor_init(&x, UNFURL_F32, 4, IMAGE, pixels);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, &n.error), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &x, 1, &n.error), UNFURL_OK, "%s", n.error.message);
  cr_assert_eq(unfurl_session_output(session, 0)->dims[3], 4, "the padding was kept");
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
}
