/* SPDX-License-Identifier: BSD-2-Clause */
/* TensorProto payloads in all their forms, and attributes as the model builder gets them. */
#include <criterion/criterion.h>
#include <string.h>

#include "onnx/attribute.h"
#include "onnx/parse.h"
#include "onnx_writer.h"
#include "unfurl/onnx.h"

static unfurl_context *context;

static void setup(void) {
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
}

static void teardown(void) {
  unfurl_context_destroy(&context);
}

TestSuite(onnx_tensor, .init = setup, .fini = teardown);

enum { FLOAT = 1, INT32 = 6, INT64 = 7, BOOL = 9, DOUBLE = 11 };
enum { FLOAT_DATA = 4, INT32_DATA = 5, INT64_DATA = 7, RAW_DATA = 9, DOUBLE_DATA = 10, UINT64_DATA = 11 };

/* Loads what was built, frees the bytes before anybody looks at the tensor. */
static unfurl_status load(pb *proto, unfurl_tensor *tensor, unfurl_error *error) {
  const unfurl_status status = unfurl_onnx_load_tensor(context, proto->data, proto->size, tensor, error);
  pb_free(proto);
  return status;
}

static void expect(pb *proto, unfurl_dtype dtype, size_t elements, const void *values) {
  unfurl_error error;
  unfurl_tensor tensor;
  size_t found, bytes;
  cr_assert_eq(load(proto, &tensor, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(tensor.dtype, dtype);
  cr_assert_eq(tensor.layout, UNFURL_NCHW);
  cr_assert_eq(unfurl_tensor_elements(&tensor, &found, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_tensor_bytes(&tensor, &bytes, NULL), UNFURL_OK);
  cr_assert_eq(found, elements);
  if (bytes > 0) cr_assert_eq(memcmp(tensor.data, values, bytes), 0);
  unfurl_onnx_tensor_free(context, &tensor);
  cr_assert_null(tensor.data);
}

static const int64_t three[] = {3};
static const float floats[] = {1.5f, -0.0f, 3e38f};
static const int64_t longs[] = {1, -2, INT64_MIN};
static const int32_t ints[] = {7, -1, INT32_MIN};

Test(onnx_tensor, raw_data) {
  pb f = onnx_tensor("f", FLOAT, 1, three), l = onnx_tensor("l", INT64, 1, three),
     i = onnx_tensor("i", INT32, 1, three);
  pb b = onnx_tensor("b", BOOL, 1, three);
  pb_bytes(&f, RAW_DATA, floats, sizeof floats);
  pb_bytes(&l, RAW_DATA, longs, sizeof longs);
  pb_bytes(&i, RAW_DATA, ints, sizeof ints);
  pb_bytes(&b, RAW_DATA, "\0\1\x80", 3);
  expect(&f, UNFURL_F32, 3, floats);
  expect(&l, UNFURL_I64, 3, longs);
  expect(&i, UNFURL_I32, 3, ints);
  expect(&b, UNFURL_BOOL, 3, "\0\1\1");
}

Test(onnx_tensor, typed_fields_packed) {
  const int64_t wide[] = {7, -1, INT32_MIN}, flags[] = {0, 1, 2};
  pb f = onnx_tensor("f", FLOAT, 1, three), l = onnx_tensor("l", INT64, 1, three),
     i = onnx_tensor("i", INT32, 1, three);
  pb b = onnx_tensor("b", BOOL, 1, three);
  pb_bytes(&f, FLOAT_DATA, floats, sizeof floats);
  pb_packed(&l, INT64_DATA, 3, longs);
  pb_packed(&i, INT32_DATA, 3, wide);
  pb_packed(&b, INT32_DATA, 3, flags);
  expect(&f, UNFURL_F32, 3, floats);
  expect(&l, UNFURL_I64, 3, longs);
  expect(&i, UNFURL_I32, 3, ints);
  expect(&b, UNFURL_BOOL, 3, "\0\1\1");
}

Test(onnx_tensor, typed_fields_single) {
  pb f = onnx_tensor("f", FLOAT, 1, three), l = onnx_tensor("l", INT64, 1, three);
  for (int i = 0; i < 3; i++) {
    pb_float(&f, FLOAT_DATA, floats[i]);
    pb_int(&l, INT64_DATA, longs[i]);
  }
  expect(&f, UNFURL_F32, 3, floats);
  expect(&l, UNFURL_I64, 3, longs);
}

Test(onnx_tensor, scalars_and_empty_ones) {
  pb scalar = onnx_tensor("s", FLOAT, 0, NULL);
  pb_float(&scalar, FLOAT_DATA, 1.5f);
  expect(&scalar, UNFURL_F32, 1, floats);
  pb none = onnx_tensor("e", INT64, 3, (const int64_t[]){4, 0, INT64_MAX});
  expect(&none, UNFURL_I64, 0, NULL);
  pb raw = onnx_tensor("e", FLOAT, 1, (const int64_t[]){0});
  pb_bytes(&raw, RAW_DATA, NULL, 0);
  expect(&raw, UNFURL_F32, 0, NULL);
}

static void expect_refusal(pb proto, unfurl_status status, const char *says) {
  unfurl_error error;
  unfurl_tensor tensor;
  cr_expect_eq(load(&proto, &tensor, &error), status, "%s: %s", says, error.message);
  cr_expect(strstr(error.message, says), "\"%s\" lacks \"%s\"", error.message, says);
  cr_expect(strstr(error.message, "tensor \"t\""), "\"%s\" lacks the name", error.message);
  cr_expect_null(tensor.data);
}

/* A tensor of `rank` dims with `floats` in the field. */
static pb floats_in(uint32_t field, int data_type, size_t rank, const int64_t *dims) {
  pb tensor = onnx_tensor("t", data_type, rank, dims);
  pb_bytes(&tensor, field, floats, sizeof floats);
  return tensor;
}

Test(onnx_tensor, shape_against_payload) {
  const int64_t huge[] = {INT64_MAX, INT64_MAX}, wraps[] = {INT64_C(1) << 62, 4}, negative[] = {-3};
  const int64_t ones[9] = {3, 1, 1, 1, 1, 1, 1, 1, 1};
  expect_refusal(floats_in(RAW_DATA, FLOAT, 1, (const int64_t[]){4}), UNFURL_BAD_FILE, "12 bytes");
  expect_refusal(floats_in(RAW_DATA, FLOAT, 1, (const int64_t[]){2}), UNFURL_BAD_FILE, "12 bytes");
  expect_refusal(floats_in(RAW_DATA, FLOAT, 0, NULL), UNFURL_BAD_FILE, "12 bytes");
  expect_refusal(floats_in(RAW_DATA, INT64, 1, three), UNFURL_BAD_FILE, "12 bytes");
  expect_refusal(floats_in(FLOAT_DATA, FLOAT, 1, (const int64_t[]){4}), UNFURL_BAD_FILE, "3 elements");
  expect_refusal(floats_in(FLOAT_DATA, INT64, 1, three), UNFURL_BAD_FILE, "0 elements");
  expect_refusal(floats_in(RAW_DATA, FLOAT, 2, huge), UNFURL_TOO_LARGE, "");
  expect_refusal(floats_in(RAW_DATA, FLOAT, 2, wraps), UNFURL_TOO_LARGE, "");
  expect_refusal(floats_in(RAW_DATA, FLOAT, 1, negative), UNFURL_BAD_FILE, "-3");
  expect_refusal(floats_in(RAW_DATA, FLOAT, 9, ones), UNFURL_UNSUPPORTED, "9 dimensions");
  expect_refusal(floats_in(RAW_DATA, DOUBLE, 1, three), UNFURL_UNSUPPORTED, "DOUBLE");
  expect_refusal(floats_in(RAW_DATA, 0, 1, three), UNFURL_BAD_FILE, "data type");
  pb twice = floats_in(RAW_DATA, FLOAT, 1, three);
  pb_packed(&twice, INT64_DATA, 3, longs);
  expect_refusal(twice, UNFURL_BAD_FILE, "more than one field");
}

/* The attributes of one node; `parsed` holds what they point into. */
typedef struct node_attributes {
  unfurl_onnx_parsed parsed;
  unfurl_onnx_attributes attributes;
} node_attributes;

static unfurl_status read_attributes(pb *node, node_attributes *read, unfurl_error *error) {
  *read = (node_attributes){0};
  unfurl_status status =
      unfurl_onnx_parse(context, &unfurl_onnx__node_proto__descriptor, node->data, node->size, &read->parsed, error);
  cr_assert_eq(status, UNFURL_OK, "%s", error->message);
  pb_free(node);
  return unfurl_onnx_attributes_read(context, (UnfurlOnnx__NodeProto *)read->parsed.message, &read->attributes, error);
}

static void clear_attributes(node_attributes *read) {
  unfurl_onnx_attributes_clear(context, &read->attributes);
  unfurl_onnx_parsed_clear(&read->parsed);
}

/* Starts an attribute: its name, and its type unless that is 0. */
static pb attribute(const char *name, int type) {
  pb result = {0};
  pb_text(&result, 1, name);
  if (type) pb_int(&result, 20, type);
  return result;
}

/* A node with one attribute of every kind; typed, or as old files have it. */
static pb node_of_all_kinds(bool typed) {
  pb node = onnx_node("Op", "n", "x", NULL, "y");
  pb i = attribute("i", typed * 2), f = attribute("f", typed * 1), s = attribute("s", typed * 3);
  pb is = attribute("is", typed * 7), fs = attribute("fs", typed * 6), t = attribute("t", typed * 4);
  pb tensor = floats_in(RAW_DATA, FLOAT, 1, three);
  pb_int(&i, 3, -5);
  pb_float(&f, 2, 1.5f);
  pb_text(&s, 4, "SAME_UPPER");
  for (int k = 0; k < 3; k++) pb_int(&is, 8, longs[k]);
  pb_bytes(&fs, 7, floats, sizeof floats);
  pb_message(&t, 5, &tensor);
  pb *const all[] = {&i, &f, &s, &is, &fs, &t};
  for (size_t k = 0; k < 6; k++) pb_message(&node, 5, all[k]);
  return node;
}

static void check_all_kinds(const unfurl_onnx_attributes *a) {
  const unfurl_attribute *item = a->items;
  cr_assert_eq(a->count, 6);
  cr_assert(item[0].type == UNFURL_ATTRIBUTE_INT && item[0].count == 1 && item[0].ints[0] == -5);
  cr_assert_str_eq(item[0].name, "i");
  cr_assert(item[1].type == UNFURL_ATTRIBUTE_FLOAT && item[1].count == 1 && item[1].floats[0] == 1.5f);
  cr_assert_eq(item[2].type, UNFURL_ATTRIBUTE_STRING);
  cr_assert_str_eq(item[2].string, "SAME_UPPER");
  cr_assert(item[3].type == UNFURL_ATTRIBUTE_INTS && item[3].count == 3);
  cr_assert_eq(memcmp(item[3].ints, longs, sizeof longs), 0);
  cr_assert(item[4].type == UNFURL_ATTRIBUTE_FLOATS && item[4].count == 3);
  cr_assert_eq(memcmp(item[4].floats, floats, sizeof floats), 0);
  cr_assert(item[5].type == UNFURL_ATTRIBUTE_TENSOR && item[5].tensor->dims[0] == 3);
  cr_assert_eq(memcmp(item[5].tensor->data, floats, sizeof floats), 0);
}

Test(onnx_tensor, attributes_of_every_kind) {
  for (int typed = 0; typed < 2; typed++) {
    unfurl_error error;
    node_attributes read;
    pb node = node_of_all_kinds(typed);
    cr_assert_eq(read_attributes(&node, &read, &error), UNFURL_OK, "%s", error.message);
    check_all_kinds(&read.attributes);
    clear_attributes(&read);
  }
}

/* With a type, a value that was left out is 0, "" or an empty list. */
Test(onnx_tensor, attributes_left_out) {
  static const int types[] = {2, 1, 3, 7, 6};
  unfurl_error error;
  node_attributes read;
  pb node = onnx_node("Op", "n", "x", NULL, "y");
  for (size_t i = 0; i < 5; i++) {
    pb one = attribute("a", types[i]);
    pb_message(&node, 5, &one);
  }
  cr_assert_eq(read_attributes(&node, &read, &error), UNFURL_OK, "%s", error.message);
  const unfurl_attribute *item = read.attributes.items;
  cr_assert(item[0].count == 1 && item[0].ints[0] == 0);
  cr_assert(item[1].count == 1 && item[1].floats[0] == 0);
  cr_assert_str_eq(item[2].string, "");
  cr_assert(item[3].type == UNFURL_ATTRIBUTE_INTS && item[3].count == 0);
  cr_assert(item[4].type == UNFURL_ATTRIBUTE_FLOATS && item[4].count == 0);
  clear_attributes(&read);
}

Test(onnx_tensor, strings_with_nul) {
  unfurl_error error;
  node_attributes read;
  pb node = onnx_node("Op", "n", "x", NULL, "y"), text = attribute("text", 3);
  pb_bytes(&text, 4, "a\0b", 3);
  pb_message(&node, 5, &text);
  cr_assert_eq(read_attributes(&node, &read, &error), UNFURL_BAD_FILE);
  cr_assert(strstr(error.message, "attribute \"text\""), "%s", error.message);
  clear_attributes(&read);
}
