/* SPDX-License-Identifier: BSD-2-Clause */
/* What threads must get right, as plain functions: test_parallel.c runs them under Criterion, tsan_parallel.c without,
 * because Criterion does not work under ThreadSanitizer. */
#ifndef UNFURL_TESTS_PARALLEL_CASES_H
#define UNFURL_TESTS_PARALLEL_CASES_H

#include <stdbool.h>
#include <stddef.h>

/* NULL when all is well, or what was not. */
typedef const char *parallel_case_fn(void);

parallel_case_fn every_task_runs_exactly_once, nested_calls_run_inline, two_callers_at_once, many_small_jobs,
    each_thread_keeps_its_task, ranges_cover_all_items, works_in_a_forked_child, fork_while_another_thread_executes,
    host_parallel_for_is_used, contexts_come_and_go, one_plan_in_eight_threads, fork_while_another_thread_convolves,
    sessions_of_one_model_in_threads;

/* Not in the list: it takes long, and the child executes with the BLAS too. */
const char *fork_while_another_thread_is_in_the_blas(bool blas_single_thread);

typedef struct parallel_case {
  const char *name;
  parallel_case_fn *run;
} parallel_case;

extern const parallel_case parallel_cases[];
extern const size_t parallel_case_count;

#endif
