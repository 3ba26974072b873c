/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph/axes.h"

#include <string.h>

#include "base/status.h"
#include "shape/tensor.h"

unfurl_status unfurl_axis_split_at(const unfurl_tensor *x, int64_t axis, unfurl_axis_split *split,
                                   unfurl_error *error) {
  const unfurl_status status = unfurl_axis_resolve(axis, x->rank, false, &split->axis, error);
  if (status) return status;
  split->outer = split->inner = 1;
  split->size = (size_t)x->dims[split->axis];
  for (size_t i = 0; i < x->rank; i++) {
    if (i < split->axis) split->outer *= (size_t)x->dims[i];
    if (i > split->axis) split->inner *= (size_t)x->dims[i];
  }
  return UNFURL_OK;
}

unfurl_status unfurl_axes_read(const unfurl_op_call *call, int64_t axes[UNFURL_MAX_RANK], size_t *count,
                               unfurl_error *error) {
  const unfurl_attribute *attribute = unfurl_node_attribute(call->node, "axes");
  const int64_t *from = NULL;
  *count = SIZE_MAX;
  if (attribute) {
    from = attribute->ints, *count = attribute->count;
  } else if (unfurl_call_has_input(call, 1)) {
    const unfurl_tensor *input = call->inputs[1];
    const size_t elements = unfurl_tensor_count(input);
    const unfurl_status status = elements ? unfurl_call_check_known(call, 1, error) : UNFURL_OK;
    if (status) return status;
    if (input->dtype != UNFURL_I64 || input->rank > 1)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "axes is not a list of i64");
    from = input->data, *count = elements;
  }
  if (*count != SIZE_MAX && *count > UNFURL_MAX_RANK)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "there are %zu axes", *count);
  if (*count != SIZE_MAX && *count > 0) memcpy(axes, from, *count * sizeof *axes);
  return UNFURL_OK;
}

unfurl_status unfurl_axes_mark(const int64_t *axes, size_t count, size_t rank, bool marked[UNFURL_MAX_RANK],
                               unfurl_error *error) {
  memset(marked, 0, UNFURL_MAX_RANK * sizeof *marked);
  for (size_t i = 0; i < count; i++) {
    size_t axis;
    const unfurl_status status = unfurl_axis_resolve(axes[i], rank, false, &axis, error);
    if (status) return status;
    if (marked[axis]) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "axis %zu is given twice", axis);
    marked[axis] = true;
  }
  return UNFURL_OK;
}
