/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan in one line for people:
 *
 *     depthwise: 1 x 56x56x64 -> 56x56x64, 3x3 pad 1 groups 64; estimated cheapest, next strided at 1.50 x; no workspace
 *
 * What has its usual value (stride 1, no padding, ...) is not said.
 */
#include <stdarg.h>
#include <stdio.h>

#include "conv/plan.h"

/* Text that grows at the end of a caller's buffer, counted where it does not fit. */
typedef struct line {
  char *text;
  size_t size, length;
} line;

__attribute__((format(printf, 2, 3))) static void add(line *l, const char *format, ...) {
  va_list args;
  const size_t at = l->length < l->size ? l->length : l->size;
  va_start(args, format);
  const int length = vsnprintf(l->size ? l->text + at : NULL, l->size - at, format, args);
  va_end(args);
  if (length > 0) l->length += (size_t)length;
}

/* A number for each axis; one where they are equal, nothing where both are `usual`. */
static void add_pair(line *l, const char *name, size_t h, size_t w, size_t usual) {
  if (h == usual && w == usual) return;
  add(l, h == w ? " %s %zu" : " %s %zux%zu", name, h, w);
}

static void add_problem(line *l, const unfurl_conv_geometry *g) {
  add(l, "%zu x %zux%zux%zu -> %zux%zux%zu, %s%zux%zu", g->batch, g->h.in, g->w.in, g->ic, g->h.out, g->w.out, g->oc,
      g->transposed ? "transposed " : "", g->h.taps, g->w.taps);
  add_pair(l, "stride", g->h.stride, g->w.stride, 1);
  add_pair(l, "pad", g->h.pad, g->w.pad, 0);
  add_pair(l, "dilation", g->h.dilation, g->w.dilation, 1);
  add_pair(l, "groups", g->groups, g->groups, 1);
}

static void add_duration(line *l, double nanoseconds) {
  if (nanoseconds < 1e6)
    add(l, "%.3g us", nanoseconds / 1e3);
  else
    add(l, "%.3g ms", nanoseconds / 1e6);
}

static void add_reason(line *l, const unfurl_conv_choice *c) {
  switch (c->reason) {
  case UNFURL_CHOSEN_BY_NAME: add(l, "asked for"); break;
  case UNFURL_CHOSEN_ALONE: add(l, c->solver->sums ? "the tolerance allows it" : "the only own solver for it"); break;
  case UNFURL_CHOSEN_BY_ESTIMATE:
    add(l, "estimated cheapest, next %s at %.2f x", c->next->name, c->next_cost / c->cost);
    break;
  case UNFURL_CHOSEN_BY_MEASURE:
    add(l, "measured ");
    add_duration(l, c->cost);
    add(l, ", next %s ", c->next->name);
    add_duration(l, c->next_cost);
    break;
  case UNFURL_CHOSEN_BY_WISDOM:
    add(l, "from wisdom, measured ");
    add_duration(l, c->cost);
    break;
  }
}

static void add_workspace(line *l, size_t bytes) {
  if (bytes == 0)
    add(l, "no workspace");
  else if (bytes < 10000)
    add(l, "%zu bytes of workspace a task", bytes);
  else
    add(l, "%.2f MB of workspace a task", (double)bytes / 1e6);
}

size_t unfurl_conv_plan_print(const unfurl_conv_plan *plan, char *buffer, size_t size) {
  line l = {.text = buffer, .size = size};
  add(&l, "%s: ", plan->solver->name);
  add_problem(&l, &plan->problem.geometry);
  add(&l, "; ");
  add_reason(&l, &plan->choice);
  add(&l, "; ");
  add_workspace(&l, plan->task_workspace);
  return l.length;
}
