/* SPDX-License-Identifier: BSD-2-Clause */
/* Each thread has a lane of tasks: the caller 0, n, 2n, ..., the first worker 1, n + 1, ..., of n threads. It runs its own
 * lane first, so that in job after job the same processor works on the same part of the data; then what others have left.
 *
 * How a task is claimed without a lock. A lane's `state` holds a job's number in its high half and how many of its tasks
 * are claimed in its low half. A thread reads state, then the job, then claims by compare-and-swap on state: if the swap
 * succeeds, the job that was read is the one that was claimed from. Before a new job is written, all lanes are closed (the
 * low half is the largest number), so that nobody can claim from a job that is half written. All these accesses are
 * sequentially consistent.
 */
#include "base/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/memory.h"
#include "base/processors.h"
#include "base/status.h"
#include "unfurl/cpu.h"

/* Waking a thread that sleeps may take as long as a layer of a small network; so does a layer that one thread does alone. */
enum { SPIN_NANOSECONDS = 200000, SPINS_A_LOOK = 64 };

/* A thread moves at most so often: where others compete for its processor, it would do little else. */
enum { MOVE_NANOSECONDS = 2000000 };

/* So often a sleeping pool says that it is awake. */
enum { ASKED_IN_VAIN = 16 };
#define TASK_MASK UINT64_C(0xffffffff)

typedef struct lane {
  alignas(UNFURL_ALIGN) _Atomic uint64_t state;
  unfurl_pool *pool;
  pthread_t thread;    /* but the caller's */
  int64_t may_move_at; /* of a worker's: when it may step aside again */
} lane;

struct unfurl_pool {
  _Atomic(unfurl_task_fn *) fn;
  _Atomic(void *) arg;
  atomic_size_t tasks;
  alignas(UNFURL_ALIGN) atomic_size_t done; /* tasks that have returned */
  alignas(UNFURL_ALIGN) atomic_flag busy;   /* a caller's job is in the pool */
  uint32_t number;                          /* of that job */
  atomic_size_t sleepers;
  atomic_uint asked; /* whether it is awake, while it was not */
  atomic_bool caller_sleeps, stop;
  bool may_spin;
  pthread_mutex_t lock; /* for sleeping only */
  pthread_cond_t wake, finished;
  unsigned generation; /* fork_generation when the threads were started */
  size_t workers;
  atomic_int *processors; /* [workers + 1]: that each thread was seen on last, in the order of lanes */
  lane lanes[];           /* the caller's, then the workers' */
};

static _Thread_local bool inside_task;

/* Counts forks: in a child it differs from what a pool of the parent remembers. */
static atomic_uint fork_generation;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void count_fork(void) {
  atomic_fetch_add(&fork_generation, 1);
}

static void watch_forks(void) {
  pthread_atfork(NULL, NULL, count_fork);
}

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Watches until `is_there` or the time is up; returns whether it was there. With more threads than processors it only looks:
 * whoever it waits for may need the processor. */
static bool spin(const lane *own, bool (*is_there)(const lane *, uint64_t), uint64_t what) {
  if (!own->pool->may_spin) return is_there(own, what);
  const int64_t end = now() + SPIN_NANOSECONDS;
  do {
    for (int i = 0; i < SPINS_A_LOOK; i++) {
      if (is_there(own, what)) return true;
      pause_briefly();
    }
  } while (now() < end);
  return false;
}

static void run_inline(size_t tasks, unfurl_task_fn *fn, void *arg) {
  for (size_t task = 0; task < tasks; task++) fn(arg, task);
}

static void wake_caller(unfurl_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pthread_cond_signal(&pool->finished);
  pthread_mutex_unlock(&pool->lock);
}

static bool is_closed(uint64_t state) {
  return (state & TASK_MASK) == TASK_MASK;
}

/* Runs tasks of a lane, of job `number` alone, until none is left to claim. */
static void work_lane(unfurl_pool *pool, size_t index, uint32_t number) {
  lane *from = &pool->lanes[index];
  uint64_t state = atomic_load(&from->state);
  for (;;) {
    unfurl_task_fn *fn = atomic_load(&pool->fn);
    void *arg = atomic_load(&pool->arg);
    const size_t tasks = atomic_load(&pool->tasks), task = index + (size_t)(state & TASK_MASK) * (pool->workers + 1);
    if (state >> 32 != number || is_closed(state) || task >= tasks) return;
    if (!atomic_compare_exchange_weak(&from->state, &state, state + 1)) continue;
    fn(arg, task);
    if (atomic_fetch_add(&pool->done, 1) + 1 == tasks && atomic_load(&pool->caller_sleeps)) wake_caller(pool);
    state = atomic_load(&from->state);
  }
}

/* Runs tasks of job `number` until none is left to claim; of a job that is put in meanwhile, none: others have their own. */
static void work(const lane *own, uint32_t number) {
  unfurl_pool *pool = own->pool;
  const size_t lanes = pool->workers + 1, first = (size_t)(own - pool->lanes);
  for (size_t i = 0; i < lanes; i++) work_lane(pool, (first + i) % lanes, number);
}

static bool has_job(const lane *own, uint64_t seen) {
  return atomic_load(&own->state) >> 32 != seen || atomic_load(&own->pool->stop);
}

/* Returns when a job has been put in since job number `seen`, or the pool stops. */
static void wait_for_job(const lane *own, uint64_t seen) {
  if (spin(own, has_job, seen)) return;
  unfurl_pool *pool = own->pool;
  pthread_mutex_lock(&pool->lock);
  atomic_fetch_add(&pool->sleepers, 1);
  while (!has_job(own, seen)) pthread_cond_wait(&pool->wake, &pool->lock);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->lock);
}

/* Where the calling thread is, which is rarely another place than before. */
static int tell_processor(unfurl_pool *pool, size_t index) {
  const int here = unfurl_processor();
  if (atomic_load(&pool->processors[index]) != here) atomic_store(&pool->processors[index], here);
  return here;
}

/* Goes to another processor if a thread of a lower number is on this one. */
static void step_aside(lane *own) {
  unfurl_pool *pool = own->pool;
  const size_t index = (size_t)(own - pool->lanes);
  const int here = tell_processor(pool, index);
  if (here < 0 || !pool->may_spin) return;
  for (size_t i = 0; i < index; i++) {
    if (atomic_load(&pool->processors[i]) != here || now() < own->may_move_at) continue;
    own->may_move_at = now() + MOVE_NANOSECONDS;
    if (unfurl_processor_avoid(pool->processors, pool->workers + 1)) tell_processor(pool, index);
    return;
  }
}

static void *worker_main(void *arg) {
  lane *own = arg;
  inside_task = true;
  while (!atomic_load(&own->pool->stop)) {
    const uint64_t seen = atomic_load(&own->state) >> 32;
    step_aside(own);
    work(own, (uint32_t)seen);
    wait_for_job(own, seen);
  }
  return NULL;
}

static void wake_workers(unfurl_pool *pool) {
  if (!atomic_load(&pool->sleepers)) return;
  pthread_mutex_lock(&pool->lock);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
}

/* The next number, with which all lanes are closed, or none of their tasks is claimed: the caller's own last. */
static void set_lanes(unfurl_pool *pool, uint64_t claimed) {
  pool->number++;
  for (size_t i = pool->workers + 1; i-- > 0;)
    atomic_store(&pool->lanes[i].state, (uint64_t)pool->number << 32 | claimed);
}

static void put_job(unfurl_pool *pool, size_t tasks, unfurl_task_fn *fn, void *arg) {
  set_lanes(pool, TASK_MASK);
  atomic_store(&pool->done, 0);
  atomic_store(&pool->fn, fn);
  atomic_store(&pool->arg, arg);
  atomic_store(&pool->tasks, tasks);
  set_lanes(pool, 0);
  wake_workers(pool);
}

static bool is_done(const lane *own, uint64_t tasks) {
  return atomic_load(&own->pool->done) == tasks;
}

static void wait_until_done(const lane *own, size_t tasks) {
  if (spin(own, is_done, tasks)) return;
  unfurl_pool *pool = own->pool;
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->caller_sleeps, true);
  while (atomic_load(&pool->done) != tasks) pthread_cond_wait(&pool->finished, &pool->lock);
  atomic_store(&pool->caller_sleeps, false);
  pthread_mutex_unlock(&pool->lock);
}

void unfurl_pool_run(unfurl_pool *pool, size_t tasks, unfurl_task_fn *fn, void *arg) {
  if (tasks <= 1 || tasks >= TASK_MASK || inside_task || pool->generation != atomic_load(&fork_generation) ||
      atomic_flag_test_and_set(&pool->busy)) {
    run_inline(tasks, fn, arg);
    return;
  }
  inside_task = true;
  tell_processor(pool, 0);
  put_job(pool, tasks, fn, arg);
  work(&pool->lanes[0], pool->number);
  wait_until_done(&pool->lanes[0], tasks);
  inside_task = false;
  atomic_flag_clear(&pool->busy);
}

bool unfurl_pool_is_awake(unfurl_pool *pool) {
  return atomic_load(&pool->sleepers) == 0 || atomic_fetch_add(&pool->asked, 1) % ASKED_IN_VAIN + 1 == ASKED_IN_VAIN;
}

static size_t pool_size(size_t workers) {
  return sizeof(unfurl_pool) + (workers + 1) * (sizeof(lane) + sizeof(atomic_int));
}

static void stop_workers(unfurl_pool *pool, size_t started) {
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->stop, true);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  for (size_t i = 0; i < started; i++) pthread_join(pool->lanes[1 + i].thread, NULL);
}

/* Workers take no signals: those are the host's. Returns how many threads were started. */
static size_t start_workers(unfurl_pool *pool) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  size_t started = 0;
  for (; started < pool->workers; started++) {
    lane *own = &pool->lanes[1 + started];
    if (pthread_create(&own->thread, NULL, worker_main, own)) break;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

unfurl_status unfurl_pool_create(const unfurl_context *context, size_t workers, unfurl_pool **pool,
                                 unfurl_error *error) {
  pthread_once(&fork_once, watch_forks);
  unfurl_pool *made = unfurl_alloc_zeroed(context, pool_size(workers));
  if (!made) return unfurl_fail_memory(error, "the thread pool");
  atomic_flag_clear(&made->busy);
  pthread_mutex_init(&made->lock, NULL);
  pthread_cond_init(&made->wake, NULL);
  pthread_cond_init(&made->finished, NULL);
  made->generation = atomic_load(&fork_generation);
  made->workers = workers;
  made->processors = (atomic_int *)(void *)&made->lanes[workers + 1];
  for (size_t i = 0; i <= workers; i++) made->lanes[i].pool = made, atomic_init(&made->processors[i], -1);
  set_lanes(made, TASK_MASK);
  made->may_spin = workers < unfurl_cpu_count();
  const size_t started = start_workers(made);
  if (started < workers) {
    made->workers = started;
    stop_workers(made, started);
    unfurl_context_free(context, made, pool_size(workers));
    return unfurl_fail(error, UNFURL_OUT_OF_MEMORY, "only %zu of %zu threads could be started", started, workers);
  }
  *pool = made;
  return UNFURL_OK;
}

void unfurl_pool_destroy(const unfurl_context *context, unfurl_pool *pool) {
  if (!pool) return;
  if (pool->generation == atomic_load(&fork_generation)) {
    stop_workers(pool, pool->workers);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
  }
  unfurl_context_free(context, pool, pool_size(pool->workers));
}

size_t unfurl_part_begin(size_t items, size_t parts, size_t part) {
  if (parts == 1) return items * part; /* without divisions */
  const size_t each = items / parts, rest = items % parts;
  return part * each + rest * part / parts;
}

typedef struct range_job {
  size_t items, parts;
  unfurl_range_fn *fn;
  void *arg;
} range_job;

static void run_part(void *arg, size_t part) {
  const range_job *job = arg;
  job->fn(job->arg, unfurl_part_begin(job->items, job->parts, part),
          unfurl_part_begin(job->items, job->parts, part + 1));
}

void unfurl_parallel_ranges(const unfurl_context *context, size_t items, size_t grain, unfurl_range_fn *fn, void *arg) {
  if (items == 0) return;
  const size_t most = (items + grain - 1) / grain, threads = unfurl_context_threads(context);
  range_job job = {.items = items, .parts = most < threads ? most : threads, .fn = fn, .arg = arg};
  unfurl_context_parallel_for(context, job.parts, run_part, &job);
}
