/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/plan.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/context.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/status.h"
#include "gemm/blas.h"

enum {
  LEAST_TASK = 200000,      /* multiply-adds */
  LEAST_SHORT = 60000,      /* of a job that is worth two tasks where no thread has to be woken */
  READ_WEIGHT = 4,          /* of these take as long as reading a weight that is used once */
  ESTIMATE_PERCENT = 70,    /* of what a solver says that it costs: it counts lanes that are empty, and more */
  STREAMED_FLOATS = 3 << 20 /* of a result, at least: 12 MiB */
};

void unfurl_conv_args_init(unfurl_conv_args *args) {
  *args = (unfurl_conv_args){.size = sizeof *args};
}

/* In multiply-adds. */
static double work_of(const unfurl_conv_plan *plan) {
  const unfurl_conv_geometry *g = &plan->problem.geometry;
  const double operations = (double)g->batch * (double)g->out_pixels * (double)g->oc * (double)g->patch;
  const double reading = (double)plan->solver->packed_floats(&plan->problem) * READ_WEIGHT;
  const double estimate = fmax(plan->solver->cost(&plan->problem), reading);
  return fmax(operations, estimate * ESTIMATE_PERCENT / 100);
}

/* More tasks than units would have nothing to do, and a task that takes less time than waking a thread is a loss. */
static void set_most_tasks(unfurl_conv_plan *plan) {
  const double work = work_of(plan), worthwhile = 1 + work / LEAST_TASK;
  plan->is_short = worthwhile < 2 && work >= LEAST_SHORT;
  const double tasks = plan->is_short ? 2 : worthwhile;
  plan->most_tasks = tasks < (double)plan->units ? (size_t)tasks : plan->units;
}

static unfurl_status init_plan(unfurl_conv_plan *plan, const unfurl_conv_desc *given, size_t threads,
                               unfurl_error *error) {
  unfurl_conv_desc desc;
  unfurl_status status = unfurl_conv_desc_read(&desc, given, error);
  if (!status) status = unfurl_conv_problem_init(&plan->problem, plan->context, &desc, error);
  plan->problem.threads = threads;
  if (!status) status = unfurl_conv_choose(&plan->choice, plan->context, &desc, &plan->problem, error);
  plan->solver = plan->choice.solver;
  if (!status && plan->solver->uses_blas) status = unfurl_blas_prepare(plan->context, error);
  if (status) return status;
  plan->weights_layout = desc.weights_layout;
  plan->weights_at_execute = desc.weights_at_execute;
  plan->activation = desc.activation;
  plan->alpha = desc.alpha;
  plan->beta = desc.beta;
  plan->units = plan->solver->units(&plan->problem);
  set_most_tasks(plan);
  plan->task_workspace = unfurl_size_align(plan->solver->workspace(&plan->problem));
  plan->packed_bytes = unfurl_size_align(
      unfurl_size_product(2, (const size_t[]){plan->solver->packed_floats(&plan->problem), sizeof(float)}));
  if (plan->packed_bytes > PTRDIFF_MAX || unfurl_conv_plan_workspace_size(plan, 1) > PTRDIFF_MAX)
    return unfurl_fail(error, UNFURL_TOO_LARGE, "the workspace or the weights of solver %s overflow",
                       plan->solver->name);
  return UNFURL_OK;
}

/* Tells the host's log, if there is one, what was chosen. */
static void log_plan(const unfurl_conv_plan *plan) {
  char line[400];
  if (!plan->context->options.log) return;
  unfurl_conv_plan_print(plan, line, sizeof line);
  unfurl_log(plan->context, UNFURL_LOG_DEBUG, "%s", line);
}

static size_t plan_bytes(const unfurl_conv_plan *plan) {
  return sizeof *plan + plan->solver->cut_bytes;
}

unfurl_status unfurl_conv_plan_make(const unfurl_context *context, const unfurl_conv_desc *desc, size_t threads,
                                    unfurl_conv_plan **plan, unfurl_error *error) {
  if (plan) *plan = NULL;
  if (!context || !plan) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  unfurl_conv_plan made = {.context = context};
  const unfurl_status status = init_plan(&made, desc, threads, error);
  if (status) return status;
  *plan = unfurl_context_alloc(context, plan_bytes(&made));
  if (!*plan) return unfurl_fail_memory(error, "a convolution plan");
  **plan = made;
  if (made.solver->cut) made.solver->cut(&made.problem, (*plan)->cut);
  return unfurl_succeed(error);
}

unfurl_status unfurl_conv_plan_create(const unfurl_context *context, const unfurl_conv_desc *desc,
                                      unfurl_conv_plan **plan, unfurl_error *error) {
  const size_t threads = context ? unfurl_context_threads(context) : 1;
  const unfurl_status status = unfurl_conv_plan_make(context, desc, threads, plan, error);
  if (!status) log_plan(*plan);
  return status;
}

const char *unfurl_conv_plan_algo(const unfurl_conv_plan *plan) {
  return plan->solver->name;
}

static size_t resolve_tasks(const unfurl_conv_plan *plan, size_t tasks) {
  if (tasks == 0) tasks = unfurl_context_threads(plan->context);
  return tasks < plan->most_tasks ? tasks : plan->most_tasks;
}

size_t unfurl_conv_plan_workspace_size(const unfurl_conv_plan *plan, size_t tasks) {
  size_t size = unfurl_size_product(2, (const size_t[]){resolve_tasks(plan, tasks), plan->task_workspace});
  if (plan->weights_at_execute) unfurl_size_add(&size, plan->packed_bytes);
  if (size > 0) unfurl_size_add(&size, UNFURL_ALIGN - 1); /* to align what the caller gives */
  return size;
}

size_t unfurl_conv_plan_weights_bytes(const unfurl_conv_plan *plan, bool with_bias) {
  size_t bytes = unfurl_size_align(sizeof(unfurl_conv_weights));
  unfurl_size_add(&bytes, plan->packed_bytes);
  if (with_bias) unfurl_size_add(&bytes, plan->problem.geometry.oc * sizeof(float));
  return bytes;
}

unfurl_status unfurl_conv_weights_make(const unfurl_conv_plan *plan, const float *weights, const float *bias,
                                       unfurl_region *region, unfurl_conv_weights **packed, unfurl_error *error) {
  const unfurl_conv_geometry *g = &plan->problem.geometry;
  const size_t bytes = unfurl_conv_plan_weights_bytes(plan, bias != NULL);
  char *block = region ? unfurl_region_alloc_aligned(region, bytes) : unfurl_context_alloc(plan->context, bytes);
  if (!block) return unfurl_fail_memory(error, "packed weights");
  char *data = block + unfurl_size_align(sizeof **packed), *end = data + plan->packed_bytes;
  unfurl_conv_weights *made = (unfurl_conv_weights *)(void *)block;
  *made = (unfurl_conv_weights){.context = plan->context,
                                .pack = plan->solver->pack,
                                .kernels = plan->problem.kernels,
                                .solver = plan->solver,
                                .problem = plan->problem,
                                .layout = plan->weights_layout,
                                .ic = g->ic,
                                .oc = g->oc,
                                .kh = g->h.taps,
                                .kw = g->w.taps,
                                .groups = g->groups,
                                .transposed = g->transposed,
                                .bytes = bytes,
                                .data = (float *)(void *)data,
                                .bias = bias ? (float *)(void *)end : NULL};
  plan->solver->pack(&plan->problem, plan->weights_layout, weights, made->data);
  if (bias) memcpy(made->bias, bias, made->oc * sizeof *bias);
  *packed = made;
  return UNFURL_OK;
}

unfurl_status unfurl_conv_weights_create(const unfurl_conv_plan *plan, const float *weights, const float *bias,
                                         unfurl_conv_weights **packed, unfurl_error *error) {
  if (packed) *packed = NULL;
  if (!plan || !weights || !packed) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  const unfurl_status status = unfurl_conv_weights_make(plan, weights, bias, NULL, packed, error);
  return status ? status : unfurl_succeed(error);
}

size_t unfurl_conv_weights_bytes(const unfurl_conv_weights *weights) {
  return weights->bytes;
}

bool unfurl_conv_plan_accepts(const unfurl_conv_plan *plan, const unfurl_conv_weights *w) {
  const unfurl_conv_geometry *g = &plan->problem.geometry;
  return w->pack == plan->solver->pack && w->kernels == plan->problem.kernels && w->ic == g->ic && w->oc == g->oc &&
         w->kh == g->h.taps && w->kw == g->w.taps && w->groups == g->groups && w->transposed == g->transposed;
}

static unfurl_status check_args(const unfurl_conv_plan *plan, const unfurl_conv_args *args, unfurl_error *error) {
  if (!args->src || !args->dst) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "src or dst is NULL");
  if (args->weights && !unfurl_conv_plan_accepts(plan, args->weights))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the weights were packed for another convolution or solver");
  if (!args->weights && !(plan->weights_at_execute && args->raw_weights))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT,
                       plan->weights_at_execute ? "there are no weights"
                       : args->raw_weights      ? "raw weights need a plan made with weights_at_execute"
                                                : "there are no weights");
  const size_t needed = unfurl_conv_plan_workspace_size(plan, args->tasks);
  if (args->workspace && args->workspace_size < needed)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the workspace has %zu bytes, %zu are needed",
                       args->workspace_size, needed);
  return UNFURL_OK;
}

/* One execute, cut into tasks. */
typedef struct conv_job {
  const unfurl_conv_plan *plan;
  unfurl_conv_run run;
  const unfurl_conv_next *next;
  char *workspace; /* aligned; task i has the i-th slot */
  size_t tasks;
} conv_job;

static void run_task(void *arg, size_t task) {
  const conv_job *job = arg;
  const unfurl_conv_plan *plan = job->plan;
  void *slot = job->workspace + task * plan->task_workspace;
  const unfurl_conv_next *next = job->next;
  unfurl_conv_run run = job->run;
  if (next->tasks) run.next = next->of_task[task < next->tasks ? task : next->tasks - 1];
  plan->solver->run(&run, unfurl_part_begin(plan->units, job->tasks, task),
                    unfurl_part_begin(plan->units, job->tasks, task + 1), slot);
}

/* Results much larger than the caches would be read before they are written, and be gone before they are needed. */
static bool may_stream(const unfurl_conv_plan *plan, const float *dst) {
  const unfurl_conv_geometry *g = &plan->problem.geometry;
  const size_t line = UNFURL_ALIGN / sizeof *dst;
  return g->batch * g->dst.image >= STREAMED_FLOATS && g->dst.channel == 1 && g->oc % line == 0 &&
         (plan->solver->all_groups || g->ocg % line == 0) && (uintptr_t)dst % UNFURL_ALIGN == 0 &&
         plan->activation <= UNFURL_ACTIVATION_CLIP;
}

void unfurl_conv_plan_run(const unfurl_conv_plan *plan, const unfurl_conv_args *args, const unfurl_conv_next *next,
                          void *workspace) {
  const unfurl_conv_weights *packed = args->weights;
  const uintptr_t misaligned = (uintptr_t)workspace % UNFURL_ALIGN;
  conv_job job = {.plan = plan, .next = next, .workspace = workspace, .tasks = resolve_tasks(plan, args->tasks)};
  if (job.tasks > 1 && plan->is_short && !unfurl_context_is_awake(plan->context)) job.tasks = 1;
  if (misaligned) job.workspace += UNFURL_ALIGN - misaligned;
  if (!packed) {
    plan->solver->pack(&plan->problem, plan->weights_layout, args->raw_weights, (float *)(void *)job.workspace);
  }
  job.run = (unfurl_conv_run){
      .problem = &plan->problem,
      .cut = plan->cut,
      .src = args->src,
      .weights = packed ? packed->data : (const float *)(const void *)job.workspace,
      .dst = args->dst,
      .epilogue = {.activation = plan->activation,
                   .alpha = plan->alpha,
                   .beta = plan->beta,
                   .bias = packed ? packed->bias : args->raw_bias,
                   .residual = args->residual},
      .streams = may_stream(plan, args->dst),
  };
  if (plan->weights_at_execute) job.workspace += plan->packed_bytes;
  unfurl_context_parallel_for(plan->context, job.tasks, run_task, &job);
}

size_t unfurl_conv_plan_tasks(const unfurl_conv_plan *plan) {
  return resolve_tasks(plan, 0);
}

unfurl_needed unfurl_conv_plan_first_weights(const unfurl_conv_plan *plan, const unfurl_conv_weights *weights,
                                             size_t task) {
  if (!weights || !plan->solver->first_weights) return (unfurl_needed){0};
  const size_t unit = unfurl_part_begin(plan->units, unfurl_conv_plan_tasks(plan), task);
  const unfurl_piece piece = plan->solver->first_weights(&plan->problem, plan->cut, unit);
  return (unfurl_needed){weights->data + piece.first, piece.floats};
}

unfurl_status unfurl_conv_plan_execute(const unfurl_conv_plan *plan, const unfurl_conv_args *given,
                                       unfurl_error *error) {
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  if (!plan || !given || !unfurl_struct_read(&args, sizeof args, given, sizeof args))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "plan or args is NULL, or args was not initialised");
  const unfurl_status status = check_args(plan, &args, error);
  if (status) return status;
  const size_t needed = unfurl_conv_plan_workspace_size(plan, args.tasks);
  void *own = NULL;
  if (needed && !args.workspace) {
    own = unfurl_context_alloc(plan->context, needed);
    if (!own) return unfurl_fail_memory(error, "the workspace");
  }
  unfurl_conv_plan_run(plan, &args, &(unfurl_conv_next){0}, own ? own : args.workspace);
  unfurl_context_free(plan->context, own, needed);
  return unfurl_succeed(error);
}

void unfurl_conv_weights_destroy(unfurl_conv_weights **weights) {
  if (!weights || !*weights) return;
  unfurl_context_free((*weights)->context, *weights, (*weights)->bytes);
  *weights = NULL;
}

void unfurl_conv_plan_destroy(unfurl_conv_plan **plan) {
  if (!plan || !*plan) return;
  unfurl_context_free((*plan)->context, *plan, plan_bytes(*plan));
  *plan = NULL;
}
