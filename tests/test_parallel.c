/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: the shared cases, one test each; and what a context says when threads or options are not to be had. It is
 * linked with --wrap=pthread_create, so that starting a thread can be made to fail. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/context.h"
#include "base/parallel.h"
#include "base/processors.h"
#include "parallel_cases.h"
#include "support.h"
#include "unfurl/cpu.h"

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg);

static size_t threads_left = SIZE_MAX;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg) {
  if (threads_left == 0) return EAGAIN;
  if (threads_left != SIZE_MAX) threads_left--;
  return __real_pthread_create(thread, attributes, run, arg);
}

static void run_case(parallel_case_fn *run) {
  const char *failed = run();
  cr_assert_null(failed, "%s", failed);
}

Test(parallel, every_task_runs_exactly_once, .timeout = 60) {
  run_case(every_task_runs_exactly_once);
}

Test(parallel, nested_calls_run_inline, .timeout = 60) {
  run_case(nested_calls_run_inline);
}

Test(parallel, two_callers_at_once, .timeout = 60) {
  run_case(two_callers_at_once);
}

Test(parallel, many_small_jobs, .timeout = 60) {
  run_case(many_small_jobs);
}

Test(parallel, each_thread_keeps_its_task, .timeout = 60) {
  run_case(each_thread_keeps_its_task);
}

Test(parallel, ranges_cover_all_items, .timeout = 60) {
  run_case(ranges_cover_all_items);
}

/* A thread moves to where no other is, and may run wherever it might before. Where all are taken it stays. */
Test(parallel, a_thread_avoids_the_processors_of_others) {
  cpu_set_t before, after;
  cr_assert_eq(sched_getaffinity(0, sizeof before, &before), 0);
  if (CPU_COUNT(&before) < 2) cr_skip("one processor");
  int moved = 0; /* the system may move the thread back at once, but hardly ever does */
  for (int round = 0; round < 100; round++) {
    const atomic_int taken[] = {-1, unfurl_processor()};
    cr_assert(unfurl_processor_avoid(taken, 2));
    moved += unfurl_processor() != atomic_load(&taken[1]);
    cr_assert_eq(sched_getaffinity(0, sizeof after, &after), 0);
    cr_assert(CPU_EQUAL(&before, &after));
  }
  cr_assert_geq(moved, 50);
  atomic_int all[CPU_SETSIZE];
  for (int i = 0; i < CPU_SETSIZE; i++) atomic_init(&all[i], i);
  cr_assert_not(unfurl_processor_avoid(all, CPU_SETSIZE));
  cr_assert_eq(sched_getaffinity(0, sizeof after, &after), 0);
  cr_assert(CPU_EQUAL(&before, &after));
}

/* Parts are within one item of each other; and so are the shares of threads that have as many of these parts each. */
Test(parallel, parts_of_parts_are_even) {
  for (size_t threads = 1; threads <= 5; threads++)
    for (size_t each = 1; each <= 8; each++)
      for (size_t items = 0; items <= 100; items++) {
        const size_t parts = threads * each;
        cr_assert_eq(unfurl_part_begin(items, parts, 0), 0);
        cr_assert_eq(unfurl_part_begin(items, parts, parts), items);
        for (size_t part = 0; part < parts; part++) {
          const size_t size = unfurl_part_begin(items, parts, part + 1) - unfurl_part_begin(items, parts, part);
          cr_assert(size == items / parts || size == (items + parts - 1) / parts, "%zu items in %zu parts", items,
                    parts);
        }
        for (size_t t = 0; t < threads; t++) {
          const size_t share =
              unfurl_part_begin(items, parts, (t + 1) * each) - unfurl_part_begin(items, parts, t * each);
          cr_assert(share == items / threads || share == (items + threads - 1) / threads,
                    "%zu items in %zu parts for %zu threads", items, parts, threads);
        }
      }
}

Test(parallel, works_in_a_forked_child, .timeout = 60) {
  run_case(works_in_a_forked_child);
}

Test(parallel, fork_while_another_thread_executes, .timeout = 60) {
  run_case(fork_while_another_thread_executes);
}

Test(parallel, host_parallel_for_is_used, .timeout = 60) {
  run_case(host_parallel_for_is_used);
}

Test(parallel, contexts_come_and_go, .timeout = 60) {
  run_case(contexts_come_and_go);
}

Test(parallel, one_plan_in_eight_threads, .timeout = 120) {
  run_case(one_plan_in_eight_threads);
}

Test(parallel, fork_while_another_thread_convolves, .timeout = 120) {
  run_case(fork_while_another_thread_convolves);
}

Test(parallel, sessions_of_one_model_in_threads, .timeout = 120) {
  run_case(sessions_of_one_model_in_threads);
}

Test(parallel, the_plain_program_has_the_same_cases) {
  cr_assert_eq(parallel_case_count, 13, "a case was added: give it a test here");
}

/* However many threads could be started before it failed, they are gone and so is all memory. */
Test(parallel, a_thread_that_can_not_be_started, .timeout = 60) {
  for (size_t left = 0; left < 5; left++) {
    heap h = {0};
    unfurl_context_options options = heap_options(&h);
    unfurl_context *context = (unfurl_context *)(uintptr_t)1;
    unfurl_error error;
    options.threads = 6;
    threads_left = left;
    cr_assert_eq(unfurl_context_create(&options, &context, &error), UNFURL_OUT_OF_MEMORY);
    cr_assert_null(context);
    cr_assert(strstr(error.message, "threads"), "%s", error.message);
    cr_assert(heap_is_clean(&h));
    cr_assert_eq(threads_left, 0);
  }
  threads_left = 5;
  unfurl_context_options options;
  unfurl_context_options_init(&options);
  options.threads = 6;
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  unfurl_context_destroy(&context);
}

/* Short jobs are not split while the threads sleep, but those who ask often have them woken. */
Test(parallel, who_asks_often_wakes_the_threads, .timeout = 60) {
  enum { OFTEN = 100 };
  unfurl_context_options options;
  unfurl_context *context;
  unfurl_context_options_init(&options);
  options.threads = 2;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  while (unfurl_context_is_awake(context)) usleep(1000); /* until it sleeps, or rather soon after */
  size_t awake = 0;
  for (size_t i = 0; i < OFTEN; i++) awake += unfurl_context_is_awake(context);
  cr_assert_geq(awake, 1);
  cr_assert_lt(awake, OFTEN / 2);
  unfurl_context_destroy(&context);
  options.threads = 1;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  for (size_t i = 0; i < OFTEN; i++) cr_assert_not(unfurl_context_is_awake(context));
  unfurl_context_destroy(&context);
}

Test(parallel, a_host_pool_starts_no_thread) {
  threads_left = 0;
  run_case(host_parallel_for_is_used);
}

static unfurl_status create_with(const unfurl_context_options *options, unfurl_context **context, const char *word) {
  unfurl_error error = {0};
  const unfurl_status status = unfurl_context_create(options, context, &error);
  if (status) {
    cr_assert_null(*context);
    cr_assert(strstr(error.message, word), "%s", error.message);
  }
  return status;
}

Test(parallel, number_of_threads) {
  unfurl_context_options options;
  unfurl_context *context;
  unfurl_context_options_init(&options);
  cr_assert_eq(options.threads, 1);
  options.threads = 1025;
  cr_assert_eq(create_with(&options, &context, "threads"), UNFURL_INVALID_ARGUMENT);
  options.threads = SIZE_MAX;
  cr_assert_eq(create_with(&options, &context, "threads"), UNFURL_INVALID_ARGUMENT);
  options.threads = 0;
  cr_assert_eq(create_with(&options, &context, ""), UNFURL_OK);
  cr_assert_eq(unfurl_context_threads(context), unfurl_cpu_count());
  unfurl_context_destroy(&context);
}

Test(parallel, options_that_mean_nothing) {
  heap h = {0};
  unfurl_context_options options = heap_options(&h);
  unfurl_context *context;
  options.free = NULL;
  cr_assert_eq(create_with(&options, &context, "free"), UNFURL_INVALID_ARGUMENT);
  options = heap_options(&h), options.alloc = NULL;
  cr_assert_eq(create_with(&options, &context, "alloc"), UNFURL_INVALID_ARGUMENT);
  options = heap_options(&h), options.size = 0;
  cr_assert_eq(create_with(&options, &context, "initialised"), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_context_create(&options, NULL, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(atomic_load(&h.calls), 0);
  unfurl_context_destroy(NULL);
  context = NULL;
  unfurl_context_destroy(&context);
}

/* Memory that host and library share: aligned, and none for a size that makes no sense. */
Test(parallel, memory_of_the_context) {
  heap h = {0};
  const unfurl_context_options options = heap_options(&h);
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  void *block = unfurl_context_alloc(context, 1000);
  cr_assert_not_null(block);
  cr_assert_eq((uintptr_t)block % 64, 0);
  unfurl_context_free(context, block, 1000);
  cr_assert_null(unfurl_context_alloc(context, 0));
  cr_assert_null(unfurl_context_alloc(context, SIZE_MAX));
  unfurl_context_free(context, NULL, 0);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}
