/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

/* An error that no single-precision sum of a sensible order makes. */
static const double worst_error = 1e-4;

typedef struct bench_state {
  const bench_options *options;
  const unfurl_context *context;
  bench_results *results;
  size_t printed;
  cli_status worst; /* of what has happened */
} bench_state;

static void note(bench_state *state, cli_status status) {
  if (status > state->worst) state->worst = status;
}

static bench_place place_of(const bench_state *state) {
  return (bench_place){.index = state->printed, .networks = state->options->model_count > 0};
}

/* After something was printed, or could not be for lack of memory: can we go on? */
static bool flush(bench_state *state, bool had_memory) {
  state->printed++;
  if (had_memory && fflush(stdout) == 0 && !ferror(stdout)) return true;
  message_error("stdout: can't write it: %s", strerror(had_memory ? errno : ENOMEM));
  note(state, CLI_OUTPUT);
  return false;
}

/* What the whole network is run with: the planner's choices if they are measured, else the first solver that is. */
static const char *network_algo(const bench_options *options) {
  const char *first = NULL;
  for (size_t i = 0; i < options->algo_count; i++) {
    if (strcmp(options->algos[i], "auto") == 0) return NULL;
    if (!first && strcmp(options->algos[i], "sgemm") != 0) first = options->algos[i];
  }
  return first;
}

static bool run_network(bench_state *state, const char *model, problem_list *problems) {
  const bench_options *options = state->options;
  const network_options wanted = {.command = "bench",
                                  .path = model,
                                  .batch_option = "--mb",
                                  .batch = options->batch,
                                  .algo = network_algo(options),
                                  .tolerance = planning_tolerance(&options->planning),
                                  .planning = options->planning.mode};
  bench_network *result = &state->results->networks[state->results->network_count];
  const cli_status status =
      bench_network_measure(result, state->context, &wanted, options->no_layers ? NULL : problems);
  note(state, status);
  if (status != CLI_DONE) return true;
  state->results->network_count++;
  return flush(state, options->format->network(stdout, result, place_of(state)));
}

/* Were all algorithms there, and right? */
static cli_status judge(const measure_report *report) {
  cli_status status = report->incomplete ? CLI_INPUT_FAILED : CLI_DONE;
  for (size_t i = 0; i < report->count; i++) {
    const measure_row *row = &report->rows[i];
    if (row->rel_l2_err <= worst_error) continue; /* false for NaN */
    message_warning("%s: %s is wrong: relative L2 error %.3g", report->problem->text, row->algo, row->rel_l2_err);
    status = CLI_INPUT_FAILED;
  }
  return status;
}

static bool run_problem(bench_state *state, const problem_spec *problem) {
  unfurl_error error;
  const bench_options *options = state->options;
  const measure_options measure = {
      .context = state->context,
      .algos = options->algos,
      .algo_count = options->algo_count,
      .optional = !options->list,
      .tolerance = planning_tolerance(&options->planning),
      .planning = options->planning.mode,
  };
  measure_report *report = &state->results->reports[state->results->report_count++];
  if (measure_problem(&measure, problem, report, &error) != UNFURL_OK) {
    message_error("problem '%s': %s", problem->text, error.message);
    note(state, CLI_INPUT_FAILED);
    return true;
  }
  note(state, judge(report));
  return report->count == 0 || flush(state, options->format->report(stdout, report, place_of(state)));
}

static bool run_all(bench_state *state, problem_list *problems) {
  const bench_options *options = state->options;
  for (size_t i = 0; i < options->model_count; i++)
    if (!run_network(state, options->models[i], problems)) return false;
  state->results->reports = calloc(problems->count + 1, sizeof *state->results->reports);
  if (!state->results->reports) {
    message_error("out of memory");
    note(state, CLI_INPUT_FAILED);
    return false;
  }
  for (size_t i = 0; i < problems->count; i++)
    if (!run_problem(state, &problems->items[i])) return false;
  return true;
}

cli_status bench_run(bench_results *results, const unfurl_context *context, bench_options *options) {
  bench_state state = {.options = options, .context = context, .results = results};
  *results = (bench_results){.networks = calloc(options->model_count + 1, sizeof *results->networks)};
  if (!results->networks) {
    message_error("out of memory");
    return CLI_INPUT_FAILED;
  }
  if (options->format->begin) options->format->begin(stdout, place_of(&state));
  if (run_all(&state, &options->problems) && options->format->end) options->format->end(stdout);
  return state.worst;
}

void bench_results_free(bench_results *results) {
  for (size_t i = 0; i < results->report_count; i++) measure_free(&results->reports[i]);
  free(results->networks);
  free(results->reports);
  *results = (bench_results){.networks = NULL};
}
