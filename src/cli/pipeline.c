/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "checked.h"
#include "fault.h"
#include "halt.h"

enum {
  SLOT_PORTIONS = 3,
  MAX_SLOTS = 4096,
  PATIENCE = 100 * 1000 * 1000 /* nanoseconds between two looks at halt_requested */
};

typedef struct slot {
  input_item item;
  portion *parts[SLOT_PORTIONS]; /* oldest first */
  size_t count;
  bool complete; /* no more will come */
} slot;

typedef struct worker {
  struct pipeline *line;
  pthread_t thread;
  cursor reader;
  size_t ticket;   /* the file it works on: slots[ticket % capacity] */
  size_t decoding; /* bytes that are reserved for pixels */
  timing_watch watch;
} worker;

struct pipeline {
  input_list *inputs;
  pthread_mutex_t claiming; /* who holds it takes the next file of the list; taken before `lock` */
  pthread_mutex_t lock;     /* for all below */
  pthread_cond_t made, room;
  slot *slots; /* [capacity] */
  size_t capacity;
  size_t oldest, claimed; /* slots oldest..claimed-1 are in use; tickets count on for ever */
  bool at_end;            /* the list is */
  size_t bytes, most_bytes;
  timing_watch *watch;
  size_t worker_count; /* that run */
  worker workers[];    /* one even if none of them runs: the consumer's */
};

/* Waits a while for a change; who waits looks again for itself. */
static void wait_for(pipeline *line, pthread_cond_t *change) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += PATIENCE;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_cond_timedwait(change, &line->lock, &until);
}

/* Memory for rows that a worker makes, now or later; whoever is given them releases it. */
static bool reserve_rows(void *user, size_t bytes) {
  worker *own = user;
  pipeline *line = own->line;
  const timing_phase phase = own->watch.phase;
  timing_enter(&own->watch, TIMING_IDLE);
  pthread_mutex_lock(&line->lock);
  while (!halt_requested() && own->ticket != line->oldest &&
         (bytes > line->most_bytes || line->bytes > line->most_bytes - bytes))
    wait_for(line, &line->room);
  const bool granted = !halt_requested() && checked_add(&line->bytes, bytes);
  pthread_mutex_unlock(&line->lock);
  timing_enter(&own->watch, phase);
  return granted;
}

/* Memory for the image that it decodes; finish_file releases it. */
static bool reserve_pixels(void *user, size_t bytes) {
  worker *own = user;
  if (!reserve_rows(own, bytes)) return false;
  own->decoding += bytes;
  return true;
}

static void release(pipeline *line, size_t bytes) {
  pthread_mutex_lock(&line->lock);
  line->bytes -= bytes;
  pthread_cond_broadcast(&line->room);
  pthread_mutex_unlock(&line->lock);
}

/* Takes the next file into a free slot; false when there is no more to do. */
static bool claim(worker *own) {
  pipeline *line = own->line;
  input_item item;
  timing_enter(&own->watch, TIMING_IDLE);
  pthread_mutex_lock(&line->claiming);
  pthread_mutex_lock(&line->lock);
  while (!halt_requested() && line->claimed - line->oldest == line->capacity) wait_for(line, &line->room);
  bool more = !line->at_end && !halt_requested();
  pthread_mutex_unlock(&line->lock);
  timing_enter(&own->watch, TIMING_READ);
  more = more && input_list_next(line->inputs, &item);
  pthread_mutex_lock(&line->lock);
  if (more) {
    own->ticket = line->claimed++;
    line->slots[own->ticket % line->capacity] = (slot){.item = item};
  } else {
    line->at_end = true;
  }
  pthread_cond_broadcast(&line->made);
  pthread_mutex_unlock(&line->lock);
  pthread_mutex_unlock(&line->claiming);
  return more;
}

/* Puts a portion (NULL: the last was the last) into its slot; false when there is a wish to stop. */
static bool deliver(worker *own, portion *part) {
  pipeline *line = own->line;
  slot *to = &line->slots[own->ticket % line->capacity];
  timing_enter(&own->watch, TIMING_IDLE);
  pthread_mutex_lock(&line->lock);
  while (part && to->count == SLOT_PORTIONS && !halt_requested()) wait_for(line, &line->room);
  const bool stopped = halt_requested();
  if (part && !stopped) to->parts[to->count++] = part;
  if (!part) to->complete = true;
  pthread_cond_broadcast(&line->made);
  pthread_mutex_unlock(&line->lock);
  timing_enter(&own->watch, TIMING_READ);
  return !stopped;
}

static void finish_file(worker *own) {
  cursor_end(&own->reader);
  if (own->decoding > 0) release(own->line, own->decoding);
  own->decoding = 0;
}

/* The file is let go of before its last portion is delivered, if it is known to be the last: pixels take memory that
 * others wait for. */
static void read_file(worker *own) {
  const input_item *item = &own->line->slots[own->ticket % own->line->capacity].item;
  bool going = true;
  cursor_begin(&own->reader);
  while (going) {
    portion *part = cursor_next(&own->reader, item);
    if (!part) break;
    if (part->one_image) finish_file(own);
    going = deliver(own, part);
    if (!going) pipeline_release(own->line, part);
  }
  finish_file(own);
  deliver(own, NULL);
}

static void *run_worker(void *user) {
  worker *own = user;
  timing_start(&own->watch, TIMING_IDLE);
  while (claim(own)) read_file(own);
  timing_stop(&own->watch);
  return NULL;
}

/* Signals are for the main thread. */
static size_t start_workers(pipeline *line, size_t wanted) {
  sigset_t all, before;
  size_t started = 0;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (started < wanted &&
         pthread_create(&line->workers[started].thread, NULL, run_worker, &line->workers[started]) == 0)
    started++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

static void init_worker(worker *own, pipeline *line, const pipeline_options *options) {
  own->line = line;
  own->reader.target = *options->target;
  own->reader.target.watch = &own->watch;
  own->reader.target.reserve = reserve_pixels;
  own->reader.target.reserve_user = own;
  own->reader.reserve = reserve_rows;
  own->reader.reserve_user = own;
  own->reader.most_rows = options->batch;
}

static void init_locks(pipeline *line) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&line->claiming, NULL);
  pthread_mutex_init(&line->lock, NULL);
  pthread_cond_init(&line->made, &attributes);
  pthread_cond_init(&line->room, &attributes);
  pthread_condattr_destroy(&attributes);
}

unfurl_status pipeline_start(pipeline **made, const pipeline_options *options, unfurl_error *error) {
  const size_t workers = options->workers ? options->workers : 1;
  pipeline *line = calloc(1, sizeof *line + workers * sizeof *line->workers);
  *made = line;
  if (!line) return fault_memory(error);
  init_locks(line);
  line->inputs = options->inputs;
  line->most_bytes = options->most_bytes;
  line->watch = options->watch;
  line->capacity = options->workers ? 2 * (options->batch + workers) : 1;
  if (line->capacity > MAX_SLOTS) line->capacity = MAX_SLOTS;
  line->slots = calloc(line->capacity, sizeof *line->slots);
  if (!line->slots) return fault_memory(error);
  for (size_t i = 0; i < workers; i++) init_worker(&line->workers[i], line, options);
  line->worker_count = start_workers(line, options->workers);
  if (options->workers > 0 && line->worker_count == 0)
    return fault_set(error, UNFURL_OUT_OF_MEMORY, "can't start a thread");
  if (options->workers == 0) {
    cursor_begin(&line->workers[0].reader);
    timing_start(&line->workers[0].watch, TIMING_IDLE);
  }
  return UNFURL_OK;
}

/* Without workers: the consumer does a worker's work, a portion at a time. */
static portion *next_inline(pipeline *line) {
  worker *own = &line->workers[0];
  portion *part = NULL;
  while (!part && !halt_requested()) {
    if (line->oldest == line->claimed) {
      if (!claim(own)) break;
      cursor_begin(&own->reader);
    }
    slot *from = &line->slots[own->ticket % line->capacity];
    part = cursor_next(&own->reader, &from->item);
    if (!part) {
      finish_file(own);
      input_item_free(&from->item);
      line->oldest++;
    }
  }
  timing_enter(&own->watch, TIMING_IDLE);
  if (!part || !halt_requested()) return part;
  pipeline_release(line, part); /* it may say no more than that we stop */
  return NULL;
}

/* With workers: the oldest slot's next portion; slots that are through are left behind. */
static portion *next_made(pipeline *line) {
  portion *part = NULL;
  pthread_mutex_lock(&line->lock);
  while (!part && !halt_requested()) {
    slot *from = &line->slots[line->oldest % line->capacity];
    if (line->oldest == line->claimed) {
      if (line->at_end) break;
      wait_for(line, &line->made);
    } else if (from->count > 0) {
      part = from->parts[0];
      from->count--;
      for (size_t i = 0; i < from->count; i++) from->parts[i] = from->parts[i + 1];
    } else if (from->complete) {
      input_item_free(&from->item);
      line->oldest++;
    } else {
      wait_for(line, &line->made);
      continue;
    }
    pthread_cond_broadcast(&line->room);
  }
  pthread_mutex_unlock(&line->lock);
  return part;
}

portion *pipeline_next(pipeline *line, const input_item **item, size_t *number) {
  const timing_phase phase = line->watch->phase;
  timing_enter(line->watch, TIMING_IDLE);
  portion *part = line->worker_count ? next_made(line) : next_inline(line);
  timing_enter(line->watch, phase);
  *item = &line->slots[line->oldest % line->capacity].item;
  *number = line->oldest;
  return part;
}

void pipeline_release(pipeline *line, portion *part) {
  if (part->held > 0) release(line, part->held);
  portion_free(part);
}

static void join_workers(pipeline *line, timing_watch *total) {
  for (size_t i = 0; i < line->worker_count; i++) pthread_join(line->workers[i].thread, NULL);
  for (size_t i = 0; total && i < line->worker_count; i++) timing_add(total, &line->workers[i].watch);
  if (line->worker_count > 0) return;
  if (line->slots) finish_file(&line->workers[0]);
  timing_stop(&line->workers[0].watch);
  if (total) timing_add(total, &line->workers[0].watch);
}

void pipeline_stop(pipeline *line, timing_watch *total) {
  if (!line) return;
  join_workers(line, total);
  for (; line->slots && line->oldest < line->claimed; line->oldest++) {
    slot *left = &line->slots[line->oldest % line->capacity];
    for (size_t i = 0; i < left->count; i++) pipeline_release(line, left->parts[i]);
    input_item_free(&left->item);
  }
  assert(line->bytes == 0);
  pthread_cond_destroy(&line->made);
  pthread_cond_destroy(&line->room);
  pthread_mutex_destroy(&line->claiming);
  pthread_mutex_destroy(&line->lock);
  free(line->slots);
  free(line);
}
