/* SPDX-License-Identifier: BSD-2-Clause */
#include "run_options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "message.h"

enum { INPUT = 256, LIST, BATCH, THREADS, ALGO, PLAN, WISDOM, TOLERANCE, TOP, LABELS, TRUTH, SKIP, TIMING, PREPARE };

static const struct option names[] = {
    {"help", no_argument, NULL, 'h'},
    {"input", required_argument, NULL, INPUT},
    {"list", required_argument, NULL, LIST},
    {"batch", required_argument, NULL, BATCH},
    {"threads", required_argument, NULL, THREADS},
    {"algo", required_argument, NULL, ALGO},
    {"plan", required_argument, NULL, PLAN},
    {"wisdom", required_argument, NULL, WISDOM},
    {"tolerance", required_argument, NULL, TOLERANCE},
    {"top", required_argument, NULL, TOP},
    {"labels", required_argument, NULL, LABELS},
    {"truth", required_argument, NULL, TRUTH},
    {"skip", required_argument, NULL, SKIP},
    {"timing", no_argument, NULL, TIMING},
    {"scale", required_argument, NULL, PREPARE + PREPARE_SCALE},
    {"mean", required_argument, NULL, PREPARE + PREPARE_MEAN},
    {"std", required_argument, NULL, PREPARE + PREPARE_STD},
    {"resize", required_argument, NULL, PREPARE + PREPARE_RESIZE},
    {"filter", required_argument, NULL, PREPARE + PREPARE_FILTER},
    {NULL, 0, NULL, 0},
};

static bool set_algo(run_options *options) {
  if (!arguments_algo("run", optarg, NULL)) return false;
  options->algo = strcmp(optarg, "auto") == 0 ? NULL : optarg;
  return true;
}

/* What a flag says is checked at once, though it is used only when the model is known. */
static bool set_prepare(run_options *options, prepare_key key) {
  unfurl_error error;
  prepare_recipe recipe;
  prepare_init(&recipe);
  options->prepare[key] = optarg;
  if (prepare_set(&recipe, key, optarg, &error) == UNFURL_OK) return true;
  message_usage("run", "--%s: %s", strchr(prepare_key_name(key), '.') + 1, error.message);
  return false;
}

static bool set_feed(run_options *options) {
  const char *equals = strchr(optarg, '=');
  if (!equals || equals == optarg || !equals[1]) {
    message_usage("run", "--input '%s' is not NAME=FILE", optarg);
    return false;
  }
  options->feeds[options->feed_count++] = optarg;
  return true;
}

static bool set_option(run_options *options, int option) {
  switch (option) {
  case 'h': options->help = true; return true;
  case 'o': options->output = optarg; return true;
  case INPUT: return set_feed(options);
  case LIST: options->lists[options->list_count++] = optarg; return true;
  case SKIP: return arguments_size("run", "--skip", 0, SIZE_MAX, &options->skip);
  case BATCH: return arguments_size("run", "--batch", 1, 65536, &options->batch);
  case THREADS: return arguments_size("run", "--threads", 0, 1024, &options->threads);
  case ALGO: return set_algo(options);
  case PLAN: return planning_set_mode(&options->planning, "run");
  case WISDOM: options->planning.wisdom = optarg; return true;
  case TOLERANCE: return planning_set_tolerance(&options->planning, "run");
  case TOP: return arguments_size("run", "--top", 1, 1000000, &options->top);
  case LABELS: options->labels = optarg; return true;
  case TRUTH: options->truth = optarg; return true;
  case TIMING: options->timing = true; return true;
  default: return option >= PREPARE && set_prepare(options, (prepare_key)(option - PREPARE));
  }
}

static cli_status choose_format(run_options *options) {
  options->format = &output_text;
  if (!options->output) return CLI_DONE;
  options->format = output_format_for(options->output);
  if (options->format) return CLI_DONE;
  return message_usage("run", "-o %s: its ending should be .npy, .npz, .csv or .jsonl", options->output);
}

cli_status run_options_parse(run_options *options, int argc, char **argv) {
  *options = (run_options){.planning = planning_defaults(),
                           .feeds = calloc((size_t)argc + 1, sizeof *options->feeds),
                           .lists = calloc((size_t)argc + 1, sizeof *options->lists)};
  if (!options->feeds || !options->lists) return message_usage("run", "out of memory");
  for (int option; (option = arguments_next(argc, argv, "run", names)) != -1;) {
    if (!set_option(options, option)) return CLI_USAGE;
    if (options->help) return CLI_DONE;
  }
  if (optind == argc) return message_usage("run", "which model?");
  options->model = argv[optind];
  options->inputs = argv + optind + 1;
  options->input_count = (size_t)(argc - optind - 1);
  return choose_format(options);
}

void run_options_free(run_options *options) {
  free(options->feeds);
  free(options->lists);
  options->feeds = options->lists = NULL;
}
