/* SPDX-License-Identifier: BSD-2-Clause */
/* layers: the engine, the bare matrix product and oneDNN on the same convolutions, in one process and in turn. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_format.h"
#include "cli.h"
#include "message.h"
#include "parse.h"
#include "problem.h"
#include "race.h"
#include "unfurl/cpu.h"

enum { MOST_PEERS = 32, BATCH = 256, PEERS, THREADS, TOLERANCE, SECONDS, COLD, TRUST };

static const char help[] = "Usage: layers PROBLEM... | --batch=FILE [OPTION...]\n"
                           "\n"
                           "Prints the JSON lines of `unfurl bench -o jsonl`, one for each peer; picked is the\n"
                           "implementation that the peer has chosen.\n"
                           "\n"
                           "  --batch=FILE    problems from FILE, as for `unfurl bench`\n"
                           "  --peers LIST    unfurl's solvers, auto, sgemm, onednn-direct, onednn-winograd,\n"
                           "                  onednn-auto; default: auto,sgemm,onednn-direct,onednn-winograd\n"
                           "  --threads N     default 1\n"
                           "  --tolerance T   as for `unfurl bench`\n"
                           "  --seconds S     that each is timed for, at least (default 0.3)\n"
                           "  --cold          touch 128 MiB of other memory before each execution\n"
                           "  --trust         do not verify the results\n"
                           "\n"
                           "Example: layers 'ic64ih56oc64oh56kh3ph1n\"conv2_b\"' --peers strided,onednn-direct\n";

static const struct option names[] = {
    {"help", no_argument, NULL, 'h'},
    {"batch", required_argument, NULL, BATCH},
    {"peers", required_argument, NULL, PEERS},
    {"threads", required_argument, NULL, THREADS},
    {"tolerance", required_argument, NULL, TOLERANCE},
    {"seconds", required_argument, NULL, SECONDS},
    {"cold", no_argument, NULL, COLD},
    {"trust", no_argument, NULL, TRUST},
    {NULL, 0, NULL, 0},
};

typedef struct layers_options {
  bool help;
  problem_list problems;
  const char *peers[MOST_PEERS]; /* into argv, or constant */
  size_t threads;
  double tolerance;
  race_options race;
} layers_options;

static bool refuse(const char *what, const char *why) {
  message_error("%s: %s", what, why);
  return false;
}

/* Takes the list apart in place. */
static bool set_peers(layers_options *options, char *list) {
  options->race.count = 0;
  options->race.optional = false;
  for (char *name; (name = strsep(&list, ","));) {
    if (!race_knows(name)) return refuse(name, "there is no such peer");
    if (options->race.count == MOST_PEERS) return refuse(name, "too many peers");
    options->peers[options->race.count++] = name;
  }
  return true;
}

static void set_default_peers(layers_options *options) {
  static const char *const wanted[] = {"auto", "sgemm", "onednn-direct", "onednn-winograd"};
  options->race.optional = true;
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
    if (race_knows(wanted[i])) options->peers[options->race.count++] = wanted[i];
}

static bool load_problems(layers_options *options, const char *path) {
  unfurl_error error;
  return problem_list_load(&options->problems, path, &error) == UNFURL_OK || refuse(path, error.message);
}

static bool set_option(layers_options *options, int option) {
  switch (option) {
  case 'h': return options->help = true;
  case BATCH: return load_problems(options, optarg);
  case PEERS: return set_peers(options, optarg);
  case THREADS: return parse_size(optarg, 1, 1024, &options->threads) || refuse(optarg, "not a number of threads");
  case TOLERANCE: return parse_real(optarg, &options->tolerance) || refuse(optarg, "not a number");
  case SECONDS: return parse_real(optarg, &options->race.seconds) || refuse(optarg, "not a number");
  case COLD: return options->race.cold = true;
  case TRUST: return options->race.trust = true;
  default: return false;
  }
}

static bool parse(layers_options *options, int argc, char **argv) {
  unfurl_error error;
  *options = (layers_options){.threads = 1, .tolerance = -1};
  options->race.seconds = 0.3;
  set_default_peers(options);
  for (int option; (option = getopt_long(argc, argv, "h", names, NULL)) != -1;)
    if (!set_option(options, option)) return false;
  for (int i = optind; i < argc; i++)
    if (problem_list_add(&options->problems, argv[i], &error) != UNFURL_OK) return refuse(argv[i], error.message);
  options->race.names = options->peers;
  options->race.tolerance = (float)options->tolerance;
  return true;
}

/* A report for each peer, as they have picked different things. */
static bool print(const layers_options *options, const problem_spec *problem, const race_result *result) {
  measure_row row = {.algo = result->info.algo,
                     .min_us = result->min_us,
                     .median_us = result->median_us,
                     .gflops = result->gflops,
                     .rel_l2_err = result->rel_l2_err,
                     .workspace_bytes = result->info.workspace_bytes,
                     .plan_us = result->plan_us};
  const measure_report report = {.problem = problem,
                                 .picked = result->info.picked,
                                 .threads = options->threads,
                                 .isa = unfurl_isa_name(unfurl_cpu_isa()),
                                 .rows = &row,
                                 .count = 1};
  const bench_format *format = bench_format_named("jsonl");
  if (!format->report(stdout, &report, (bench_place){.index = 0})) return refuse(problem->text, "out of memory");
  return fflush(stdout) == 0;
}

static bool run_problem(const layers_options *options, const problem_spec *problem) {
  race_result results[MOST_PEERS];
  size_t count;
  bool complete = true;
  unfurl_error error;
  if (race_run(&options->race, problem, results, &count, &complete, &error) != UNFURL_OK)
    return refuse(problem->text, error.message);
  for (size_t i = 0; i < count; i++) complete = print(options, problem, &results[i]) && complete;
  return complete;
}

static bool run(layers_options *options) {
  unfurl_error error;
  unfurl_context *context;
  unfurl_context_options context_options;
  unfurl_context_options_init(&context_options);
  context_options.threads = options->threads;
  context_options.blas_single_thread = true;
  if (unfurl_context_create(&context_options, &context, &error) != UNFURL_OK) return refuse("context", error.message);
  options->race.context = context;
  bool complete = true;
  for (size_t i = 0; i < options->problems.count; i++)
    complete = run_problem(options, &options->problems.items[i]) && complete;
  unfurl_context_destroy(&context);
  return complete;
}

int main(int argc, char **argv) {
  layers_options options;
  int status = CLI_DONE;
  if (!parse(&options, argc, argv) || (!options.help && options.problems.count == 0))
    status = CLI_USAGE;
  else if (options.help)
    fputs(help, stdout);
  else if (!run(&options))
    status = CLI_INPUT_FAILED;
  if (status == CLI_USAGE) fputs("Try 'layers --help'.\n", stderr);
  problem_list_free(&options.problems);
  return status;
}
