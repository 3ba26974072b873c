/* SPDX-License-Identifier: BSD-2-Clause */
/* One `unfurl run`: the model and all that is needed to put inputs through it.
 *
 * run_setup.c makes it, run_loop.c uses it: rows of the inputs fill a batch, the session runs it, the results go to
 * the sink and to the score board, until all inputs are through.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "batch.h"
#include "cli.h"
#include "labels.h"
#include "output.h"
#include "prepare.h"
#include "run_options.h"
#include "score.h"
#include "timing.h"
#include "unfurl/context.h"
#include "unfurl/model.h"
#include "unfurl/session.h"

typedef struct run_state {
  const run_options *options;
  unfurl_context *context;
  unfurl_model *model;
  unfurl_session *session;
  unfurl_tensor *inputs; /* [input_count], as the session takes them; those that --input feeds own their data */
  size_t input_count;
  size_t streamed;      /* the input that files are streamed into; SIZE_MAX: all are fed, the model runs once */
  source_target target; /* what it takes */
  bool fixed_batch;     /* the model takes batch.capacity rows, no fewer */
  prepare_recipe recipe;
  label_list labels;
  score_board board;
  bool scoring;
  batch_buffer batch;
  output_sink sink;
  timing_watch watch;
  size_t done;      /* rows that came out */
  bool *failed;     /* [options->input_count]: named on stderr already */
  cli_status worst; /* of what has happened */
  bool stop;        /* nothing more can be done */
} run_state;

/* Loads and prepares all but the input files; says on stderr what is wrong. Released by run_free in any case. */
cli_status run_setup(run_state *run, const run_options *options);

/* Puts all inputs through, and says what became of it. */
cli_status run_all(run_state *run);

void run_free(run_state *run);

#endif
