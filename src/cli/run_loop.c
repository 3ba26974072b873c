/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <stdio.h>

#include "fault.h"
#include "message.h"
#include "progress.h"
#include "run.h"

static void remember(run_state *run, cli_status status) {
  if (status > run->worst) run->worst = status;
}

/* Input file `input` failed: named once, the others go on. */
static void fail_input(run_state *run, size_t input, const unfurl_error *error) {
  if (!run->failed[input]) message_error("%s: %s", run->options->inputs[input], error->message);
  run->failed[input] = true;
  remember(run, CLI_INPUT_FAILED);
}

/* The model could not be run. That is the fault of the rows where it is about their shape; of the model otherwise. */
static void fail_run(run_state *run, unfurl_status status, const unfurl_error *error) {
  const bool rows = status == UNFURL_INVALID_ARGUMENT || status == UNFURL_TOO_LARGE;
  if (rows && run->streamed != SIZE_MAX) {
    for (size_t i = 0; i < run->batch.count; i++) fail_input(run, run->batch.origins[i].input, error);
    return;
  }
  message_error("%s: %s", run->options->model, error->message);
  remember(run, rows ? CLI_INPUT_FAILED : CLI_MODEL);
  run->stop = true;
}

static void fail_output(run_state *run, const unfurl_error *error) {
  message_error("%s: %s", run->options->output ? run->options->output : "stdout", error->message);
  remember(run, CLI_OUTPUT);
  run->stop = true;
}

static unfurl_status score_rows(run_state *run, const output_results *results, unfurl_error *error) {
  if (results->tensor->dtype != UNFURL_F32)
    return fault_set(error, UNFURL_UNSUPPORTED, "output '%.100s' holds %s, which are no scores", results->name,
                     unfurl_dtype_name(results->tensor->dtype));
  unfurl_status status = UNFURL_OK;
  for (size_t row = 0; status == UNFURL_OK && row < results->rows; row++) {
    size_t classes;
    top_class best;
    const float *scores = output_scores(results, row, &classes);
    if (top_select(scores, classes, 1, &best) == 1) status = score_add(&run->board, classes, best.index, error);
  }
  return status;
}

static void write_results(run_state *run, const output_results *results) {
  unfurl_error error;
  if (output_rows(&run->sink, results, &error) != UNFURL_OK) {
    fail_output(run, &error);
    return;
  }
  if (run->scoring && score_rows(run, results, &error) != UNFURL_OK) {
    message_error("%s: %s", run->options->truth, error.message);
    remember(run, CLI_INPUT_FAILED);
    run->scoring = false;
  }
  run->done += results->rows;
}

/* The first output of a run, which must have one row for each of `rows` (SIZE_MAX: whatever it has). */
static unfurl_status take_results(const run_state *run, size_t rows, output_results *results, unfurl_error *error) {
  results->name = unfurl_model_output_name(run->model, 0);
  results->tensor = unfurl_session_output(run->session, 0);
  const unfurl_tensor *tensor = results->tensor;
  if (!tensor) return fault_set(error, UNFURL_UNSUPPORTED, "the model has no output");
  results->rows = tensor->rank ? (size_t)tensor->dims[0] : 1;
  if (rows == SIZE_MAX || (tensor->rank > 0 && results->rows == rows)) return UNFURL_OK;
  char text[200];
  return fault_set(error, UNFURL_UNSUPPORTED,
                   "output '%.100s' has shape %s for a batch of %zu, so not one row an image", results->name,
                   source_shape_text(tensor, text, sizeof text), rows);
}

/* Runs the model on the rows that the batch holds, and empties it. */
static void flush_batch(run_state *run) {
  unfurl_error error;
  batch_buffer *batch = &run->batch;
  if (batch->count == 0 || run->stop) return;
  output_results results = {.origins = batch->origins, .sources = run->options->inputs};
  timing_enter(&run->watch, TIMING_INFER);
  unfurl_tensor *tensor = &run->inputs[run->streamed];
  unfurl_status status = batch_tensor(batch, run->fixed_batch, tensor, &error);
  if (status == UNFURL_OK) status = unfurl_session_run(run->session, run->inputs, run->input_count, &error);
  if (status == UNFURL_OK) status = take_results(run, (size_t)tensor->dims[0], &results, &error);
  if (status == UNFURL_OK) {
    timing_enter(&run->watch, TIMING_WRITE);
    results.rows = batch->count;
    write_results(run, &results);
  } else {
    fail_run(run, status, &error);
  }
  timing_enter(&run->watch, TIMING_READ);
  batch->count = 0;
  progress_update(run->done);
}

static void stream_rows(run_state *run, source_stream *source, size_t input) {
  unfurl_error error;
  batch_origin next = {.input = input};
  if (!batch_accepts(&run->batch, source)) flush_batch(run);
  while (next.index < source->rows && !run->stop && !run->failed[input]) {
    size_t count;
    const unfurl_status status = batch_read(&run->batch, source, next, &count, &error);
    next.index += count;
    if (run->batch.count == run->batch.capacity) flush_batch(run);
    if (status != UNFURL_OK) fail_input(run, input, &error);
  }
}

static void stream_input(run_state *run, size_t input) {
  unfurl_error error;
  source_stream source;
  if (source_open(&source, run->options->inputs[input], &run->target, &error) == UNFURL_OK)
    stream_rows(run, &source, input);
  else
    fail_input(run, input, &error);
  source_close(&source);
}

/* How many rows the bar has to expect. Files are opened once more for it, so only where there is a bar. */
static size_t count_rows(const run_state *run) {
  size_t total = 0;
  for (size_t i = 0; progress_wanted() && i < run->options->input_count; i++) {
    source_stream source;
    if (source_open(&source, run->options->inputs[i], &run->target, NULL) == UNFURL_OK) total += source.rows;
    source_close(&source);
  }
  return total;
}

/* All inputs are fed by name: one run, of which the results are taken as they come. */
static void run_once(run_state *run) {
  unfurl_error error;
  output_results results = {0};
  timing_enter(&run->watch, TIMING_INFER);
  unfurl_status status = unfurl_session_run(run->session, run->inputs, run->input_count, &error);
  if (status == UNFURL_OK) status = take_results(run, SIZE_MAX, &results, &error);
  if (status != UNFURL_OK) {
    fail_run(run, status, &error);
    return;
  }
  timing_enter(&run->watch, TIMING_WRITE);
  write_results(run, &results);
}

static void print_score(run_state *run) {
  if (!run->scoring) return;
  if (run->worst != CLI_DONE) {
    message_error("no accuracy: not all inputs were good, so %s does not match them", run->options->truth);
  } else if (run->board.seen != run->board.count) {
    message_error("%s: has %zu classes for %zu images", run->options->truth, run->board.count, run->board.seen);
    remember(run, CLI_INPUT_FAILED);
  } else {
    score_print(&run->board, &run->labels, stdout);
  }
}

static void finish(run_state *run) {
  unfurl_error error;
  timing_enter(&run->watch, TIMING_WRITE);
  if (run->stop)
    output_discard(&run->sink);
  else if (output_commit(&run->sink, &error) != UNFURL_OK)
    fail_output(run, &error);
  const double seconds = timing_stop(&run->watch);
  progress_end();
  if (run->stop || run->done == 0) return;
  print_score(run);
  fprintf(stderr, "%zu images in %.2f s, %.0f images/s\n", run->done, seconds,
          seconds > 0 ? (double)run->done / seconds : 0);
  if (run->options->timing) timing_print(&run->watch, stderr);
}

cli_status run_all(run_state *run) {
  if (run->streamed != SIZE_MAX) progress_begin(count_rows(run));
  timing_start(&run->watch, TIMING_READ);
  if (run->streamed == SIZE_MAX) run_once(run);
  for (size_t i = 0; i < run->options->input_count && !run->stop; i++) stream_input(run, i);
  flush_batch(run);
  finish(run);
  return run->worst;
}
