/* SPDX-License-Identifier: BSD-2-Clause */
/* The context: where memory, threads and log messages come from.
 *
 * A host that embeds unfurl stays in charge: it may give its allocator, its log and its thread pool, and the library
 * uses nothing else. It never exits, aborts, raises a signal or writes to stdout or stderr.
 *
 *     unfurl_context_options options;
 *     unfurl_context_options_init(&options);
 *     options.threads = 2;
 *     unfurl_context *context;
 *     if (unfurl_context_create(&options, &context, &error) != UNFURL_OK) return 1;
 *     ...
 *     unfurl_context_destroy(&context);
 *
 * Life cycle: a context outlives all that was made with it. Thread rule: any number of threads may use one context.
 * Floating point: every task runs in the default environment (round to nearest, no traps, denormals kept unless
 * flush_to_zero) and puts back what it found.
 */
#ifndef UNFURL_CONTEXT_H
#define UNFURL_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unfurl_context unfurl_context;

typedef enum unfurl_log_level {
  UNFURL_LOG_DEBUG = 0, /* what the planner chose, and why */
  UNFURL_LOG_INFO,      /* what a user may like to know */
  UNFURL_LOG_WARNING    /* something works, but not as it could */
} unfurl_log_level;

/* One task of a parallel_for. */
typedef void unfurl_task_fn(void *arg, size_t task);

typedef struct unfurl_context_options {
  size_t size; /* sizeof(unfurl_context_options); set by _init */

  /* Returns `size` bytes (> 0) aligned to `align` (a power of two), or NULL. Default: posix_memalign and free; blocks of
   * 4 MiB or more ask the system for huge pages. Both are given, or neither; they are called from any thread. `size` comes
   * back as it was asked for. */
  void *(*alloc)(void *user, size_t size, size_t align);
  void (*free)(void *user, void *ptr, size_t size);
  void *alloc_user;

  /* Receives a message without newline; `message` lives until it returns. Default: NULL, nothing is logged. */
  void (*log)(void *user, unfurl_log_level level, const char *message);
  void *log_user;

  /* Makes exactly `tasks` calls of fn(arg, task), each task in 0..tasks-1 once, in any order, on any threads (possibly
   * all inline), and returns when all are done. Default: NULL, a pool of our own. That pool runs the tasks inline
   * when it is busy, when called from inside a task, and in a forked child. Unless there are more threads than processors,
   * its threads look for the next job for 0.2 ms before they sleep, and one that finds itself on the processor of another
   * moves on: its affinity is narrowed for a moment, and put back. The caller's thread is never moved. */
  void (*parallel_for)(void *user, size_t tasks, unfurl_task_fn *fn, void *arg);
  void *parallel_user;

  size_t threads; /* tasks that work is split into, and threads of our own pool, the caller's included;
                     default 1; 0 = one for each CPU this process may use; at most 1024 */

  bool blas_single_thread; /* set the BLAS library's global thread count to 1 when it is first used; default false:
                              left alone. Without it, results of the CBLAS solvers may depend on BLAS's threads. A
                              fork waits until no thread is inside the BLAS on our behalf, so that its locks are free
                              in the child. */
  bool flush_to_zero;      /* treat denormals as zero inside tasks; default false; gives up equal bits across CPUs */
} unfurl_context_options;

/* Sets every field to its default. */
UNFURL_API void unfurl_context_options_init(unfurl_context_options *options);

/* Makes a context; `options` may be NULL for the defaults, and is copied. Allocates; starts threads - 1 threads unless
 * parallel_for is given. Statuses: INVALID_ARGUMENT, OUT_OF_MEMORY (also when a thread can't be started). */
UNFURL_API unfurl_status unfurl_context_create(const unfurl_context_options *options, unfurl_context **context,
                                               unfurl_error *error);

/* The number of tasks that work is split into (options.threads, resolved). */
UNFURL_API size_t unfurl_context_threads(const unfurl_context *context);

/* Runs fn(arg, 0..tasks-1) on the context's threads, as options.parallel_for describes. Allocates nothing. */
UNFURL_API void unfurl_context_parallel_for(const unfurl_context *context, size_t tasks, unfurl_task_fn *fn, void *arg);

/* Memory of the context's allocator, for what a host and the library share: `size` bytes aligned to 64, NULL when there
 * is none or size is 0; and back again, with the size that was asked for (ptr may be NULL). */
UNFURL_API void *unfurl_context_alloc(const unfurl_context *context, size_t size);
UNFURL_API void unfurl_context_free(const unfurl_context *context, void *ptr, size_t size);

/* Frees the context, joins its threads and sets *context to NULL. NULL and a pointer to NULL are allowed. */
UNFURL_API void unfurl_context_destroy(unfurl_context **context);

#ifdef __cplusplus
}
#endif
#endif
