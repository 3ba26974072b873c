/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of a tensor: Slice and Split. Elements are copied in whatever layout the input has. */
#include "base/status.h"
#include "graph/op.h"
#include "nn/copy.h"
#include "shape/tensor.h"

enum { DATA, STARTS, ENDS, AXES, STEPS };

/* Of each dimension: the first element, and how far it is to the next; the output's dims are `counts`. */
typedef struct slice_spec {
  int64_t first[UNFURL_MAX_RANK], step[UNFURL_MAX_RANK], counts[UNFURL_MAX_RANK];
} slice_spec;

static slice_spec whole_of(const unfurl_tensor *x) {
  slice_spec spec = {.step = {0}};
  for (size_t i = 0; i < x->rank; i++) spec.step[i] = 1, spec.counts[i] = x->dims[i];
  return spec;
}

/* Copies the elements of `x` that the spec takes. */
static void copy_slice(const unfurl_context *context, const slice_spec *spec, const unfurl_tensor *x,
                       const unfurl_tensor *y) {
  const size_t element = unfurl_dtype_size(x->dtype);
  unfurl_walk walk = {.rank = x->rank, .operands = 2};
  ptrdiff_t strides[UNFURL_MAX_RANK], at = 0;
  unfurl_tensor_strides(x, strides);
  unfurl_tensor_strides(y, walk.strides[0]);
  for (size_t i = 0; i < x->rank; i++) {
    walk.dims[i] = (size_t)spec->counts[i];
    walk.strides[1][i] = strides[i] * (ptrdiff_t)spec->step[i];
    at += strides[i] * (ptrdiff_t)spec->first[i];
  }
  if (unfurl_tensor_count(y) == 0) return;
  unfurl_copy_elements(context, &walk, element, (const char *)x->data + at * (ptrdiff_t)element, y->data);
}

/* A list of integers, known: an attribute before opset 10, an input since. */
typedef struct int_list {
  const int64_t *wide;
  const int32_t *narrow; /* one of the two */
  size_t count;
} int_list;

static int64_t list_at(const int_list *list, size_t i) {
  return list->wide ? list->wide[i] : list->narrow[i];
}

static unfurl_status read_list(const unfurl_op_call *call, const char *attribute, size_t input, int_list *list,
                               unfurl_error *error) {
  const unfurl_attribute *a = unfurl_node_attribute(call->node, attribute);
  *list = a ? (int_list){.wide = a->ints, .count = a->count} : (int_list){.count = 0};
  if (a || !unfurl_call_has_input(call, input)) return UNFURL_OK;
  const unfurl_tensor *tensor = call->inputs[input];
  const unfurl_status status = unfurl_call_check_known(call, input, error);
  if (status) return status;
  list->count = unfurl_tensor_count(tensor);
  if (tensor->rank == 1 && tensor->dtype == UNFURL_I64)
    list->wide = tensor->data;
  else if (tensor->rank == 1 && tensor->dtype == UNFURL_I32)
    list->narrow = tensor->data;
  else
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input %zu is not a list of integers", input);
  return UNFURL_OK;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
  return x < low ? low : x > high ? high : x;
}

/* Counted from the end where it is negative. */
static int64_t from_front(int64_t at, int64_t size) {
  return at < 0 ? at + size : at;
}

/* As NumPy slices: what is beyond the ends is left out. */
static unfurl_status set_slice(slice_spec *spec, size_t axis, int64_t size, const int64_t range[3],
                               unfurl_error *error) {
  const int64_t step = range[2];
  if (step == 0) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a step is 0");
  const int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? size : size - 1;
  const int64_t first = clamp(from_front(range[0], size), lowest, highest);
  const int64_t end = clamp(from_front(range[1], size), lowest, highest);
  const uint64_t each = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
  const int64_t span = step > 0 ? end - first : first - end;
  const uint64_t count = span > 0 ? ((uint64_t)span - 1) / each + 1 : 0;
  spec->first[axis] = count ? first : 0;
  spec->step[axis] = count > 1 ? step : 1;
  spec->counts[axis] = (int64_t)count;
  return UNFURL_OK;
}

static unfurl_status describe_slice(const unfurl_op_call *call, slice_spec *spec, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA];
  int_list starts, ends, axes, steps;
  bool seen[UNFURL_MAX_RANK] = {false};
  unfurl_status status = read_list(call, "starts", STARTS, &starts, error);
  if (!status) status = read_list(call, "ends", ENDS, &ends, error);
  if (!status) status = read_list(call, "axes", AXES, &axes, error);
  if (!status) status = read_list(call, "steps", STEPS, &steps, error);
  if (status) return status;
  if (starts.count != ends.count || starts.count > x->rank || (axes.count && axes.count != starts.count) ||
      (steps.count && steps.count != starts.count))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "it has %zu starts, %zu ends, %zu axes and %zu steps",
                       starts.count, ends.count, axes.count, steps.count);
  *spec = whole_of(x);
  for (size_t i = 0; i < starts.count && !status; i++) {
    size_t axis = i;
    if (axes.count) status = unfurl_axis_resolve(list_at(&axes, i), x->rank, false, &axis, error);
    if (status) return status;
    if (seen[axis]) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "axis %zu is given twice", axis);
    seen[axis] = true;
    const int64_t range[] = {list_at(&starts, i), list_at(&ends, i), steps.count ? list_at(&steps, i) : 1};
    status = set_slice(spec, axis, x->dims[axis], range, error);
  }
  return status;
}

static unfurl_status infer_slice(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA];
  slice_spec spec;
  const unfurl_status status = describe_slice(call, &spec, error);
  if (!status) unfurl_tensor_init(call->outputs[0], x->dtype, x->rank, spec.counts, NULL);
  return status;
}

static unfurl_status run_slice(const unfurl_op_call *call, unfurl_error *error) {
  slice_spec spec;
  const unfurl_status status = describe_slice(call, &spec, error);
  if (!status) copy_slice(call->context, &spec, call->inputs[DATA], call->outputs[0]);
  return status;
}

/* Whether it takes images out of the batch. */
static bool mixes_images(const unfurl_op_call *call) {
  const unfurl_tensor *x = call->inputs[DATA];
  slice_spec spec;
  return describe_slice(call, &spec, NULL) || spec.first[0] != 0 || spec.step[0] != 1 || spec.counts[0] != x->dims[0];
}

static const unfurl_attribute_spec SLICE_ATTRIBUTES[] = {{"starts", UNFURL_ATTRIBUTE_INTS},
                                                         {"ends", UNFURL_ATTRIBUTE_INTS},
                                                         {"axes", UNFURL_ATTRIBUTE_INTS},
                                                         {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_slice = {
    .type = "Slice",
    .min_inputs = 1,
    .max_inputs = 5,
    .max_outputs = 1,
    .attributes = SLICE_ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .mixes_images = mixes_images,
    .infer = infer_slice,
    .run = run_slice,
};

/* The length of part `i`: as the list says; or equal parts, of which the last may be shorter. */
static int64_t part_length(const int_list *lengths, int64_t size, size_t parts, size_t i) {
  if (lengths->count) return list_at(lengths, i);
  const int64_t each = (size + (int64_t)parts - 1) / (int64_t)parts;
  return clamp(size - (int64_t)i * each, 0, each);
}

static unfurl_status describe_split(const unfurl_op_call *call, size_t *axis, int_list *lengths, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA];
  const size_t parts = call->node->output_count;
  unfurl_status status = unfurl_axis_resolve(unfurl_node_int(call->node, "axis", 0), x->rank, false, axis, error);
  if (!status) status = read_list(call, "split", 1, lengths, error);
  if (status) return status;
  if (unfurl_node_int(call->node, "num_outputs", (int64_t)parts) != (int64_t)parts ||
      (lengths->count && lengths->count != parts))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "it has %zu outputs, and lengths for %zu", parts,
                       lengths->count);
  int64_t left = x->dims[*axis];
  for (size_t i = 0; i < parts; i++) {
    const int64_t length = part_length(lengths, x->dims[*axis], parts, i);
    if (length < 0 || length > left)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "part %zu is %lld of the %lld that are left", i,
                         (long long)length, (long long)left);
    left -= length;
  }
  if (left) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the parts leave out %lld", (long long)left);
  return UNFURL_OK;
}

static unfurl_status infer_split(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA];
  int_list lengths;
  size_t axis;
  const unfurl_status status = describe_split(call, &axis, &lengths, error);
  for (size_t i = 0; i < call->node->output_count && !status; i++) {
    if (!call->outputs[i]) continue;
    unfurl_tensor_init(call->outputs[i], x->dtype, x->rank, x->dims, NULL);
    call->outputs[i]->dims[axis] = part_length(&lengths, x->dims[axis], call->node->output_count, i);
  }
  return status;
}

static unfurl_status run_split(const unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA];
  int_list lengths;
  size_t axis;
  const unfurl_status status = describe_split(call, &axis, &lengths, error);
  if (status) return status;
  slice_spec spec = whole_of(x);
  for (size_t i = 0; i < call->node->output_count; i++) {
    spec.counts[axis] = part_length(&lengths, x->dims[axis], call->node->output_count, i);
    if (call->outputs[i]) copy_slice(call->context, &spec, x, call->outputs[i]);
    spec.first[axis] += spec.counts[axis];
  }
  return UNFURL_OK;
}

static const unfurl_attribute_spec SPLIT_ATTRIBUTES[] = {{"axis", UNFURL_ATTRIBUTE_INT},
                                                         {"split", UNFURL_ATTRIBUTE_INTS},
                                                         {"num_outputs", UNFURL_ATTRIBUTE_INT},
                                                         {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_split = {
    .type = "Split",
    .min_inputs = 1,
    .max_inputs = 2,
    .max_outputs = UNFURL_ANY_COUNT,
    .attributes = SPLIT_ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .infer = infer_split,
    .run = run_split,
};
