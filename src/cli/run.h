/* SPDX-License-Identifier: BSD-2-Clause */
/* One `unfurl run`: the model and all that is needed to put inputs through it.
 *
 * run_setup.c makes it. run_loop.c uses it: the pipeline makes portions of the inputs, their rows fill a batch, the
 * session runs it, and the results go to the writer, whose thread is at work in run_results.c: they get to the sink and
 * to the score board there. Until result_writer_finish, `results` is that thread's own and the rest the main thread's.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "batch.h"
#include "cli.h"
#include "input_list.h"
#include "labels.h"
#include "output.h"
#include "pipeline.h"
#include "prepare.h"
#include "result_writer.h"
#include "run_options.h"
#include "score.h"
#include "timing.h"
#include "unfurl/context.h"
#include "unfurl/model.h"
#include "unfurl/session.h"

/* What the thread that writes works on. */
typedef struct run_results {
  const char *output; /* its name in messages */
  const char *truth;
  output_sink sink;
  const char **names; /* [outputs]: of the model's outputs */
  size_t outputs;     /* those that the sink takes */
  label_list labels;
  score_board board;
  bool scoring;
  bool unaligned;      /* something failed of which nobody knows how many images it was */
  size_t done, failed; /* images that came out, images that did not */
  size_t before;       /* images that --skip left out */
  cli_status worst;
} run_results;

typedef struct run_state {
  const run_options *options;
  unfurl_context *context;
  unfurl_model *model;
  unfurl_session *session;
  unfurl_tensor *inputs; /* [input_count], as the session takes them; those that are fed own their data */
  size_t input_count;
  size_t streamed;      /* the input that files are streamed into; SIZE_MAX: all are fed, the model runs once */
  source_target target; /* what it takes */
  bool fixed_batch;     /* the model takes batch.capacity rows, no fewer */
  prepare_recipe recipe;
  batch_buffer batch;
  input_list list;
  pipeline *line;
  result_writer writer;
  run_results results;
  timing_watch watch, total; /* the main thread's, and that of all threads in the end */
  double began;
  size_t expected;  /* images, with those that are skipped; 0: unknown */
  size_t named;     /* 1 + number of the file that was named on stderr last */
  cli_status worst; /* of what has happened in the main thread */
  bool stop;        /* nothing more can be done */
  bool interrupted; /* by a signal, before the end */
} run_state;

/* Loads and prepares all but the input files; says on stderr what is wrong. Released by run_free in any case. */
cli_status run_setup(run_state *run, const run_options *options);

/* Puts all inputs through, and says what became of it. */
cli_status run_all(run_state *run);

/* A result_handler: writes and scores a set. `user` is the run_results. */
void run_write(void *user, const result_set *set);

/* Makes the output appear, or not if `discard`. */
void run_commit(run_results *results, bool discard);

/* Accuracy and confusion matrix, if they were asked for. */
void run_print_score(run_results *results, bool complete);

/* How many images there will be, as far as that can be told; 0: it can't. Does not decode anything. */
size_t run_count(const run_state *run);

/* Passes over the first options->skip images. */
void run_skip(run_state *run);

void run_free(run_state *run);

#endif
