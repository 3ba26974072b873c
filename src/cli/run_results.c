/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <stdio.h>

#include "fault.h"
#include "halt.h"
#include "message.h"
#include "progress.h"
#include "run.h"

static void remember(run_results *results, cli_status status) {
  if (status > results->worst) results->worst = status;
}

static void fail_output(run_results *results, const unfurl_error *error) {
  message_error("%s: %s", results->output, error->message);
  remember(results, CLI_OUTPUT);
  halt_request();
}

static unfurl_status score_rows(run_results *results, const output_results *given, unfurl_error *error) {
  if (given->count > 0 && given->tensors[0].dtype != UNFURL_F32)
    return fault_set(error, UNFURL_UNSUPPORTED, "output '%.100s' holds %s, which are no scores", given->names[0],
                     unfurl_dtype_name(given->tensors[0].dtype));
  unfurl_status status = UNFURL_OK;
  const batch_runs *order = given->order;
  for (size_t i = 0, row = 0; i < order->count; i++)
    for (size_t left = order->runs[i].rows; status == UNFURL_OK && left > 0; left--) {
      size_t classes;
      top_class best;
      if (order->runs[i].failure) {
        status = score_pass(&results->board, 1, error);
        continue;
      }
      const float *scores = output_scores(given, row++, &classes);
      if (top_select(scores, classes, 1, &best) == 1) status = score_add(&results->board, classes, best.index, error);
    }
  return status;
}

static void count_images(run_results *results, const batch_runs *order) {
  results->done += order->good;
  for (size_t i = 0; i < order->count; i++) {
    const batch_run *run = &order->runs[i];
    if (!run->failure) continue;
    results->failed += run->rows;
    if (!run->aligned) results->unaligned = true;
  }
}

void run_write(void *user, const result_set *set) {
  run_results *results = user;
  unfurl_error error;
  const output_results given = {
      .tensors = set->tensors, .count = set->count, .names = results->names, .order = &set->order, .whole = set->whole};
  if (results->worst == CLI_OUTPUT) return;
  if (output_rows(&results->sink, &given, &error) != UNFURL_OK) {
    fail_output(results, &error);
    return;
  }
  count_images(results, &set->order);
  if (results->scoring && !results->unaligned && score_rows(results, &given, &error) != UNFURL_OK) {
    message_error("%s: %s", results->truth, error.message);
    remember(results, CLI_INPUT_FAILED);
    results->scoring = false;
  }
  progress_update(results->before + results->done + results->failed);
}

void run_commit(run_results *results, bool discard) {
  unfurl_error error;
  if (discard || results->worst == CLI_OUTPUT)
    output_discard(&results->sink);
  else if (output_commit(&results->sink, &error) != UNFURL_OK)
    fail_output(results, &error);
}

void run_print_score(run_results *results, bool complete) {
  score_board *board = &results->board;
  if (!results->scoring) return;
  if (!complete) {
    message_error("no accuracy: the run was stopped early");
  } else if (results->unaligned) {
    message_error("no accuracy: not all inputs were good, so %s does not match them", results->truth);
  } else if (board->seen != board->count) {
    message_error("%s: has %zu classes for %zu images", results->truth, board->count, board->seen);
    remember(results, CLI_INPUT_FAILED);
  } else {
    score_print(board, &results->labels, stdout);
  }
}
