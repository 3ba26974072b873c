/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "halt.h"
#include "message.h"
#include "progress.h"
#include "run.h"

enum { MAX_RUNS = 4096 }; /* failures that wait for the batch around them to be full */

static const size_t waiting_bytes = (size_t)512 << 20; /* that files being decoded and rows that wait take together */

static void remember(run_state *run, cli_status status) {
  if (status > run->worst) run->worst = status;
}

static void give_up(run_state *run, cli_status status) {
  remember(run, status);
  run->stop = true;
  halt_request();
}

/* A file failed: named once, the others go on. */
static void name_file(run_state *run, const batch_origin *origin, const char *message) {
  if (run->named != origin->number + 1) message_error("%s: %s", origin->name, message);
  run->named = origin->number + 1;
  remember(run, CLI_INPUT_FAILED);
}

/* The model could not be run. That is the fault of the rows where it is about their shape; of the model otherwise. */
static void fail_run(run_state *run, unfurl_status status, batch_runs *order, unfurl_error *error) {
  const bool rows = status == UNFURL_INVALID_ARGUMENT || status == UNFURL_TOO_LARGE;
  if (!rows || run->streamed == SIZE_MAX) {
    message_error("%s: %s", run->options->model, error->message);
    give_up(run, rows ? CLI_INPUT_FAILED : CLI_MODEL);
    return;
  }
  for (size_t i = 0; i < order->count; i++) {
    const batch_run *good = &order->runs[i];
    if (good->failure) continue;
    const batch_origin origin = {.name = good->source, .number = good->number, .index = good->index};
    name_file(run, &origin, error->message);
  }
  const unfurl_error why = *error;
  if (batch_runs_fail(order, why.message, error) == UNFURL_OK) return;
  message_error("%s", error->message);
  give_up(run, CLI_MODEL);
}

/* Does output `index` have one row for each of `rows`? */
static unfurl_status check_output(const run_state *run, size_t index, size_t rows, unfurl_error *error) {
  const char *name = unfurl_model_output_name(run->model, index);
  const unfurl_tensor *tensor = unfurl_session_output(run->session, index);
  if (!tensor) return fault_set(error, UNFURL_UNSUPPORTED, "the model has no output");
  if (rows == SIZE_MAX || (tensor->rank > 0 && tensor->dims[0] == (int64_t)rows)) return UNFURL_OK;
  char text[200];
  return fault_set(error, UNFURL_UNSUPPORTED,
                   "output '%.100s' has shape %s for a batch of %zu, so not one row an image; fed by --input "
                   "%.100s=FILE.npy, the model runs once, and outputs are taken as they come",
                   name, source_shape_text(tensor, text, sizeof text), rows, run->target.name);
}

/* Runs the model and copies its outputs, which must have one row for each of `rows` (SIZE_MAX: as many as they have). */
static unfurl_status infer(run_state *run, size_t rows, result_set *set, unfurl_error *error) {
  unfurl_status status = unfurl_session_run(run->session, run->inputs, run->input_count, error);
  for (size_t i = 0; status == UNFURL_OK && i < run->results.outputs; i++) status = check_output(run, i, rows, error);
  return status == UNFURL_OK ? result_set_copy(set, run->session, run->results.outputs, error) : status;
}

/* Runs the model on the rows that the batch holds, hands over what came out and what had failed, and empties it. */
static void flush_batch(run_state *run) {
  unfurl_error error;
  result_set set = {0};
  if (run->batch.order.count == 0 || run->stop) return;
  unfurl_status status = UNFURL_OK;
  if (run->batch.count > 0) {
    unfurl_tensor *tensor = &run->inputs[run->streamed];
    timing_enter(&run->watch, TIMING_INFER);
    status = batch_tensor(&run->batch, run->fixed_batch, tensor, &error);
    if (status == UNFURL_OK) status = infer(run, (size_t)tensor->dims[0], &set, &error);
    timing_enter(&run->watch, TIMING_READ);
  }
  batch_runs order = batch_take(&run->batch);
  if (status != UNFURL_OK) {
    result_set_free(&set);
    fail_run(run, status, &order, &error);
  }
  set.order = order;
  if (run->stop)
    result_set_free(&set);
  else
    result_writer_put(&run->writer, &set);
}

/* What can't be kept has no place in the output either. */
static void lose(run_state *run, const unfurl_error *error) {
  message_error("%s", error->message);
  give_up(run, CLI_MODEL);
}

static void add_failure(run_state *run, const batch_origin *origin, const char *message, bool aligned) {
  unfurl_error error;
  name_file(run, origin, message);
  if (batch_fail(&run->batch, origin, message, aligned, &error) != UNFURL_OK) lose(run, &error);
  if (run->batch.order.count >= MAX_RUNS) flush_batch(run);
}

/* Rows that do not fit into memory beside their like fail one by one. */
static void add_rows(run_state *run, const portion *part, batch_origin *origin) {
  unfurl_error error;
  for (size_t row = 0, count; row < part->rows && !run->stop; row += count) {
    origin->index = part->first + row;
    if (!batch_accepts(&run->batch, part)) flush_batch(run);
    if (batch_add(&run->batch, part, row, origin, &count, &error) != UNFURL_OK) {
      add_failure(run, origin, error.message, true);
      count = 1;
    }
    if (run->batch.count == run->batch.capacity) flush_batch(run);
  }
}

static void take_portion(run_state *run, const portion *part, const input_item *item, size_t number) {
  batch_origin origin = {.name = item->name ? item->name : "?", .number = number};
  add_rows(run, part, &origin);
  if (part->error.status == UNFURL_OK || run->stop) return;
  origin.index = part->first + part->rows;
  add_failure(run, &origin, part->error.message, part->one_image);
}

static void stream_inputs(run_state *run) {
  unfurl_error error;
  const size_t threads = unfurl_context_threads(run->context);
  const pipeline_options options = {.inputs = &run->list,
                                    .target = &run->target,
                                    .workers = threads > 1 ? threads : 0,
                                    .batch = run->batch.capacity,
                                    .most_bytes = waiting_bytes,
                                    .watch = &run->watch};
  if (pipeline_start(&run->line, &options, &error) != UNFURL_OK) {
    lose(run, &error);
  } else {
    const input_item *item;
    size_t number;
    for (portion *part; (part = pipeline_next(run->line, &item, &number));) {
      take_portion(run, part, item, number);
      pipeline_release(run->line, part);
    }
    run->interrupted = halt_requested() && halt_by_signal();
    if (!halt_requested()) flush_batch(run);
  }
  pipeline_stop(run->line, &run->total);
  run->line = NULL;
}

/* All inputs are fed by name: one run, of which the results are taken as they come. */
static void run_once(run_state *run) {
  unfurl_error error;
  result_set set = {.whole = true};
  const char *name = run->options->feed_count ? strchr(run->options->feeds[0], '=') + 1 : run->options->inputs[0];
  const batch_origin origin = {.name = name};
  timing_enter(&run->watch, TIMING_INFER);
  unfurl_status status = infer(run, SIZE_MAX, &set, &error);
  timing_enter(&run->watch, TIMING_READ);
  if (status == UNFURL_OK) {
    const size_t rows = set.count && set.tensors[0].rank ? (size_t)set.tensors[0].dims[0] : 1;
    status = batch_order_one(&set.order, &origin, rows, &error);
  }
  if (status == UNFURL_OK) {
    result_writer_put(&run->writer, &set);
    return;
  }
  fail_run(run, status, &set.order, &error);
  result_set_free(&set);
}

static void print_stopped(const run_state *run) {
  const run_results *results = &run->results;
  const size_t through = results->before + results->done + results->failed;
  size_t expected = run->expected;
  if (expected == 0) expected = run_count(run);
  if (expected > 0)
    fprintf(stderr, "stopped after %zu of %zu images; go on with --skip %zu\n", through, expected, through);
  else
    fprintf(stderr, "stopped after %zu images; go on with --skip %zu\n", through, through);
}

static void print_summary(const run_state *run, double seconds) {
  const run_results *results = &run->results;
  char failed[40] = "";
  if (results->failed > 0) snprintf(failed, sizeof failed, ", %zu failed", results->failed);
  fprintf(stderr, "%zu images%s in %.2f s, %.0f images/s\n", results->done, failed, seconds,
          seconds > 0 ? (double)results->done / seconds : 0);
  if (run->options->timing) timing_print(&run->total, seconds, stderr);
}

static void finish(run_state *run) {
  run_results *results = &run->results;
  result_writer_finish(&run->writer, &run->total);
  timing_enter(&run->watch, TIMING_WRITE);
  run_commit(results, run->stop);
  timing_stop(&run->watch);
  timing_add(&run->total, &run->watch);
  const double seconds = timing_now() - run->began;
  progress_end();
  remember(run, results->worst);
  if (run->stop || results->worst == CLI_OUTPUT) return;
  run_print_score(results, !run->interrupted);
  remember(run, results->worst);
  if (results->done + results->failed > 0) print_summary(run, seconds);
  if (!run->interrupted) return;
  remember(run, CLI_INPUT_FAILED);
  print_stopped(run);
}

cli_status run_all(run_state *run) {
  const bool threaded = unfurl_context_threads(run->context) > 1;
  halt_watch();
  if (run->streamed != SIZE_MAX && progress_wanted()) run->expected = run_count(run);
  if (run->streamed != SIZE_MAX) progress_begin(run->expected);
  run->began = timing_now();
  timing_start(&run->watch, TIMING_READ);
  if (run->streamed != SIZE_MAX) run_skip(run);
  if (run->results.scoring && score_pass(&run->results.board, run->results.before, NULL) != UNFURL_OK)
    run->results.scoring = false;
  result_writer_start(&run->writer, run_write, &run->results, threaded, &run->watch);
  if (run->streamed == SIZE_MAX)
    run_once(run);
  else
    stream_inputs(run);
  finish(run);
  return run->worst;
}
