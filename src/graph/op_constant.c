/* SPDX-License-Identifier: BSD-2-Clause */
/* Constant and ConstantOfShape. Both are folded by finish, unless the result is very large. */
#include <string.h>

#include "base/status.h"
#include "graph/op.h"
#include "shape/tensor.h"

/* The attribute that holds the value, whichever of its forms was used. */
static const unfurl_attribute *constant_value(const unfurl_node *node) {
  return node->attribute_count == 1 ? &node->attributes[0] : NULL;
}

static unfurl_status infer_constant(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_attribute *a = constant_value(call->node);
  if (!a) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "it has %zu values, not one", call->node->attribute_count);
  if (a->type == UNFURL_ATTRIBUTE_TENSOR) {
    unfurl_tensor_init(call->outputs[0], a->tensor->dtype, a->tensor->rank, a->tensor->dims, NULL);
    return UNFURL_OK;
  }
  const bool is_list = a->type == UNFURL_ATTRIBUTE_INTS || a->type == UNFURL_ATTRIBUTE_FLOATS;
  unfurl_tensor_init(call->outputs[0], a->ints ? UNFURL_I64 : UNFURL_F32, is_list ? 1 : 0,
                     (const int64_t[]){(int64_t)a->count}, NULL);
  return UNFURL_OK;
}

static unfurl_status run_constant(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_attribute *a = constant_value(call->node);
  const unfurl_tensor *out = call->outputs[0];
  const void *from = a->tensor ? a->tensor->data : a->ints ? (const void *)a->ints : a->floats;
  const size_t bytes = unfurl_tensor_count(out) * unfurl_dtype_size(out->dtype);
  if (bytes) memcpy(out->data, from, bytes);
  return UNFURL_OK;
}

static const unfurl_attribute_spec CONSTANT_ATTRIBUTES[] = {
    {"value", UNFURL_ATTRIBUTE_TENSOR},        {"value_int", UNFURL_ATTRIBUTE_INT},
    {"value_ints", UNFURL_ATTRIBUTE_INTS},     {"value_float", UNFURL_ATTRIBUTE_FLOAT},
    {"value_floats", UNFURL_ATTRIBUTE_FLOATS}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_constant = {
    .type = "Constant",
    .max_outputs = 1,
    .attributes = CONSTANT_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer_constant,
    .run = run_constant,
};

/* The one element that the result is filled with. */
static const unfurl_tensor *fill_value(const unfurl_node *node) {
  static const float zero = 0;
  static const unfurl_tensor nothing = {.size = sizeof nothing, .dtype = UNFURL_F32, .data = (void *)(size_t)&zero};
  const unfurl_attribute *value = unfurl_node_attribute(node, "value");
  return value ? value->tensor : &nothing;
}

static unfurl_status infer_of_shape(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *shape = call->inputs[0], *value = fill_value(call->node);
  const unfurl_status status = unfurl_call_check_known(call, 0, error);
  if (status) return status;
  if (shape->dtype != UNFURL_I64 || shape->rank != 1 || shape->dims[0] > UNFURL_MAX_RANK)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the shape is not a list of at most %d i64", UNFURL_MAX_RANK);
  if (unfurl_tensor_count(value) != 1)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "value does not have one element");
  unfurl_tensor_init(call->outputs[0], value->dtype, (size_t)shape->dims[0], shape->data, NULL);
  return UNFURL_OK;
}

static unfurl_status run_of_shape(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *out = call->outputs[0], *value = fill_value(call->node);
  const size_t element = unfurl_dtype_size(out->dtype), count = unfurl_tensor_count(out);
  for (size_t i = 0; i < count; i++) memcpy((char *)out->data + i * element, value->data, element);
  return UNFURL_OK;
}

static const unfurl_attribute_spec OF_SHAPE_ATTRIBUTES[] = {{"value", UNFURL_ATTRIBUTE_TENSOR},
                                                            {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_constant_of_shape = {
    .type = "ConstantOfShape",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = OF_SHAPE_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer_of_shape,
    .run = run_of_shape,
};
