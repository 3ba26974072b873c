/* SPDX-License-Identifier: BSD-2-Clause */
/* unfurl bench: the algorithms side by side on any layer. */
#include <stdio.h>

#include "bench_options.h"
#include "cli.h"
#include "measure.h"
#include "message.h"
#include "unfurl/blas.h"
#include "unfurl/context.h"
#include "unfurl/cpu.h"

/* An error that no single-precision sum of a sensible order makes. */
static const double worst_error = 1e-4;

static const char help[] = "Usage: unfurl bench PROBLEM... | --batch=FILE [OPTION...]\n"
                           "\n"
                           "Measures convolutions (with bias and ReLU) on random signed data. Every\n"
                           "algorithm is verified against the naive loop first, then all are timed in turn.\n"
                           "\n"
                           "A PROBLEM is written as for oneDNN's benchdnn: g groups, mb batch, ic ih iw\n"
                           "image, oc oh ow result, kh kw kernel, sh sw stride, ph pw padding at the top and\n"
                           "left, dh dw dilation (0 = none), n name. Widths may be left out where they are\n"
                           "the heights, and so may mb1, g1, sh1, dh0. The quotes around the name belong to\n"
                           "the notation and need quotes of the shell around them, or can be left out.\n"
                           "\n"
                           "  --batch=FILE    problems from FILE, one a line; lines that begin with # are\n"
                           "                  skipped\n"
                           "  --algo LIST     algorithms, with commas between: solvers, auto (what the\n"
                           "                  planner picks), sgemm (the bare matrix product, without\n"
                           "                  unrolling, bias and ReLU); default: all that apply\n"
                           "  --threads N     threads (default 1; 0: one for each CPU)\n"
                           "  --tolerance T   relative L2 error that a faster method may add (default 2e-5)\n"
                           "  -o FORMAT       md (default), jsonl, csv or json\n"
                           "  -h, --help      this text\n"
                           "\n"
                           "Columns: shortest and median time of one execution, GFLOP/s (two operations a\n"
                           "multiplication, padding included, in the shortest time), how many times as fast\n"
                           "as the naive loop, relative L2 error against it, workspace, and the time that is\n"
                           "spent once, for making the plan and packing the weights.\n"
                           "\n"
                           "Exit status: 0 all done, 1 some problems failed (each is named) or a result was\n"
                           "wrong, 2 wrong usage, 4 the output could not be written.\n"
                           "\n"
                           "Example: the second convolution of AlexNet, two groups\n"
                           "  unfurl bench 'g2mb1ic96ih27oc256oh27kh5ph2n\"conv2\"' --algo naive,im2col,auto\n";

static void print_machine(const unfurl_context *context) {
  const char *core = unfurl_blas_core();
  const size_t threads = unfurl_context_threads(context);
  fprintf(stderr, "unfurl %s, %s%s%s%s, %s, %zu thread%s\n", unfurl_version(), unfurl_blas_name(), *core ? " (" : "",
          core, *core ? ")" : "", unfurl_isa_name(unfurl_cpu_isa()), threads, threads == 1 ? "" : "s");
}

static unfurl_status make_context(const bench_options *options, unfurl_context **context, unfurl_error *error) {
  unfurl_context_options context_options;
  unfurl_context_options_init(&context_options);
  context_options.threads = options->threads;
  context_options.blas_single_thread = true; /* threads are ours, so that all algorithms have the same number */
  return unfurl_context_create(&context_options, context, error);
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

static cli_status bench_all(const bench_options *options, const measure_options *measure) {
  cli_status worst = CLI_DONE;
  size_t printed = 0;
  if (options->format->begin) options->format->begin(stdout);
  for (size_t i = 0; i < options->problems.count; i++) {
    unfurl_error error;
    measure_report report;
    const problem_spec *problem = &options->problems.items[i];
    if (measure_problem(measure, problem, &report, &error) == UNFURL_OK) {
      const cli_status status = judge(&report);
      if (status > worst) worst = status;
      if (report.count > 0 && !options->format->report(stdout, &report, printed++)) worst = CLI_OUTPUT;
    } else {
      message_error("problem '%s': %s", problem->text, error.message);
      worst = CLI_INPUT_FAILED;
    }
    measure_free(&report);
    if (fflush(stdout) != 0 || ferror(stdout) || worst == CLI_OUTPUT) return worst; /* main says why */
  }
  if (options->format->end) options->format->end(stdout);
  return worst;
}

static cli_status bench(const bench_options *options) {
  unfurl_error error;
  unfurl_context *context;
  unfurl_conv_desc defaults;
  if (make_context(options, &context, &error) != UNFURL_OK) {
    message_error("%s", error.message);
    return CLI_INPUT_FAILED;
  }
  unfurl_conv_desc_init(&defaults);
  const measure_options measure = {
      .context = context,
      .algos = options->algos,
      .algo_count = options->algo_count,
      .optional = !options->list,
      .tolerance = options->tolerance < 0 ? defaults.tolerance : (float)options->tolerance,
  };
  print_machine(context);
  const cli_status status = bench_all(options, &measure);
  unfurl_context_destroy(&context);
  return status;
}

static cli_status bench_command(int argc, char **argv) {
  bench_options options;
  cli_status status = bench_options_parse(&options, argc, argv);
  if (status == CLI_DONE && options.help)
    fputs(help, stdout);
  else if (status == CLI_DONE)
    status = bench(&options);
  bench_options_free(&options);
  return status;
}

const cli_command cmd_bench = {.name = "bench",
                               .summary = "measure convolutions, all algorithms side by side",
                               .help = help,
                               .run = bench_command};
