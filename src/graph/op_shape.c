/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators that change the shape and leave the elements alone, those that do nothing when a network is run, Shape and
 * Size. */
#include <string.h>

#include "base/status.h"
#include "graph/axes.h"
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
static unfurl_status resolve_dims(const unfurl_tensor *in, bool allow_zero, int64_t *dims, size_t rank,
                                  unfurl_error *error) {
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

unfurl_status unfurl_reshape_dims(const unfurl_tensor *in, const unfurl_tensor *shape, bool allow_zero,
                                  unfurl_tensor *out, unfurl_error *error) {
  if (shape->dtype != UNFURL_I64 || shape->rank != 1 || shape->dims[0] > UNFURL_MAX_RANK)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the new shape is not a list of at most %d i64",
                       UNFURL_MAX_RANK);
  int64_t dims[UNFURL_MAX_RANK] = {0};
  const size_t rank = (size_t)shape->dims[0];
  if (rank) memcpy(dims, shape->data, rank * sizeof *dims);
  const unfurl_status status = resolve_dims(in, allow_zero, dims, rank, error);
  if (!status) unfurl_tensor_init(out, in->dtype, rank, dims, NULL);
  return status;
}

static unfurl_status infer_reshape(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_status status = unfurl_call_check_known(call, 1, error);
  return status ? status
                : unfurl_reshape_dims(call->inputs[0], call->inputs[1],
                                      unfurl_node_int(call->node, "allowzero", 0) != 0, call->outputs[0], error);
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

static unfurl_status infer_unsqueeze(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *in = call->inputs[0];
  int64_t axes[UNFURL_MAX_RANK], dims[UNFURL_MAX_RANK];
  bool marked[UNFURL_MAX_RANK];
  size_t count, from = 0;
  unfurl_status status = unfurl_axes_read(call, axes, &count, error);
  if (status) return status;
  if (count == SIZE_MAX || in->rank + count > UNFURL_MAX_RANK)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "axes is missing, or makes a rank over %d", UNFURL_MAX_RANK);
  status = unfurl_axes_mark(axes, count, in->rank + count, marked, error);
  if (status) return status;
  for (size_t i = 0; i < in->rank + count; i++) dims[i] = marked[i] ? 1 : in->dims[from++];
  unfurl_tensor_init(call->outputs[0], in->dtype, in->rank + count, dims, NULL);
  return UNFURL_OK;
}

static unfurl_status infer_squeeze(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *in = call->inputs[0];
  int64_t axes[UNFURL_MAX_RANK], dims[UNFURL_MAX_RANK];
  bool marked[UNFURL_MAX_RANK];
  size_t count, rank = 0;
  unfurl_status status = unfurl_axes_read(call, axes, &count, error);
  if (!status) status = unfurl_axes_mark(axes, count == SIZE_MAX ? 0 : count, in->rank, marked, error);
  if (status) return status;
  for (size_t i = 0; i < in->rank; i++) {
    if (marked[i] && in->dims[i] != 1)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "dimension %zu is %lld, not 1", i, (long long)in->dims[i]);
    const bool drop = count == SIZE_MAX ? in->dims[i] == 1 : marked[i];
    if (!drop) dims[rank++] = in->dims[i];
  }
  unfurl_tensor_init(call->outputs[0], in->dtype, rank, dims, NULL);
  return UNFURL_OK;
}

static const unfurl_attribute_spec AXES_ATTRIBUTES[] = {{"axes", UNFURL_ATTRIBUTE_INTS}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_unsqueeze = {
    .type = "Unsqueeze",
    .min_inputs = 1,
    .max_inputs = 2,
    .max_outputs = 1,
    .attributes = AXES_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .is_alias = true,
    .infer = infer_unsqueeze,
};

const unfurl_op unfurl_op_squeeze = {
    .type = "Squeeze",
    .min_inputs = 1,
    .max_inputs = 2,
    .max_outputs = 1,
    .attributes = AXES_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .is_alias = true,
    .infer = infer_squeeze,
};

/* The dims that Shape is asked for: from *start to *end - 1, counted from the end where negative, and clamped. */
static void shape_range(const unfurl_op_call *call, size_t *start, size_t *end) {
  const int64_t rank = (int64_t)call->inputs[0]->rank;
  int64_t range[] = {unfurl_node_int(call->node, "start", 0), unfurl_node_int(call->node, "end", rank)};
  for (size_t i = 0; i < 2; i++) {
    if (range[i] < 0) range[i] = range[i] < -rank ? 0 : range[i] + rank;
    if (range[i] > rank) range[i] = rank;
  }
  *start = (size_t)range[0];
  *end = (size_t)(range[1] > range[0] ? range[1] : range[0]);
}

static unfurl_status infer_shape(unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  size_t start, end;
  shape_range(call, &start, &end);
  unfurl_tensor_init(call->outputs[0], UNFURL_I64, 1, (const int64_t[]){(int64_t)(end - start)}, NULL);
  return UNFURL_OK;
}

static unfurl_status run_shape(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  size_t start, end;
  shape_range(call, &start, &end);
  if (end > start) memcpy(call->outputs[0]->data, call->inputs[0]->dims + start, (end - start) * sizeof(int64_t));
  return UNFURL_OK;
}

static const unfurl_attribute_spec SHAPE_ATTRIBUTES[] = {
    {"start", UNFURL_ATTRIBUTE_INT}, {"end", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_shape = {
    .type = "Shape",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = SHAPE_ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .reads_dims_only = true,
    .infer = infer_shape,
    .run = run_shape,
};

static unfurl_status infer_size(unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  unfurl_tensor_init(call->outputs[0], UNFURL_I64, 0, call->inputs[0]->dims, NULL);
  return UNFURL_OK;
}

static unfurl_status run_size(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  *(int64_t *)call->outputs[0]->data = (int64_t)unfurl_tensor_count(call->inputs[0]);
  return UNFURL_OK;
}

const unfurl_op unfurl_op_size = {
    .type = "Size",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .layout = UNFURL_OP_ANY,
    .reads_dims_only = true,
    .infer = infer_size,
    .run = run_size,
};
