/* SPDX-License-Identifier: BSD-2-Clause */
/* Preparing a session: for each node in order, find its inputs in the layout that it wants, infer its outputs, and
 * either compute them at once (when every input is known) or append a step. */
#include <string.h>

#include "base/status.h"
#include "graph/chain.h"
#include "graph/session.h"
#include "nn/copy.h"
#include "shape/tensor.h"

enum {
  KNOWN_INPUT_LIMIT = 1024,    /* elements of an input whose values may decide shapes */
  KNOWN_RESULT_LIMIT = 1 << 20 /* bytes that are computed once rather than at each run */
};

/* Layout conversion as an operator, of which only sessions know. */
static unfurl_status run_convert(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  unfurl_copy_tensor(call->context, call->inputs[0], call->outputs[0]);
  return UNFURL_OK;
}

static const unfurl_op CONVERT = {
    .type = "layout conversion", .layout = UNFURL_OP_ANY, .is_image_wise = true, .run = run_convert};
static const unfurl_op RELABEL = {.type = "layout change", .layout = UNFURL_OP_ANY, .is_alias = true};

size_t unfurl_session_root(const unfurl_session *s, size_t value) {
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

/* Whether a node is shaped by a value: the scales of a Resize, the ends of a Range. */
static bool shapes_a_node(const unfurl_model *model, size_t value) {
  for (size_t n = 0; n < model->node_count; n++) {
    const unfurl_node *node = &model->nodes[n];
    const size_t first = node->op->is_shaped_by_input_0 ? 0 : 1;
    for (size_t i = first; i < node->input_count && node->op->is_shaped_by_inputs; i++)
      if (node->inputs[i] == value) return true;
  }
  return false;
}

static bool may_decide_shapes(const unfurl_model *model, size_t value, const unfurl_tensor *input) {
  if (input->layout != UNFURL_NCHW || unfurl_tensor_count(input) > KNOWN_INPUT_LIMIT) return false;
  return input->dtype != UNFURL_F32 || (input->rank <= 1 && shapes_a_node(model, value));
}

/* Integers that come in may decide shapes: their values belong to what the session is prepared for. */
static unfurl_status add_inputs(unfurl_session *s, const unfurl_tensor *inputs, unfurl_error *error) {
  for (size_t i = 0; i < s->model->input_count; i++) {
    unfurl_session_value *value = &s->values[s->model->inputs[i]];
    s->signature[i] = inputs[i];
    s->signature[i].data = NULL;
    const bool decides = may_decide_shapes(s->model, s->model->inputs[i], &inputs[i]);
    if (decides && !unfurl_region_copy_tensor(&s->region, &s->signature[i], &inputs[i]))
      return unfurl_fail_memory(error, "a session");
    value->tensor = s->signature[i];
    value->storage = decides ? UNFURL_STORAGE_KNOWN : UNFURL_STORAGE_INPUT;
  }
  return UNFURL_OK;
}

/* A value that the next step computes, or that it gives the memory of another. */
static void set_output(unfurl_session *s, size_t value, size_t alias_of) {
  unfurl_session_value *v = &s->values[value];
  v->storage = alias_of == UNFURL_NO_VALUE ? UNFURL_STORAGE_ARENA : UNFURL_STORAGE_ALIAS;
  v->root = alias_of == UNFURL_NO_VALUE ? value : unfurl_session_root(s, alias_of);
}

/* The step of an operator with one input and one output that is not in the model. */
static unfurl_status add_own_step(unfurl_session *s, const unfurl_op *op, size_t from, size_t to, unfurl_error *error) {
  unfurl_node *node = unfurl_region_alloc(&s->region, sizeof *node);
  size_t *values = unfurl_region_alloc(&s->region, 2 * sizeof *values);
  unfurl_tensor **tensors = unfurl_region_alloc(&s->region, 2 * sizeof(*tensors));
  if (!node || !values || !tensors) return unfurl_fail_memory(error, "a session");
  *node = (unfurl_node){.op = op, .name = "", .input_count = 1, .output_count = 1};
  values[0] = from, values[1] = to;
  tensors[0] = &s->values[from].tensor, tensors[1] = &s->values[to].tensor;
  s->steps[s->step_count++] = (unfurl_step){
      .call = {.context = s->context, .model = s->model, .node = node, .inputs = tensors, .outputs = tensors + 1},
      .inputs = values,
      .outputs = values + 1};
  return UNFURL_OK;
}

/* Appends a step that makes `to`, which has other dims or another layout, the memory of `from`. */
static unfurl_status add_relabel(unfurl_session *s, size_t from, size_t to, unfurl_error *error) {
  set_output(s, to, from);
  return add_own_step(s, &RELABEL, from, to, error);
}

/* Appends a step that copies `from` into a new value with the other layout (or the same: `copy`). */
static unfurl_status add_conversion(unfurl_session *s, size_t from, unfurl_layout layout, bool copy, size_t *to,
                                    unfurl_error *error) {
  *to = s->value_count++;
  s->values[*to] = (unfurl_session_value){.tensor = s->values[from].tensor, .twin = from};
  s->values[*to].tensor.layout = layout;
  s->values[*to].tensor.data = NULL;
  if (!copy && unfurl_tensor_layouts_agree(&s->values[from].tensor)) return add_relabel(s, from, *to, error);
  set_output(s, *to, UNFURL_NO_VALUE);
  return add_own_step(s, &CONVERT, from, *to, error);
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
  const unfurl_op_layout wanted = node->op->layout;
  if (value == UNFURL_NO_VALUE || wanted == UNFURL_OP_ANY || wanted == UNFURL_OP_FROM_ANY) return UNFURL_OK;
  const bool is_image = wanted == UNFURL_OP_IMAGE && i == 0;
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

/* Whether its outputs can be computed now. */
static bool all_known(const unfurl_session *s, const unfurl_node *node, const size_t *values) {
  if (node->op->reads_dims_only) return true;
  for (size_t i = 0; i < node->input_count; i++)
    if (values[i] != UNFURL_NO_VALUE && s->values[values[i]].storage != UNFURL_STORAGE_KNOWN) return false;
  return node->op->layout != UNFURL_OP_IMAGE;
}

static void add_step(unfurl_session *s, const unfurl_op_call *call, const size_t *values) {
  const unfurl_node *node = call->node;
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != UNFURL_NO_VALUE)
      set_output(s, node->outputs[i], node->op->is_alias && i == 0 ? values[0] : UNFURL_NO_VALUE);
  s->steps[s->step_count++] = (unfurl_step){.call = *call, .inputs = values, .outputs = node->outputs};
}

static unfurl_status add_node(unfurl_session *s, const unfurl_node *node, unfurl_error *error) {
  unfurl_op_call call;
  size_t *values = unfurl_region_alloc(&s->region, node->input_count * sizeof *values);
  if (!values) return unfurl_fail_memory(error, "a session");
  unfurl_status status = begin_call(s, node, &call, values, error);
  if (!status) status = node->op->infer(&call, error);
  if (!status && node->op->needs_nchw && node->op->needs_nchw(&call)) {
    status = in_layout(s, values[0], UNFURL_NCHW, &values[0], error);
    if (!status) call.inputs[0] = &s->values[values[0]].tensor;
  }
  if (!status) status = unfurl_op_finish_infer(&call, error);
  if (status) return status;
  if (!all_known(s, node, values) || unfurl_op_result_bytes(&call) > KNOWN_RESULT_LIMIT) {
    if (node->op->relabels && node->op->relabels(&call)) return add_relabel(s, values[0], node->outputs[0], error);
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
    if (!status && s->values[unfurl_session_root(s, value)].storage == UNFURL_STORAGE_INPUT)
      status = add_conversion(s, value, UNFURL_NCHW, true, &value, error);
    if (status) return status;
    s->outputs[i] = value;
  }
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

/* Has each step bring what the next one that is awaited reads first, within a segment. */
static unfurl_status join_steps(unfurl_session *s, unfurl_error *error) {
  for (size_t i = 0; i < s->segment_count; i++) {
    const unfurl_op_call *next = NULL;
    for (size_t at = s->segments[i].end; at-- > s->segments[i].begin;) {
      const unfurl_op_call *call = &s->steps[at].call;
      const unfurl_op *op = call->node->op;
      if (!op->precede) continue;
      const unfurl_status status = next ? op->precede(call, next, error) : UNFURL_OK;
      if (status) return status;
      if (op->is_awaited(call)) next = call;
    }
  }
  return UNFURL_OK;
}

void unfurl_session_clear(unfurl_session *s) {
  for (size_t i = 0; i < s->step_count; i++) {
    unfurl_op_call *call = &s->steps[i].call;
    if (s->steps[i].chain && s->steps[i].chain->begin == i) unfurl_chain_release(s->steps[i].chain);
    if (call->node->op->release) call->node->op->release(call);
  }
  s->step_count = s->segment_count = 0;
  s->is_prepared = s->has_outputs = false;
  unfurl_region_clear(&s->region);
}

unfurl_status unfurl_session_build(unfurl_session *s, const unfurl_tensor *inputs, unfurl_error *error) {
  size_t workspace = 0;
  unfurl_session_clear(s);
  unfurl_status status = allocate(s, error);
  if (!status) status = add_inputs(s, inputs, error);
  if (!status) status = add_nodes(s, error);
  if (!status) status = unfurl_session_fuse_residuals(s, error);
  if (!status) status = add_outputs(s, error);
  if (!status) unfurl_session_find_lives(s);
  if (!status) status = unfurl_session_cut(s, error);
  if (!status) status = prepare_steps(s, &workspace, error);
  if (!status) status = unfurl_session_chain(s, &workspace, error);
  if (!status) status = unfurl_session_place(s, workspace, error);
  if (!status) status = join_steps(s, error);
  if (status)
    unfurl_session_clear(s);
  else
    s->is_prepared = true;
  return status;
}
