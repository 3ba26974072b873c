/* SPDX-License-Identifier: BSD-2-Clause */
/* Building a model. Every array grows by doubling inside the model's region: what is left behind is at most as much
 * again, and nothing has to be freed one by one. */
#include "unfurl/model.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "graph/attributes.h"
#include "graph/op.h"
#include "graph/weights_cache.h"
#include "shape/tensor.h"

enum { OPSET_FIRST = 1, OPSET_LAST = 23, OPSET_DEFAULT = 13 };

void unfurl_model_options_init(unfurl_model_options *options) {
  *options = (unfurl_model_options){.size = sizeof *options, .opset = OPSET_DEFAULT, .fold_limit = (size_t)1 << 30};
}

void unfurl_node_desc_init(unfurl_node_desc *node, const char *op_type) {
  *node = (unfurl_node_desc){.size = sizeof *node, .op_type = op_type, .name = ""};
}

unfurl_status unfurl_model_create(const unfurl_context *context, const unfurl_model_options *given,
                                  unfurl_model **model, unfurl_error *error) {
  if (model) *model = NULL;
  if (!context || !model) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  unfurl_model_options options;
  unfurl_model_options_init(&options);
  if (given && !unfurl_struct_read(&options, sizeof options, given, sizeof options))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the options were not initialised");
  if (options.opset < OPSET_FIRST || options.opset > OPSET_LAST)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "opset %lld is not supported, only %d to %d",
                       (long long)options.opset, OPSET_FIRST, OPSET_LAST);
  unfurl_model *made = unfurl_alloc_zeroed(context, sizeof *made);
  if (!made) return unfurl_fail_memory(error, "a model");
  made->context = context;
  made->options = options;
  unfurl_region_init(&made->region, context);
  unfurl_names_init(&made->names, context);
  unfurl_names_init(&made->metadata_keys, context);
  made->cache = unfurl_weights_cache_create(context);
  if (!made->cache) {
    unfurl_model_destroy(&made);
    return unfurl_fail_memory(error, "a model");
  }
  *model = made;
  return unfurl_succeed(error);
}

void unfurl_model_destroy(unfurl_model **model) {
  if (!model || !*model) return;
  for (size_t v = 0; v < (*model)->value_count; v++) {
    unfurl_value *value = &(*model)->values[v];
    if (value->owned_bytes) unfurl_context_free((*model)->context, value->tensor.data, value->owned_bytes);
  }
  unfurl_weights_cache_destroy((*model)->cache);
  unfurl_names_clear(&(*model)->names);
  unfurl_names_clear(&(*model)->metadata_keys);
  unfurl_region_clear(&(*model)->region);
  unfurl_context_free((*model)->context, *model, sizeof **model);
  *model = NULL;
}

/* Makes room for one more element of `size` bytes. */
static bool reserve(unfurl_model *model, void *array, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return true;
  const size_t wider = *capacity ? 2 * *capacity : 16;
  void *old, *grown = unfurl_region_alloc_zeroed(&model->region, unfurl_size_product(2, (const size_t[]){wider, size}));
  if (!grown) return false;
  memcpy(&old, array, sizeof old);
  if (count) memcpy(grown, old, count * size);
  memcpy(array, &grown, sizeof grown);
  *capacity = wider;
  return true;
}

size_t unfurl_model_add_value(unfurl_model *model, const char *name) {
  if (!reserve(model, &model->values, model->value_count, &model->value_capacity, sizeof *model->values))
    return UNFURL_NO_VALUE;
  model->values[model->value_count] = (unfurl_value){.name = name};
  return model->value_count++;
}

size_t unfurl_model_value(unfurl_model *model, const char *name) {
  const size_t found = unfurl_names_find(&model->names, name);
  if (found != SIZE_MAX) return found;
  const char *copy = unfurl_region_strdup(&model->region, name);
  if (!copy || !unfurl_names_add(&model->names, copy, model->value_count)) return UNFURL_NO_VALUE;
  return unfurl_model_add_value(model, copy);
}

bool unfurl_model_set_constant(unfurl_model *model, size_t index, const unfurl_tensor *tensor) {
  static char nothing[UNFURL_ALIGN]; /* what a tensor without elements points to */
  const size_t bytes = unfurl_tensor_count(tensor) * unfurl_dtype_size(tensor->dtype);
  void *data = bytes ? unfurl_context_alloc(model->context, bytes) : nothing;
  if (!data) return false;
  if (bytes) memcpy(data, tensor->data, bytes);
  unfurl_value *value = &model->values[index];
  value->kind = UNFURL_VALUE_CONSTANT;
  value->tensor = *tensor;
  value->tensor.data = data;
  value->owned_bytes = bytes;
  return true;
}

bool unfurl_region_copy_tensor(unfurl_region *region, unfurl_tensor *copy, const unfurl_tensor *tensor) {
  const size_t bytes = unfurl_tensor_count(tensor) * unfurl_dtype_size(tensor->dtype);
  *copy = *tensor;
  copy->data = unfurl_region_alloc(region, bytes);
  if (!copy->data) return false;
  if (bytes) memcpy(copy->data, tensor->data, bytes);
  return true;
}

/* What every add begins with. */
static unfurl_status check_open(const unfurl_model *model, unfurl_error *error) {
  if (!model) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "model is NULL");
  if (model->finished || model->failed)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT,
                       model->finished ? "the model is finished already" : "an earlier call for this model failed");
  return UNFURL_OK;
}

/* What every add ends with. */
static unfurl_status closing(unfurl_model *model, unfurl_status status, unfurl_error *error) {
  if (status == UNFURL_OK) return unfurl_succeed(error);
  model->failed = true;
  return status;
}

/* The value of a name that is about to be defined. */
static unfurl_status define_value(unfurl_model *model, const char *name, unfurl_value_kind kind, size_t *index,
                                  unfurl_error *error) {
  if (!name || !*name) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a value has no name");
  *index = unfurl_model_value(model, name);
  if (*index == UNFURL_NO_VALUE) return unfurl_fail_memory(error, "the model");
  if (model->values[*index].kind != UNFURL_VALUE_UNDEFINED)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "\"%s\" is defined twice", name);
  model->values[*index].kind = kind;
  return UNFURL_OK;
}

static unfurl_status add_input(unfurl_model *model, const char *name, const unfurl_tensor *shape, unfurl_error *error) {
  size_t index = 0, bytes;
  unfurl_status status = define_value(model, name, UNFURL_VALUE_INPUT, &index, error);
  if (status) return status;
  unfurl_tensor fixed = *shape;
  for (size_t i = 0; i < shape->rank && i < UNFURL_MAX_RANK; i++)
    if (fixed.dims[i] == -1) fixed.dims[i] = 1;
  status = unfurl_tensor_bytes(&fixed, &bytes, error);
  if (status) return unfurl_fail_in(error, status, name);
  model->values[index].tensor = *shape;
  if (!reserve(model, &model->inputs, model->input_count, &model->input_capacity, sizeof *model->inputs))
    return unfurl_fail_memory(error, "the model");
  model->inputs[model->input_count++] = index;
  return UNFURL_OK;
}

unfurl_status unfurl_model_add_input(unfurl_model *model, const char *name, unfurl_dtype dtype, size_t rank,
                                     const int64_t *dims, unfurl_error *error) {
  const unfurl_status status = check_open(model, error);
  if (status) return status;
  if (rank && !dims) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "dims is NULL");
  unfurl_tensor shape;
  unfurl_tensor_init(&shape, dtype, rank, dims, NULL);
  return closing(model, add_input(model, name, &shape, error), error);
}

static unfurl_status add_constant(unfurl_model *model, const char *name, const unfurl_tensor *tensor,
                                  unfurl_error *error) {
  size_t index = 0, bytes;
  unfurl_status status = unfurl_tensor_bytes(tensor, &bytes, error);
  if (status) return unfurl_fail_in(error, status, name && *name ? name : "a constant");
  if (tensor->layout != UNFURL_NCHW || (bytes && !tensor->data))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "constant \"%s\" is not NCHW, or has no data", name);
  status = define_value(model, name, UNFURL_VALUE_CONSTANT, &index, error);
  if (status) return status;
  return unfurl_model_set_constant(model, index, tensor) ? UNFURL_OK : unfurl_fail_memory(error, "a constant");
}

unfurl_status unfurl_model_add_constant(unfurl_model *model, const char *name, const unfurl_tensor *tensor,
                                        unfurl_error *error) {
  const unfurl_status status = check_open(model, error);
  if (status) return status;
  if (!tensor) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "tensor is NULL");
  return closing(model, add_constant(model, name, tensor, error), error);
}

static unfurl_status check_counts(const unfurl_node_desc *desc, const unfurl_op *op, unfurl_error *error) {
  size_t given = desc->input_count;
  while (given > 0 && !*desc->inputs[given - 1]) given--; /* left out at the end */
  if (given < op->min_inputs || given > op->max_inputs)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "has %zu inputs, between %zu and %zu are expected", given,
                       op->min_inputs, op->max_inputs);
  for (size_t i = 0; i < op->min_inputs; i++)
    if (!*desc->inputs[i]) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input %zu is left out", i);
  if (desc->output_count < 1 || desc->output_count > op->max_outputs || !*desc->outputs[0])
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "has %zu outputs, between 1 and %zu are implemented",
                       desc->output_count, op->max_outputs);
  return UNFURL_OK;
}

/* The values of a list of names; they are defined here if `producer` is not UNFURL_NO_VALUE. */
static unfurl_status link_values(unfurl_model *model, const char *const *names, size_t count, size_t producer,
                                 size_t **linked, unfurl_error *error) {
  size_t *values = unfurl_region_alloc(&model->region, unfurl_size_product(2, (const size_t[]){count, sizeof *values}));
  if (!values) return unfurl_fail_memory(error, "the model");
  for (size_t i = 0; i < count; i++) {
    values[i] = UNFURL_NO_VALUE;
    if (!*names[i]) continue;
    if (producer != UNFURL_NO_VALUE) {
      const unfurl_status status = define_value(model, names[i], UNFURL_VALUE_COMPUTED, &values[i], error);
      if (status) return status;
      model->values[values[i]].producer = producer;
    } else {
      values[i] = unfurl_model_value(model, names[i]);
      if (values[i] == UNFURL_NO_VALUE) return unfurl_fail_memory(error, "the model");
    }
  }
  *linked = values;
  return UNFURL_OK;
}

static unfurl_status add_node(unfurl_model *model, const unfurl_node_desc *desc, unfurl_error *error) {
  unfurl_node node = {.op = unfurl_op_find(desc->op_type),
                      .input_count = desc->input_count,
                      .output_count = desc->output_count,
                      .attribute_count = desc->attribute_count};
  if (!node.op) return unfurl_fail(error, UNFURL_UNSUPPORTED, "this operator is not implemented");
  unfurl_status status = check_counts(desc, node.op, error);
  if (!status) status = unfurl_attributes_check(desc, node.op, error);
  if (!status) status = unfurl_attributes_copy(&model->region, desc, &node.attributes, error);
  if (!status) status = link_values(model, desc->inputs, desc->input_count, UNFURL_NO_VALUE, &node.inputs, error);
  if (!status) status = link_values(model, desc->outputs, desc->output_count, model->node_count, &node.outputs, error);
  if (status) return status;
  node.name = unfurl_region_strdup(&model->region, desc->name ? desc->name : "");
  if (!node.name || !reserve(model, &model->nodes, model->node_count, &model->node_capacity, sizeof node))
    return unfurl_fail_memory(error, "the model");
  model->nodes[model->node_count++] = node;
  return UNFURL_OK;
}

static bool has_null(const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!names || !names[i]) return true;
  return false;
}

unfurl_status unfurl_model_add_node(unfurl_model *model, const unfurl_node_desc *given, unfurl_error *error) {
  unfurl_status status = check_open(model, error);
  if (status) return status;
  unfurl_node_desc desc;
  unfurl_node_desc_init(&desc, "");
  if (!given || !unfurl_struct_read(&desc, sizeof desc, given, sizeof desc) || !desc.op_type ||
      has_null(desc.inputs, desc.input_count) || has_null(desc.outputs, desc.output_count))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the node is NULL, was not initialised, or has a NULL name");
  status = add_node(model, &desc, error);
  if (status) {
    const char *name = desc.name && *desc.name ? desc.name : desc.output_count ? desc.outputs[0] : "";
    char label[160];
    snprintf(label, sizeof label, "node \"%.80s\" (%.60s)", name, desc.op_type);
    unfurl_fail_in(error, status, label);
  }
  return closing(model, status, error);
}

void unfurl_node_label(const unfurl_model *model, const unfurl_node *node, char *buffer, size_t size) {
  const char *name = *node->name ? node->name : model->values[node->outputs[0]].name;
  snprintf(buffer, size, "node \"%.80s\" (%s)", name, node->op->type);
}

unfurl_status unfurl_model_add_output(unfurl_model *model, const char *name, unfurl_error *error) {
  const unfurl_status status = check_open(model, error);
  if (status) return status;
  if (!name || !*name) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "an output has no name");
  const size_t value = unfurl_model_value(model, name);
  if (value == UNFURL_NO_VALUE ||
      !reserve(model, &model->outputs, model->output_count, &model->output_capacity, sizeof *model->outputs))
    return closing(model, unfurl_fail_memory(error, "the model"), error);
  model->outputs[model->output_count++] = value;
  return unfurl_succeed(error);
}

/* Where the value of a key is kept; NULL when out of memory. */
static const char **metadata_slot(unfurl_model *model, const char *key) {
  const size_t found = unfurl_names_find(&model->metadata_keys, key);
  if (found != SIZE_MAX) return &model->metadata[found];
  const size_t count = model->metadata_keys.count;
  if (!reserve(model, &model->metadata, count, &model->metadata_capacity, sizeof *model->metadata)) return NULL;
  const char *copy = unfurl_region_strdup(&model->region, key);
  if (!copy || !unfurl_names_add(&model->metadata_keys, copy, count)) return NULL;
  return &model->metadata[count];
}

unfurl_status unfurl_model_set_metadata(unfurl_model *model, const char *key, const char *value, unfurl_error *error) {
  const unfurl_status status = check_open(model, error);
  if (status) return status;
  if (!key || !value) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "key or value is NULL");
  const char *copy = unfurl_region_strdup(&model->region, value), **slot = copy ? metadata_slot(model, key) : NULL;
  if (!slot) return closing(model, unfurl_fail_memory(error, "metadata"), error);
  *slot = copy;
  return unfurl_succeed(error);
}

const char *unfurl_model_metadata(const unfurl_model *model, const char *key) {
  const size_t found = model && key ? unfurl_names_find(&model->metadata_keys, key) : SIZE_MAX;
  return found != SIZE_MAX ? model->metadata[found] : NULL;
}

static unfurl_status finish(unfurl_model *model, unfurl_error *error) {
  unfurl_status status = unfurl_graph_sort(model, error);
  if (!status) status = unfurl_graph_fold_constants(model, error);
  if (status) return status;
  unfurl_graph_drop_unused(model);
  if (!model->options.no_fuse) {
    status = unfurl_graph_fuse(model, error);
    if (status) return status;
    unfurl_graph_drop_unused(model);
  }
  return unfurl_graph_give_weights(model, error);
}

unfurl_status unfurl_model_finish(unfurl_model *model, unfurl_error *error) {
  unfurl_status status = check_open(model, error);
  if (status) return status;
  status = closing(model, finish(model, error), error);
  model->finished = status == UNFURL_OK;
  return status;
}

size_t unfurl_model_input_count(const unfurl_model *model) {
  return model ? model->input_count : 0;
}

size_t unfurl_model_output_count(const unfurl_model *model) {
  return model ? model->output_count : 0;
}

const char *unfurl_model_input_name(const unfurl_model *model, size_t index) {
  return model && index < model->input_count ? model->values[model->inputs[index]].name : NULL;
}

const char *unfurl_model_output_name(const unfurl_model *model, size_t index) {
  return model && index < model->output_count ? model->values[model->outputs[index]].name : NULL;
}

size_t unfurl_model_input_index(const unfurl_model *model, const char *name) {
  for (size_t i = 0; name && i < unfurl_model_input_count(model); i++)
    if (!strcmp(unfurl_model_input_name(model, i), name)) return i;
  return SIZE_MAX;
}

unfurl_status unfurl_model_input_shape(const unfurl_model *model, size_t index, unfurl_tensor *shape,
                                       unfurl_error *error) {
  if (!shape || index >= unfurl_model_input_count(model))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "shape is NULL, or there is no input %zu", index);
  *shape = model->values[model->inputs[index]].tensor;
  return unfurl_succeed(error);
}
