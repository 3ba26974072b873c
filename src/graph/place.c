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
void unfurl_session_find_lives(unfurl_session *s) {
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

static bool is_inside(const unfurl_segment *segment, size_t step) {
  return step >= segment->begin && step < segment->end;
}

/* What a segment of several turns does to the lives of its values: what only it uses is there for one turn, all else from
 * the first turn to the last, since each turn comes back to the first step. */
static void set_turns(unfurl_session *s) {
  for (size_t i = 0; i < s->segment_count; i++) {
    const unfurl_segment *segment = &s->segments[i];
    for (size_t p = 0; p < segment->part_count; p++) {
      unfurl_part *part = &segment->parts[p];
      unfurl_session_value *root = &s->values[unfurl_session_root(s, part->value)];
      const bool begins = is_inside(segment, root->first), ends = is_inside(segment, root->last);
      part->stride = tensor_bytes(&part->tensor);
      if (root->storage != UNFURL_STORAGE_ARENA) continue;
      if (begins && ends) {
        root->turns = segment->turns;
        part->stride = 0;
      } else if (begins) {
        root->first = segment->begin;
      } else if (ends) {
        root->last = segment->end - 1;
      }
    }
  }
}

typedef struct block_list {
  unfurl_block *blocks;
  unfurl_session_value **owners;
  size_t count;
} block_list;

static void add_block(block_list *list, unfurl_session_value *value) {
  const size_t bytes = tensor_bytes(&value->tensor), turns = value->turns ? value->turns : 1;
  list->owners[list->count] = value;
  list->blocks[list->count++] = (unfurl_block){.bytes = bytes / turns, .first = value->first, .last = value->last};
}

/* The values with a place in the arena that a segment computes: those for one turn only, or the others. */
static void list_segment(const unfurl_session *s, const unfurl_segment *segment, bool for_one_turn, block_list *list) {
  for (size_t i = segment->begin; i < segment->end; i++) {
    const unfurl_step *step = &s->steps[i];
    for (size_t o = 0; o < step->call.node->output_count; o++) {
      if (step->outputs[o] == UNFURL_NO_VALUE) continue;
      unfurl_session_value *value = &s->values[step->outputs[o]];
      if (value->storage == UNFURL_STORAGE_ARENA && (value->turns > 1) == for_one_turn) add_block(list, value);
    }
  }
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
  block_list list = {.blocks = unfurl_region_alloc(&s->region, s->value_count * sizeof *list.blocks),
                     .owners = unfurl_region_alloc(&s->region, s->value_count * sizeof(*list.owners))};
  if (!list.blocks || !list.owners) return unfurl_fail_memory(error, "a session");
  set_turns(s);
  for (size_t i = 0; i < s->segment_count; i++) { /* in the order of their first steps */
    list_segment(s, &s->segments[i], false, &list);
    list_segment(s, &s->segments[i], true, &list);
  }
  const size_t arena = unfurl_memory_plan(list.blocks, list.count);
  size_t total = arena;
  if (!unfurl_size_add(&total, workspace) || total > s->options.memory_limit)
    return unfurl_fail(error, UNFURL_TOO_LARGE, "it needs %zu bytes of memory, the limit is %zu", total,
                       s->options.memory_limit);
  if (!grow_buffer(s->context, &s->arena, &s->arena_bytes, arena) ||
      !grow_buffer(s->context, &s->workspace, &s->workspace_bytes, workspace))
    return unfurl_fail(error, UNFURL_OUT_OF_MEMORY, "out of memory for %zu bytes of intermediate values", total);
  for (size_t i = 0; i < list.count; i++) {
    static char nothing[UNFURL_ALIGN]; /* where a tensor without elements points to, if the arena is empty */
    list.owners[i]->tensor.data = s->arena ? (char *)s->arena + list.blocks[i].offset : nothing;
  }
  for (size_t i = 0; i < s->step_count; i++) s->steps[i].call.workspace = s->workspace;
  return UNFURL_OK;
}
