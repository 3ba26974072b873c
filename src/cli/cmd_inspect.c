/* SPDX-License-Identifier: BSD-2-Clause */
/* unfurl inspect: what a model consists of, and what running it will take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "cli.h"
#include "inspect.h"
#include "message.h"
#include "network.h"
#include "planning.h"
#include "unfurl/context.h"

static const char help[] = "Usage: unfurl inspect MODEL.onnx [OPTION...]\n"
                           "\n"
                           "Shows the layers of a network as they will run, after operators were fused:\n"
                           "shape of the output, turns (a large batch goes through in parts), bands of rows\n"
                           "in which an image goes through a layer and those below it that are marked +,\n"
                           "operations (FLOP, two for a multiplication and addition), packed weights, the\n"
                           "solver chosen for a convolution, workspace. And inputs, outputs, metadata, and\n"
                           "the memory that a session takes. The network is not run.\n"
                           "\n"
                           "  --batch N, --mb N\n"
                           "                  images that are computed together (default 1)\n"
                           "  --shape NAME=1x3x224x224\n"
                           "                  the whole shape of an input, where the model leaves sizes\n"
                           "                  besides the batch free\n"
                           "  --threads N     threads (default 0: one for each CPU)\n"
                           "  --algo NAME     solver for the convolutions (default auto; see unfurl bench)\n"
                           "  --plan MODE     how solvers are chosen: estimate (default), or measure, which\n"
                           "                  runs those in question on random numbers, some 50 ms each\n"
                           "  --wisdom FILE   keep what --plan measure finds out in FILE, use what it has\n"
                           "  --tolerance T   relative L2 error that a faster solver may add (default 2e-5)\n"
                           "  --why           also a line for each convolution: what is computed, why it has\n"
                           "                  its solver, and what workspace a thread needs (text only)\n"
                           "  -o FORMAT       text (default) or json\n"
                           "  -h, --help      this text\n"
                           "\n"
                           "Exit status: 0 done, 2 wrong usage, 3 the model can't be used, 4 the output\n"
                           "could not be written.\n"
                           "\n"
                           "Examples:\n"
                           "  unfurl inspect examples/fashion_mnist/lenet5.onnx\n"
                           "  unfurl inspect examples/fashion_mnist/lenet5.onnx --batch 16 -o json\n";

typedef struct inspect_options {
  bool help;
  network_options network;
  const char **shapes; /* network.shapes; as many as there are arguments would fit */
  size_t threads;
  planning_options planning;
  bool why;
  bool (*print)(FILE *file, const inspect_report *report);
} inspect_options;

enum { BATCH = 256, SHAPE, THREADS, ALGO, PLAN, WISDOM, TOLERANCE, WHY };

static const struct option names[] = {
    {"help", no_argument, NULL, 'h'},
    {"batch", required_argument, NULL, BATCH},
    {"mb", required_argument, NULL, BATCH},
    {"shape", required_argument, NULL, SHAPE},
    {"threads", required_argument, NULL, THREADS},
    {"algo", required_argument, NULL, ALGO},
    {"plan", required_argument, NULL, PLAN},
    {"wisdom", required_argument, NULL, WISDOM},
    {"tolerance", required_argument, NULL, TOLERANCE},
    {"why", no_argument, NULL, WHY},
    {NULL, 0, NULL, 0},
};

static bool set_format(inspect_options *options) {
  if (strcmp(optarg, "text") == 0)
    options->print = inspect_print_text;
  else if (strcmp(optarg, "json") == 0)
    options->print = inspect_print_json;
  else
    return message_usage("inspect", "-o '%s' is not text or json", optarg), false;
  return true;
}

static bool set_option(inspect_options *options, int option) {
  switch (option) {
  case 'h': options->help = true; return true;
  case 'o': return set_format(options);
  case BATCH: return arguments_size("inspect", "--batch", 1, 1 << 20, &options->network.batch);
  case SHAPE: options->shapes[options->network.shape_count++] = optarg; return true;
  case THREADS: return arguments_size("inspect", "--threads", 0, 1024, &options->threads);
  case ALGO:
    if (!arguments_algo("inspect", optarg, NULL)) return false;
    options->network.algo = strcmp(optarg, "auto") ? optarg : NULL;
    return true;
  case PLAN: return planning_set_mode(&options->planning, "inspect");
  case WISDOM: options->planning.wisdom = optarg; return true;
  case WHY: options->why = true; return true;
  case TOLERANCE: return planning_set_tolerance(&options->planning, "inspect");
  default: return false;
  }
}

static cli_status parse(inspect_options *options, int argc, char **argv) {
  for (int option; (option = arguments_next(argc, argv, "inspect", names)) != -1;) {
    if (!set_option(options, option)) return CLI_USAGE;
    if (options->help) return CLI_DONE;
  }
  if (optind == argc) return message_usage("inspect", "which model?");
  if (argc - optind > 1) return message_usage("inspect", "one model at a time, not %d", argc - optind);
  options->network.path = argv[optind];
  return CLI_DONE;
}

static cli_status print_report(const inspect_options *options, const unfurl_context *context, const network *net) {
  unfurl_error error;
  inspect_report report;
  cli_status status = CLI_DONE;
  const unfurl_status made = inspect_init(&report, net, options->network.path, unfurl_context_threads(context), &error);
  report.why = options->why;
  if (made != UNFURL_OK) {
    message_error("%s: %s", options->network.path, error.message);
    status = CLI_MODEL;
  } else if (!options->print(stdout, &report)) {
    message_error("out of memory");
    status = CLI_OUTPUT;
  }
  inspect_free(&report);
  return status;
}

static cli_status look_at(const inspect_options *options, const unfurl_context *context) {
  network net;
  network_options wanted = options->network;
  wanted.planning = options->planning.mode;
  wanted.tolerance = planning_tolerance(&options->planning);
  cli_status status = network_open(&net, context, &wanted);
  if (status == CLI_DONE) status = print_report(options, context, &net);
  network_close(&net);
  const cli_status saved = planning_save(&options->planning, context);
  return saved > status ? saved : status;
}

static cli_status inspect(const inspect_options *options) {
  unfurl_error error;
  unfurl_context *context;
  unfurl_context_options context_options;
  unfurl_context_options_init(&context_options);
  context_options.threads = options->threads;
  context_options.blas_single_thread = true;
  if (unfurl_context_create(&context_options, &context, &error) != UNFURL_OK) {
    message_error("%s", error.message);
    return CLI_MODEL;
  }
  cli_status status = planning_load(&options->planning, "inspect", context);
  if (status == CLI_DONE) status = look_at(options, context);
  unfurl_context_destroy(&context);
  return status;
}

static cli_status inspect_command(int argc, char **argv) {
  inspect_options options = {.network = {.command = "inspect", .batch_option = "--batch"},
                             .planning = planning_defaults(),
                             .shapes = calloc((size_t)argc, sizeof *options.shapes),
                             .print = inspect_print_text};
  options.network.shapes = options.shapes;
  if (!options.shapes) {
    message_error("out of memory");
    return CLI_MODEL;
  }
  cli_status status = parse(&options, argc, argv);
  if (status == CLI_DONE && options.help)
    fputs(help, stdout);
  else if (status == CLI_DONE)
    status = inspect(&options);
  free(options.shapes);
  return status;
}

const cli_command cmd_inspect = {.name = "inspect",
                                 .summary = "layers, shapes, operations and memory of a network",
                                 .help = help,
                                 .run = inspect_command};
