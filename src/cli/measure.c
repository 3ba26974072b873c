/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure.h"

#include <stdlib.h>
#include <string.h>

#include "bare_gemm.h"
#include "fault.h"
#include "measure_data.h"
#include "message.h"
#include "samples.h"
#include "timing.h"
#include "unfurl/conv.h"
#include "unfurl/cpu.h"

enum { LEAST_RUNS = 5, LEAST_RUNS_NAIVE = 3, MOST_RUNS = 20000 };
static const double least_seconds = 0.3, most_seconds_naive = 2;

/* An algorithm that is ready to run. */
typedef struct measure_contender {
  measure_row row;
  bool bare; /* sgemm */
  bare_gemm gemm;
  unfurl_conv_plan *plan;
  unfurl_conv_weights *weights;
  float *workspace;
  double *samples; /* [MOST_RUNS], seconds */
  size_t runs;
  double seconds; /* their sum */
} measure_contender;

static bool is_naive(const measure_contender *contender) {
  return strcmp(contender->row.algo, "naive") == 0;
}

static void contender_free(measure_contender *contender) {
  bare_gemm_free(&contender->gemm);
  unfurl_conv_weights_destroy(&contender->weights);
  unfurl_conv_plan_destroy(&contender->plan);
  free(contender->workspace);
  free(contender->samples);
}

static unfurl_status make_plan(measure_contender *contender, const measure_options *options,
                               const problem_spec *problem, const measure_data *data, unfurl_error *error) {
  unfurl_conv_desc desc = problem->desc;
  desc.activation = UNFURL_ACTIVATION_RELU;
  desc.tolerance = options->tolerance;
  desc.planning = options->planning;
  desc.algo = strcmp(contender->row.algo, "auto") == 0 ? NULL : contender->row.algo;
  unfurl_status status = unfurl_conv_plan_create(options->context, &desc, &contender->plan, error);
  if (status == UNFURL_OK)
    status = unfurl_conv_weights_create(contender->plan, data->weights, data->bias, &contender->weights, error);
  if (status != UNFURL_OK) return status;
  contender->row.workspace_bytes = unfurl_conv_plan_workspace_size(contender->plan, 0);
  if (contender->row.workspace_bytes == SIZE_MAX)
    return fault_set(error, UNFURL_TOO_LARGE, "the workspace is too large");
  contender->workspace = measure_floats(contender->row.workspace_bytes / sizeof(float) + 1);
  return contender->workspace ? UNFURL_OK : fault_memory(error);
}

/* Makes `algo` ready. UNSUPPORTED where it does not apply. */
static unfurl_status contender_init(measure_contender *contender, const char *algo, const measure_options *options,
                                    const problem_spec *problem, const measure_data *data, unfurl_error *error) {
  *contender = (measure_contender){.row.algo = algo, .bare = strcmp(algo, "sgemm") == 0};
  contender->samples = malloc(MOST_RUNS * sizeof *contender->samples);
  if (!contender->samples) return fault_memory(error);
  const double start = timing_now();
  const unfurl_status status = contender->bare ? bare_gemm_init(&contender->gemm, options->context, problem, error)
                                               : make_plan(contender, options, problem, data, error);
  contender->row.plan_us = samples_microseconds(timing_now() - start);
  return status;
}

/* One execution into data->dst. */
static unfurl_status contender_run(measure_contender *contender, measure_data *data, unfurl_error *error) {
  if (contender->bare) {
    bare_gemm_run(&contender->gemm, data);
    return UNFURL_OK;
  }
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = data->src;
  args.weights = contender->weights;
  args.dst = data->dst;
  args.workspace = contender->workspace;
  args.workspace_size = contender->row.workspace_bytes;
  return unfurl_conv_plan_execute(contender->plan, &args, error);
}

/* The naive loop is what the others are measured by, so there is nothing to be found out about it. */
static unfurl_status contender_verify(measure_contender *contender, measure_data *data, unfurl_error *error) {
  if (is_naive(contender)) return UNFURL_OK;
  measure_data_spoil(data);
  const unfurl_status status =
      contender->bare ? bare_gemm_verify(&contender->gemm, data, error) : contender_run(contender, data, error);
  if (status == UNFURL_OK) contender->row.rel_l2_err = measure_data_error(data);
  return status;
}

static bool has_enough(const measure_contender *contender) {
  if (contender->runs == MOST_RUNS) return true;
  if (is_naive(contender) && contender->seconds >= most_seconds_naive) return true;
  return contender->runs >= (is_naive(contender) ? LEAST_RUNS_NAIVE : LEAST_RUNS) &&
         contender->seconds >= least_seconds;
}

static unfurl_status time_all(measure_contender *contenders, size_t count, measure_data *data, unfurl_error *error) {
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < count; i++) {
      measure_contender *contender = &contenders[i];
      if (has_enough(contender)) continue;
      const double start = timing_now();
      const unfurl_status status = contender_run(contender, data, error);
      const double seconds = timing_now() - start;
      if (status != UNFURL_OK) return status;
      contender->samples[contender->runs++] = seconds;
      contender->seconds += seconds;
      more = true;
    }
  }
  return UNFURL_OK;
}

static void evaluate(measure_contender *contender, const problem_spec *problem) {
  samples_evaluate(contender->samples, contender->runs, &contender->row.min_us, &contender->row.median_us);
  const double least = contender->samples[0]; /* they are sorted now */
  contender->row.gflops = least > 0 ? 2e-9 * problem_macs(problem) / least : 0;
}

/* data->reference from the naive loop, and what the planner would choose. */
static unfurl_status make_reference(const measure_options *options, measure_report *report, measure_data *data,
                                    unfurl_error *error) {
  measure_contender naive, planned = {0};
  unfurl_status status = contender_init(&naive, "naive", options, report->problem, data, error);
  if (status == UNFURL_OK) status = contender_run(&naive, data, error);
  if (status == UNFURL_OK) {
    memcpy(data->reference, data->dst, data->dst_count * sizeof *data->dst);
    status = contender_init(&planned, "auto", options, report->problem, data, error);
  }
  if (status == UNFURL_OK) report->picked = unfurl_conv_plan_algo(planned.plan);
  contender_free(&planned);
  contender_free(&naive);
  return status;
}

/* Makes and verifies all contenders; returns how many can run. One that can't is named, unless it does not apply and
 * nobody asked for it. */
static size_t make_contenders(const measure_options *options, measure_report *report, measure_data *data,
                              measure_contender *contenders) {
  size_t count = 0;
  for (size_t i = 0; i < options->algo_count; i++) {
    unfurl_error error = {0};
    measure_contender *contender = &contenders[count];
    const char *algo = options->algos[i];
    unfurl_status status = contender_init(contender, algo, options, report->problem, data, &error);
    const bool applies = status != UNFURL_UNSUPPORTED;
    if (status == UNFURL_OK) status = contender_verify(contender, data, &error);
    if (status == UNFURL_OK) {
      count++;
      continue;
    }
    contender_free(contender);
    if (options->optional && !applies) continue;
    report->incomplete = true;
    message_error("%s: %s: %s", report->problem->text, algo, error.message);
  }
  return count;
}

unfurl_status measure_problem(const measure_options *options, const problem_spec *problem, measure_report *report,
                              unfurl_error *error) {
  measure_data data;
  size_t count = 0;
  *report = (measure_report){.problem = problem,
                             .threads = unfurl_context_threads(options->context),
                             .isa = unfurl_isa_name(unfurl_cpu_isa()),
                             .rows = calloc(options->algo_count, sizeof *report->rows)};
  measure_contender *contenders = calloc(options->algo_count, sizeof *contenders);
  unfurl_status status = measure_data_init(&data, problem, error);
  if (status == UNFURL_OK && (!contenders || !report->rows)) status = fault_memory(error);
  if (status == UNFURL_OK) status = make_reference(options, report, &data, error);
  if (status == UNFURL_OK) count = make_contenders(options, report, &data, contenders);
  if (status == UNFURL_OK) status = time_all(contenders, count, &data, error);
  for (size_t i = 0; i < count; i++) {
    if (status == UNFURL_OK) evaluate(&contenders[i], problem);
    if (status == UNFURL_OK) report->rows[report->count++] = contenders[i].row;
    contender_free(&contenders[i]);
  }
  free(contenders);
  measure_data_free(&data);
  return status;
}

void measure_free(measure_report *report) {
  free(report->rows);
  *report = (measure_report){0};
}
