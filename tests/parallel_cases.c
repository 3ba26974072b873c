/* SPDX-License-Identifier: BSD-2-Clause */
#include "parallel_cases.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parallel.h"
#include "unfurl/context.h"
#include "unfurl/cpu.h"

#define REQUIRE(condition)                                                                                             \
  do {                                                                                                                 \
    if (!(condition)) return #condition;                                                                               \
  } while (0)

enum { MOST_TASKS = 100, MOST_THREADS = 8 };

static unfurl_context *context_of(size_t threads) {
  unfurl_context_options options;
  unfurl_context_options_init(&options);
  options.threads = threads;
  unfurl_context *context = NULL;
  unfurl_context_create(&options, &context, NULL);
  return context;
}

/* Counts the runs of each task. */
typedef struct tally {
  atomic_int runs[MOST_TASKS];
} tally;

static void count_run(void *arg, size_t task) {
  tally *t = arg;
  atomic_fetch_add(&t->runs[task], 1);
}

/* Whether tasks 0..tasks-1 ran `times` times, and no other did. */
static bool ran(const tally *t, size_t tasks, int times) {
  for (size_t i = 0; i < MOST_TASKS; i++)
    if (atomic_load(&t->runs[i]) != (i < tasks ? times : 0)) return false;
  return true;
}

const char *every_task_runs_exactly_once(void) {
  for (size_t threads = 1; threads <= MOST_THREADS; threads++) {
    unfurl_context *context = context_of(threads);
    REQUIRE(context);
    REQUIRE(unfurl_context_threads(context) == threads);
    for (size_t tasks = 0; tasks <= MOST_TASKS; tasks++) {
      tally t = {0};
      unfurl_context_parallel_for(context, tasks, count_run, &t);
      REQUIRE(ran(&t, tasks, 1));
    }
    unfurl_context_destroy(&context);
    REQUIRE(!context);
  }
  return NULL;
}

typedef struct nest {
  const unfurl_context *context;
  tally inner;
  atomic_int strangers; /* inner tasks that ran on another thread than the outer one */
} nest;

typedef struct nest_call {
  nest *n;
  pthread_t caller;
} nest_call;

static void run_inner(void *arg, size_t task) {
  const nest_call *call = arg;
  count_run(&call->n->inner, task);
  if (!pthread_equal(call->caller, pthread_self())) atomic_fetch_add(&call->n->strangers, 1);
}

static void run_outer(void *arg, size_t task) {
  nest *n = arg;
  (void)task;
  nest_call call = {.n = n, .caller = pthread_self()};
  unfurl_context_parallel_for(n->context, 7, run_inner, &call);
}

const char *nested_calls_run_inline(void) {
  unfurl_context *context = context_of(4);
  REQUIRE(context);
  for (int round = 0; round < 100; round++) {
    nest n = {.context = context};
    unfurl_context_parallel_for(context, 9, run_outer, &n);
    REQUIRE(ran(&n.inner, 7, 9));
    REQUIRE(atomic_load(&n.strangers) == 0);
  }
  unfurl_context_destroy(&context);
  return NULL;
}

typedef struct caller {
  const unfurl_context *context;
  atomic_bool *stop; /* or NULL: a fixed number of rounds */
  atomic_int rounds;
  bool failed;
} caller;

static void *call_often(void *arg) {
  caller *c = arg;
  for (int round = 0; c->stop ? !atomic_load(c->stop) : round < 2000; round++) {
    tally t = {0};
    const size_t tasks = 2 + (size_t)round % 20;
    unfurl_context_parallel_for(c->context, tasks, count_run, &t);
    if (!ran(&t, tasks, 1)) c->failed = true;
    atomic_fetch_add(&c->rounds, 1);
  }
  return NULL;
}

const char *two_callers_at_once(void) {
  unfurl_context *context = context_of(3);
  REQUIRE(context);
  caller callers[2] = {{.context = context}, {.context = context}};
  pthread_t threads[2];
  for (size_t i = 0; i < 2; i++) REQUIRE(!pthread_create(&threads[i], NULL, call_often, &callers[i]));
  for (size_t i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  REQUIRE(!callers[0].failed && !callers[1].failed);
  unfurl_context_destroy(&context);
  return NULL;
}

static void add_task(void *arg, size_t task) {
  atomic_fetch_add((atomic_size_t *)arg, task + 1);
}

const char *many_small_jobs(void) {
  unfurl_context *context = context_of(4);
  REQUIRE(context);
  atomic_size_t sum = 0;
  for (int job = 0; job < 10000; job++) unfurl_context_parallel_for(context, 4, add_task, &sum);
  REQUIRE(atomic_load(&sum) == 10000 * (1 + 2 + 3 + 4));
  unfurl_context_destroy(&context);
  return NULL;
}

/* Each task waits until all have begun, so that no thread can run two. */
typedef struct meeting {
  size_t tasks;
  atomic_size_t begun;
  pthread_t threads[MOST_THREADS]; /* that ran the tasks */
} meeting;

static void meet(void *arg, size_t task) {
  meeting *m = arg;
  m->threads[task] = pthread_self();
  atomic_fetch_add(&m->begun, 1);
  while (atomic_load(&m->begun) < m->tasks) sched_yield();
}

const char *each_thread_keeps_its_task(void) {
  enum { THREADS = 3 };
  unfurl_context *context = context_of(THREADS);
  REQUIRE(context);
  meeting first = {.tasks = THREADS};
  unfurl_context_parallel_for(context, THREADS, meet, &first);
  REQUIRE(pthread_equal(first.threads[0], pthread_self()));
  for (int job = 0; job < 2000; job++) {
    meeting m = {.tasks = THREADS};
    unfurl_context_parallel_for(context, THREADS, meet, &m);
    for (size_t i = 0; i < THREADS; i++) REQUIRE(pthread_equal(m.threads[i], first.threads[i]));
  }
  unfurl_context_destroy(&context);
  return NULL;
}

typedef struct range_tally {
  atomic_int items[MOST_TASKS];
  atomic_int calls;
} range_tally;

static void count_range(void *arg, size_t begin, size_t end) {
  range_tally *t = arg;
  atomic_fetch_add(&t->calls, 1);
  for (size_t i = begin; i < end; i++) atomic_fetch_add(&t->items[i], 1);
}

static const char *check_ranges(const unfurl_context *context, size_t items, size_t grain) {
  range_tally t = {0};
  unfurl_parallel_ranges(context, items, grain, count_range, &t);
  for (size_t i = 0; i < MOST_TASKS; i++) REQUIRE(atomic_load(&t.items[i]) == (i < items ? 1 : 0));
  const size_t calls = (size_t)atomic_load(&t.calls);
  REQUIRE(calls <= unfurl_context_threads(context) && calls <= (items + grain - 1) / grain);
  REQUIRE((calls == 0) == (items == 0));
  return NULL;
}

const char *ranges_cover_all_items(void) {
  for (size_t threads = 1; threads <= 5; threads++) {
    unfurl_context *context = context_of(threads);
    REQUIRE(context);
    for (size_t items = 0; items <= MOST_TASKS; items++)
      for (size_t grain = 1; grain < 130; grain = grain * 3 + 1) {
        const char *failed = check_ranges(context, items, grain);
        if (failed) return failed;
      }
    unfurl_context_destroy(&context);
  }
  return NULL;
}

/* The child's exit status says whether its tasks ran. It may not hang: the alarm ends it. */
static pid_t fork_child(unfurl_context *context) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  alarm(30);
  bool fine = true;
  for (size_t tasks = 0; tasks < 20; tasks++) {
    tally t = {0};
    unfurl_context_parallel_for(context, tasks, count_run, &t);
    fine = fine && ran(&t, tasks, 1);
  }
  unfurl_context_destroy(&context);
  _exit(fine ? 0 : 1);
}

static bool child_is_fine(pid_t pid) {
  int status;
  return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const char *works_in_a_forked_child(void) {
  unfurl_context *context = context_of(4);
  REQUIRE(context);
  for (int i = 0; i < 5; i++) {
    tally t = {0};
    REQUIRE(child_is_fine(fork_child(context)));
    unfurl_context_parallel_for(context, 10, count_run, &t);
    REQUIRE(ran(&t, 10, 1));
  }
  unfurl_context_destroy(&context);
  return NULL;
}

const char *fork_while_another_thread_executes(void) {
  unfurl_context *context = context_of(3);
  REQUIRE(context);
  atomic_bool stop = false;
  caller busy = {.context = context, .stop = &stop};
  pthread_t thread;
  REQUIRE(!pthread_create(&thread, NULL, call_often, &busy));
  bool fine = true;
  for (int i = 0; i < 30 && fine; i++) {
    const int before = atomic_load(&busy.rounds);
    fine = child_is_fine(fork_child(context));
    while (atomic_load(&busy.rounds) == before) usleep(100); /* the parent's thread goes on */
  }
  atomic_store(&stop, true);
  pthread_join(thread, NULL);
  REQUIRE(fine);
  REQUIRE(!busy.failed);
  unfurl_context_destroy(&context);
  return NULL;
}

typedef struct host_pool {
  size_t calls, tasks;
} host_pool;

/* Any order is allowed: backwards. */
static void host_parallel_for(void *user, size_t tasks, unfurl_task_fn *fn, void *arg) {
  host_pool *host = user;
  host->calls++;
  host->tasks += tasks;
  for (size_t task = tasks; task-- > 0;) fn(arg, task);
}

const char *host_parallel_for_is_used(void) {
  host_pool host = {0};
  unfurl_context_options options;
  unfurl_context_options_init(&options);
  options.threads = 6, options.parallel_for = host_parallel_for, options.parallel_user = &host;
  unfurl_context *context;
  REQUIRE(unfurl_context_create(&options, &context, NULL) == UNFURL_OK);
  REQUIRE(unfurl_context_threads(context) == 6);
  tally t = {0};
  unfurl_context_parallel_for(context, 17, count_run, &t);
  REQUIRE(ran(&t, 17, 1));
  REQUIRE(host.calls == 1 && host.tasks == 17);
  unfurl_context_destroy(&context);
  return NULL;
}

const char *contexts_come_and_go(void) {
  for (int i = 0; i < 200; i++) {
    unfurl_context *context = context_of(1 + (size_t)i % 5);
    REQUIRE(context);
    tally t = {0};
    if (i % 2) unfurl_context_parallel_for(context, 10, count_run, &t);
    REQUIRE(ran(&t, i % 2 ? 10 : 0, 1));
    unfurl_context_destroy(&context);
  }
  return NULL;
}

const parallel_case parallel_cases[] = {
    {"every task runs exactly once", every_task_runs_exactly_once},
    {"nested calls run inline", nested_calls_run_inline},
    {"two callers at once", two_callers_at_once},
    {"many small jobs", many_small_jobs},
    {"each thread keeps its task", each_thread_keeps_its_task},
    {"ranges cover all items", ranges_cover_all_items},
    {"works in a forked child", works_in_a_forked_child},
    {"fork while another thread executes", fork_while_another_thread_executes},
    {"host parallel_for is used", host_parallel_for_is_used},
    {"contexts come and go", contexts_come_and_go},
    {"one plan in eight threads", one_plan_in_eight_threads},
    {"fork while another thread convolves", fork_while_another_thread_convolves},
    {"sessions of one model in threads", sessions_of_one_model_in_threads},
};
const size_t parallel_case_count = sizeof parallel_cases / sizeof *parallel_cases;
