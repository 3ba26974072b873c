/* SPDX-License-Identifier: BSD-2-Clause */
#include "race.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault.h"
#include "message.h"
#include "reference.h"
#include "samples.h"
#include "timing.h"

enum { LEAST_RUNS = 5, LEAST_RUNS_COLD = 20, MOST_RUNS = 20000, MOST_RUNS_COLD = 200 };
enum { COLD_BYTES = 128 << 20, CACHE_LINE = 64, PAUSE_MS = 10 };
static const double burst_seconds = 0.02;

static const peer *const peers[] = {
    &peer_unfurl,
    &peer_sgemm,
#ifdef BENCH_ONEDNN
    &peer_onednn,
#endif
};

/* A peer that is ready to run. */
typedef struct race_entry {
  const peer *peer;
  void *state;
  race_result result;
  double *samples; /* [MOST_RUNS], seconds */
  size_t runs;
  double seconds; /* their sum */
} race_entry;

typedef struct race_state {
  const race_options *options;
  const problem_spec *problem;
  measure_data data;
  race_entry *entries; /* [count] */
  size_t count;
  char *other; /* [COLD_BYTES], what is touched between cold executions */
} race_state;

static const peer *peer_named(const char *name) {
  for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
    if (peers[i]->knows(name)) return peers[i];
  return NULL;
}

bool race_knows(const char *name) {
  return peer_named(name) != NULL;
}

static void entry_free(race_entry *entry) {
  if (entry->peer) entry->peer->release(entry->state);
  free(entry->samples);
}

static unfurl_status entry_verify(race_entry *entry, race_state *race, unfurl_error *error) {
  entry->result.rel_l2_err = (double)NAN;
  if (race->options->trust) return UNFURL_OK;
  measure_data_spoil(&race->data);
  const unfurl_status status = entry->peer->read(entry->state, error);
  entry->result.rel_l2_err = reference_error(race->problem, &race->data);
  return status;
}

static unfurl_status entry_init(race_entry *entry, const char *name, race_state *race, unfurl_error *error) {
  const peer_setup setup = {.context = race->options->context,
                            .problem = race->problem,
                            .data = &race->data,
                            .name = name,
                            .tolerance = race->options->tolerance};
  *entry = (race_entry){.peer = peer_named(name), .samples = malloc(MOST_RUNS * sizeof *entry->samples)};
  if (!entry->samples) return fault_memory(error);
  const double start = timing_now();
  const unfurl_status status = entry->peer->prepare(&entry->state, &setup, &entry->result.info, error);
  entry->result.plan_us = samples_microseconds(timing_now() - start);
  return status;
}

/* One cache line after another of this task's share. */
static void touch_share(void *arg, size_t task) {
  const race_state *race = arg;
  const size_t share = COLD_BYTES / unfurl_context_threads(race->options->context);
  for (size_t i = 0; i + CACHE_LINE <= share; i += CACHE_LINE) race->other[task * share + i]++;
}

static void touch_other(race_state *race) {
  const unfurl_context *context = race->options->context;
  unfurl_context_parallel_for(context, unfurl_context_threads(context), touch_share, race);
}

static void let_threads_sleep(const race_state *race) {
  const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
  if (unfurl_context_threads(race->options->context) > 1) nanosleep(&pause, NULL);
}

static bool has_enough(const race_entry *entry, const race_options *options) {
  if (entry->runs == (options->cold ? MOST_RUNS_COLD : MOST_RUNS)) return true;
  return entry->runs >= (options->cold ? LEAST_RUNS_COLD : LEAST_RUNS) && entry->seconds >= options->seconds;
}

static unfurl_status run_once(race_entry *entry, unfurl_error *error) {
  const double start = timing_now();
  const unfurl_status status = entry->peer->execute(entry->state, error);
  const double seconds = timing_now() - start;
  entry->samples[entry->runs++] = seconds;
  entry->seconds += seconds;
  return status;
}

static unfurl_status burst_hot(race_entry *entry, race_state *race, unfurl_error *error) {
  const double end = entry->seconds + burst_seconds;
  let_threads_sleep(race);
  unfurl_status status = entry->peer->execute(entry->state, error);
  do {
    if (status == UNFURL_OK) status = run_once(entry, error);
  } while (status == UNFURL_OK && entry->seconds < end && !has_enough(entry, race->options));
  return status;
}

static unfurl_status burst_cold(race_entry *entry, race_state *race, unfurl_error *error) {
  touch_other(race);
  let_threads_sleep(race);
  return run_once(entry, error);
}

static unfurl_status time_all(race_state *race, unfurl_error *error) {
  unfurl_status status = UNFURL_OK;
  for (bool more = true; more && status == UNFURL_OK;) {
    more = false;
    for (size_t i = 0; i < race->count && status == UNFURL_OK; i++) {
      race_entry *entry = &race->entries[i];
      if (has_enough(entry, race->options)) continue;
      status = race->options->cold ? burst_cold(entry, race, error) : burst_hot(entry, race, error);
      more = true;
    }
  }
  return status;
}

/* Those that can run, verified. */
static bool make_entries(race_state *race) {
  const race_options *options = race->options;
  bool complete = true;
  for (size_t i = 0; i < options->count; i++) {
    unfurl_error error = {0};
    race_entry *entry = &race->entries[race->count];
    unfurl_status status = entry_init(entry, options->names[i], race, &error);
    const bool applies = status != UNFURL_UNSUPPORTED;
    if (status == UNFURL_OK) status = entry_verify(entry, race, &error);
    if (status == UNFURL_OK) {
      race->count++;
      continue;
    }
    entry_free(entry);
    if (options->optional && !applies) continue;
    complete = false;
    message_error("%s: %s: %s", race->problem->text, options->names[i], error.message);
  }
  return complete;
}

static void evaluate(race_entry *entry, const problem_spec *problem) {
  race_result *result = &entry->result;
  samples_evaluate(entry->samples, entry->runs, &result->min_us, &result->median_us);
  result->gflops = result->min_us > 0 ? 2e-3 * problem_macs(problem) / result->min_us : 0;
}

static unfurl_status prepare(race_state *race, unfurl_error *error) {
  race->entries = calloc(race->options->count, sizeof *race->entries);
  race->other = race->options->cold ? calloc(1, COLD_BYTES) : NULL;
  unfurl_status status = measure_data_init(&race->data, race->problem, error);
  if (status != UNFURL_OK) return status;
  if (!race->entries || (race->options->cold && !race->other)) return fault_memory(error);
  return race->options->trust ? UNFURL_OK : reference_make(race->options->context, race->problem, &race->data, error);
}

unfurl_status race_run(const race_options *options, const problem_spec *problem, race_result *results, size_t *count,
                       bool *complete, unfurl_error *error) {
  race_state race = {.options = options, .problem = problem};
  *count = 0;
  unfurl_status status = prepare(&race, error);
  if (status == UNFURL_OK && !make_entries(&race)) *complete = false;
  if (status == UNFURL_OK) status = time_all(&race, error);
  for (size_t i = 0; i < race.count; i++) {
    if (status == UNFURL_OK) evaluate(&race.entries[i], problem);
    if (status == UNFURL_OK) results[(*count)++] = race.entries[i].result;
    entry_free(&race.entries[i]);
  }
  free(race.entries);
  free(race.other);
  measure_data_free(&race.data);
  return status;
}
