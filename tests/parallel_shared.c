/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases in which threads share what is read-only: one plan with packed weights, one model with its weights cache. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"
#include "parallel_cases.h"
#include "support.h"
#include "unfurl/conv.h"
#include "unfurl/session.h"

enum { THREADS = 8, PLAN_ROUNDS = 200, FORKS = 20, MANY_FORKS = 10000, SESSION_ROUNDS = 20, MOST_FLOATS = 4096 };

/* Starts THREADS threads on an array of jobs and waits for them; returns false if one could not be started. */
static bool run_threads(void *(*run)(void *), void *jobs, size_t job_size) {
  pthread_t threads[THREADS];
  size_t started = 0;
  while (started < THREADS && !pthread_create(&threads[started], NULL, run, (char *)jobs + started * job_size))
    started++;
  for (size_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
  return started == THREADS;
}

/* A convolution with its result, for many to execute. */
typedef struct shared_plan {
  unfurl_conv_plan *plan;
  unfurl_conv_weights *packed;
  float src[10 * 9 * 4], weights[8 * 9 * 4], expected[MOST_FLOATS];
  size_t dst_count;
} shared_plan;

static unfurl_context *shared_context(bool blas_single_thread) {
  unfurl_context_options options;
  unfurl_context_options_init(&options);
  options.threads = 2, options.blas_single_thread = blas_single_thread;
  unfurl_context *context = NULL;
  unfurl_context_create(&options, &context, NULL);
  return context;
}

/* Executes into `dst`; false for an error or other bits than expected. */
static bool execute_once(const shared_plan *s, void *workspace, size_t size, float *dst) {
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = s->src, args.dst = dst, args.weights = s->packed, args.tasks = 2;
  args.workspace = workspace, args.workspace_size = size;
  fill_nan(dst, s->dst_count);
  return unfurl_conv_plan_execute(s->plan, &args, NULL) == UNFURL_OK &&
         memcmp(dst, s->expected, s->dst_count * sizeof *dst) == 0;
}

/* False if the solver does not apply, or something went wrong. */
static bool make_shared(shared_plan *s, const unfurl_context *context, const char *algo) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.ih = 10, desc.iw = 9, desc.ic = 4, desc.oc = 8, desc.kh = desc.kw = 3, desc.algo = algo;
  desc.pad_top = desc.pad_left = desc.pad_bottom = desc.pad_right = 1;
  *s = (shared_plan){.dst_count = 10 * 9 * 8};
  fill_real(s->src, sizeof s->src / sizeof *s->src, 1);
  fill_real(s->weights, sizeof s->weights / sizeof *s->weights, 2);
  if (unfurl_conv_plan_create(context, &desc, &s->plan, NULL) != UNFURL_OK) return false;
  if (unfurl_conv_weights_create(s->plan, s->weights, NULL, &s->packed, NULL) != UNFURL_OK) return false;
  float first[MOST_FLOATS];
  execute_once(s, NULL, 0, first);
  memcpy(s->expected, first, sizeof first);
  return true;
}

static void free_shared(shared_plan *s) {
  unfurl_conv_weights_destroy(&s->packed);
  unfurl_conv_plan_destroy(&s->plan);
}

typedef struct plan_job {
  const shared_plan *shared;
  bool gives_workspace, failed;
  atomic_bool *stop; /* or NULL: a fixed number of rounds */
  atomic_int rounds;
} plan_job;

static void *execute_often(void *arg) {
  plan_job *job = arg;
  const size_t size = unfurl_conv_plan_workspace_size(job->shared->plan, 2);
  void *workspace = job->gives_workspace ? malloc(size + 1) : NULL;
  float dst[MOST_FLOATS];
  for (int i = 0; job->stop ? !atomic_load(job->stop) : i < PLAN_ROUNDS; i++) {
    if (!execute_once(job->shared, workspace, size, dst)) job->failed = true;
    atomic_fetch_add(&job->rounds, 1);
  }
  free(workspace);
  return NULL;
}

static const char *share_plan(const unfurl_context *context, const char *algo) {
  shared_plan s;
  if (!make_shared(&s, context, algo)) return NULL;
  plan_job jobs[THREADS] = {0};
  for (size_t i = 0; i < THREADS; i++) jobs[i].shared = &s, jobs[i].gives_workspace = i % 2;
  if (!run_threads(execute_often, jobs, sizeof *jobs)) return "no threads";
  for (size_t i = 0; i < THREADS; i++)
    if (jobs[i].failed) return "a thread got other bits, or an error";
  free_shared(&s);
  return NULL;
}

const char *one_plan_in_eight_threads(void) {
  unfurl_context *context = shared_context(true);
  if (!context) return "no context";
  const char *failed = NULL;
  for (size_t algo = 0; algo < unfurl_conv_algo_count() && !failed; algo++)
    failed = share_plan(context, unfurl_conv_algo_name(algo));
  unfurl_context_destroy(&context);
  return failed;
}

/* The workspace is there before the fork: AddressSanitizer's malloc, unlike the C library's, may leave a child a lock that
 * another thread held. The alarm ends a child that hangs. */
static bool executes_in_a_child(const shared_plan *s) {
  float dst[MOST_FLOATS];
  const size_t size = unfurl_conv_plan_workspace_size(s->plan, 2);
  void *workspace = malloc(size + 1);
  int status;
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(30);
    _exit(workspace && execute_once(s, workspace, size, dst) ? 0 : 1);
  }
  free(workspace);
  return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Forks while another thread executes the plan; so does the child. */
static const char *fork_beside(const shared_plan *plan, int forks) {
  atomic_bool stop = false;
  plan_job job = {.shared = plan, .stop = &stop};
  pthread_t thread;
  bool fine = true;
  if (pthread_create(&thread, NULL, execute_often, &job) != 0) return "no thread";
  for (int i = 0; i < forks && fine; i++) {
    const int before = atomic_load(&job.rounds);
    fine = executes_in_a_child(plan);
    while (atomic_load(&job.rounds) == before) usleep(100);
  }
  atomic_store(&stop, true);
  pthread_join(thread, NULL);
  return !fine ? "a forked child failed" : job.failed ? "the parent got other bits" : NULL;
}

const char *fork_while_another_thread_convolves(void) {
  unfurl_context *context = shared_context(true);
  shared_plan busy;
  if (!context) return "no context";
  const char *failed = NULL;
  for (size_t algo = 0; algo < unfurl_conv_algo_count() && !failed; algo++) {
    if (!make_shared(&busy, context, unfurl_conv_algo_name(algo))) continue;
    failed = fork_beside(&busy, FORKS);
    free_shared(&busy);
  }
  unfurl_context_destroy(&context);
  return failed;
}

const char *fork_while_another_thread_is_in_the_blas(bool blas_single_thread) {
  unfurl_context *context = shared_context(blas_single_thread);
  shared_plan plan;
  if (!context || !make_shared(&plan, context, "im2col")) return "no context";
  alarm(300); /* the parent may hang too */
  const char *failed = fork_beside(&plan, MANY_FORKS);
  free_shared(&plan);
  unfurl_context_destroy(&context);
  return failed;
}

static net make_model(const unfurl_context *context) {
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){-1, 2, 8, 8});
  net_weights(&n, "w", 4, (const int64_t[]){4, 2, 3, 3}, 1);
  net_weights(&n, "b", 1, (const int64_t[]){4}, 2);
  net_weights(&n, "fc", 2, (const int64_t[]){4 * 36, 10}, 3);
  net_node(&n, "Conv", "x w b", "c");
  net_node(&n, "Relu", "c", "r");
  net_node(&n, "Flatten", "r", "f");
  net_node(&n, "Gemm", "f fc", "y");
  net_output(&n, "y");
  net_finish(&n);
  return n;
}

typedef struct session_job {
  const unfurl_model *model;
  size_t number;
  bool failed;
} session_job;

/* Small integers make y exact, so each image's row is the same whatever the batch. */
static bool run_batches(unfurl_session *session, size_t number) {
  float pixels[4 * 128], alone[10];
  for (int64_t batch = 1; batch <= 4; batch++) {
    unfurl_tensor x;
    for (size_t i = 0; i < 4; i++) fill_small(pixels + i * 128, 128, number);
    unfurl_tensor_init(&x, UNFURL_F32, 4, (const int64_t[]){batch, 2, 8, 8}, pixels);
    if (unfurl_session_run(session, &x, 1, NULL) != UNFURL_OK) return false;
    const unfurl_tensor *y = unfurl_session_output(session, 0);
    if (y->dims[0] != batch || y->dims[1] != 10) return false;
    if (batch == 1) memcpy(alone, y->data, sizeof alone);
    for (int64_t i = 0; i < batch; i++)
      if (memcmp((const float *)y->data + 10 * i, alone, sizeof alone) != 0) return false;
  }
  return true;
}

static void *run_sessions(void *arg) {
  session_job *job = arg;
  for (int round = 0; round < SESSION_ROUNDS && !job->failed; round++) {
    unfurl_session *session;
    if (unfurl_session_create(job->model, NULL, &session, NULL) != UNFURL_OK) {
      job->failed = true;
      break;
    }
    job->failed = !run_batches(session, job->number);
    unfurl_session_destroy(&session);
  }
  return NULL;
}

const char *sessions_of_one_model_in_threads(void) {
  unfurl_context *context = shared_context(true);
  if (!context) return "no context";
  net n = make_model(context);
  if (n.status) return "the model was refused";
  session_job jobs[THREADS];
  for (size_t i = 0; i < THREADS; i++) jobs[i] = (session_job){.model = n.model, .number = i};
  if (!run_threads(run_sessions, jobs, sizeof *jobs)) return "no threads";
  for (size_t i = 0; i < THREADS; i++)
    if (jobs[i].failed) return "a session failed, or gave other bits";
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
  return NULL;
}
