/* SPDX-License-Identifier: BSD-2-Clause */
/* unfurl bench: the algorithms side by side on any layer, and whole networks. */
#include <stdio.h>

#include "bench_options.h"
#include "bench_report.h"
#include "bench_run.h"
#include "cli.h"
#include "gnuplot.h"
#include "message.h"
#include "unfurl/blas.h"
#include "unfurl/context.h"
#include "unfurl/cpu.h"

static const char help[] = "Usage: unfurl bench PROBLEM... | --batch=FILE | MODEL.onnx... [OPTION...]\n"
                           "\n"
                           "Measures convolutions (with bias and ReLU) on random signed data. Every\n"
                           "algorithm is verified against the naive loop first, then all are timed in turn.\n"
                           "For a model: the whole network, then each of its different convolutions.\n"
                           "\n"
                           "A PROBLEM is written as for oneDNN's benchdnn: g groups, mb batch, ic ih iw\n"
                           "image, oc oh ow result, kh kw kernel, sh sw stride, ph pw padding at the top and\n"
                           "left, dh dw dilation (0 = none), n name. Widths may be left out where they are\n"
                           "the heights, and so may mb1, g1, sh1, dh0. The quotes around the name belong to\n"
                           "the notation and need quotes of the shell around them, or can be left out.\n"
                           "\n"
                           "  --batch=FILE    problems from FILE, one a line; lines that begin with # are\n"
                           "                  skipped\n"
                           "  --mb N          images that a model computes together (default 1)\n"
                           "  --no-layers     models as a whole only\n"
                           "  --algo LIST     algorithms, with commas between: solvers, auto (what the\n"
                           "                  planner picks), sgemm (the bare matrix product, without\n"
                           "                  unrolling, bias and ReLU); default: all that apply. A whole\n"
                           "                  model runs with auto, or the first of a LIST without auto\n"
                           "  --threads N     threads (default 1; 0: one for each CPU)\n"
                           "  --plan MODE     how the planner picks: estimate (default), or measure, which\n"
                           "                  runs the solvers in question, some 50 ms each\n"
                           "  --wisdom FILE   keep what --plan measure finds out in FILE, use what it has\n"
                           "  --tolerance T   relative L2 error that a faster method may add (default 2e-5)\n"
                           "  -o FORMAT       md (default), jsonl, csv or json\n"
                           "  --report FILE.html\n"
                           "                  also write tables and charts to FILE (needs gnuplot)\n"
                           "  -h, --help      this text\n"
                           "\n"
                           "Columns: shortest and median time of one execution, GFLOP/s (two operations a\n"
                           "multiplication, padding included, in the shortest time), how many times as fast\n"
                           "as the naive loop, relative L2 error against it, workspace, and the time that is\n"
                           "spent once, for making the plan and packing the weights.\n"
                           "\n"
                           "Exit status: 0 all done, 1 some problems failed (each is named) or a result was\n"
                           "wrong, 2 wrong usage, 3 a model can't be used, 4 an output could not be written.\n"
                           "\n"
                           "Examples: the second convolution of AlexNet, two groups; a network\n"
                           "  unfurl bench 'g2mb1ic96ih27oc256oh27kh5ph2n\"conv2\"' --algo naive,im2col,auto\n"
                           "  unfurl bench examples/fashion_mnist/lenet5.onnx --mb 16 --report lenet5.html\n";

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

static cli_status report_failed(const bench_options *options, const unfurl_error *error) {
  message_error("%s: %s", options->report, error->message);
  return CLI_OUTPUT;
}

static cli_status measure(const unfurl_context *context, bench_options *options) {
  unfurl_error error;
  bench_results results;
  print_machine(context);
  cli_status status = bench_run(&results, context, options);
  if (options->report && status != CLI_USAGE && bench_report_write(options->report, &results, &error) != UNFURL_OK)
    status = report_failed(options, &error);
  bench_results_free(&results);
  const cli_status saved = planning_save(&options->planning, context);
  return saved > status ? saved : status;
}

static cli_status bench(bench_options *options) {
  unfurl_error error;
  unfurl_context *context;
  /* Better now than after minutes of measuring. */
  if (options->report && gnuplot_find(&error) != UNFURL_OK) return report_failed(options, &error);
  if (make_context(options, &context, &error) != UNFURL_OK) {
    message_error("%s", error.message);
    return CLI_INPUT_FAILED;
  }
  cli_status status = planning_load(&options->planning, "bench", context);
  if (status == CLI_DONE) status = measure(context, options);
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
