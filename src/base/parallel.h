/* SPDX-License-Identifier: BSD-2-Clause */
/* The built-in thread pool: a parallel_for for hosts that give none.
 *
 * One job at a time. The caller works on its own job, and waits for nothing but tasks that a worker has begun: a worker
 * that sleeps late never holds a job up. A call while the pool is busy, from inside a task, or in a forked child (where
 * the workers do not exist) runs its tasks inline, so that it can neither deadlock nor wait for a stranger's job.
 */
#ifndef UNFURL_BASE_PARALLEL_H
#define UNFURL_BASE_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/context.h"

typedef struct unfurl_pool unfurl_pool;

/* Starts `workers` threads (>= 1). OUT_OF_MEMORY when memory or a thread is not to be had. */
unfurl_status unfurl_pool_create(const unfurl_context *context, size_t workers, unfurl_pool **pool,
                                 unfurl_error *error);

/* Calls fn(arg, 0..tasks-1), each once; returns when all have returned. Of as many tasks as there are threads, each runs the
 * same one in every job, if it is awake in time: the caller task 0, the workers the others. */
void unfurl_pool_run(unfurl_pool *pool, size_t tasks, unfurl_task_fn *fn, void *arg);

/* Whether a job would be begun at once: no thread sleeps. Now and then it is said to be so although one does: whoever asks
 * before each of many short jobs has the threads woken. */
bool unfurl_pool_is_awake(unfurl_pool *pool);

/* Joins the threads (unless in a forked child) and frees the pool. NULL is allowed. */
void unfurl_pool_destroy(const unfurl_context *context, unfurl_pool *pool);

/* Work on the items [begin, end). */
typedef void unfurl_range_fn(void *arg, size_t begin, size_t end);

/* Splits `items` evenly over the context's threads, at least `grain` (>= 1) items to a task. */
void unfurl_parallel_ranges(const unfurl_context *context, size_t items, size_t grain, unfurl_range_fn *fn, void *arg);

/* The even split itself: the first item of part `part` of `parts`. Larger parts are spread among the others, so that
 * neighbouring parts together are an even split too. */
size_t unfurl_part_begin(size_t items, size_t parts, size_t part);

#endif
