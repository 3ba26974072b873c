/* SPDX-License-Identifier: BSD-2-Clause */
#include "onnx_writer.h"

#include <stdlib.h>
#include <string.h>

void pb_free(pb *message) {
  free(message->data);
  *message = (pb){0};
}

static void append(pb *message, const void *data, size_t size) {
  if (message->size + size > message->capacity) {
    message->capacity = 2 * (message->size + size) + 64;
    message->data = realloc(message->data, message->capacity);
    if (!message->data) abort();
  }
  if (size > 0) memcpy(message->data + message->size, data, size);
  message->size += size;
}

void pb_byte(pb *message, unsigned value) {
  const unsigned char byte = (unsigned char)value;
  append(message, &byte, 1);
}

void pb_varint(pb *message, uint64_t value) {
  for (; value >= 0x80; value >>= 7) pb_byte(message, (unsigned)(value & 0x7f) | 0x80);
  pb_byte(message, (unsigned)value);
}

void pb_tag(pb *message, uint32_t field, unsigned wire_type) {
  pb_varint(message, (uint64_t)field << 3 | wire_type);
}

void pb_int(pb *message, uint32_t field, int64_t value) {
  pb_tag(message, field, 0);
  pb_varint(message, (uint64_t)value);
}

void pb_float(pb *message, uint32_t field, float value) {
  pb_tag(message, field, 5);
  append(message, &value, sizeof value);
}

void pb_bytes(pb *message, uint32_t field, const void *data, size_t size) {
  pb_tag(message, field, 2);
  pb_varint(message, size);
  append(message, data, size);
}

void pb_text(pb *message, uint32_t field, const char *text) {
  pb_bytes(message, field, text, strlen(text));
}

void pb_packed(pb *message, uint32_t field, size_t count, const int64_t *values) {
  pb inner = {0};
  for (size_t i = 0; i < count; i++) pb_varint(&inner, (uint64_t)values[i]);
  pb_message(message, field, &inner);
}

void pb_message(pb *message, uint32_t field, pb *inner) {
  pb_bytes(message, field, inner->data, inner->size);
  pb_free(inner);
}

pb onnx_tensor(const char *name, int data_type, size_t rank, const int64_t *dims) {
  pb tensor = {0};
  for (size_t i = 0; i < rank; i++) pb_int(&tensor, 1, dims[i]);
  pb_int(&tensor, 2, data_type);
  pb_text(&tensor, 8, name);
  return tensor;
}

pb onnx_value(const char *name, int data_type, size_t rank, const int64_t *dims) {
  pb shape = {0}, tensor = {0}, type = {0}, value = {0};
  for (size_t i = 0; i < rank; i++) {
    pb dim = {0};
    if (dims[i] == -1)
      pb_text(&dim, 2, "N");
    else if (dims[i] != -2)
      pb_int(&dim, 1, dims[i]);
    pb_message(&shape, 1, &dim);
  }
  pb_int(&tensor, 1, data_type);
  pb_message(&tensor, 2, &shape);
  pb_message(&type, 1, &tensor);
  pb_text(&value, 1, name);
  pb_message(&value, 2, &type);
  return value;
}

pb onnx_node(const char *op_type, const char *name, const char *a, const char *b, const char *output) {
  pb node = {0};
  if (a) pb_text(&node, 1, a);
  if (b) pb_text(&node, 1, b);
  pb_text(&node, 2, output);
  pb_text(&node, 3, name);
  pb_text(&node, 4, op_type);
  return node;
}

pb onnx_model(int64_t ir_version, int64_t opset, pb *graph) {
  pb import = {0}, model = {0};
  pb_int(&import, 2, opset);
  pb_int(&model, 1, ir_version);
  pb_message(&model, 8, &import);
  pb_message(&model, 7, graph);
  return model;
}

/* A Constant node of the tensor [-1] (i64). */
static pb flat_shape(const char *output) {
  pb node = onnx_node("Constant", "flat", NULL, NULL, output), attribute = {0};
  pb tensor = onnx_tensor("", 7, 1, (const int64_t[]){1});
  pb_packed(&tensor, 7, 1, (const int64_t[]){-1});
  pb_text(&attribute, 1, "value");
  pb_message(&attribute, 5, &tensor);
  pb_int(&attribute, 20, 4);
  pb_message(&node, 5, &attribute);
  return node;
}

/* Gemm with transB = 1: x times the transpose of w. */
static pb dense(void) {
  pb node = onnx_node("Gemm", "fc1", "x", "w", "hidden"), attribute = {0};
  pb_text(&attribute, 1, "transB");
  pb_int(&attribute, 3, 1);
  pb_int(&attribute, 20, 2);
  pb_message(&node, 5, &attribute);
  return node;
}

pb onnx_small_model(void) {
  const float values[] = {1, 2, 3, 4};
  pb graph = {0}, metadata = {0};
  pb weights = onnx_tensor("w", 1, 2, (const int64_t[]){2, 2});
  pb_bytes(&weights, 9, values, sizeof values);
  pb nodes[] = {dense(), flat_shape("shape"), onnx_node("Reshape", "", "hidden", "shape", "y")};
  pb x = onnx_value("x", 1, 2, (const int64_t[]){-1, 2}), y = onnx_value("y", 1, 1, (const int64_t[]){-2});
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) pb_message(&graph, 1, &nodes[i]);
  pb_message(&graph, 5, &weights);
  pb_message(&graph, 11, &x);
  pb_message(&graph, 12, &y);
  pb model = onnx_model(8, 13, &graph);
  pb_text(&metadata, 1, "unfurl.scale");
  pb_text(&metadata, 2, "2");
  pb_message(&model, 14, &metadata);
  return model;
}
