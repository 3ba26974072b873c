/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_network.h"

#include <stdbool.h>
#include <stdlib.h>

#include "fault.h"
#include "message.h"
#include "quantity.h"
#include "samples.h"
#include "timing.h"

enum { LEAST_RUNS = 5, MOST_RUNS = 20000, NAME = 60 };
static const double least_seconds = 1;

/* Everything that makes two convolutions the same problem; names do not. */
static bool same_problem(const unfurl_conv_desc *a, const unfurl_conv_desc *b) {
  return a->batch == b->batch && a->ic == b->ic && a->ih == b->ih && a->iw == b->iw && a->oc == b->oc &&
         a->kh == b->kh && a->kw == b->kw && a->stride_h == b->stride_h && a->stride_w == b->stride_w &&
         a->pad_top == b->pad_top && a->pad_left == b->pad_left && a->pad_bottom == b->pad_bottom &&
         a->pad_right == b->pad_right && a->dilation_h == b->dilation_h && a->dilation_w == b->dilation_w &&
         a->groups == b->groups && a->transposed == b->transposed;
}

/* A convolution, the layer that has it first, and how often a run executes it. */
typedef struct distinct_conv {
  const unfurl_conv_desc *desc;
  const char *name;
  size_t repeat;
} distinct_conv;

/* Fills `convs`, which has room for all layers; returns how many there are. */
static size_t find_convs(const unfurl_session *session, distinct_conv *convs) {
  size_t count = 0;
  for (size_t i = 0; i < unfurl_session_layer_count(session); i++) {
    unfurl_layer layer = {.size = sizeof layer};
    if (unfurl_session_layer(session, i, &layer, NULL) != UNFURL_OK || !layer.conv) continue;
    size_t at = 0;
    while (at < count && !same_problem(convs[at].desc, layer.conv)) at++;
    if (at == count) convs[count++] = (distinct_conv){.desc = layer.conv, .name = layer.name};
    convs[at].repeat += layer.turns;
  }
  return count;
}

/* What can't be written down as a problem gets a warning. */
static unfurl_status append_conv(const distinct_conv *conv, problem_list *problems, unfurl_error *error) {
  problem_spec problem;
  unfurl_status status = problem_describe(&problem, conv->desc, conv->name, conv->repeat, error);
  if (status == UNFURL_OK) status = problem_list_append(problems, &problem, error);
  if (status == UNFURL_OK) return status;
  problem_free(&problem);
  if (status == UNFURL_OUT_OF_MEMORY) return status;
  char name[NAME + 1];
  message_warning("layer '%s' is not measured by itself: %s", quantity_name(conv->name, NAME, name), error->message);
  return UNFURL_OK;
}

static unfurl_status list_problems(const unfurl_session *session, problem_list *problems, unfurl_error *error) {
  distinct_conv *convs = calloc(unfurl_session_layer_count(session) + 1, sizeof *convs);
  if (!convs) return fault_memory(error);
  const size_t count = find_convs(session, convs);
  unfurl_status status = UNFURL_OK;
  for (size_t i = 0; i < count && status == UNFURL_OK; i++) status = append_conv(&convs[i], problems, error);
  free(convs);
  return status;
}

static unfurl_status time_runs(const network *net, double *samples, bench_network *result, unfurl_error *error) {
  double total = 0;
  size_t runs = 0;
  unfurl_status status = unfurl_session_run(net->session, net->inputs, net->input_count, error);
  while (status == UNFURL_OK && runs < MOST_RUNS && (runs < LEAST_RUNS || total < least_seconds)) {
    const double start = timing_now();
    status = unfurl_session_run(net->session, net->inputs, net->input_count, error);
    samples[runs] = timing_now() - start;
    total += samples[runs++];
  }
  if (status == UNFURL_OK) samples_evaluate(samples, runs, &result->min_us, &result->median_us);
  return status;
}

static unfurl_status measure(network *net, bench_network *result, problem_list *problems, unfurl_error *error) {
  unfurl_session_memory memory = {.size = sizeof memory};
  double *samples = malloc(MOST_RUNS * sizeof *samples);
  unfurl_status status = samples ? network_fill(net, error) : fault_memory(error);
  if (status == UNFURL_OK) status = time_runs(net, samples, result, error);
  free(samples);
  if (status == UNFURL_OK) status = unfurl_session_memory_used(net->session, &memory, error);
  if (status == UNFURL_OK && problems) status = list_problems(net->session, problems, error);
  result->batch = net->batch;
  result->images_per_s = result->min_us > 0 ? 1e6 * (double)net->batch / result->min_us : 0;
  result->peak_bytes = memory.arena_bytes + memory.workspace_bytes + memory.weights_bytes + memory.constants_bytes;
  return status;
}

cli_status bench_network_measure(bench_network *result, const unfurl_context *context, const network_options *options,
                                 problem_list *problems) {
  network net;
  unfurl_error error;
  *result = (bench_network){.model = options->path, .threads = unfurl_context_threads(context)};
  cli_status status = network_open(&net, context, options);
  if (status == CLI_DONE && measure(&net, result, problems, &error) != UNFURL_OK) {
    message_error("%s: %s", options->path, error.message);
    status = CLI_MODEL;
  }
  network_close(&net);
  return status;
}
