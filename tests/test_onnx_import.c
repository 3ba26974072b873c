/* SPDX-License-Identifier: BSD-2-Clause */
/* What the importer makes of models: names, shapes, versions; and for all it refuses, an error that names the thing. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

#include "onnx_writer.h"
#include "unfurl/onnx.h"
#include "unfurl/session.h"

static unfurl_context *context;

static void setup(void) {
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
}

static void teardown(void) {
  unfurl_context_destroy(&context);
}

TestSuite(onnx_import, .init = setup, .fini = teardown);

/* A model of one node, y = op(x, w), with one thing after another to get wrong. Zero is the sound default. */
typedef struct spec {
  int64_t ir_version, opset;
  const char *opset_domain; /* "-": no opset_import at all */
  int64_t second_opset;     /* another opset_import of the default domain */
  const char *input;        /* name of x in the input list */
  int input_type;           /* elem_type */
  size_t input_rank;        /* default 2 */
  int64_t input_dim;        /* the last one, default 2 */
  uint32_t input_kind;      /* field of TypeProto instead of tensor_type */
  bool no_shape, no_type;   /* of x */
  const char *node, *op, *node_domain;
  uint32_t attribute_field; /* an attribute "mode" with an empty message in this field */
  int attribute_kind;       /* its type */
  bool attribute_reference; /* it has ref_attr_name */
  const char *attribute;    /* its name */
  const char *weights;      /* name of the initializer */
  int weights_type;
  int64_t weights_dim;  /* default 2 */
  int weights_location; /* data_location */
  bool weights_segment, weights_twice, sparse;
  const char *output;
  const char *function_domain; /* a function named "Relu" in this domain */
  bool no_graph;
} spec;

static const char *text_or(const char *text, const char *fallback) {
  return text ? text : fallback;
}

static int64_t number_or(int64_t value, int64_t fallback) {
  return value ? value : fallback;
}

static pb spec_input(const spec *s) {
  if (s->no_type || s->no_shape || s->input_kind) {
    pb value = {0}, type = {0}, inner = {0};
    pb_text(&value, 1, text_or(s->input, "x"));
    if (s->no_type) return value;
    if (s->no_shape) pb_int(&inner, 1, 1);
    pb_message(&type, s->no_shape ? 1 : s->input_kind, &inner);
    pb_message(&value, 2, &type);
    return value;
  }
  int64_t dims[16] = {-1, 2, 1, 1, 1, 1, 1, 1, 1};
  const size_t rank = s->input_rank ? s->input_rank : 2;
  dims[rank - 1] = number_or(s->input_dim, 2);
  return onnx_value(text_or(s->input, "x"), s->input_type ? s->input_type : 1, rank, dims);
}

static pb spec_node(const spec *s) {
  pb node = onnx_node(text_or(s->op, "Gemm"), text_or(s->node, "fc1"), "x", "w", "y");
  if (s->node_domain) pb_text(&node, 7, s->node_domain);
  if (!s->attribute_field && !s->attribute_kind && !s->attribute_reference && !s->attribute) return node;
  pb attribute = {0};
  pb_text(&attribute, 1, text_or(s->attribute, "mode"));
  if (s->attribute_field) pb_bytes(&attribute, s->attribute_field, NULL, 0);
  if (s->attribute_kind) pb_int(&attribute, 20, s->attribute_kind);
  if (s->attribute_reference) pb_text(&attribute, 21, "outer");
  pb_message(&node, 5, &attribute);
  return node;
}

static pb spec_weights(const spec *s) {
  const float values[] = {0.5f, -2.0f, 1.0f, 0.0f};
  const int64_t dims[] = {2, number_or(s->weights_dim, 2)};
  pb weights = onnx_tensor(text_or(s->weights, "w"), s->weights_type ? s->weights_type : 1, 2, dims);
  pb_bytes(&weights, 9, values, sizeof values);
  if (s->weights_location) pb_int(&weights, 14, s->weights_location);
  if (s->weights_segment) pb_bytes(&weights, 3, NULL, 0);
  if (s->weights_twice) pb_bytes(&weights, 4, values, sizeof values);
  return weights;
}

static pb spec_graph(const spec *s) {
  pb graph = {0}, node = spec_node(s), weights = spec_weights(s), x = spec_input(s);
  pb y = onnx_value(text_or(s->output, "y"), 1, 2, (const int64_t[]){-1, 2});
  pb_message(&graph, 1, &node);
  pb_message(&graph, 5, &weights);
  pb_message(&graph, 11, &x);
  pb_message(&graph, 12, &y);
  if (!s->sparse) return graph;
  pb values = onnx_tensor("thin", 1, 0, NULL), sparse = {0};
  pb_message(&sparse, 1, &values);
  pb_message(&graph, 15, &sparse);
  return graph;
}

static void put_opset(pb *model, const char *domain, int64_t version) {
  pb import = {0};
  pb_text(&import, 1, domain);
  pb_int(&import, 2, version);
  pb_message(model, 8, &import);
}

static pb spec_model(const spec *s) {
  pb model = {0}, graph = spec_graph(s);
  if (s->ir_version >= 0) pb_int(&model, 1, number_or(s->ir_version, 8));
  if (strcmp(text_or(s->opset_domain, ""), "-") != 0)
    put_opset(&model, text_or(s->opset_domain, ""), number_or(s->opset, 13));
  if (s->second_opset) put_opset(&model, "ai.onnx", s->second_opset);
  if (s->function_domain) {
    pb function = {0};
    pb_text(&function, 1, "Relu");
    pb_text(&function, 10, s->function_domain);
    pb_message(&model, 25, &function);
  }
  if (s->no_graph)
    pb_free(&graph);
  else
    pb_message(&model, 7, &graph);
  return model;
}

static unfurl_status load_spec(const spec *s, unfurl_model **model, unfurl_error *error) {
  pb bytes = spec_model(s);
  const unfurl_status status = unfurl_onnx_load_memory(context, bytes.data, bytes.size, model, error);
  pb_free(&bytes);
  return status;
}

Test(onnx_import, small_model) {
  unfurl_error error;
  unfurl_model *model;
  pb bytes = onnx_small_model();
  cr_assert_eq(unfurl_onnx_load_memory(context, bytes.data, bytes.size, &model, &error), UNFURL_OK, "%s",
               error.message);
  pb_free(&bytes);
  cr_assert_str_eq(error.message, "");
  cr_assert_eq(unfurl_model_input_count(model), 1);
  cr_assert_str_eq(unfurl_model_input_name(model, 0), "x");
  unfurl_tensor shape;
  cr_assert_eq(unfurl_model_input_shape(model, 0, &shape, &error), UNFURL_OK);
  cr_assert(shape.dtype == UNFURL_F32 && shape.rank == 2 && shape.dims[0] == -1 && shape.dims[1] == 2);
  cr_assert_eq(unfurl_model_output_count(model), 1);
  cr_assert_str_eq(unfurl_model_output_name(model, 0), "y");
  cr_assert_str_eq(unfurl_model_metadata(model, "unfurl.scale"), "2");
  unfurl_model_destroy(&model);
}

/* Weights, attributes and constants arrive where they should: (1, 1) and (0, 2), each times {1, 3; 2, 4}. */
Test(onnx_import, small_model_runs) {
  unfurl_error error;
  unfurl_model *model;
  unfurl_session *session;
  pb bytes = onnx_small_model();
  cr_assert_eq(unfurl_onnx_load_memory(context, bytes.data, bytes.size, &model, &error), UNFURL_OK, "%s",
               error.message);
  pb_free(&bytes);
  float x[] = {1, 1, 0, 2};
  unfurl_tensor input;
  unfurl_tensor_init(&input, UNFURL_F32, 2, (const int64_t[]){2, 2}, x);
  cr_assert_eq(unfurl_session_create(model, NULL, &session, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(unfurl_session_run(session, &input, 1, &error), UNFURL_OK, "%s", error.message);
  const unfurl_tensor *y = unfurl_session_output(session, 0);
  cr_assert(y && y->rank == 1 && y->dims[0] == 4);
  cr_assert_eq(memcmp(y->data, (const float[]){3, 7, 4, 8}, 4 * sizeof(float)), 0);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&model);
}

static const spec sound[] = {
    {0},
    {.ir_version = 3},
    {.ir_version = 13},
    {.opset = 7},
    {.opset = 23},
    {.opset_domain = "ai.onnx"},
    {.second_opset = 13},
    {.node_domain = "ai.onnx"},
    {.node_domain = ""},
    {.node = ""},
    {.function_domain = "com.example"},
};

Test(onnx_import, sound_variations) {
  for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
    unfurl_error error;
    unfurl_model *model;
    cr_expect_eq(load_spec(&sound[i], &model, &error), UNFURL_OK, "variation %zu: %s", i, error.message);
    unfurl_model_destroy(&model);
  }
}

/* An initializer that is listed as an input is not one; a dimension without value is free; 0 is a size. */
Test(onnx_import, inputs) {
  unfurl_error error;
  unfurl_model *model;
  const float values[] = {0.5f, -2.0f, 1.0f, 0.0f};
  pb graph = {0}, node = onnx_node("Gemm", "fc1", "x", "w", "y");
  pb weights = onnx_tensor("w", 1, 2, (const int64_t[]){2, 2});
  pb_bytes(&weights, 9, values, sizeof values);
  pb w = onnx_value("w", 1, 2, (const int64_t[]){2, 2}), x = onnx_value("x", 1, 2, (const int64_t[]){-2, 2});
  pb scalar = onnx_value("scalar", 7, 0, NULL), none = onnx_value("none", 9, 1, (const int64_t[]){0});
  pb y = onnx_value("y", 1, 0, NULL);
  pb_message(&graph, 11, &w);
  pb_message(&graph, 11, &x);
  pb_message(&graph, 11, &scalar);
  pb_message(&graph, 11, &none);
  pb_message(&graph, 12, &y);
  pb_message(&graph, 1, &node);
  pb_message(&graph, 5, &weights);
  pb bytes = onnx_model(3, 9, &graph);
  cr_assert_eq(unfurl_onnx_load_memory(context, bytes.data, bytes.size, &model, &error), UNFURL_OK, "%s",
               error.message);
  pb_free(&bytes);
  unfurl_tensor shape;
  cr_assert_eq(unfurl_model_input_count(model), 3);
  cr_assert_eq(unfurl_model_input_shape(model, 0, &shape, &error), UNFURL_OK);
  cr_assert(shape.rank == 2 && shape.dims[0] == -1 && shape.dims[1] == 2);
  cr_assert_eq(unfurl_model_input_shape(model, 1, &shape, &error), UNFURL_OK);
  cr_assert(shape.rank == 0 && shape.dtype == UNFURL_I64);
  cr_assert_eq(unfurl_model_input_shape(model, 2, &shape, &error), UNFURL_OK);
  cr_assert(shape.rank == 1 && shape.dims[0] == 0 && shape.dtype == UNFURL_BOOL);
  unfurl_model_destroy(&model);
}

typedef struct refusal {
  spec spec;
  unfurl_status status;
  const char *says[3]; /* every one is in the message */
} refusal;

static const refusal refusals[] = {
    {{.ir_version = -1}, UNFURL_BAD_FILE, {"ir_version"}},
    {{.ir_version = 2}, UNFURL_UNSUPPORTED, {"IR version 2"}},
    {{.ir_version = 14}, UNFURL_UNSUPPORTED, {"IR version 14"}},
    {{.opset_domain = "-"}, UNFURL_BAD_FILE, {"opset_import"}},
    {{.opset_domain = "ai.onnx.ml"}, UNFURL_BAD_FILE, {"opset_import"}},
    {{.second_opset = 12}, UNFURL_BAD_FILE, {"two versions"}},
    {{.opset = 24}, UNFURL_UNSUPPORTED, {"24"}},
    {{.opset = -3}, UNFURL_UNSUPPORTED, {"-3"}},
    {{.opset = INT64_MAX}, UNFURL_UNSUPPORTED, {"9223372036854775807"}},
    {{.no_graph = true}, UNFURL_BAD_FILE, {"no graph"}},
    {{.function_domain = ""}, UNFURL_UNSUPPORTED, {"function", "Relu"}},
    {{.sparse = true}, UNFURL_UNSUPPORTED, {"sparse", "thin"}},
    {{.input = ""}, UNFURL_BAD_FILE, {"input 0"}},
    {{.input = "x", .input_type = 10}, UNFURL_UNSUPPORTED, {"input \"x\"", "FLOAT16"}},
    {{.input_type = 11}, UNFURL_UNSUPPORTED, {"input \"x\"", "DOUBLE"}},
    {{.input_type = 23}, UNFURL_UNSUPPORTED, {"input \"x\"", "FLOAT4E2M1"}},
    {{.input_type = 77}, UNFURL_UNSUPPORTED, {"input \"x\"", "77"}},
    {{.input_type = -1}, UNFURL_UNSUPPORTED, {"input \"x\"", "-1"}},
    {{.input_dim = -3}, UNFURL_INVALID_ARGUMENT, {"input \"x\"", "dimension 1", "-3"}},
    {{.input_rank = 9}, UNFURL_UNSUPPORTED, {"input \"x\"", "9 dimensions"}},
    {{.no_shape = true}, UNFURL_UNSUPPORTED, {"input \"x\"", "shape"}},
    {{.no_type = true}, UNFURL_BAD_FILE, {"input \"x\"", "type"}},
    {{.input_kind = 4}, UNFURL_UNSUPPORTED, {"input \"x\"", "sequence"}},
    {{.input_kind = 5}, UNFURL_UNSUPPORTED, {"input \"x\"", "map"}},
    {{.input_kind = 8}, UNFURL_UNSUPPORTED, {"input \"x\"", "sparse tensor"}},
    {{.input_kind = 9}, UNFURL_UNSUPPORTED, {"input \"x\"", "optional"}},
    {{.node_domain = "com.microsoft"}, UNFURL_UNSUPPORTED, {"fc1", "Gemm", "com.microsoft"}},
    {{.node_domain = "org.x", .node = ""}, UNFURL_UNSUPPORTED, {"node \"y\" (Gemm)", "org.x"}},
    {{.op = ""}, UNFURL_BAD_FILE, {"node 0", "fc1", "no operator"}},
    {{.attribute = "", .attribute_kind = 2}, UNFURL_BAD_FILE, {"node \"fc1\" (Gemm)", "attribute 0 has no name"}},
    {{.attribute = "m"}, UNFURL_BAD_FILE, {"node \"fc1\" (Gemm)", "attribute \"m\"", "no type"}},
    {{.attribute_reference = true}, UNFURL_UNSUPPORTED, {"node \"fc1\" (Gemm)", "attribute \"mode\"", "function"}},
    {{.attribute_kind = 5}, UNFURL_UNSUPPORTED, {"node \"fc1\" (Gemm)", "attribute \"mode\"", "GRAPH"}},
    {{.attribute_field = 6}, UNFURL_UNSUPPORTED, {"node \"fc1\" (Gemm)", "attribute \"mode\"", "GRAPH"}},
    {{.attribute_field = 9}, UNFURL_UNSUPPORTED, {"node \"fc1\" (Gemm)", "attribute \"mode\"", "STRINGS"}},
    {{.attribute_kind = 14}, UNFURL_UNSUPPORTED, {"node \"fc1\" (Gemm)", "attribute \"mode\"", "TYPE_PROTOS"}},
    {{.attribute_kind = 15}, UNFURL_UNSUPPORTED, {"node \"fc1\" (Gemm)", "attribute \"mode\"", "15"}},
    {{.attribute_kind = -7}, UNFURL_UNSUPPORTED, {"node \"fc1\" (Gemm)", "attribute \"mode\"", "-7"}},
    {{.attribute_kind = 4}, UNFURL_BAD_FILE, {"node \"fc1\" (Gemm)", "attribute \"mode\"", "missing"}},
    {{.attribute_field = 5}, UNFURL_BAD_FILE, {"node \"fc1\" (Gemm)", "attribute \"mode\"", "data type"}},
    {{.weights = ""}, UNFURL_BAD_FILE, {"initializer 0"}},
    {{.weights_type = 10}, UNFURL_UNSUPPORTED, {"initializer \"w\"", "FLOAT16"}},
    {{.weights_type = 7}, UNFURL_BAD_FILE, {"initializer \"w\"", "16 bytes", "32"}},
    {{.weights_dim = 3}, UNFURL_BAD_FILE, {"initializer \"w\"", "16 bytes", "24"}},
    {{.weights_dim = -2}, UNFURL_BAD_FILE, {"initializer \"w\"", "dimension 1", "-2"}},
    {{.weights_dim = INT64_MAX}, UNFURL_TOO_LARGE, {"initializer \"w\""}},
    {{.weights_location = 1}, UNFURL_UNSUPPORTED, {"initializer \"w\"", "external data"}},
    {{.weights_location = 2}, UNFURL_BAD_FILE, {"initializer \"w\"", "location 2"}},
    {{.weights_segment = true}, UNFURL_UNSUPPORTED, {"initializer \"w\"", "segment"}},
    {{.weights_twice = true}, UNFURL_BAD_FILE, {"initializer \"w\"", "more than one"}},
    {{.output = ""}, UNFURL_BAD_FILE, {"output 0"}},
    {{.weights = "v"}, UNFURL_INVALID_ARGUMENT, {"w"}},
    {{.op = "NoSuchOperator"}, UNFURL_UNSUPPORTED, {"fc1", "NoSuchOperator"}},
};

Test(onnx_import, refusals_name_the_thing) {
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    const refusal *r = &refusals[i];
    unfurl_error error;
    unfurl_model *model = (unfurl_model *)&error;
    const unfurl_status status = load_spec(&r->spec, &model, &error);
    cr_expect_eq(status, r->status, "refusal %zu (%s): %d %s", i, r->says[0], status, error.message);
    cr_expect_eq(error.status, status);
    cr_expect_null(model);
    for (size_t j = 0; j < 3 && r->says[j]; j++)
      cr_expect(strstr(error.message, r->says[j]), "\"%s\" lacks \"%s\"", error.message, r->says[j]);
  }
}

/* Names come from the file: a message stays one harmless line. */
Test(onnx_import, messages_are_one_line) {
  unfurl_error error;
  unfurl_model *model;
  cr_assert_eq(load_spec(&(spec){.input = "x\n\x1b[31m", .input_type = 10}, &model, &error), UNFURL_UNSUPPORTED);
  cr_assert(strstr(error.message, "input \"x??[31m\": "), "%s", error.message);
}

Test(onnx_import, null_arguments) {
  unfurl_model *model;
  unfurl_tensor tensor;
  cr_assert_eq(unfurl_onnx_load_memory(NULL, "", 0, &model, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_onnx_load_memory(context, NULL, 1, &model, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_onnx_load_memory(context, "", 0, NULL, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_onnx_load_memory(context, "", 0, &model, NULL), UNFURL_BAD_FILE);
  cr_assert_eq(unfurl_onnx_load_file(context, NULL, &model, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_onnx_load_file(NULL, "x", &model, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_onnx_load_tensor(context, NULL, 1, &tensor, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_onnx_load_tensor(context, "", 0, NULL, NULL), UNFURL_INVALID_ARGUMENT);
  unfurl_onnx_tensor_free(context, NULL);
  unfurl_onnx_tensor_free(NULL, &tensor);
}
