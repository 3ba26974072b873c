/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph/session.h"

#include <string.h>

#include "base/context.h"
#include "base/fpenv.h"
#include "base/status.h"
#include "conv/solver.h"
#include "graph/chain.h"
#include "graph/weights_cache.h"
#include "shape/tensor.h"

void unfurl_session_options_init(unfurl_session_options *options) {
  *options = (unfurl_session_options){.size = sizeof *options, .tolerance = 2e-5f, .memory_limit = (size_t)4 << 30};
}

static unfurl_status check_options(const unfurl_session_options *options, unfurl_error *error) {
  if (options->algo && !unfurl_conv_algo_known(options->algo))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "there is no solver \"%s\"", options->algo);
  if ((unsigned)options->planning > UNFURL_PLAN_MEASURE)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "unknown way of planning %d", (int)options->planning);
  if (!(options->tolerance >= 0))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "tolerance is %g, less than 0", (double)options->tolerance);
  return UNFURL_OK;
}

unfurl_status unfurl_session_create(const unfurl_model *model, const unfurl_session_options *given,
                                    unfurl_session **session, unfurl_error *error) {
  if (session) *session = NULL;
  if (!session || !model || !model->finished)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL, or the model is not finished");
  unfurl_session_options options;
  unfurl_session_options_init(&options);
  const size_t least = offsetof(unfurl_session_options, planning); /* what follows came later */
  if (given && !unfurl_struct_read(&options, sizeof options, given, least))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the options were not initialised");
  const unfurl_status status = check_options(&options, error);
  if (status) return status;
  unfurl_session *made = unfurl_alloc_zeroed(model->context, sizeof *made);
  if (!made) return unfurl_fail_memory(error, "a session");
  made->context = model->context;
  made->model = model;
  made->options = options;
  /* The caller's string need not live on. */
  made->options.algo = options.algo ? unfurl_conv_algo_known(options.algo) : NULL;
  unfurl_region_init(&made->region, model->context);
  *session = made;
  return unfurl_succeed(error);
}

static unfurl_status check_input(const unfurl_session *s, size_t index, const unfurl_tensor *given, bool need_data,
                                 unfurl_error *error) {
  const unfurl_value *value = &s->model->values[s->model->inputs[index]];
  const unfurl_tensor *declared = &value->tensor;
  size_t bytes;
  if (given->size < sizeof *given)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input \"%s\" was not initialised", value->name);
  const unfurl_status status = unfurl_tensor_bytes(given, &bytes, error);
  if (status) return unfurl_fail_in(error, status, value->name);
  if (bytes && !given->data && (need_data || given->dtype != UNFURL_F32))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input \"%s\" has no data", value->name);
  if (given->layout != UNFURL_NCHW && given->layout != UNFURL_NHWC)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input \"%s\" has an unknown layout", value->name);
  if (given->dtype != declared->dtype)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input \"%s\" is %s, the model takes %s", value->name,
                       unfurl_dtype_name(given->dtype), unfurl_dtype_name(declared->dtype));
  if (given->rank != declared->rank)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input \"%s\" has rank %zu, the model takes %zu", value->name,
                       given->rank, declared->rank);
  for (size_t i = 0; i < given->rank; i++)
    if (declared->dims[i] != -1 && declared->dims[i] != given->dims[i])
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input \"%s\" has %lld in dimension %zu, the model takes %lld",
                         value->name, (long long)given->dims[i], i, (long long)declared->dims[i]);
  return UNFURL_OK;
}

static bool fits_signature(const unfurl_tensor *signature, const unfurl_tensor *input) {
  if (!unfurl_tensor_same_dims(signature, input) || signature->layout != input->layout) return false;
  const size_t bytes = unfurl_tensor_count(input) * unfurl_dtype_size(input->dtype);
  return !signature->data || bytes == 0 || !memcmp(signature->data, input->data, bytes);
}

static bool is_prepared_for(const unfurl_session *s, const unfurl_tensor *inputs) {
  for (size_t i = 0; s->is_prepared && i < s->model->input_count; i++)
    if (!fits_signature(&s->signature[i], &inputs[i])) return false;
  return s->is_prepared;
}

static void bind_inputs(unfurl_session *s, const unfurl_tensor *inputs) {
  for (size_t i = 0; i < s->model->input_count; i++) {
    unfurl_session_value *value = &s->values[s->model->inputs[i]];
    if (value->storage == UNFURL_STORAGE_INPUT) value->tensor.data = inputs[i].data;
  }
  for (size_t i = 0; i < s->step_count; i++) {
    const unfurl_step *step = &s->steps[i];
    if (step->call.node->op->is_alias) s->values[step->outputs[0]].tensor.data = s->values[step->inputs[0]].tensor.data;
  }
}

static unfurl_status run_step(const unfurl_session *s, const unfurl_step *step, unfurl_error *error) {
  const unfurl_op_call *call = &step->call;
  if (call->node->op->is_alias) return UNFURL_OK;
  const unfurl_status status = call->node->op->run(call, error);
  if (!status) return UNFURL_OK;
  char label[160];
  unfurl_node_label(s->model, call->node, label, sizeof label);
  return unfurl_fail_in(error, status, label);
}

static unfurl_status run_segment(const unfurl_session *s, const unfurl_segment *segment, unfurl_error *error) {
  unfurl_status status = UNFURL_OK;
  for (size_t turn = 0; turn < segment->turns; turn++) {
    for (size_t i = 0; i < segment->part_count; i++) {
      unfurl_part *part = &segment->parts[i];
      char *data = s->values[part->value].tensor.data;
      part->tensor.data = data ? data + turn * part->stride : NULL; /* the latter where it lies within a chain */
    }
    for (size_t i = segment->begin; i < segment->end && !status; i++) {
      const unfurl_chain *chain = s->steps[i].chain;
      if (!chain) {
        status = run_step(s, &s->steps[i], error);
        continue;
      }
      unfurl_chain_run(s, chain);
      i = chain->end - 1;
    }
  }
  return status;
}

/* Checks the inputs and prepares for them, unless that is done already. */
static unfurl_status prepare(unfurl_session *s, const unfurl_tensor *inputs, size_t count, bool need_data,
                             unfurl_error *error) {
  if (!s || (count && !inputs)) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  s->has_outputs = false;
  if (count != s->model->input_count)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "%zu inputs were given, the model takes %zu", count,
                       s->model->input_count);
  unfurl_status status = UNFURL_OK;
  for (size_t i = 0; i < count && !status; i++) status = check_input(s, i, &inputs[i], need_data, error);
  return status || is_prepared_for(s, inputs) ? status : unfurl_session_build(s, inputs, error);
}

unfurl_status unfurl_session_prepare(unfurl_session *s, const unfurl_tensor *inputs, size_t count,
                                     unfurl_error *error) {
  const unfurl_status status = prepare(s, inputs, count, false, error);
  return status ? status : unfurl_succeed(error);
}

unfurl_status unfurl_session_run(unfurl_session *s, const unfurl_tensor *inputs, size_t count, unfurl_error *error) {
  unfurl_status status = prepare(s, inputs, count, true, error);
  if (status) return status;
  bind_inputs(s, inputs);
  const unfurl_fpenv before = unfurl_fpenv_enter(s->context->options.flush_to_zero);
  for (size_t i = 0; i < s->segment_count && !status; i++) status = run_segment(s, &s->segments[i], error);
  unfurl_fpenv_leave(before);
  if (status) {
    unfurl_session_clear(s);
    return status;
  }
  s->has_outputs = true;
  return unfurl_succeed(error);
}

size_t unfurl_session_layer_count(const unfurl_session *s) {
  return s && s->is_prepared ? s->step_count : 0;
}

static size_t turns_of(const unfurl_session *s, size_t step) {
  const unfurl_segment *segment = s->segments;
  while (segment->end <= step) segment++;
  return segment->turns;
}

unfurl_status unfurl_session_layer(const unfurl_session *s, size_t index, unfurl_layer *layer, unfurl_error *error) {
  const size_t least = offsetof(unfurl_layer, plan); /* what follows came later */
  if (!layer || layer->size < least || index >= unfurl_session_layer_count(s))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "layer is NULL, has no size, or there is no layer %zu", index);
  const unfurl_step *step = &s->steps[index];
  const unfurl_op_call *call = &step->call;
  const unfurl_node *node = call->node;
  unfurl_layer found = {.size = layer->size,
                        .name = node->name,
                        .op_type = node->op->type,
                        .algo = "",
                        .output = s->values[step->outputs[0]].tensor,
                        .workspace_bytes = call->workspace_size,
                        .plan = "",
                        .turns = turns_of(s, index),
                        .bands = step->chain ? step->chain->bands : 0,
                        .chain = step->chain ? step->chain->begin : index};
  found.output.data = NULL;
  if (!*node->name && node->outputs) found.name = s->model->values[node->outputs[0]].name;
  if (node->op->describe) node->op->describe(call, &found);
  found.operations *= (double)found.turns;
  memcpy(layer, &found, layer->size < sizeof found ? layer->size : sizeof found);
  return unfurl_succeed(error);
}

const unfurl_tensor *unfurl_session_output(const unfurl_session *s, size_t index) {
  if (!s || !s->has_outputs || index >= s->model->output_count) return NULL;
  return &s->values[s->outputs[index]].tensor;
}

unfurl_status unfurl_session_memory_used(const unfurl_session *s, unfurl_session_memory *memory, unfurl_error *error) {
  const size_t least = offsetof(unfurl_session_memory, constants_bytes); /* which came later */
  if (!s || !memory || memory->size < least)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL, or the size is not set");
  unfurl_session_memory used = {
      .size = memory->size, .arena_bytes = s->arena_bytes, .workspace_bytes = s->workspace_bytes};
  unfurl_weights_cache_bytes(s->model->cache, &used.weights_bytes, &used.constants_bytes);
  for (size_t v = 0; v < s->model->value_count; v++) used.constants_bytes += s->model->values[v].owned_bytes;
  memcpy(memory, &used, memory->size < sizeof used ? memory->size : sizeof used);
  return unfurl_succeed(error);
}

void unfurl_session_destroy(unfurl_session **session) {
  if (!session || !*session) return;
  unfurl_session *s = *session;
  unfurl_session_clear(s);
  unfurl_context_free(s->context, s->arena, s->arena_bytes);
  unfurl_context_free(s->context, s->workspace, s->workspace_bytes);
  unfurl_context_free(s->context, s, sizeof *s);
  *session = NULL;
}
