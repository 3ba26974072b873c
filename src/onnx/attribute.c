/* SPDX-License-Identifier: BSD-2-Clause */
#include "onnx/attribute.h"

#include <stdbool.h>
#include <string.h>

#include "onnx/fail.h"
#include "onnx/tensor_proto.h"

#define KIND(name) UNFURL_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##name

static const char *const kind_names[] = {
    [KIND(FLOAT)] = "FLOAT",
    [KIND(INT)] = "INT",
    [KIND(STRING)] = "STRING",
    [KIND(TENSOR)] = "TENSOR",
    [KIND(GRAPH)] = "GRAPH",
    [KIND(SPARSE_TENSOR)] = "SPARSE_TENSOR",
    [KIND(TYPE_PROTO)] = "TYPE_PROTO",
    [KIND(FLOATS)] = "FLOATS",
    [KIND(INTS)] = "INTS",
    [KIND(STRINGS)] = "STRINGS",
    [KIND(TENSORS)] = "TENSORS",
    [KIND(GRAPHS)] = "GRAPHS",
    [KIND(SPARSE_TENSORS)] = "SPARSE_TENSORS",
    [KIND(TYPE_PROTOS)] = "TYPE_PROTOS",
};

static const char *name_of(const UnfurlOnnx__AttributeProto *proto) {
  return proto->name ? proto->name : "";
}

/* The kind of an attribute that does not say it: that of its only value; UNDEFINED if it has none, or several. */
static int infer_kind(const UnfurlOnnx__AttributeProto *proto) {
  const struct {
    bool given;
    int kind;
  } values[] = {
      {proto->has_f, KIND(FLOAT)},           {proto->has_i, KIND(INT)},
      {proto->has_s, KIND(STRING)},          {proto->t != NULL, KIND(TENSOR)},
      {proto->g != NULL, KIND(GRAPH)},       {proto->n_floats > 0, KIND(FLOATS)},
      {proto->n_ints > 0, KIND(INTS)},       {proto->n_strings > 0, KIND(STRINGS)},
      {proto->n_tensors > 0, KIND(TENSORS)}, {proto->n_graphs > 0, KIND(GRAPHS)},
  };
  int found = KIND(UNDEFINED);
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    if (!values[i].given) continue;
    if (found != KIND(UNDEFINED)) return KIND(UNDEFINED);
    found = values[i].kind;
  }
  return found;
}

static unfurl_status refuse_kind(int kind, unfurl_error *error) {
  const int known = (int)(sizeof kind_names / sizeof *kind_names);
  if (kind == KIND(UNDEFINED)) return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "it has no type, and not one value");
  if (kind < 0 || kind >= known) return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "kind %d is not supported", kind);
  return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "kind %s is not supported", kind_names[kind]);
}

/* Copies a string to `text` and ends it; returns the text after it, or NULL if a NUL is inside. */
static char *copy_string(const ProtobufCBinaryData *bytes, char *text) {
  if (bytes->len > 0) {
    if (memchr(bytes->data, 0, bytes->len)) return NULL;
    memcpy(text, bytes->data, bytes->len);
  }
  text[bytes->len] = '\0';
  return text + bytes->len + 1;
}

/* Numbers and lists. An INT or FLOAT without its value is 0: proto3 writers leave zeros out. */
static void set_numbers(unfurl_attribute *item, const UnfurlOnnx__AttributeProto *proto) {
  const bool one = item->type == UNFURL_ATTRIBUTE_INT || item->type == UNFURL_ATTRIBUTE_FLOAT;
  if (item->type == UNFURL_ATTRIBUTE_INT || item->type == UNFURL_ATTRIBUTE_INTS) {
    item->ints = one ? &proto->i : proto->ints;
    item->count = one ? 1 : proto->n_ints;
  } else if (item->type == UNFURL_ATTRIBUTE_FLOAT || item->type == UNFURL_ATTRIBUTE_FLOATS) {
    item->floats = one ? &proto->f : proto->floats;
    item->count = one ? 1 : proto->n_floats;
  }
}

static unfurl_status set_tensor(unfurl_attribute *item, const UnfurlOnnx__AttributeProto *proto, unfurl_tensor *tensor,
                                unfurl_error *error) {
  if (!proto->t) return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "its tensor is missing");
  item->tensor = tensor;
  return unfurl_onnx_tensor_view(proto->t, tensor, error);
}

static unfurl_status map_kind(int kind, unfurl_attribute_type *type, unfurl_error *error) {
  static const struct {
    int kind;
    unfurl_attribute_type type;
  } supported[] = {
      {KIND(INT), UNFURL_ATTRIBUTE_INT},       {KIND(INTS), UNFURL_ATTRIBUTE_INTS},
      {KIND(FLOAT), UNFURL_ATTRIBUTE_FLOAT},   {KIND(FLOATS), UNFURL_ATTRIBUTE_FLOATS},
      {KIND(STRING), UNFURL_ATTRIBUTE_STRING}, {KIND(TENSOR), UNFURL_ATTRIBUTE_TENSOR},
  };
  for (size_t i = 0; i < sizeof supported / sizeof *supported; i++) {
    if (supported[i].kind != kind) continue;
    *type = supported[i].type;
    return UNFURL_OK;
  }
  return refuse_kind(kind, error);
}

/* Fills one item; moves `text` on behind what it used. */
static unfurl_status read_one(const UnfurlOnnx__AttributeProto *proto, unfurl_attribute *item, unfurl_tensor *tensor,
                              char **text, unfurl_error *error) {
  if (proto->ref_attr_name && *proto->ref_attr_name)
    return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "references to a function's attributes are not supported");
  const int kind = proto->has_type && proto->type ? (int)proto->type : infer_kind(proto);
  unfurl_attribute_type type = UNFURL_ATTRIBUTE_INT;
  const unfurl_status status = map_kind(kind, &type, error);
  if (status != UNFURL_OK) return status;

  unfurl_attribute_init(item, proto->name, type);
  if (type == UNFURL_ATTRIBUTE_TENSOR) return set_tensor(item, proto, tensor, error);
  if (type == UNFURL_ATTRIBUTE_STRING) {
    item->string = *text;
    *text = copy_string(&proto->s, *text);
    if (!*text) return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "a string with a NUL in it");
  }
  set_numbers(item, proto);
  return UNFURL_OK;
}

/* Room for `count` items and their strings. */
static bool reserve(const unfurl_context *context, const UnfurlOnnx__NodeProto *node,
                    unfurl_onnx_attributes *attributes) {
  const size_t count = node->n_attribute;
  size_t item_bytes, tensor_bytes;
  if (__builtin_mul_overflow(count, sizeof *attributes->items, &item_bytes)) return false;
  if (__builtin_mul_overflow(count, sizeof *attributes->tensors, &tensor_bytes)) return false;
  size_t text_size = count;
  for (size_t i = 0; i < count; i++)
    if (__builtin_add_overflow(text_size, node->attribute[i]->s.len, &text_size)) return false;
  attributes->count = count;
  attributes->text_size = text_size;
  attributes->items = unfurl_context_alloc(context, item_bytes);
  attributes->tensors = unfurl_context_alloc(context, tensor_bytes);
  attributes->text = unfurl_context_alloc(context, text_size);
  return attributes->items && attributes->tensors && attributes->text;
}

unfurl_status unfurl_onnx_attributes_read(const unfurl_context *context, const UnfurlOnnx__NodeProto *node,
                                          unfurl_onnx_attributes *attributes, unfurl_error *error) {
  *attributes = (unfurl_onnx_attributes){0};
  if (node->n_attribute == 0) return UNFURL_OK;
  if (!reserve(context, node, attributes))
    return unfurl_onnx_fail(error, UNFURL_OUT_OF_MEMORY, "out of memory for %zu attributes", node->n_attribute);
  char *text = attributes->text;
  for (size_t i = 0; i < node->n_attribute; i++) {
    const UnfurlOnnx__AttributeProto *proto = node->attribute[i];
    if (!*name_of(proto)) return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "attribute %zu has no name", i);
    const unfurl_status status = read_one(proto, &attributes->items[i], &attributes->tensors[i], &text, error);
    if (status != UNFURL_OK) return unfurl_onnx_fail_in(error, status, "attribute \"%.100s\"", proto->name);
  }
  return UNFURL_OK;
}

void unfurl_onnx_attributes_clear(const unfurl_context *context, unfurl_onnx_attributes *attributes) {
  unfurl_context_free(context, attributes->text, attributes->text_size);
  unfurl_context_free(context, attributes->tensors, attributes->count * sizeof *attributes->tensors);
  unfurl_context_free(context, attributes->items, attributes->count * sizeof *attributes->items);
  *attributes = (unfurl_onnx_attributes){0};
}
