/* SPDX-License-Identifier: BSD-2-Clause */
/* Pad. Margins and value are attributes before opset 11, inputs since. */
#include <string.h>

#include "base/status.h"
#include "graph/op.h"
#include "nn/pad.h"
#include "shape/tensor.h"

enum { DATA, PADS, VALUE, AXES };

/* What the node says, resolved: margins of every dimension. */
typedef struct pad_spec {
  unfurl_pad_mode mode;
  int64_t begin[UNFURL_MAX_RANK], end[UNFURL_MAX_RANK];
} pad_spec;

#define MARGIN_LIMIT (INT64_C(1) << 40)

static unfurl_status read_mode(const unfurl_op_call *call, unfurl_pad_mode *mode, unfurl_error *error) {
  static const char *const names[] = {
      [UNFURL_PAD_CONSTANT] = "constant", [UNFURL_PAD_EDGE] = "edge", [UNFURL_PAD_REFLECT] = "reflect"};
  const char *name = unfurl_node_string(call->node, "mode", "constant");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i])) {
      *mode = (unfurl_pad_mode)i;
      return UNFURL_OK;
    }
  return unfurl_fail(error, UNFURL_UNSUPPORTED, "mode \"%s\" is not implemented", name);
}

/* A list of i64 that must be known: an attribute or an input. */
static unfurl_status read_list(const unfurl_op_call *call, const char *attribute, size_t input, const int64_t **list,
                               size_t *count, unfurl_error *error) {
  const unfurl_attribute *a = unfurl_node_attribute(call->node, attribute);
  *list = a ? a->ints : NULL;
  *count = a ? a->count : 0;
  if (a || !unfurl_call_has_input(call, input)) return UNFURL_OK;
  const unfurl_tensor *tensor = call->inputs[input];
  const unfurl_status status = unfurl_call_check_known(call, input, error);
  if (status) return status;
  if (tensor->dtype != UNFURL_I64 || tensor->rank != 1)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "input %zu is not a list of i64", input);
  *list = tensor->data;
  *count = unfurl_tensor_count(tensor);
  return UNFURL_OK;
}

static unfurl_status read_margins(const unfurl_op_call *call, pad_spec *spec, unfurl_error *error) {
  const size_t rank = call->inputs[DATA]->rank;
  const int64_t *pads, *axes;
  size_t pad_count, axis_count;
  unfurl_status status = read_list(call, "pads", PADS, &pads, &pad_count, error);
  if (!status) status = read_list(call, "axes", AXES, &axes, &axis_count, error);
  if (status) return status;
  const size_t padded = axes ? axis_count : rank;
  if (!pads || padded > rank || pad_count != 2 * padded)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "it has %zu margins for %zu dimensions", pad_count, padded);
  for (size_t i = 0; i < padded; i++) {
    size_t axis = i;
    if (axes) status = unfurl_axis_resolve(axes[i], rank, false, &axis, error);
    if (status) return status;
    spec->begin[axis] = pads[i];
    spec->end[axis] = pads[padded + i];
  }
  return UNFURL_OK;
}

/* The margins of one dimension against its size. */
static unfurl_status check_margins(const pad_spec *spec, size_t i, int64_t size, unfurl_error *error) {
  const int64_t margins[2] = {spec->begin[i], spec->end[i]};
  for (size_t side = 0; side < 2; side++) {
    if (margins[side] < -MARGIN_LIMIT || margins[side] > MARGIN_LIMIT)
      return unfurl_fail(error, UNFURL_TOO_LARGE, "a margin is %lld", (long long)margins[side]);
    const bool mirrors_too_far = spec->mode == UNFURL_PAD_REFLECT && margins[side] > 0 && margins[side] >= size;
    const bool repeats_nothing = spec->mode != UNFURL_PAD_CONSTANT && (size < 1 || margins[side] < 0);
    if (mirrors_too_far || repeats_nothing)
      return unfurl_fail(error, UNFURL_UNSUPPORTED, "a margin of %lld does not fit to %lld elements in this mode",
                         (long long)margins[side], (long long)size);
  }
  if (size > MARGIN_LIMIT || size + margins[0] + margins[1] < 0)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "it cuts %lld and %lld off %lld elements",
                       (long long)-margins[0], (long long)-margins[1], (long long)size);
  return UNFURL_OK;
}

static unfurl_status describe(const unfurl_op_call *call, pad_spec *spec, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA];
  *spec = (pad_spec){.mode = UNFURL_PAD_CONSTANT};
  unfurl_status status = read_mode(call, &spec->mode, error);
  if (!status) status = read_margins(call, spec, error);
  for (size_t i = 0; i < x->rank && !status; i++) status = check_margins(spec, i, x->dims[i], error);
  return status;
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[DATA];
  pad_spec spec;
  int64_t dims[UNFURL_MAX_RANK];
  const unfurl_status status = describe(call, &spec, error);
  if (status) return status;
  if (unfurl_call_has_input(call, VALUE) &&
      (call->inputs[VALUE]->dtype != x->dtype || unfurl_tensor_count(call->inputs[VALUE]) != 1))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the value is not one element of the input's type");
  if (unfurl_node_has(call->node, "value") && x->dtype != UNFURL_F32)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "the attribute value is implemented for f32 only");
  for (size_t i = 0; i < x->rank; i++) dims[i] = x->dims[i] + spec.begin[i] + spec.end[i];
  unfurl_tensor_init(call->outputs[0], x->dtype, x->rank, dims, NULL);
  return UNFURL_OK;
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  static const int64_t zero = 0;
  const float attribute = unfurl_node_float(call->node, "value", 0);
  const void *value = &zero;
  pad_spec spec;
  const unfurl_status status = describe(call, &spec, error);
  if (status) return status;
  if (unfurl_call_has_input(call, VALUE))
    value = call->inputs[VALUE]->data;
  else if (unfurl_node_has(call->node, "value"))
    value = &attribute;
  unfurl_pad(call->context, spec.mode, call->inputs[DATA], spec.begin, value, call->outputs[0]);
  return UNFURL_OK;
}

static const unfurl_attribute_spec ATTRIBUTES[] = {{"mode", UNFURL_ATTRIBUTE_STRING},
                                                   {"pads", UNFURL_ATTRIBUTE_INTS},
                                                   {"value", UNFURL_ATTRIBUTE_FLOAT},
                                                   {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_pad = {
    .type = "Pad",
    .min_inputs = 1,
    .max_inputs = 4,
    .max_outputs = 1,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .infer = infer,
    .run = run,
};
