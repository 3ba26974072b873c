/* SPDX-License-Identifier: BSD-2-Clause */
/* Finishing a model: nodes in the order of their values, constants folded, what nobody needs dropped. */
#include <string.h>

#include "base/status.h"
#include "graph/op.h"
#include "graph/weights_cache.h"

static unfurl_status check_defined(const unfurl_model *model, unfurl_error *error) {
  for (size_t i = 0; i < model->value_count; i++)
    if (model->values[i].kind == UNFURL_VALUE_UNDEFINED)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "nothing defines the value \"%s\"", model->values[i].name);
  if (model->output_count == 0) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the model has no output");
  return UNFURL_OK;
}

/* For each value, the nodes that use it: uses[first[v]] .. uses[first[v + 1] - 1]. */
typedef struct use_lists {
  size_t *first, *uses;
} use_lists;

static bool computed(const unfurl_model *model, size_t value) {
  return value != UNFURL_NO_VALUE && model->values[value].kind == UNFURL_VALUE_COMPUTED;
}

static bool list_uses(const unfurl_model *model, unfurl_region *scratch, use_lists *lists) {
  size_t total = 0;
  lists->first = unfurl_region_alloc_zeroed(scratch, (model->value_count + 2) * sizeof(size_t));
  if (!lists->first) return false;
  for (size_t n = 0; n < model->node_count; n++)
    for (size_t i = 0; i < model->nodes[n].input_count; i++)
      if (computed(model, model->nodes[n].inputs[i])) lists->first[model->nodes[n].inputs[i] + 2]++, total++;
  for (size_t v = 2; v < model->value_count + 2; v++) lists->first[v] += lists->first[v - 1];
  lists->uses = unfurl_region_alloc(scratch, total * sizeof(size_t));
  if (!lists->uses) return false;
  for (size_t n = 0; n < model->node_count; n++)
    for (size_t i = 0; i < model->nodes[n].input_count; i++)
      if (computed(model, model->nodes[n].inputs[i])) lists->uses[lists->first[model->nodes[n].inputs[i] + 1]++] = n;
  return true;
}

/* Kahn's algorithm (A. B. Kahn, 1962): a node is ready when nothing that it waits for is left. */
static unfurl_status sort(unfurl_model *model, unfurl_region *scratch, unfurl_error *error) {
  use_lists lists;
  unfurl_node *sorted = unfurl_region_alloc(&model->region, model->node_count * sizeof *sorted);
  size_t *waits = unfurl_region_alloc_zeroed(scratch, model->node_count * sizeof *waits);
  size_t *ready = unfurl_region_alloc(scratch, model->node_count * sizeof *ready);
  if (!sorted || !waits || !ready || !list_uses(model, scratch, &lists)) return unfurl_fail_memory(error, "the graph");
  size_t found = 0, done = 0;
  for (size_t n = 0; n < model->node_count; n++) {
    for (size_t i = 0; i < model->nodes[n].input_count; i++) waits[n] += computed(model, model->nodes[n].inputs[i]);
    if (!waits[n]) ready[found++] = n;
  }
  for (; done < found; done++) {
    const unfurl_node *node = &model->nodes[ready[done]];
    sorted[done] = *node;
    for (size_t o = 0; o < node->output_count; o++) {
      const size_t value = node->outputs[o];
      if (value == UNFURL_NO_VALUE) continue;
      model->values[value].producer = done;
      for (size_t u = lists.first[value]; u < lists.first[value + 1]; u++)
        if (--waits[lists.uses[u]] == 0) ready[found++] = lists.uses[u];
    }
  }
  if (done < model->node_count) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the graph has a cycle");
  model->nodes = sorted;
  model->node_capacity = model->node_count;
  return UNFURL_OK;
}

unfurl_status unfurl_graph_sort(unfurl_model *model, unfurl_error *error) {
  unfurl_status status = check_defined(model, error);
  if (status) return status;
  unfurl_region scratch;
  unfurl_region_init(&scratch, model->context);
  status = sort(model, &scratch, error);
  unfurl_region_clear(&scratch);
  return status;
}

/* Image operators would need their inputs in another layout; a constant image is rare enough to be computed each run. */
static bool can_fold(const unfurl_model *model, const unfurl_node *node) {
  if (node->op->layout == UNFURL_OP_IMAGE) return false;
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i] != UNFURL_NO_VALUE && model->values[node->inputs[i]].kind != UNFURL_VALUE_CONSTANT)
      return false;
  return true;
}

/* Makes the node's outputs constants, unless they are more than `budget` bytes, from which they are taken. */
static unfurl_status fold(unfurl_model *model, const unfurl_node *node, unfurl_region *scratch, size_t *budget,
                          unfurl_error *error) {
  unfurl_op_call call = {.context = model->context, .model = model, .node = node};
  unfurl_tensor *results = unfurl_region_alloc_zeroed(scratch, node->output_count * sizeof *results);
  call.inputs = unfurl_region_alloc_zeroed(scratch, node->input_count * sizeof *call.inputs);
  call.outputs = unfurl_region_alloc_zeroed(scratch, node->output_count * sizeof *call.outputs);
  if (!results || !call.inputs || !call.outputs) return unfurl_fail_memory(error, "the graph");
  for (size_t i = 0; i < node->input_count; i++)
    if (node->inputs[i] != UNFURL_NO_VALUE) call.inputs[i] = &model->values[node->inputs[i]].tensor;
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != UNFURL_NO_VALUE) call.outputs[i] = &results[i];
  unfurl_status status = node->op->infer(&call, error);
  if (!status) status = unfurl_op_finish_infer(&call, error);
  if (status) return status;
  const size_t bytes = unfurl_op_result_bytes(&call);
  if (bytes > *budget) return UNFURL_OK;
  *budget -= bytes;
  status = unfurl_op_evaluate(&call, scratch, error);
  for (size_t i = 0; i < node->output_count && !status; i++)
    if (call.outputs[i] && !unfurl_model_set_constant(model, node->outputs[i], &results[i]))
      status = unfurl_fail_memory(error, "a constant");
  return status;
}

unfurl_status unfurl_graph_fold_constants(unfurl_model *model, unfurl_error *error) {
  unfurl_region scratch;
  unfurl_region_init(&scratch, model->context);
  unfurl_status status = UNFURL_OK;
  size_t budget = model->options.fold_limit;
  for (size_t n = 0; n < model->node_count && !status; n++) {
    const unfurl_node *node = &model->nodes[n];
    if (!can_fold(model, node)) continue;
    status = fold(model, node, &scratch, &budget, error);
    unfurl_region_clear(&scratch);
    if (status) {
      char label[160];
      unfurl_node_label(model, node, label, sizeof label);
      unfurl_fail_in(error, status, label);
    }
  }
  unfurl_region_clear(&scratch);
  return status;
}

static bool is_needed(const unfurl_model *model, const unfurl_node *node) {
  for (size_t i = 0; i < node->output_count; i++)
    if (node->outputs[i] != UNFURL_NO_VALUE && model->values[node->outputs[i]].uses > 0 &&
        model->values[node->outputs[i]].kind == UNFURL_VALUE_COMPUTED)
      return true;
  return false;
}

static void drop_constants(unfurl_model *model) {
  for (size_t v = 0; v < model->value_count; v++) {
    unfurl_value *value = &model->values[v];
    if (value->uses > 0 || value->owned_bytes == 0) continue;
    unfurl_context_free(model->context, value->tensor.data, value->owned_bytes);
    value->tensor.data = NULL;
    value->owned_bytes = 0;
  }
}

void unfurl_graph_drop_unused(unfurl_model *model) {
  for (size_t v = 0; v < model->value_count; v++) model->values[v].uses = 0;
  for (size_t i = 0; i < model->output_count; i++) model->values[model->outputs[i]].uses++;
  size_t kept = model->node_count; /* nodes kept..node_count-1 of the array are those that are needed */
  for (size_t n = model->node_count; n-- > 0;) {
    const unfurl_node node = model->nodes[n];
    if (!is_needed(model, &node)) continue;
    for (size_t i = 0; i < node.input_count; i++)
      if (node.inputs[i] != UNFURL_NO_VALUE) model->values[node.inputs[i]].uses++;
    model->nodes[--kept] = node;
  }
  model->node_count -= kept;
  memmove(model->nodes, model->nodes + kept, model->node_count * sizeof *model->nodes);
  for (size_t n = 0; n < model->node_count; n++)
    for (size_t i = 0; i < model->nodes[n].output_count; i++)
      if (model->nodes[n].outputs[i] != UNFURL_NO_VALUE) model->values[model->nodes[n].outputs[i]].producer = n;
  drop_constants(model);
}

static bool is_constant(const unfurl_model *model, const unfurl_node *node, size_t input) {
  return input < node->input_count && node->inputs[input] != UNFURL_NO_VALUE &&
         model->values[node->inputs[input]].kind == UNFURL_VALUE_CONSTANT;
}

/* Whether input 1 of a node is packed, or read with the cache's leave. Of a convolution with a bias that is computed it is
 * neither. */
static bool reads_packed(const unfurl_model *model, const unfurl_node *node) {
  if (!is_constant(model, node, 1)) return false;
  if (node->op == &unfurl_op_gemm || node->op == &unfurl_op_matmul) return true;
  const bool has_bias = node->input_count > 2 && node->inputs[2] != UNFURL_NO_VALUE;
  return (node->op == &unfurl_op_conv || node->op == &unfurl_op_conv_transpose) &&
         (!has_bias || is_constant(model, node, 2));
}

unfurl_status unfurl_graph_give_weights(unfurl_model *model, unfurl_error *error) {
  unfurl_region scratch;
  unfurl_region_init(&scratch, model->context);
  size_t *packed = unfurl_region_alloc_zeroed(&scratch, model->value_count * sizeof *packed); /* uses of that kind */
  const bool has_memory = packed && unfurl_weights_cache_open(model->cache, model->value_count);
  for (size_t n = 0; n < model->node_count && has_memory; n++)
    if (reads_packed(model, &model->nodes[n])) packed[model->nodes[n].inputs[1]]++;
  for (size_t v = 0; v < model->value_count && has_memory; v++) {
    unfurl_value *value = &model->values[v];
    if (packed[v] && packed[v] == value->uses && value->owned_bytes) unfurl_weights_cache_take(model->cache, v, value);
  }
  unfurl_region_clear(&scratch);
  return has_memory ? UNFURL_OK : unfurl_fail_memory(error, "the graph");
}
