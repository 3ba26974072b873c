/* SPDX-License-Identifier: BSD-2-Clause */
/* GatherElements and GatherND read, ScatterElements and ScatterND write, where indices point to: the former along one axis
 * for each element, the latter with a place of several numbers for each slice. */
#include "graph/op_indices.h"

#include <string.h>

#include "base/status.h"
#include "graph/axes.h"
#include "nn/scatter.h"
#include "shape/tensor.h"

enum { DATA, INDICES, UPDATES };

unfurl_status unfurl_indices_check(const unfurl_op_call *call, size_t index, unfurl_error *error) {
  const unfurl_dtype dtype = call->inputs[index]->dtype;
  if (dtype == UNFURL_I64 || dtype == UNFURL_I32) return UNFURL_OK;
  return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its indices are %s, not integers", unfurl_dtype_name(dtype));
}

unfurl_status unfurl_indices_fail(size_t i, unfurl_error *error) {
  return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "index %zu is out of range", i);
}

/* What running ends with: the number of the first index that is out of range, or SIZE_MAX. */
static unfurl_status finish(size_t wrong, unfurl_error *error) {
  return wrong == SIZE_MAX ? UNFURL_OK : unfurl_indices_fail(wrong, error);
}

static unfurl_status read_axis(const unfurl_op_call *call, size_t *axis, unfurl_error *error) {
  return unfurl_axis_resolve(unfurl_node_int(call->node, "axis", 0), call->inputs[DATA]->rank, false, axis, error);
}

/* Indices have the rank of the data, and reach no further than it, except along the axis. */
static unfurl_status check_elements(const unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA], *indices = call->inputs[INDICES];
  size_t axis;
  unfurl_status status = read_axis(call, &axis, error);
  if (!status) status = unfurl_indices_check(call, INDICES, error);
  if (status) return status;
  bool fits = indices->rank == x->rank;
  for (size_t i = 0; i < x->rank && fits; i++) fits = i == axis || indices->dims[i] <= x->dims[i];
  return fits ? UNFURL_OK
              : unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its indices do not have the shape of its data");
}

static unfurl_status infer_gather_elements(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *indices = call->inputs[INDICES];
  const unfurl_status status = check_elements(call, error);
  if (!status) unfurl_tensor_init(call->outputs[0], call->inputs[DATA]->dtype, indices->rank, indices->dims, NULL);
  return status;
}

static unfurl_status run_gather_elements(const unfurl_op_call *call, unfurl_error *error) {
  size_t axis;
  const unfurl_status status = read_axis(call, &axis, error);
  if (status) return status;
  return finish(unfurl_gather_elements(axis, call->inputs[DATA], call->inputs[INDICES], call->outputs[0]), error);
}

static const unfurl_attribute_spec AXIS_ATTRIBUTES[] = {{"axis", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_gather_elements = {
    .type = "GatherElements",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .attributes = AXIS_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer_gather_elements,
    .run = run_gather_elements,
};

/* How many numbers, the last dimension of the indices, a place has; `batch`: dimensions that data and indices share. */
static unfurl_status check_places(const unfurl_op_call *call, size_t batch, size_t *numbers, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA], *indices = call->inputs[INDICES];
  const unfurl_status status = unfurl_indices_check(call, INDICES, error);
  if (status) return status;
  bool fits = indices->rank > batch && x->rank > batch;
  for (size_t i = 0; i < batch && fits; i++) fits = indices->dims[i] == x->dims[i];
  if (!fits) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its indices do not have the batch of its data");
  const int64_t count = indices->dims[indices->rank - 1];
  if (count < 1 || count > (int64_t)(x->rank - batch))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its places have %lld numbers, its data %zu dimensions",
                       (long long)count, x->rank - batch);
  *numbers = (size_t)count;
  return UNFURL_OK;
}

/* The dims of all slices: those of the places, and of a slice. */
static unfurl_status slices_of(const unfurl_op_call *call, size_t first, unfurl_tensor *slices, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA], *indices = call->inputs[INDICES];
  int64_t dims[UNFURL_MAX_RANK];
  size_t rank = indices->rank - 1;
  if (rank + x->rank - first > UNFURL_MAX_RANK)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "its slices have a rank over %d", UNFURL_MAX_RANK);
  for (size_t i = 0; i < rank; i++) dims[i] = indices->dims[i];
  for (size_t i = first; i < x->rank; i++) dims[rank++] = x->dims[i];
  unfurl_tensor_init(slices, x->dtype, rank, dims, NULL);
  return UNFURL_OK;
}

static unfurl_status infer_gather_nd(unfurl_op_call *call, unfurl_error *error) {
  const int64_t batch = unfurl_node_int(call->node, "batch_dims", 0);
  size_t numbers;
  if (batch < 0 || batch > UNFURL_MAX_RANK)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "batch_dims is %lld", (long long)batch);
  const unfurl_status status = check_places(call, (size_t)batch, &numbers, error);
  return status ? status : slices_of(call, (size_t)batch + numbers, call->outputs[0], error);
}

static unfurl_status run_gather_nd(const unfurl_op_call *call, unfurl_error *error) {
  const size_t batch = (size_t)unfurl_node_int(call->node, "batch_dims", 0);
  return finish(unfurl_gather_nd(batch, call->inputs[DATA], call->inputs[INDICES], call->outputs[0]), error);
}

static const unfurl_attribute_spec GATHER_ND_ATTRIBUTES[] = {{"batch_dims", UNFURL_ATTRIBUTE_INT},
                                                             {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_gather_nd = {
    .type = "GatherND",
    .min_inputs = 2,
    .max_inputs = 2,
    .max_outputs = 1,
    .attributes = GATHER_ND_ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer_gather_nd,
    .run = run_gather_nd,
};

static unfurl_status read_update(const unfurl_op_call *call, unfurl_update *update, unfurl_error *error) {
  static const struct {
    const char *name;
    unfurl_update update;
  } kinds[] = {{"none", {.replaces = true}},
               {"add", {.op = UNFURL_BINARY_ADD}},
               {"mul", {.op = UNFURL_BINARY_MUL}},
               {"max", {.op = UNFURL_BINARY_MAX}},
               {"min", {.op = UNFURL_BINARY_MIN}}};
  const char *name = unfurl_node_string(call->node, "reduction", "none");
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(kinds[i].name, name) != 0) continue;
    *update = kinds[i].update;
    if (update->replaces || call->inputs[DATA]->dtype != UNFURL_BOOL) return UNFURL_OK;
  }
  return unfurl_fail(error, UNFURL_UNSUPPORTED, "reduction = \"%s\" of %s is not implemented", name,
                     unfurl_dtype_name(call->inputs[DATA]->dtype));
}

/* `shape`: the dims that the updates must have. */
static unfurl_status finish_infer(unfurl_op_call *call, const unfurl_tensor *shape, unfurl_error *error) {
  const unfurl_tensor *updates = call->inputs[UPDATES];
  unfurl_update update;
  if (updates->dtype != call->inputs[DATA]->dtype || !unfurl_tensor_same_dims(updates, shape))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the type or the shape of its updates does not fit");
  const unfurl_status status = read_update(call, &update, error);
  return status ? status : unfurl_infer_same(call, error);
}

static unfurl_status infer_scatter_elements(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_status status = check_elements(call, error);
  return status ? status : finish_infer(call, call->inputs[INDICES], error);
}

static void copy_data(const unfurl_op_call *call) {
  const unfurl_tensor *x = call->inputs[DATA];
  const size_t bytes = unfurl_tensor_count(x) * unfurl_dtype_size(x->dtype);
  if (bytes) memcpy(call->outputs[0]->data, x->data, bytes);
}

static unfurl_status run_scatter_elements(const unfurl_op_call *call, unfurl_error *error) {
  unfurl_update update;
  size_t axis;
  unfurl_status status = read_axis(call, &axis, error);
  if (!status) status = read_update(call, &update, error);
  if (status) return status;
  copy_data(call);
  return finish(unfurl_scatter_elements(axis, &update, call->inputs[INDICES], call->inputs[UPDATES], call->outputs[0]),
                error);
}

static unfurl_status infer_scatter_nd(unfurl_op_call *call, unfurl_error *error) {
  unfurl_tensor slices;
  size_t numbers;
  unfurl_status status = check_places(call, 0, &numbers, error);
  if (!status) status = slices_of(call, numbers, &slices, error);
  return status ? status : finish_infer(call, &slices, error);
}

static unfurl_status run_scatter_nd(const unfurl_op_call *call, unfurl_error *error) {
  unfurl_update update;
  const unfurl_status status = read_update(call, &update, error);
  if (status) return status;
  copy_data(call);
  return finish(unfurl_scatter_nd(&update, call->inputs[INDICES], call->inputs[UPDATES], call->outputs[0]), error);
}

static const unfurl_attribute_spec SCATTER_ATTRIBUTES[] = {
    {"axis", UNFURL_ATTRIBUTE_INT}, {"reduction", UNFURL_ATTRIBUTE_STRING}, {NULL, UNFURL_ATTRIBUTE_INT}};

static const unfurl_attribute_spec SCATTER_ND_ATTRIBUTES[] = {{"reduction", UNFURL_ATTRIBUTE_STRING},
                                                              {NULL, UNFURL_ATTRIBUTE_INT}};

/* What their rows have in common. */
#define SCATTER .min_inputs = 3, .max_inputs = 3, .max_outputs = 1, .layout = UNFURL_OP_ROW_MAJOR

/* Its name before opset 11. */
const unfurl_op unfurl_op_scatter = {.type = "Scatter",
                                     SCATTER,
                                     .attributes = AXIS_ATTRIBUTES,
                                     .infer = infer_scatter_elements,
                                     .run = run_scatter_elements};
const unfurl_op unfurl_op_scatter_elements = {.type = "ScatterElements",
                                              SCATTER,
                                              .attributes = SCATTER_ATTRIBUTES,
                                              .infer = infer_scatter_elements,
                                              .run = run_scatter_elements};
const unfurl_op unfurl_op_scatter_nd = {.type = "ScatterND",
                                        SCATTER,
                                        .attributes = SCATTER_ND_ATTRIBUTES,
                                        .infer = infer_scatter_nd,
                                        .run = run_scatter_nd};
