/* SPDX-License-Identifier: BSD-2-Clause */
/* Preparing a session: for each node in order, find its inputs in the layout that it wants, infer its outputs, and
 * either compute them at once (when every input is known) or append a step; then plan the memory. */
#include <string.h>

#include "base/status.h"
#include "graph/memory_plan.h"
#include "graph/session.h"
#include "nn/copy.h"
#include "shape/tensor.h"

enum {
  KNOWN_INPUT_LIMIT = 1024,    /* elements of an integer input whose values may decide shapes */
  KNOWN_RESULT_LIMIT = 1 << 20 /* bytes that are computed once rather than at each run */
};

/* Layout conversion as an operator, of which only sessions know. */
static unfurl_status run_convert(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  unfurl_copy_tensor(call->context, call->inputs[0], call->outputs[0]);
  return UNFURL_OK;
}

static const unfurl_op CONVERT = {.type = "layout conversion", .layout = UNFURL_OP_ANY, .run = run_convert};
static const unfurl_op RELABEL = {.type = "layout change", .layout = UNFURL_OP_ANY, .is_alias = true};

static size_t root_of(const unfurl_session *s, size_t value) {
  while (s->values[value].storage == UNFURL_STORAGE_ALIAS) value = s->values[value].root;
  return value;
}

/* Most steps that a preparation can have: one a node, a conversion for each input, two for each output. */
static size_t most_steps(const unfurl_model *model) {
  size_t steps = model->node_count + 2 * model->output_count;
  for (size_t n = 0; n < model->node_count; n++) steps += model->nodes[n].input_count;
  return steps;
}

static unfurl_status allocate(unfurl_session *s, unfurl_error *error) {
  const unfurl_model *model = s->model;
  const size_t steps = most_steps(model), values = model->value_count + steps;
  s->steps = unfurl_region_alloc(&s->region, unfurl_size_product(2, (const size_t[]){steps, sizeof *s->steps}));
  s->values =
      unfurl_region_alloc_zeroed(&s->region, unfurl_size_product(2, (const size_t[]){values, sizeof *s->values}));
  s->outputs = unfurl_region_alloc(&s->region, model->output_count * sizeof *s->outputs);
  s->signature = unfurl_region_alloc(&s->region, model->input_count * sizeof *s->signature);
  if (!s->steps || !s->values || !s->outputs || !s->signature) return unfurl_fail_memory(error, "a session");
  s->step_count = 0;
  s->value_count = model->value_count;
  for (size_t v = 0; v < model->value_count; v++) {
    s->values[v] = (unfurl_session_value){.root = v, .twin = UNFURL_NO_VALUE};
    if (model->values[v].kind != UNFURL_VALUE_CONSTANT) continue;
    s->values[v].tensor = model->values[v].tensor;
    s->values[v].storage = UNFURL_STORAGE_KNOWN;
  }
  return UNFURL_OK;
}

/* Integers that come in may decide shapes: their values belong to what the session is prepared for. */
static unfurl_status add_inputs(unfurl_session *s, const unfurl_tensor *inputs, unfurl_error *error) {
  for (size_t i = 0; i < s->model->input_count; i++) {
    unfurl_session_value *value = &s->values[s->model->inputs[i]];
    s->signature[i] = inputs[i];
    s->signature[i].data = NULL;
    const bool decides = inputs[i].dtype != UNFURL_F32 && inputs[i].layout == UNFURL_NCHW &&
                         unfurl_tensor_count(&inputs[i]) <= KNOWN_INPUT_LIMIT;
    if (decides && !unfurl_region_copy_tensor(&s->region, &s->signature[i], &inputs[i]))
      return unfurl_fail_memory(error, "a session");
    value->tensor = s->signature[i];
    value->storage = decides ? UNFURL_STORAGE_KNOWN : UNFURL_STORAGE_INPUT;
  }
  return UNFURL_OK;
}

static void keep_until(unfurl_session *s, size_t value, size_t step) {
  unfurl_session_value *root = &s->values[root_of(s, value)];
  if (root->last < step) root->last = step;
}

/* A value that the next step computes, or that it gives the memory of another. */
static void place_output(unfurl_session *s, size_t value, size_t alias_of) {
  unfurl_session_value *v = &s->values[value];
  v->storage = alias_of == UNFURL_NO_VALUE ? UNFURL_STORAGE_ARENA : UNFURL_STORAGE_ALIAS;
  v->root = alias_of == UNFURL_NO_VALUE ? value : root_of(s, alias_of);
  v->first = v->last = s->step_count;
}

/* Appends a step that copies `from` into a new value with the other layout (or the same: `copy`). */
static unfurl_status add_conversion(unfurl_session *s, size_t from, unfurl_layout layout, bool copy, size_t *to,
                                    unfurl_error *error) {
  unfurl_step *step = &s->steps[s->step_count];
  *to = s->value_count++;
  s->values[*to] = (unfurl_session_value){.tensor = s->values[from].tensor, .twin = from};
  s->values[*to].tensor.layout = layout;
  s->values[*to].tensor.data = NULL;
  const bool relabel = !copy && unfurl_tensor_layouts_agree(&s->values[from].tensor);
  *step = (unfurl_step){.call = {.context = s->context, .model = s->model}};
  step->converter = (unfurl_node){.op = relabel ? &RELABEL : &CONVERT, .name = "", .input_count = 1, .output_count = 1};
  step->call.node = &step->converter;
  step->call.inputs = unfurl_region_alloc(&s->region, sizeof *step->call.inputs);
  step->call.outputs = unfurl_region_alloc(&s->region, sizeof *step->call.outputs);
  if (!step->call.inputs || !step->call.outputs) return unfurl_fail_memory(error, "a session");
  step->call.inputs[0] = &s->values[from].tensor;
  step->call.outputs[0] = &s->values[*to].tensor;
  keep_until(s, from, s->step_count);
  place_output(s, *to, relabel ? from : UNFURL_NO_VALUE);
  s->step_count++;
  return UNFURL_OK;
}

/* The value in the layout that is wanted: itself, its twin, or a twin that is made now. */
static unfurl_status in_layout(unfurl_session *s, size_t value, unfurl_layout layout, size_t *found,
                               unfurl_error *error) {
  unfurl_session_value *v = &s->values[value];
  *found = value;
  if (v->tensor.rank <= 2 || v->tensor.layout == layout) return UNFURL_OK;
  *found = v->twin;
  if (v->twin != UNFURL_NO_VALUE) return UNFURL_OK;
  const unfurl_status status = add_conversion(s, value, layout, false, found, error);
  v->twin = *found;
  return status;
}

static unfurl_status find_input(unfurl_session *s, const unfurl_node *node, size_t i, size_t *found,
                                unfurl_error *error) {
  const size_t value = node->inputs[i];
  *found = value;
  if (value == UNFURL_NO_VALUE || node->op->layout == UNFURL_OP_ANY) return UNFURL_OK;
  const bool is_image = node->op->layout == UNFURL_OP_IMAGE && i == 0;
  return in_layout(s, value, is_image ? UNFURL_NHWC : UNFURL_NCHW, found, error);
}

static unfurl_status begin_call(unfurl_session *s, const unfurl_node *node, unfurl_op_call *call, size_t *values,
                                unfurl_error *error) {
  *call = (unfurl_op_call){.context = s->context,
                           .model = s->model,
                           .node = node,
                           .algo = s->options.algo,
                           .tolerance = s->options.tolerance,
                           .planning = s->options.planning,
                           .workspace_limit = s->options.workspace_limit};
  call->inputs = unfurl_region_alloc_zeroed(&s->region, node->input_count * sizeof *call->inputs);
  call->outputs = unfurl_region_alloc_zeroed(&s->region, node->output_count * sizeof *call->outputs);
  if (!call->inputs || !call->outputs) return unfurl_fail_memory(error, "a session");
  for (size_t i = 0; i < node->input_count; i++) {
    const unfurl_status status = find_input(s, node, i, &values[i], error);
    if (status) return status;
    if (values[i] != UNFURL_NO_VALUE) call->inputs[i] = &s->values[values[i]].tensor;
  }
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != UNFURL_NO_VALUE) call->outputs[i] = &s->values[node->outputs[i]].tensor;
  return UNFURL_OK;
}

static bool all_known(const unfurl_session *s, const unfurl_node *node, const size_t *values) {
  for (size_t i = 0; i < node->input_count; i++)
    if (values[i] != UNFURL_NO_VALUE && s->values[values[i]].storage != UNFURL_STORAGE_KNOWN) return false;
  return node->op->layout != UNFURL_OP_IMAGE;
}

static void add_step(unfurl_session *s, const unfurl_op_call *call, const size_t *values) {
  const unfurl_node *node = call->node;
  for (size_t i = 0; i < node->input_count; i++)
    if (values[i] != UNFURL_NO_VALUE) keep_until(s, values[i], s->step_count);
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != UNFURL_NO_VALUE)
      place_output(s, node->outputs[i], node->op->is_alias && i == 0 ? values[0] : UNFURL_NO_VALUE);
  s->steps[s->step_count++] = (unfurl_step){.call = *call};
}

static unfurl_status add_node(unfurl_session *s, const unfurl_node *node, unfurl_error *error) {
  unfurl_op_call call;
  size_t *values = unfurl_region_alloc(&s->region, node->input_count * sizeof *values);
  if (!values) return unfurl_fail_memory(error, "a session");
  unfurl_status status = begin_call(s, node, &call, values, error);
  if (!status) status = node->op->infer(&call, error);
  if (!status) status = unfurl_op_finish_infer(&call, error);
  if (status) return status;
  if (!all_known(s, node, values) || unfurl_op_result_bytes(&call) > KNOWN_RESULT_LIMIT) {
    add_step(s, &call, values);
    return UNFURL_OK;
  }
  status = unfurl_op_evaluate(&call, &s->region, error);
  for (size_t i = 0; i < node->output_count && !status; i++)
    if (node->outputs[i] != UNFURL_NO_VALUE) s->values[node->outputs[i]].storage = UNFURL_STORAGE_KNOWN;
  return status;
}

static unfurl_status add_nodes(unfurl_session *s, unfurl_error *error) {
  for (size_t n = 0; n < s->model->node_count; n++) {
    const unfurl_status status = add_node(s, &s->model->nodes[n], error);
    if (status) {
      char label[160];
      unfurl_node_label(s->model, &s->model->nodes[n], label, sizeof label);
      return unfurl_fail_in(error, status, label);
    }
  }
  return UNFURL_OK;
}

/* Outputs are NCHW, and never the caller's own memory. */
static unfurl_status add_outputs(unfurl_session *s, unfurl_error *error) {
  for (size_t i = 0; i < s->model->output_count; i++) {
    size_t value;
    unfurl_status status = in_layout(s, s->model->outputs[i], UNFURL_NCHW, &value, error);
    if (!status && s->values[root_of(s, value)].storage == UNFURL_STORAGE_INPUT)
      status = add_conversion(s, value, UNFURL_NCHW, true, &value, error);
    if (status) return status;
    s->outputs[i] = value;
  }
  for (size_t i = 0; i < s->model->output_count; i++) keep_until(s, s->outputs[i], s->step_count);
  return UNFURL_OK;
}

static unfurl_status prepare_steps(unfurl_session *s, size_t *workspace, unfurl_error *error) {
  for (size_t i = 0; i < s->step_count; i++) {
    unfurl_op_call *call = &s->steps[i].call;
    if (!call->node->op->prepare) continue;
    const unfurl_status status = call->node->op->prepare(call, error);
    if (status) {
      char label[160];
      unfurl_node_label(s->model, call->node, label, sizeof label);
      return unfurl_fail_in(error, status, label);
    }
    if (call->workspace_size > *workspace) *workspace = call->workspace_size;
  }
  return UNFURL_OK;
}

static size_t tensor_bytes(const unfurl_tensor *tensor) {
  return unfurl_tensor_count(tensor) * unfurl_dtype_size(tensor->dtype);
}

/* The blocks of the values that have a place in the arena, in the order of the steps that compute them. */
static size_t list_blocks(const unfurl_session *s, unfurl_block *blocks, unfurl_session_value **owners) {
  size_t count = 0;
  for (size_t i = 0; i < s->step_count; i++) {
    const unfurl_op_call *call = &s->steps[i].call;
    for (size_t o = 0; o < call->node->output_count; o++) {
      if (!call->outputs[o]) continue;
      unfurl_session_value *value =
          (unfurl_session_value *)(void *)call->outputs[o]; /* the tensor is its first field */
      if (value->storage != UNFURL_STORAGE_ARENA) continue;
      blocks[count] = (unfurl_block){.bytes = tensor_bytes(&value->tensor), .first = value->first, .last = value->last};
      owners[count++] = value;
    }
  }
  return count;
}

/* Keeps the buffer if it is large enough already. */
static bool grow_buffer(const unfurl_context *context, void **buffer, size_t *bytes, size_t needed) {
  if (needed <= *bytes) return true;
  unfurl_context_free(context, *buffer, *bytes);
  *buffer = unfurl_context_alloc(context, needed);
  *bytes = *buffer ? needed : 0;
  return *buffer != NULL;
}

static unfurl_status place_values(unfurl_session *s, size_t workspace, unfurl_error *error) {
  unfurl_block *blocks = unfurl_region_alloc(&s->region, s->value_count * sizeof *blocks);
  unfurl_session_value **owners = unfurl_region_alloc(&s->region, s->value_count * sizeof(*owners));
  if (!blocks || !owners) return unfurl_fail_memory(error, "a session");
  const size_t count = list_blocks(s, blocks, owners);
  const size_t arena = unfurl_memory_plan(blocks, count);
  size_t total = arena;
  if (!unfurl_size_add(&total, workspace) || total > s->options.memory_limit)
    return unfurl_fail(error, UNFURL_TOO_LARGE, "it needs %zu bytes of memory, the limit is %zu", total,
                       s->options.memory_limit);
  if (!grow_buffer(s->context, &s->arena, &s->arena_bytes, arena) ||
      !grow_buffer(s->context, &s->workspace, &s->workspace_bytes, workspace))
    return unfurl_fail(error, UNFURL_OUT_OF_MEMORY, "out of memory for %zu bytes of intermediate values", total);
  for (size_t i = 0; i < count; i++) {
    static char nothing[UNFURL_ALIGN]; /* where a tensor without elements points to, if the arena is empty */
    owners[i]->tensor.data = s->arena ? (char *)s->arena + blocks[i].offset : nothing;
  }
  for (size_t i = 0; i < s->step_count; i++) s->steps[i].call.workspace = s->workspace;
  return UNFURL_OK;
}

void unfurl_session_clear(unfurl_session *s) {
  for (size_t i = 0; i < s->step_count; i++) {
    unfurl_op_call *call = &s->steps[i].call;
    if (call->node->op->release) call->node->op->release(call);
  }
  s->step_count = 0;
  s->is_prepared = s->has_outputs = false;
  unfurl_region_clear(&s->region);
}

unfurl_status unfurl_session_build(unfurl_session *s, const unfurl_tensor *inputs, unfurl_error *error) {
  size_t workspace = 0;
  unfurl_session_clear(s);
  unfurl_status status = allocate(s, error);
  if (!status) status = add_inputs(s, inputs, error);
  if (!status) status = add_nodes(s, error);
  if (!status) status = add_outputs(s, error);
  if (!status) status = prepare_steps(s, &workspace, error);
  if (!status) status = place_values(s, workspace, error);
  if (status)
    unfurl_session_clear(s);
  else
    s->is_prepared = true;
  return status;
}
