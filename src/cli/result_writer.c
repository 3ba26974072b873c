/* SPDX-License-Identifier: BSD-2-Clause */
#include "result_writer.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

static unfurl_status copy_tensor(unfurl_tensor *to, const unfurl_tensor *from, unfurl_error *error) {
  size_t bytes;
  const unfurl_status status = unfurl_tensor_bytes(from, &bytes, error);
  if (status != UNFURL_OK) return status;
  *to = *from;
  to->data = malloc(bytes ? bytes : 1);
  if (!to->data) return fault_memory(error);
  if (bytes > 0) memcpy(to->data, from->data, bytes);
  return UNFURL_OK;
}

unfurl_status result_set_copy(result_set *set, const unfurl_session *session, size_t count, unfurl_error *error) {
  unfurl_status status = UNFURL_OK;
  set->count = 0;
  set->tensors = calloc(count, sizeof *set->tensors);
  if (!set->tensors) return fault_memory(error);
  for (size_t i = 0; status == UNFURL_OK && i < count; i++) {
    status = copy_tensor(&set->tensors[i], unfurl_session_output(session, i), error);
    set->count++;
  }
  return status;
}

void result_set_free(result_set *set) {
  for (size_t i = 0; i < set->count; i++) free(set->tensors[i].data);
  free(set->tensors);
  batch_runs_free(&set->order);
  *set = (result_set){0};
}

/* Takes the set that waits; false when all is done. */
static bool take(result_writer *writer, result_set *set) {
  pthread_mutex_lock(&writer->lock);
  while (!writer->occupied && !writer->closed) pthread_cond_wait(&writer->changed, &writer->lock);
  const bool taken = writer->occupied;
  *set = writer->waiting;
  writer->occupied = false;
  pthread_cond_signal(&writer->changed);
  pthread_mutex_unlock(&writer->lock);
  return taken;
}

static void *run(void *user) {
  result_writer *writer = user;
  result_set set;
  timing_start(&writer->own, TIMING_IDLE);
  while (take(writer, &set)) {
    timing_enter(&writer->own, TIMING_WRITE);
    writer->handler(writer->user, &set);
    result_set_free(&set);
    timing_enter(&writer->own, TIMING_IDLE);
  }
  timing_stop(&writer->own);
  return NULL;
}

/* Signals are for the main thread. */
static bool start_thread(result_writer *writer) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const bool started = pthread_create(&writer->thread, NULL, run, writer) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

void result_writer_start(result_writer *writer, result_handler *handler, void *user, bool threaded,
                         timing_watch *watch) {
  *writer = (result_writer){.handler = handler, .user = user, .watch = watch};
  pthread_mutex_init(&writer->lock, NULL);
  pthread_cond_init(&writer->changed, NULL);
  writer->threaded = threaded && start_thread(writer);
}

static void write_here(result_writer *writer, const result_set *set) {
  const timing_phase phase = writer->watch->phase;
  result_set own = *set;
  timing_enter(writer->watch, TIMING_WRITE);
  writer->handler(writer->user, &own);
  result_set_free(&own);
  timing_enter(writer->watch, phase);
}

void result_writer_put(result_writer *writer, const result_set *set) {
  if (!writer->threaded) {
    write_here(writer, set);
    return;
  }
  const timing_phase phase = writer->watch->phase;
  timing_enter(writer->watch, TIMING_IDLE);
  pthread_mutex_lock(&writer->lock);
  while (writer->occupied) pthread_cond_wait(&writer->changed, &writer->lock);
  writer->waiting = *set;
  writer->occupied = true;
  pthread_cond_signal(&writer->changed);
  pthread_mutex_unlock(&writer->lock);
  timing_enter(writer->watch, phase);
}

void result_writer_finish(result_writer *writer, timing_watch *total) {
  if (writer->threaded) {
    pthread_mutex_lock(&writer->lock);
    writer->closed = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    timing_add(total, &writer->own);
  }
  pthread_mutex_destroy(&writer->lock);
  pthread_cond_destroy(&writer->changed);
}
