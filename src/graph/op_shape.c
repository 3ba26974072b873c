/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators that change the shape and leave the elements alone, and those that do nothing when a network is run. */
#include <string.h>

#include "base/status.h"
#include "graph/op.h"
#include "shape/tensor.h"

static unfurl_status infer_identity(unfurl_op_call *call, unfurl_error *error) {
  return unfurl_infer_same(call, error);
}

const unfurl_op unfurl_op_identity = {
    .type = "Identity",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .is_alias = true,
    .infer = infer_identity,
};

static unfurl_status infer_dropout(unfurl_op_call *call, unfurl_error *error) {
  if (unfurl_call_has_input(call, 2)) { /* training_mode */
    const unfurl_tensor *mode = call->inputs[2];
    const unfurl_status status = unfurl_call_check_known(call, 2, error);
    if (status) return status;
    if (mode->dtype != UNFURL_BOOL || unfurl_tensor_count(mode) != 1)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "training_mode is not one bool");
    if (*(const unsigned char *)mode->data)
      return unfurl_fail(error, UNFURL_UNSUPPORTED, "training_mode is true; networks are only run here");
  }
  if (unfurl_call_has_output(call, 1)) {
    const unfurl_tensor *in = call->inputs[0];
    unfurl_tensor_init(call->outputs[1], UNFURL_BOOL, in->rank, in->dims, NULL);
  }
  return unfurl_infer_same(call, error);
}

/* The mask keeps everything. */
static unfurl_status run_dropout(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *in = call->inputs[0];
  const size_t count = unfurl_tensor_count(in);
  if (count) memcpy(call->outputs[0]->data, in->data, count * unfurl_dtype_size(in->dtype));
  if (unfurl_call_has_output(call, 1)) memset(call->outputs[1]->data, 1, count);
  return UNFURL_OK;
}

static const unfurl_attribute_spec DROPOUT_ATTRIBUTES[] = {
    {"ratio", UNFURL_ATTRIBUTE_FLOAT}, {"seed", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_dropout = {
    .type = "Dropout",
    .min_inputs = 1,
    .max_inputs = 3,
    .max_outputs = 2,
    .attributes = DROPOUT_ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .infer = infer_dropout,
    .run = run_dropout,
};

static unfurl_status infer_flatten(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *in = call->inputs[0];
  size_t axis, parts[2] = {1, 1};
  const unfurl_status status =
      unfurl_axis_resolve(unfurl_node_int(call->node, "axis", 1), in->rank, true, &axis, error);
  if (status) return status;
  for (size_t i = 0; i < in->rank; i++) parts[i < axis ? 0 : 1] *= (size_t)in->dims[i];
  unfurl_tensor_init(call->outputs[0], in->dtype, 2, (const int64_t[]){(int64_t)parts[0], (int64_t)parts[1]}, NULL);
  return UNFURL_OK;
}

static const unfurl_attribute_spec FLATTEN_ATTRIBUTES[] = {{"axis", UNFURL_ATTRIBUTE_INT},
                                                           {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_flatten = {
    .type = "Flatten",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = FLATTEN_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .is_alias = true,
    .infer = infer_flatten,
};

/* dims[i] = 0 copies the input's dimension (unless allowzero), one -1 is what the others leave. */
static unfurl_status resolve_dims(const unfurl_op_call *call, int64_t *dims, size_t rank, unfurl_error *error) {
  const unfurl_tensor *in = call->inputs[0];
  const bool allow_zero = unfurl_node_int(call->node, "allowzero", 0) != 0;
  size_t free_dim = SIZE_MAX, product = 1;
  for (size_t i = 0; i < rank; i++) {
    if (dims[i] == 0 && !allow_zero && i < in->rank) dims[i] = in->dims[i];
    if (dims[i] == -1 && free_dim == SIZE_MAX)
      free_dim = i;
    else if (dims[i] < 0 || !unfurl_size_mul(&product, (size_t)dims[i]))
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "dimension %zu of the new shape is %lld", i,
                         (long long)dims[i]);
  }
  const size_t count = unfurl_tensor_count(in);
  if (free_dim != SIZE_MAX && product && count % product == 0) {
    dims[free_dim] = (int64_t)(count / product);
    return UNFURL_OK;
  }
  if (free_dim == SIZE_MAX && product == count) return UNFURL_OK;
  return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "%zu elements do not fit into the new shape", count);
}

static unfurl_status infer_reshape(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *shape = call->inputs[1];
  unfurl_status status = unfurl_call_check_known(call, 1, error);
  if (status) return status;
  if (shape->dtype != UNFURL_I64 || shape->rank != 1 || shape->dims[0] > UNFURL_MAX_RANK)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the new shape is not a list of at most %d i64",
                       UNFURL_MAX_RANK);
  int64_t dims[UNFURL_MAX_RANK] = {0};
  const size_t rank = (size_t)shape->dims[0];
  if (rank) memcpy(dims, shape->data, rank * sizeof *dims);
  status = resolve_dims(call, dims, rank, error);
  if (!status) unfurl_tensor_init(call->outputs[0], call->inputs[0]->dtype, rank, dims, NULL);
  return status;
}

static const unfurl_attribute_spec RESHAPE_ATTRIBUTES[] = {{"allowzero", UNFURL_ATTRIBUTE_INT},
                                                           {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_reshape = {
    .type = "Reshape",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .attributes = RESHAPE_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .is_alias = true,
    .infer = infer_reshape,
};

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
