/* SPDX-License-Identifier: BSD-2-Clause */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

net net_begin(const unfurl_context *context, const unfurl_model_options *options) {
  net n = {0};
  n.status = unfurl_model_create(context, options, &n.model, &n.error);
  return n;
}

void net_typed_input(net *n, const char *name, unfurl_dtype dtype, size_t rank, const int64_t *dims) {
  if (!n->status) n->status = unfurl_model_add_input(n->model, name, dtype, rank, dims, &n->error);
}

void net_input(net *n, const char *name, size_t rank, const int64_t *dims) {
  net_typed_input(n, name, UNFURL_F32, rank, dims);
}

static void add_constant(net *n, const char *name, const unfurl_tensor *tensor) {
  if (!n->status) n->status = unfurl_model_add_constant(n->model, name, tensor, &n->error);
}

/* The library reads through a tensor's pointer only, which is not const because outputs have the same type. */
static void *without_const(const void *data) {
  return (void *)(uintptr_t)data;
}

void net_constant(net *n, const char *name, size_t rank, const int64_t *dims, const float *data) {
  unfurl_tensor tensor;
  unfurl_tensor_init(&tensor, UNFURL_F32, rank, dims, without_const(data));
  add_constant(n, name, &tensor);
}

void net_integers(net *n, const char *name, size_t count, const int64_t *data) {
  unfurl_tensor tensor;
  unfurl_tensor_init(&tensor, UNFURL_I64, 1, (const int64_t[]){(int64_t)count}, without_const(data));
  add_constant(n, name, &tensor);
}

static void add_filled(net *n, const char *name, size_t rank, const int64_t *dims, uint64_t seed,
                       void (*fill)(float *, size_t, uint64_t)) {
  size_t count = 1;
  for (size_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  float *data = malloc(count * sizeof *data);
  if (!data) abort();
  fill(data, count, seed);
  net_constant(n, name, rank, dims, data);
  free(data);
}

void net_weights(net *n, const char *name, size_t rank, const int64_t *dims, uint64_t seed) {
  add_filled(n, name, rank, dims, seed, fill_small);
}

void net_real_weights(net *n, const char *name, size_t rank, const int64_t *dims, uint64_t seed) {
  add_filled(n, name, rank, dims, seed, fill_real);
}

bool net_same_output(const unfurl_session *a, const unfurl_session *b, size_t index) {
  const unfurl_tensor *x = unfurl_session_output(a, index), *y = unfurl_session_output(b, index);
  size_t bytes = 0;
  if (x->dtype != y->dtype || x->rank != y->rank || memcmp(x->dims, y->dims, x->rank * sizeof *x->dims) != 0)
    return false;
  return unfurl_tensor_bytes(x, &bytes, NULL) == UNFURL_OK && memcmp(x->data, y->data, bytes) == 0;
}

enum { MOST_NAMES = 16, NAMES_SIZE = 512 };

typedef struct name_list {
  char text[NAMES_SIZE];
  const char *names[MOST_NAMES];
  size_t count;
} name_list;

static void split(name_list *list, const char *text) {
  snprintf(list->text, sizeof list->text, "%s", text);
  list->count = 0;
  char *rest = NULL;
  for (char *name = strtok_r(list->text, " ", &rest); name && list->count < MOST_NAMES;
       name = strtok_r(NULL, " ", &rest))
    list->names[list->count++] = strcmp(name, "-") ? name : "";
}

void net_node_with(net *n, const char *op, const char *inputs, const char *outputs, size_t count,
                   const unfurl_attribute *attributes) {
  name_list in, out;
  char name[NAMES_SIZE + 32];
  unfurl_node_desc node;
  if (n->status) return;
  split(&in, inputs);
  split(&out, outputs);
  snprintf(name, sizeof name, "%s of %s", op, out.count ? out.names[0] : "nothing");
  unfurl_node_desc_init(&node, op);
  node.name = name;
  node.inputs = in.names, node.input_count = in.count;
  node.outputs = out.names, node.output_count = out.count;
  node.attributes = attributes, node.attribute_count = count;
  n->status = unfurl_model_add_node(n->model, &node, &n->error);
}

void net_node(net *n, const char *op, const char *inputs, const char *outputs) {
  net_node_with(n, op, inputs, outputs, 0, NULL);
}

void net_output(net *n, const char *name) {
  if (!n->status) n->status = unfurl_model_add_output(n->model, name, &n->error);
}

void net_finish(net *n) {
  if (!n->status) n->status = unfurl_model_finish(n->model, &n->error);
}

unfurl_attribute attribute_int(const char *name, const int64_t *value) {
  unfurl_attribute a;
  unfurl_attribute_init(&a, name, UNFURL_ATTRIBUTE_INT);
  a.ints = value, a.count = 1;
  return a;
}

unfurl_attribute attribute_float(const char *name, const float *value) {
  unfurl_attribute a;
  unfurl_attribute_init(&a, name, UNFURL_ATTRIBUTE_FLOAT);
  a.floats = value, a.count = 1;
  return a;
}

unfurl_attribute attribute_string(const char *name, const char *value) {
  unfurl_attribute a;
  unfurl_attribute_init(&a, name, UNFURL_ATTRIBUTE_STRING);
  a.string = value, a.count = 1;
  return a;
}

unfurl_attribute attribute_ints(const char *name, size_t count, const int64_t *values) {
  unfurl_attribute a;
  unfurl_attribute_init(&a, name, UNFURL_ATTRIBUTE_INTS);
  a.ints = values, a.count = count;
  return a;
}
