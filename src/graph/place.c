/* SPDX-License-Identifier: BSD-2-Clause */
/* Where values lie: how long each must be kept, and from that its place in the arena. */
#include "base/status.h"
#include "graph/memory_plan.h"
#include "graph/session.h"
#include "shape/tensor.h"

static void keep_until(unfurl_session *s, size_t value, size_t step) {
  unfurl_session_value *root = &s->values[unfurl_session_root(s, value)];
  if (root->last < step) root->last = step;
}

/* From the step that computes a value to the last that reads it, or an alias of it; outputs stay to the end. */
static void find_lives(unfurl_session *s) {
  for (size_t i = 0; i < s->step_count; i++) {
    const unfurl_step *step = &s->steps[i];
    for (size_t o = 0; o < step->call.node->output_count; o++)
      if (step->outputs[o] != UNFURL_NO_VALUE) s->values[step->outputs[o]].first = s->values[step->outputs[o]].last = i;
    for (size_t in = 0; in < step->call.node->input_count; in++)
      if (step->inputs[in] != UNFURL_NO_VALUE) keep_until(s, step->inputs[in], i);
  }
  for (size_t i = 0; i < s->model->output_count; i++) keep_until(s, s->outputs[i], s->step_count);
}

static size_t tensor_bytes(const unfurl_tensor *tensor) {
  return unfurl_tensor_count(tensor) * unfurl_dtype_size(tensor->dtype);
}

/* The blocks of the values that have a place in the arena, in the order of the steps that compute them. */
static size_t list_blocks(const unfurl_session *s, unfurl_block *blocks, unfurl_session_value **owners) {
  size_t count = 0;
  for (size_t i = 0; i < s->step_count; i++) {
    const unfurl_step *step = &s->steps[i];
    for (size_t o = 0; o < step->call.node->output_count; o++) {
      if (step->outputs[o] == UNFURL_NO_VALUE) continue;
      unfurl_session_value *value = &s->values[step->outputs[o]];
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

unfurl_status unfurl_session_place(unfurl_session *s, size_t workspace, unfurl_error *error) {
  unfurl_block *blocks = unfurl_region_alloc(&s->region, s->value_count * sizeof *blocks);
  unfurl_session_value **owners = unfurl_region_alloc(&s->region, s->value_count * sizeof(*owners));
  if (!blocks || !owners) return unfurl_fail_memory(error, "a session");
  find_lives(s);
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
