/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_options.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "message.h"
#include "unfurl/conv.h"

enum { BATCH = 256, ALGO, THREADS, PLAN, WISDOM, TOLERANCE, MB, NO_LAYERS, REPORT };

static const struct option names[] = {
    {"help", no_argument, NULL, 'h'},
    {"batch", required_argument, NULL, BATCH},
    {"algo", required_argument, NULL, ALGO},
    {"threads", required_argument, NULL, THREADS},
    {"plan", required_argument, NULL, PLAN},
    {"wisdom", required_argument, NULL, WISDOM},
    {"tolerance", required_argument, NULL, TOLERANCE},
    {"mb", required_argument, NULL, MB},
    {"no-layers", no_argument, NULL, NO_LAYERS},
    {"report", required_argument, NULL, REPORT},
    {NULL, 0, NULL, 0},
};

/* Takes --algo's list apart. */
static bool set_algos(bench_options *options) {
  size_t commas = 0;
  for (const char *at = optarg; *at; at++) commas += *at == ',';
  free(options->list);
  free(options->algos);
  options->algo_count = 0;
  options->list = strdup(optarg);
  options->algos = calloc(commas + 1, sizeof *options->algos);
  if (!options->list || !options->algos) {
    message_error("out of memory");
    return false;
  }
  char *cursor = options->list;
  for (char *name; (name = strsep(&cursor, ","));) {
    if (!arguments_algo("bench", name, "sgemm")) return false;
    options->algos[options->algo_count++] = name;
  }
  return true;
}

/* All of them: the solvers, then the planner's choice, then the bare product. */
static bool set_default_algos(bench_options *options) {
  const size_t solvers = unfurl_conv_algo_count();
  options->algos = calloc(solvers + 2, sizeof *options->algos);
  if (!options->algos) {
    message_error("out of memory");
    return false;
  }
  for (size_t i = 0; i < solvers; i++) options->algos[i] = unfurl_conv_algo_name(i);
  options->algos[solvers] = "auto";
  options->algos[solvers + 1] = "sgemm";
  options->algo_count = solvers + 2;
  return true;
}

static bool set_format(bench_options *options) {
  options->format = bench_format_named(optarg);
  if (options->format) return true;
  message_usage("bench", "-o '%s' is not %s", optarg, bench_format_names());
  return false;
}

static bool load_problems(bench_options *options) {
  unfurl_error error;
  if (problem_list_load(&options->problems, optarg, &error) == UNFURL_OK) return true;
  message_usage("bench", "%s: %s", optarg, error.message);
  return false;
}

static bool set_option(bench_options *options, int option) {
  switch (option) {
  case 'h': options->help = true; return true;
  case 'o': return set_format(options);
  case BATCH: return load_problems(options);
  case ALGO: return set_algos(options);
  case THREADS: return arguments_size("bench", "--threads", 0, 1024, &options->threads);
  case PLAN: return planning_set_mode(&options->planning, "bench");
  case WISDOM: options->planning.wisdom = optarg; return true;
  case TOLERANCE: return planning_set_tolerance(&options->planning, "bench");
  case MB: return arguments_size("bench", "--mb", 1, 1 << 20, &options->batch);
  case NO_LAYERS: options->no_layers = true; return true;
  case REPORT: options->report = optarg; return true;
  default: return false;
  }
}

/* A name that ends in .onnx is a model, everything else a problem. */
static cli_status add_argument(bench_options *options, const char *text) {
  unfurl_error error;
  const size_t length = strlen(text);
  if (length > 5 && strcmp(text + length - 5, ".onnx") == 0) {
    options->models[options->model_count++] = text;
    return CLI_DONE;
  }
  if (problem_list_add(&options->problems, text, &error) == UNFURL_OK) return CLI_DONE;
  return message_usage("bench", "problem '%s': %s", text, error.message);
}

static cli_status check(const bench_options *options) {
  if (options->problems.count + options->model_count == 0) return message_usage("bench", "which problem?");
  if (options->batch && options->model_count == 0)
    return message_usage("bench", "--mb is for models; a problem says mb itself");
  if (options->report && strcmp(options->report, "-") == 0)
    return message_usage("bench", "--report -: the results go to stdout, the report needs a file");
  return CLI_DONE;
}

cli_status bench_options_parse(bench_options *options, int argc, char **argv) {
  *options = (bench_options){.threads = 1, .planning = planning_defaults(), .format = bench_format_named("md")};
  options->models = calloc((size_t)argc, sizeof *options->models);
  if (!options->models) {
    message_error("out of memory");
    return CLI_USAGE;
  }
  for (int option; (option = arguments_next(argc, argv, "bench", names)) != -1;) {
    if (!set_option(options, option)) return CLI_USAGE;
    if (options->help) return CLI_DONE;
  }
  cli_status status = CLI_DONE;
  for (int i = optind; i < argc && status == CLI_DONE; i++) status = add_argument(options, argv[i]);
  if (status == CLI_DONE) status = check(options);
  if (status != CLI_DONE) return status;
  return options->list || set_default_algos(options) ? CLI_DONE : CLI_USAGE;
}

void bench_options_free(bench_options *options) {
  problem_list_free(&options->problems);
  free(options->models);
  free(options->list);
  free(options->algos);
}
