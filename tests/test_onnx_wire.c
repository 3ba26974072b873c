/* SPDX-License-Identifier: BSD-2-Clause */
/* The wire check: lets sound files through, and stops every unsound form before protobuf-c sees it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "onnx/onnx.pb-c.h"
#include "onnx/wire_check.h"
#include "onnx_writer.h"

/* Checks a copy that ends where its allocation ends, so that AddressSanitizer sees a read beyond it. */
static unfurl_status check(const ProtobufCMessageDescriptor *root, const void *data, size_t size, unfurl_error *error) {
  unsigned char *copy = malloc(size ? size : 1);
  cr_assert_not_null(copy);
  if (size > 0) memcpy(copy, data, size);
  error->message[0] = '\0';
  const unfurl_status status = unfurl_onnx_wire_check(root, copy, size, error);
  free(copy);
  return status;
}

Test(onnx_wire, sound_files_pass) {
  unfurl_error error;
  pb model = onnx_small_model();
  cr_assert_eq(check(&unfurl_onnx__model_proto__descriptor, model.data, model.size, &error), UNFURL_OK, "%s",
               error.message);
  cr_assert_eq(check(&unfurl_onnx__model_proto__descriptor, NULL, 0, &error), UNFURL_OK);
  pb_free(&model);
}

Test(onnx_wire, unknown_fields_are_skipped) {
  unfurl_error error;
  pb model = onnx_small_model();
  pb_int(&model, 1000, -1);
  pb_float(&model, 1001, 1);
  pb_bytes(&model, 1002, "\x0b\xff\xff", 3);
  pb_tag(&model, 536870911, 1);
  for (int i = 0; i < 8; i++) pb_byte(&model, 0);
  cr_assert_eq(check(&unfurl_onnx__model_proto__descriptor, model.data, model.size, &error), UNFURL_OK, "%s",
               error.message);
  pb_free(&model);
}

Test(onnx_wire, repeated_numbers_single_or_packed) {
  unfurl_error error;
  const int64_t values[] = {1, -1, 300};
  pb tensor = onnx_tensor("t", 1, 2, (const int64_t[]){1, 2});
  pb_packed(&tensor, 1, 3, values);
  pb_packed(&tensor, 7, 3, values);
  pb_int(&tensor, 7, 5);
  pb_float(&tensor, 4, 1);
  pb_bytes(&tensor, 4, "\0\0\0\0\0\0\0\0", 8);
  pb_bytes(&tensor, 4, NULL, 0);
  cr_assert_eq(check(&unfurl_onnx__tensor_proto__descriptor, tensor.data, tensor.size, &error), UNFURL_OK, "%s",
               error.message);
  pb_free(&tensor);
}

/* Every prefix is either sound as it is, because it ends between two fields, or refused. */
Test(onnx_wire, truncated_at_every_byte) {
  unfurl_error error;
  pb model = onnx_small_model();
  size_t passed = 0;
  for (size_t size = 0; size < model.size; size++) {
    const unfurl_status status = check(&unfurl_onnx__model_proto__descriptor, model.data, size, &error);
    cr_assert(status == UNFURL_OK || (status == UNFURL_BAD_FILE && error.message[0]), "%zu bytes", size);
    passed += status == UNFURL_OK;
  }
  cr_assert_eq(passed, 4, "%zu", passed);
  pb_free(&model);
}

/* graph.node.attribute.g, again and again: this many end the process in protobuf-c. */
Test(onnx_wire, twenty_thousand_nested_graphs) {
  unfurl_error error;
  unsigned char *bytes = malloc(400000), *at = bytes + 400000;
  cr_assert_not_null(bytes);
  size_t length = 0;
  static const unsigned tags[] = {0x32 /* g */, 0x2a /* attribute */, 0x0a /* node */};
  for (int level = 0; level < 60001; level++) {
    pb header = {0};
    pb_byte(&header, level == 60000 ? 0x3a /* graph */ : tags[level % 3]);
    pb_varint(&header, length);
    at -= header.size;
    memcpy(at, header.data, header.size);
    length += header.size;
    pb_free(&header);
  }
  const clock_t start = clock();
  cr_assert_eq(check(&unfurl_onnx__model_proto__descriptor, at, length, &error), UNFURL_TOO_LARGE);
  cr_assert_lt(clock() - start, CLOCKS_PER_SEC / 10);
  cr_assert(strstr(error.message, "nested"), "%s", error.message);
  free(bytes);
}

/* A TypeProto of `depth` messages, one inside the other: sequence_type, elem_type, sequence_type, ... */
static pb nested_types(int depth) {
  pb inner = {0};
  for (int level = depth; level > 1; level--) {
    pb outer = {0};
    pb_message(&outer, level % 2 ? 1 : 4, &inner);
    inner = outer;
  }
  return inner;
}

Test(onnx_wire, depth_limit_is_exact) {
  unfurl_error error;
  pb deepest = nested_types(UNFURL_ONNX_MAX_DEPTH), deeper = nested_types(UNFURL_ONNX_MAX_DEPTH + 1);
  cr_assert_eq(check(&unfurl_onnx__type_proto__descriptor, deepest.data, deepest.size, &error), UNFURL_OK, "%s",
               error.message);
  cr_assert_eq(check(&unfurl_onnx__type_proto__descriptor, deeper.data, deeper.size, &error), UNFURL_TOO_LARGE);
  pb_free(&deepest);
  pb_free(&deeper);
}

typedef struct bad_form {
  const ProtobufCMessageDescriptor *root;
  const char *bytes;
  size_t size;
  const char *says;
} bad_form;

#define BYTES(literal) literal, sizeof(literal) - 1
#define MODEL          &unfurl_onnx__model_proto__descriptor
#define TENSOR         &unfurl_onnx__tensor_proto__descriptor

static const bad_form bad_forms[] = {
    {MODEL, BYTES("\x80"), "a tag is cut off"},
    {MODEL, BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), "a tag is cut off or too long"},
    {MODEL, BYTES("\xf8\xff\xff\xff\xff\x01\x00"), "a tag is cut off or too long"},
    {MODEL, BYTES("\x00\x00"), "field number 0"},
    {MODEL, BYTES("\x02\x00"), "field number 0"},
    {MODEL, BYTES("\x08"), "ModelProto.ir_version"},
    {MODEL, BYTES("\x08\x80"), "a number is cut off"},
    {MODEL, BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "too long"},
    {MODEL, BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "too long"},
    {MODEL, BYTES("\x08\x01\x08\x02"), "second time"},
    {MODEL, BYTES("\x3a\x00\x3a\x00"), "ModelProto.graph, byte 2: it occurs a second time"},
    {MODEL, BYTES("\x3a\x05\x0a\x00"), "goes beyond what encloses it"},
    {MODEL, BYTES("\x3a\x02\x0a\x01\x00"), "GraphProto.node"},
    {MODEL, BYTES("\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "goes beyond"},
    {MODEL, BYTES("\x3a\x80"), "a length is cut off"},
    {MODEL, BYTES("\x0b\x0c"), "a wire type that ONNX does not use"},
    {MODEL, BYTES("\x0c"), "a wire type that ONNX does not use"},
    {MODEL, BYTES("\x0e\x00"), "a wire type that ONNX does not use"},
    {MODEL, BYTES("\x0f\x00"), "a wire type that ONNX does not use"},
    {MODEL, BYTES("\x0a\x01\x01"), "not that of the schema"},
    {MODEL, BYTES("\x38\x01"), "not that of the schema"},
    {MODEL, BYTES("\x10\x01"), "not that of the schema"},
    {MODEL,
     BYTES("\x12\x03"
           "a\0b"),
     "a string with a NUL"},
    {TENSOR, BYTES("\x25\x00\x00\x00"), "a number is cut off"},
    {TENSOR, BYTES("\x51\x00\x00\x00\x00\x00\x00\x00"), "a number is cut off"},
    {TENSOR, BYTES("\x22\x03\x00\x00\x00"), "a packed array is cut off"},
    {TENSOR, BYTES("\x52\x07\x00\x00\x00\x00\x00\x00\x00"), "a packed array is cut off"},
    {TENSOR, BYTES("\x3a\x02\x01\x80"), "a packed array is cut off"},
    {TENSOR, BYTES("\x20\x01"), "not that of the schema"},
    {TENSOR, BYTES("\x15\x00\x00\x00\x00"), "not that of the schema"},
};

Test(onnx_wire, every_bad_form_is_named) {
  for (size_t i = 0; i < sizeof bad_forms / sizeof *bad_forms; i++) {
    const bad_form *form = &bad_forms[i];
    unfurl_error error;
    cr_expect_eq(check(form->root, form->bytes, form->size, &error), UNFURL_BAD_FILE, "form %zu: %s", i, form->says);
    cr_expect(strstr(error.message, form->says), "form %zu: \"%s\" lacks \"%s\"", i, error.message, form->says);
    cr_expect_eq(unfurl_onnx_wire_check(form->root, form->bytes, form->size, NULL), UNFURL_BAD_FILE);
  }
}

/* A million empty nodes: one pass, no allocation, no recursion. */
Test(onnx_wire, many_small_messages) {
  unfurl_error error;
  pb graph = {0};
  for (int i = 0; i < 1000000; i++) pb_bytes(&graph, 1, NULL, 0);
  cr_assert_eq(check(&unfurl_onnx__graph_proto__descriptor, graph.data, graph.size, &error), UNFURL_OK, "%s",
               error.message);
  pb_free(&graph);
}
