/* SPDX-License-Identifier: BSD-2-Clause */
#include "onnx/graph.h"

#include "onnx/fail.h"
#include "onnx/name_set.h"
#include "onnx/node.h"
#include "onnx/tensor_proto.h"

static const char *text(const char *string) {
  return string ? string : "";
}

static unfurl_status add_initializer(unfurl_onnx_parsed *parsed, UnfurlOnnx__TensorProto *proto, unfurl_model *model,
                                     unfurl_error *error) {
  unfurl_tensor tensor;
  const unfurl_status status = unfurl_onnx_tensor_view(proto, &tensor, error);
  if (status != UNFURL_OK) return unfurl_onnx_fail_in(error, status, "initializer \"%.100s\"", proto->name);
  const unfurl_status added = unfurl_model_add_constant(model, proto->name, &tensor, error);
  unfurl_onnx_parsed_drop(parsed, &proto->raw_data);
  return added;
}

/* Adds the initializers as constants, and their names to `constants`. */
static unfurl_status add_initializers(unfurl_onnx_parsed *parsed, const UnfurlOnnx__GraphProto *graph,
                                      unfurl_onnx_name_set *constants, unfurl_model *model, unfurl_error *error) {
  if (!unfurl_onnx_name_set_init(parsed->context, constants, graph->n_initializer))
    return unfurl_onnx_fail(error, UNFURL_OUT_OF_MEMORY, "out of memory for %zu initializers", graph->n_initializer);
  for (size_t i = 0; i < graph->n_initializer; i++) {
    UnfurlOnnx__TensorProto *proto = graph->initializer[i];
    if (!*text(proto->name)) return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "initializer %zu has no name", i);
    const unfurl_status status = add_initializer(parsed, proto, model, error);
    if (status != UNFURL_OK) return status;
    unfurl_onnx_name_set_add(constants, proto->name);
  }
  unfurl_onnx_name_set_sort(constants);
  return UNFURL_OK;
}

/* What an input that is no tensor would be, for messages. */
static const char *const type_names[] = {
    [UNFURL_ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE] = "sequence",
    [UNFURL_ONNX__TYPE_PROTO__VALUE_MAP_TYPE] = "map",
    [UNFURL_ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE] = "sparse tensor",
    [UNFURL_ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE] = "optional",
};

static unfurl_status refuse_type(const UnfurlOnnx__TypeProto *type, unfurl_error *error) {
  if (!type || type->value_case == UNFURL_ONNX__TYPE_PROTO__VALUE__NOT_SET)
    return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "the type is missing");
  const size_t kind = (size_t)type->value_case, known = sizeof type_names / sizeof *type_names;
  return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "inputs of %s type are not supported",
                          kind < known && type_names[kind] ? type_names[kind] : "unknown");
}

/* Dimensions of an input: a value, or -1 for a name or nothing. */
static unfurl_status read_dims(const UnfurlOnnx__TensorShapeProto *shape, int64_t *dims, unfurl_error *error) {
  if (!shape) return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "inputs without a shape are not supported");
  if (shape->n_dim > UNFURL_MAX_RANK)
    return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "%zu dimensions; at most %d are supported", shape->n_dim,
                            UNFURL_MAX_RANK);
  for (size_t i = 0; i < shape->n_dim; i++) {
    const UnfurlOnnx__TensorShapeProto__Dimension *dim = shape->dim[i];
    dims[i] = -1;
    if (dim->value_case != UNFURL_ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) continue;
    if (dim->dim_value < 0)
      return unfurl_onnx_fail(error, UNFURL_INVALID_ARGUMENT, "dimension %zu is %lld", i, (long long)dim->dim_value);
    dims[i] = dim->dim_value;
  }
  return UNFURL_OK;
}

/* Dtype and shape of an input; `shape` has no data. */
static unfurl_status read_input(const UnfurlOnnx__TypeProto *type, unfurl_tensor *shape, unfurl_error *error) {
  if (!type || type->value_case != UNFURL_ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) return refuse_type(type, error);
  const UnfurlOnnx__TypeProto__Tensor *tensor = type->tensor_type;
  unfurl_dtype dtype = UNFURL_F32;
  int64_t dims[UNFURL_MAX_RANK] = {0};
  unfurl_status status = unfurl_onnx_dtype(tensor->elem_type, &dtype, error);
  if (status == UNFURL_OK) status = read_dims(tensor->shape, dims, error);
  if (status == UNFURL_OK) unfurl_tensor_init(shape, dtype, tensor->shape->n_dim, dims, NULL);
  return status;
}

static unfurl_status add_inputs(const UnfurlOnnx__GraphProto *graph, const unfurl_onnx_name_set *constants,
                                unfurl_model *model, unfurl_error *error) {
  for (size_t i = 0; i < graph->n_input; i++) {
    const UnfurlOnnx__ValueInfoProto *value = graph->input[i];
    unfurl_tensor shape;
    if (!*text(value->name)) return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "input %zu has no name", i);
    if (unfurl_onnx_name_set_has(constants, value->name)) continue;
    unfurl_status status = read_input(value->type, &shape, error);
    if (status != UNFURL_OK) return unfurl_onnx_fail_in(error, status, "input \"%.100s\"", value->name);
    status = unfurl_model_add_input(model, value->name, shape.dtype, shape.rank, shape.dims, error);
    if (status != UNFURL_OK) return status;
  }
  return UNFURL_OK;
}

static unfurl_status add_outputs(const UnfurlOnnx__GraphProto *graph, unfurl_model *model, unfurl_error *error) {
  for (size_t i = 0; i < graph->n_output; i++) {
    const char *name = graph->output[i]->name;
    if (!*text(name)) return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "output %zu has no name", i);
    const unfurl_status status = unfurl_model_add_output(model, name, error);
    if (status != UNFURL_OK) return status;
  }
  return UNFURL_OK;
}

static unfurl_status refuse_sparse(const UnfurlOnnx__SparseTensorProto *sparse, unfurl_error *error) {
  const char *name = sparse->values ? text(sparse->values->name) : "";
  return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "initializer \"%.100s\": sparse tensors are not supported", name);
}

unfurl_status unfurl_onnx_graph_add(unfurl_onnx_parsed *parsed, const UnfurlOnnx__GraphProto *graph,
                                    unfurl_model *model, unfurl_error *error) {
  if (graph->n_sparse_initializer > 0) return refuse_sparse(graph->sparse_initializer[0], error);
  unfurl_onnx_name_set constants = {0};
  unfurl_status status = add_initializers(parsed, graph, &constants, model, error);
  if (status == UNFURL_OK) status = add_inputs(graph, &constants, model, error);
  unfurl_onnx_name_set_clear(parsed->context, &constants);
  for (size_t i = 0; i < graph->n_node && status == UNFURL_OK; i++)
    status = unfurl_onnx_node_add(parsed->context, graph->node[i], i, model, error);
  if (status == UNFURL_OK) status = add_outputs(graph, model, error);
  return status;
}
