/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "message.h"
#include "npz.h"
#include "run.h"
#include "sniff.h"
#include "unfurl/onnx.h"

static void log_warning(void *user, unfurl_log_level level, const char *message) {
  (void)user;
  if (level == UNFURL_LOG_WARNING) message_warning("%s", message);
}

static cli_status load_model(run_state *run) {
  unfurl_error error;
  unfurl_context_options options;
  unfurl_context_options_init(&options);
  options.threads = run->options->threads;
  options.blas_single_thread = true;
  options.log = log_warning;
  if (unfurl_context_create(&options, &run->context, &error) != UNFURL_OK) {
    message_error("%s", error.message);
    return CLI_MODEL;
  }
  const cli_status status = planning_load(&run->options->planning, "run", run->context);
  if (status != CLI_DONE) return status;
  unfurl_session_options session;
  unfurl_session_options_init(&session);
  session.algo = run->options->algo;
  session.planning = run->options->planning.mode;
  session.tolerance = planning_tolerance(&run->options->planning);
  if (unfurl_onnx_load_file(run->context, run->options->model, &run->model, &error) != UNFURL_OK) {
    message_error("%s", error.message); /* names the file */
    return CLI_MODEL;
  }
  if (unfurl_session_create(run->model, &session, &run->session, &error) == UNFURL_OK) return CLI_DONE;
  message_error("%s: %s", run->options->model, error.message);
  return CLI_MODEL;
}

/* What input `index` of the model takes. */
static source_target describe_input(const run_state *run, size_t index) {
  source_target target = {.name = unfurl_model_input_name(run->model, index)};
  unfurl_model_input_shape(run->model, index, &target.shape, NULL);
  return target;
}

static cli_status load_feed(run_state *run, const char *feed, bool *fed) {
  unfurl_error error;
  const size_t length = strcspn(feed, "=");
  size_t index = 0;
  for (; index < run->input_count; index++) {
    const char *name = unfurl_model_input_name(run->model, index);
    if (strlen(name) == length && memcmp(name, feed, length) == 0) break;
  }
  if (index == run->input_count) return message_usage("run", "--input %s: the model has no input of that name", feed);
  if (fed[index]) return message_usage("run", "--input %s: that input was given before", feed);
  fed[index] = true;
  const source_target target = describe_input(run, index);
  if (feed_load(&run->inputs[index], feed + length + 1, &target, &error) == UNFURL_OK) return CLI_DONE;
  message_error("%s: %s", feed + length + 1, error.message);
  return CLI_INPUT_FAILED;
}

/* Several inputs are left and there is one .npz file: its arrays feed them all, by name. */
static cli_status load_archive(run_state *run, const char *path, const bool *fed) {
  unfurl_error error;
  npz_archive archive;
  unfurl_status status = npz_open(&archive, path, &error);
  for (size_t i = 0; status == UNFURL_OK && i < run->input_count; i++) {
    const source_target target = describe_input(run, i);
    if (!fed[i]) status = feed_load_named(&run->inputs[i], &archive, &target, &error);
  }
  npz_close(&archive);
  if (status == UNFURL_OK) return CLI_DONE;
  message_error("%s: %s", path, error.message);
  return CLI_INPUT_FAILED;
}

static bool is_archive(const run_options *options) {
  sniff_kind kind;
  return options->input_count == 1 && options->list_count == 0 &&
         sniff_file(options->inputs[0], &kind, NULL) == UNFURL_OK && kind == SNIFF_NPZ;
}

/* Which input is left for the files? One, if there are files; none, if there are none. */
static cli_status choose_streamed(run_state *run, const bool *fed) {
  const run_options *options = run->options;
  const bool files = options->input_count > 0 || options->list_count > 0;
  size_t left = 0;
  run->streamed = SIZE_MAX;
  for (size_t i = run->input_count; i-- > 0;) {
    if (fed[i]) continue;
    left++;
    run->streamed = i;
  }
  if (left > 1 && is_archive(options)) {
    run->streamed = SIZE_MAX;
    return load_archive(run, options->inputs[0], fed);
  }
  if (left > 1)
    return message_usage("run", "the model has %zu inputs; give all but one with --input NAME=FILE.npy ('%s' is not)",
                         run->input_count, unfurl_model_input_name(run->model, run->streamed));
  if (left == 0 && files)
    return message_usage("run", "%s: all inputs of the model are given by --input",
                         options->input_count ? options->inputs[0] : options->lists[0]);
  if (left == 1 && !files) return message_usage("run", "which input files?");
  return CLI_DONE;
}

static cli_status load_feeds(run_state *run) {
  run->input_count = unfurl_model_input_count(run->model);
  run->inputs = calloc(run->input_count + 1, sizeof *run->inputs);
  bool *fed = calloc(run->input_count + 1, sizeof *fed);
  cli_status status = CLI_DONE;
  if (!run->inputs || !fed) {
    message_error("out of memory");
    status = CLI_MODEL;
  }
  for (size_t i = 0; status == CLI_DONE && i < run->options->feed_count; i++)
    status = load_feed(run, run->options->feeds[i], fed);
  if (status == CLI_DONE) status = choose_streamed(run, fed);
  free(fed);
  return status;
}

/* The recipe from metadata and flags. A bad flag was found before, so what fails here is the model's. */
static cli_status load_recipe(run_state *run) {
  unfurl_error error;
  prepare_init(&run->recipe);
  for (size_t key = 0; key < PREPARE_KEYS; key++) {
    const char *name = prepare_key_name((prepare_key)key), *flag = run->options->prepare[key];
    const char *value = flag ? flag : unfurl_model_metadata(run->model, name);
    if (!value || prepare_set(&run->recipe, (prepare_key)key, value, &error) == UNFURL_OK) continue;
    message_error("%s: metadata %s: %s", run->options->model, name, error.message);
    return CLI_MODEL;
  }
  return CLI_DONE;
}

/* Are there as many numbers in the recipe as the model's input has channels? */
static cli_status check_channels(run_state *run) {
  unfurl_error error;
  const unfurl_tensor *shape = &run->target.shape;
  if (shape->rank != 4 || shape->dims[1] < 1 || shape->dims[1] > PREPARE_CHANNELS) return CLI_DONE;
  if (prepare_channels(&run->recipe, (size_t)shape->dims[1], &error) == UNFURL_OK) return CLI_DONE;
  if (run->options->prepare[PREPARE_MEAN] || run->options->prepare[PREPARE_STD])
    return message_usage("run", "%s", error.message);
  message_error("%s: metadata %s", run->options->model, error.message);
  return CLI_MODEL;
}

static cli_status make_batch(run_state *run) {
  size_t capacity = run->options->batch ? run->options->batch : RUN_DEFAULT_BATCH;
  if (run->streamed != SIZE_MAX) {
    run->target = describe_input(run, run->streamed);
    run->target.recipe = &run->recipe;
    const unfurl_tensor *shape = &run->target.shape;
    run->fixed_batch = shape->rank > 0 && shape->dims[0] > 0;
    if (run->fixed_batch) {
      if (run->options->batch && (int64_t)run->options->batch != shape->dims[0])
        message_warning("--batch %zu: the model takes batches of %lld, and gets those", run->options->batch,
                        (long long)shape->dims[0]);
      capacity = (size_t)shape->dims[0];
    }
  }
  batch_init(&run->batch, capacity);
  return check_channels(run);
}

static cli_status load_texts(run_state *run) {
  unfurl_error error;
  run_results *results = &run->results;
  const char *path = run->options->labels, *truth = run->options->truth;
  const char *metadata = unfurl_model_metadata(run->model, "unfurl.labels");
  unfurl_status status = UNFURL_OK;
  if (path)
    status = labels_load(&results->labels, path, &error);
  else if (metadata)
    status = labels_parse(&results->labels, metadata, &error);
  if (status == UNFURL_OK && truth) {
    path = truth;
    status = score_load(&results->board, truth, &error);
    results->scoring = true;
    results->truth = truth;
  }
  if (status == UNFURL_OK) return CLI_DONE;
  message_error("%s: %s", path ? path : run->options->model, error.message);
  return CLI_INPUT_FAILED;
}

/* The names of the outputs that the format takes. */
static cli_status choose_outputs(run_state *run) {
  run_results *results = &run->results;
  const size_t all = unfurl_model_output_count(run->model), most = run->options->format->outputs;
  results->outputs = all < most ? all : most;
  results->names = calloc(all + 1, sizeof *results->names);
  if (!results->names) {
    message_error("out of memory");
    return CLI_MODEL;
  }
  for (size_t i = 0; i < all; i++) results->names[i] = unfurl_model_output_name(run->model, i);
  if (results->outputs < all)
    message_warning("the model has %zu outputs; only the first, '%s', is used (-o FILE.npz takes all)", all,
                    results->names[0]);
  return CLI_DONE;
}

static cli_status open_output(run_state *run) {
  unfurl_error error;
  run_results *results = &run->results;
  const char *path = run->options->output;
  results->output = path ? path : "stdout";
  const unfurl_status status = output_open(&results->sink, run->options->format, path, run->options->top, &error);
  results->sink.labels = &results->labels;
  if (status == UNFURL_OK) return CLI_DONE;
  message_error("%s: %s", results->output, error.message);
  return CLI_OUTPUT;
}

cli_status run_setup(run_state *run, const run_options *options) {
  cli_status (*const steps[])(run_state *) = {load_model, load_recipe,    load_feeds, make_batch,
                                              load_texts, choose_outputs, open_output};
  *run = (run_state){.options = options};
  input_list_init(&run->list, options->inputs, options->input_count, options->lists, options->list_count);
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    const cli_status status = steps[i](run);
    if (status != CLI_DONE) return status;
  }
  return CLI_DONE;
}

void run_free(run_state *run) {
  output_discard(&run->results.sink);
  score_free(&run->results.board);
  labels_free(&run->results.labels);
  free(run->results.names);
  input_list_free(&run->list);
  batch_free(&run->batch);
  for (size_t i = 0; run->inputs && i < run->input_count; i++)
    if (i != run->streamed) feed_free(&run->inputs[i]);
  free(run->inputs);
  unfurl_session_destroy(&run->session);
  unfurl_model_destroy(&run->model);
  unfurl_context_destroy(&run->context);
}
