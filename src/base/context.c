/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/context.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/fpenv.h"
#include "base/memory.h"
#include "base/status.h"
#include "unfurl/cpu.h"

enum {
  MAX_THREADS = 1024,
  HUGE_PAGE = 2 << 20,       /* on x86-64, and usually on AArch64 */
  HUGE_BLOCK = 2 * HUGE_PAGE /* what is smaller gains nothing from such pages */
};

/* Asks for huge pages. A block that was in use before has small ones, which would stay: it gives these back first. Wishes:
 * where they fail, nothing is lost. */
static void ask_for_huge_pages(void *block, size_t size) {
#ifdef MADV_HUGEPAGE
  const size_t whole = size / HUGE_PAGE * HUGE_PAGE;
  madvise(block, whole, MADV_DONTNEED);
  madvise(block, whole, MADV_HUGEPAGE);
#else
  (void)block, (void)size;
#endif
}

/* Weights are streamed: in huge pages, address translation does not hold them up. The last part of a block, less than such
 * a page, stays in small ones. */
static void *default_alloc(void *user, size_t size, size_t align) {
  (void)user;
  void *block = NULL;
  const bool is_huge = size >= HUGE_BLOCK;
  if (posix_memalign(&block, is_huge ? HUGE_PAGE : align, size)) return NULL;
  if (is_huge) ask_for_huge_pages(block, size);
  return block;
}

static void default_free(void *user, void *ptr, size_t size) {
  (void)user, (void)size;
  free(ptr);
}

void unfurl_context_options_init(unfurl_context_options *options) {
  *options = (unfurl_context_options){.size = sizeof *options, .threads = 1};
}

static unfurl_status check_options(unfurl_context_options *options, unfurl_error *error) {
  if (!options->alloc != !options->free)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "alloc and free must be given together");
  if (options->threads > MAX_THREADS)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "threads is %zu, more than %d", options->threads, MAX_THREADS);
  if (!options->alloc) options->alloc = default_alloc, options->free = default_free;
  if (!options->threads) options->threads = unfurl_cpu_count();
  if (options->threads > MAX_THREADS) options->threads = MAX_THREADS;
  return UNFURL_OK;
}

unfurl_isa unfurl_context_isa(const unfurl_context *context) {
  return context->isa;
}

unfurl_status unfurl_context_create(const unfurl_context_options *given, unfurl_context **context,
                                    unfurl_error *error) {
  if (!context) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "context is NULL");
  *context = NULL;
  unfurl_context_options options;
  unfurl_context_options_init(&options);
  if (given && !unfurl_struct_read(&options, sizeof options, given, sizeof options))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the options were not initialised");
  unfurl_status status = check_options(&options, error);
  if (status) return status;
  unfurl_context *made = options.alloc(options.alloc_user, sizeof *made, UNFURL_ALIGN);
  if (!made) return unfurl_fail_memory(error, "the context");
  *made = (unfurl_context){.options = options, .isa = unfurl_cpu_isa()};
  if (!options.parallel_for && options.threads > 1) {
    status = unfurl_pool_create(made, options.threads - 1, &made->pool, error);
    if (status) {
      options.free(options.alloc_user, made, sizeof *made);
      return status;
    }
  }
  pthread_mutex_init(&made->notes.lock, NULL); /* can't fail on Linux */
  *context = made;
  return unfurl_succeed(error);
}

unfurl_notes *unfurl_context_notes(const unfurl_context *context) {
  return &((unfurl_context *)(uintptr_t)context)->notes;
}

size_t unfurl_context_threads(const unfurl_context *context) {
  return context->options.threads;
}

typedef struct guarded_job {
  unfurl_task_fn *fn;
  void *arg;
  bool flush_to_zero;
} guarded_job;

static void run_guarded(void *arg, size_t task) {
  const guarded_job *job = arg;
  const unfurl_fpenv before = unfurl_fpenv_enter(job->flush_to_zero);
  job->fn(job->arg, task);
  unfurl_fpenv_leave(before);
}

void unfurl_context_parallel_for(const unfurl_context *context, size_t tasks, unfurl_task_fn *fn, void *arg) {
  const unfurl_context_options *options = &context->options;
  guarded_job job = {.fn = fn, .arg = arg, .flush_to_zero = options->flush_to_zero};
  if (tasks > 1 && options->parallel_for)
    options->parallel_for(options->parallel_user, tasks, run_guarded, &job);
  else if (tasks > 1 && context->pool)
    unfurl_pool_run(context->pool, tasks, run_guarded, &job);
  else
    for (size_t task = 0; task < tasks; task++) run_guarded(&job, task);
}

bool unfurl_context_is_awake(const unfurl_context *context) {
  return context->pool && unfurl_pool_is_awake(context->pool);
}

void *unfurl_context_alloc(const unfurl_context *context, size_t size) {
  if (size == 0 || size > PTRDIFF_MAX) return NULL;
  return context->options.alloc(context->options.alloc_user, size, UNFURL_ALIGN);
}

void unfurl_context_free(const unfurl_context *context, void *ptr, size_t size) {
  if (ptr) context->options.free(context->options.alloc_user, ptr, size);
}

void unfurl_context_destroy(unfurl_context **context) {
  if (!context || !*context) return;
  unfurl_pool_destroy(*context, (*context)->pool);
  unfurl_context_free(*context, (*context)->notes.block, (*context)->notes.bytes);
  pthread_mutex_destroy(&(*context)->notes.lock);
  const unfurl_context_options options = (*context)->options;
  options.free(options.alloc_user, *context, sizeof **context);
  *context = NULL;
}

void unfurl_log(const unfurl_context *context, unfurl_log_level level, const char *format, ...) {
  if (!context->options.log) return;
  char message[512];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  context->options.log(context->options.log_user, level, message);
}
