/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/measure.h"

#include <time.h>

#include "base/memory.h"
#include "conv/plan.h"

enum { LEAST_ROUNDS = 2, SLICE = 50 * 1000 * 1000 /* nanoseconds a solver */, MOST_BYTES = 1 << 30 };

typedef struct trial {
  unfurl_conv_plan *plan;
  unfurl_conv_weights *weights; /* NULL where they are given at execute */
  double best;                  /* nanoseconds */
} trial;

/* What all trials share: their images, the weights as the caller would give them, and one workspace. */
typedef struct stage {
  const unfurl_context *context;
  size_t src_bytes, dst_bytes, weights_bytes, workspace_bytes;
  float *src, *dst, *weights;
  void *workspace;
  trial trials[UNFURL_CONV_CANDIDATES_MAX];
  size_t count;
} stage;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

/* Numbers in -1..1 that single precision has exactly, whatever the caller's rounding. */
static void fill(float *values, size_t bytes) {
  uint32_t state = 1;
  for (size_t i = 0; i < bytes / sizeof *values; i++) {
    state = state * 1664525u + 1013904223u;
    values[i] = (float)((int32_t)state >> 8) * 0x1p-23f;
  }
}

static bool make_plans(stage *s, const unfurl_conv_desc *desc, const unfurl_conv_solver *const *solvers, size_t count) {
  unfurl_conv_desc named = *desc;
  named.planning = UNFURL_PLAN_ESTIMATE;
  for (; s->count < count; s->count++) {
    named.algo = solvers[s->count]->name;
    if (unfurl_conv_plan_make(s->context, &named, unfurl_context_threads(s->context), &s->trials[s->count].plan, NULL))
      return false;
  }
  return true;
}

static size_t floats(size_t a, size_t b) {
  return unfurl_size_product(3, (const size_t[]){a, b, sizeof(float)});
}

/* Sets the sizes; false where all of it together is too much to ask for. */
static bool add_up(stage *s) {
  const unfurl_conv_geometry *g = &s->trials[0].plan->problem.geometry;
  s->src_bytes = floats(g->batch, g->src.image);
  s->dst_bytes = floats(g->batch, g->dst.image);
  s->weights_bytes = floats(g->weights, 1);
  size_t total = s->src_bytes;
  unfurl_size_add(&total, s->dst_bytes);
  unfurl_size_add(&total, s->weights_bytes);
  for (size_t i = 0; i < s->count; i++) {
    const unfurl_conv_plan *plan = s->trials[i].plan;
    const size_t workspace = unfurl_conv_plan_workspace_size(plan, 0);
    if (workspace > s->workspace_bytes) s->workspace_bytes = workspace;
    unfurl_size_add(&total, plan->packed_bytes);
  }
  return unfurl_size_add(&total, s->workspace_bytes) && total <= MOST_BYTES;
}

static bool allocate(stage *s) {
  s->src = unfurl_context_alloc(s->context, s->src_bytes);
  s->dst = unfurl_context_alloc(s->context, s->dst_bytes);
  s->weights = unfurl_context_alloc(s->context, s->weights_bytes);
  s->workspace = unfurl_context_alloc(s->context, s->workspace_bytes);
  if (!s->src || !s->dst || !s->weights || (s->workspace_bytes && !s->workspace)) return false;
  fill(s->src, s->src_bytes);
  fill(s->weights, s->weights_bytes);
  return true;
}

static bool pack_weights(stage *s) {
  for (size_t i = 0; i < s->count; i++) {
    trial *t = &s->trials[i];
    if (!t->plan->weights_at_execute && unfurl_conv_weights_create(t->plan, s->weights, NULL, &t->weights, NULL))
      return false;
  }
  return true;
}

static bool run(const stage *s, trial *t) {
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = s->src, args.dst = s->dst;
  args.weights = t->weights, args.raw_weights = t->weights ? NULL : s->weights;
  args.workspace = s->workspace, args.workspace_size = s->workspace_bytes;
  const double begin = now();
  const unfurl_status status = unfurl_conv_plan_execute(t->plan, &args, NULL);
  const double taken = now() - begin;
  if (t->best == 0 || taken < t->best) t->best = taken;
  return !status;
}

static bool race(stage *s) {
  const double end = now() + (double)SLICE * (double)s->count;
  for (size_t round = 0; round < LEAST_ROUNDS || now() < end; round++)
    for (size_t i = 0; i < s->count; i++)
      if (!run(s, &s->trials[i])) return false;
  return true;
}

static void clear(stage *s) {
  for (size_t i = 0; i < s->count; i++) {
    unfurl_conv_weights_destroy(&s->trials[i].weights);
    unfurl_conv_plan_destroy(&s->trials[i].plan);
  }
  unfurl_context_free(s->context, s->workspace, s->workspace_bytes);
  unfurl_context_free(s->context, s->weights, s->weights_bytes);
  unfurl_context_free(s->context, s->dst, s->dst_bytes);
  unfurl_context_free(s->context, s->src, s->src_bytes);
}

bool unfurl_conv_measure(const unfurl_context *context, const unfurl_conv_desc *desc,
                         const unfurl_conv_solver *const *solvers, size_t count, double *nanoseconds) {
  stage s = {.context = context};
  const bool done = make_plans(&s, desc, solvers, count) && add_up(&s) && allocate(&s) && pack_weights(&s) && race(&s);
  for (size_t i = 0; i < count && done; i++) nanoseconds[i] = s.trials[i].best;
  clear(&s);
  return done;
}
