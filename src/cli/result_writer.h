/* SPDX-License-Identifier: BSD-2-Clause */
/* The back half of a run: results are written by a thread of their own, in order, while the model works on.
 *
 * The model's outputs live only until its next run, so a result set has copies. At most two sets exist besides the one
 * that is being made: one waits, one is written.
 */
#ifndef CLI_RESULT_WRITER_H
#define CLI_RESULT_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "batch.h"
#include "timing.h"
#include "unfurl/session.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

typedef struct result_set {
  unfurl_tensor *tensors; /* [count]; NULL: nothing was good */
  size_t count;
  batch_runs order;
  bool whole; /* as in output_results */
} result_set;

/* Called for every set, in order, by one thread; the set is freed afterwards. */
typedef void result_handler(void *user, const result_set *set);

typedef struct result_writer {
  result_handler *handler;
  void *user;
  timing_watch *watch; /* of whoever calls result_writer_put */
  bool threaded;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  result_set waiting;
  bool occupied, closed; /* something waits; nothing more will come */
  timing_watch own;
} result_writer;

/* Copies the first `count` outputs of the session's last run into `set`. OUT_OF_MEMORY. */
unfurl_status result_set_copy(result_set *set, const unfurl_session *session, size_t count, unfurl_error *error);

void result_set_free(result_set *set);

/* Sets handler and user, and starts the thread; without `threaded` (or where there can be none) result_writer_put does
 * the work itself. */
void result_writer_start(result_writer *writer, result_handler *handler, void *user, bool threaded,
                         timing_watch *watch);

/* Hands a set over, which is the writer's from here on; waits while there is one waiting. */
void result_writer_put(result_writer *writer, const result_set *set);

/* Waits until all is written, and adds the time that the thread took to `total`. */
void result_writer_finish(result_writer *writer, timing_watch *total);

#endif
