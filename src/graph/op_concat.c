/* SPDX-License-Identifier: BSD-2-Clause */
/* Concat: tensors one behind the other along an axis, each copied into its slice of the result. */
#include "base/status.h"
#include "graph/channel_rows.h"
#include "graph/op.h"
#include "nn/copy.h"
#include "shape/tensor.h"

/* Whether `a` and `b` differ at most along `axis`. */
static bool agree_but_for(const unfurl_tensor *a, const unfurl_tensor *b, size_t axis) {
  if (a->rank != b->rank || a->dtype != b->dtype) return false;
  for (size_t i = 0; i < a->rank; i++)
    if (i != axis && a->dims[i] != b->dims[i]) return false;
  return true;
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *first = call->inputs[0];
  unfurl_tensor *out = call->outputs[0];
  size_t axis;
  if (!unfurl_node_has(call->node, "axis")) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "axis is missing");
  const unfurl_status status =
      unfurl_axis_resolve(unfurl_node_int(call->node, "axis", 0), first->rank, false, &axis, error);
  if (status) return status;
  unfurl_tensor_init(out, first->dtype, first->rank, first->dims, NULL);
  for (size_t i = 1; i < call->node->input_count; i++) {
    const unfurl_tensor *in = call->inputs[i];
    if (!in || !agree_but_for(first, in, axis) ||
        __builtin_add_overflow(out->dims[axis], in->dims[axis], &out->dims[axis]))
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input %zu does not fit to the first along axis %zu", i, axis);
  }
  return UNFURL_OK;
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *out = call->outputs[0];
  const size_t element = unfurl_dtype_size(out->dtype);
  size_t axis;
  const unfurl_status status =
      unfurl_axis_resolve(unfurl_node_int(call->node, "axis", 0), out->rank, false, &axis, error);
  if (status) return status;
  char *slice = out->data;
  for (size_t i = 0; i < call->node->input_count; i++) {
    const unfurl_tensor *in = call->inputs[i];
    unfurl_walk walk = {.rank = in->rank, .operands = 2};
    for (size_t d = 0; d < in->rank; d++) walk.dims[d] = (size_t)in->dims[d];
    unfurl_tensor_strides(out, walk.strides[0]);
    unfurl_tensor_strides(in, walk.strides[1]);
    const ptrdiff_t along = walk.strides[0][axis];
    unfurl_copy_elements(call->context, &walk, element, in->data, slice);
    slice += in->dims[axis] * along * (ptrdiff_t)element;
  }
  return UNFURL_OK;
}

static const unfurl_attribute_spec ATTRIBUTES[] = {{"axis", UNFURL_ATTRIBUTE_INT}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_concat = {
    .type = "Concat",
    .min_inputs = 1,
    .max_inputs = UNFURL_ANY_COUNT,
    .max_outputs = 1,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer,
    .run = run,
    .rows = &unfurl_concat_rows,
};
