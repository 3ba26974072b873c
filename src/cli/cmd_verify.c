/* SPDX-License-Identifier: BSD-2-Clause */
/* unfurl verify: ONNX's test cases. A case is a folder with model.onnx and test_data_set_N/{input,output}_N.pb. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "cli.h"
#include "compare.h"
#include "fault.h"
#include "message.h"
#include "parse.h"
#include "unfurl/context.h"
#include "unfurl/onnx.h"
#include "unfurl/session.h"

static const char help[] = "Usage: unfurl verify DIR... [OPTION...]\n"
                           "\n"
                           "Runs ONNX test cases and compares the results. A DIR holds model.onnx and\n"
                           "folders test_data_set_0, ... with input_0.pb, ... and output_0.pb, ... Prints\n"
                           "PASS or FAIL for each DIR, then a line with the totals.\n"
                           "\n"
                           "  --rtol R        relative tolerance (default 1e-3, ONNX's own)\n"
                           "  --atol A        absolute tolerance (default 1e-7, ONNX's own): what passes is\n"
                           "                  |got - expected| <= A + R * |expected|; integers, shapes and\n"
                           "                  types are exact\n"
                           "  --algo NAME     solver for the convolutions (default auto; see unfurl bench)\n"
                           "  --threads N     threads (default 0: one for each CPU)\n"
                           "  -h, --help      this text\n"
                           "\n"
                           "Exit status: 0 no case failed, 1 some did, 2 wrong usage.\n"
                           "\n"
                           "Example: the convolutions of ONNX's own suite (Debian: libonnx-testdata)\n"
                           "  unfurl verify /usr/include/onnx/backend/test/data/node/test_conv_*\n";

enum { MAX_TENSORS = 64, PATH_SIZE = 4096 };

typedef struct verify_options {
  compare_tolerance tolerance;
  const char *algo;
  size_t threads;
} verify_options;

typedef struct verify_state {
  const verify_options *options;
  unfurl_context *context;
} verify_state;

/* Tensors of one kind of one data set. */
typedef struct tensor_list {
  unfurl_tensor tensors[MAX_TENSORS];
  size_t count;
} tensor_list;

static bool join_path(char *path, const char *folder, const char *name) {
  const int length = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
  return length > 0 && length < PATH_SIZE;
}

static bool exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0;
}

static void free_tensors(const verify_state *state, tensor_list *list) {
  for (size_t i = 0; i < list->count; i++) unfurl_onnx_tensor_free(state->context, &list->tensors[i]);
  list->count = 0;
}

/* Loads KIND_0.pb, KIND_1.pb, ... as far as there are any. */
static unfurl_status load_tensors(const verify_state *state, const char *set, const char *kind, tensor_list *list,
                                  unfurl_error *error) {
  char name[64], path[PATH_SIZE];
  for (list->count = 0; list->count < MAX_TENSORS; list->count++) {
    snprintf(name, sizeof name, "%s_%zu.pb", kind, list->count);
    if (!join_path(path, set, name)) return fault_set(error, UNFURL_IO_ERROR, "its path is too long");
    if (!exists(path)) return UNFURL_OK;
    const unfurl_status status = unfurl_onnx_load_tensor_file(state->context, path, &list->tensors[list->count], error);
    if (status != UNFURL_OK) return status;
  }
  return fault_set(error, UNFURL_TOO_LARGE, "%s: it has more than %d %ss", set, MAX_TENSORS, kind);
}

static unfurl_status compare_outputs(const verify_state *state, const unfurl_session *session,
                                     const tensor_list *expected, const char *set, unfurl_error *error) {
  char why[200];
  if (expected->count == 0) return fault_set(error, UNFURL_IO_ERROR, "%s: there is no output_0.pb", set);
  for (size_t i = 0; i < expected->count; i++) {
    const unfurl_tensor *got = unfurl_session_output(session, i);
    if (!got) return fault_set(error, UNFURL_INVALID_ARGUMENT, "%s: the model has no output %zu", set, i);
    if (!compare_tensors(got, &expected->tensors[i], &state->options->tolerance, why, sizeof why))
      return fault_set(error, UNFURL_INVALID_ARGUMENT, "%s: output %zu: %s", set, i, why);
  }
  return UNFURL_OK;
}

static unfurl_status verify_set(const verify_state *state, unfurl_session *session, const char *set,
                                unfurl_error *error) {
  tensor_list inputs = {.count = 0}, expected = {.count = 0};
  unfurl_status status = load_tensors(state, set, "input", &inputs, error);
  if (status == UNFURL_OK) status = load_tensors(state, set, "output", &expected, error);
  if (status == UNFURL_OK) status = unfurl_session_run(session, inputs.tensors, inputs.count, error);
  if (status == UNFURL_OK) status = compare_outputs(state, session, &expected, set, error);
  free_tensors(state, &inputs);
  free_tensors(state, &expected);
  return status;
}

static int is_data_set(const struct dirent *entry) {
  static const char prefix[] = "test_data_set_";
  return strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0;
}

static unfurl_status verify_sets(const verify_state *state, unfurl_session *session, const char *folder,
                                 unfurl_error *error) {
  struct dirent **sets;
  char path[PATH_SIZE];
  const int count = scandir(folder, &sets, is_data_set, alphasort);
  if (count < 0) return fault_errno(error, folder);
  unfurl_status status = count ? UNFURL_OK : fault_set(error, UNFURL_IO_ERROR, "there is no test_data_set_0");
  for (int i = 0; i < count; i++) {
    if (status == UNFURL_OK && !join_path(path, folder, sets[i]->d_name))
      status = fault_set(error, UNFURL_IO_ERROR, "its path is too long");
    if (status == UNFURL_OK) status = verify_set(state, session, path, error);
    free(sets[i]);
  }
  free(sets);
  return status;
}

static unfurl_status verify_case(const verify_state *state, const char *folder, unfurl_error *error) {
  char path[PATH_SIZE];
  unfurl_model *model = NULL;
  unfurl_session *session = NULL;
  unfurl_session_options options;
  unfurl_session_options_init(&options);
  options.algo = state->options->algo;
  if (!join_path(path, folder, "model.onnx")) return fault_set(error, UNFURL_IO_ERROR, "its path is too long");
  unfurl_status status = unfurl_onnx_load_file(state->context, path, &model, error);
  if (status == UNFURL_OK) status = unfurl_session_create(model, &options, &session, error);
  if (status == UNFURL_OK) status = verify_sets(state, session, folder, error);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&model);
  return status;
}

static cli_status verify_all(const verify_options *options, char **folders, size_t count) {
  verify_state state = {.options = options};
  unfurl_context_options context;
  unfurl_error error;
  size_t failed = 0;
  unfurl_context_options_init(&context);
  context.threads = options->threads;
  context.blas_single_thread = true;
  if (unfurl_context_create(&context, &state.context, &error) != UNFURL_OK) {
    message_error("%s", error.message);
    return CLI_MODEL;
  }
  for (size_t i = 0; i < count; i++) {
    if (verify_case(&state, folders[i], &error) == UNFURL_OK) {
      printf("PASS %s\n", folders[i]);
      continue;
    }
    printf("FAIL %s: %s\n", folders[i], error.message);
    failed++;
  }
  printf("%zu passed, %zu failed\n", count - failed, failed);
  unfurl_context_destroy(&state.context);
  return failed ? CLI_INPUT_FAILED : CLI_DONE;
}

enum { RTOL = 256, ATOL, ALGO, THREADS };

static const struct option names[] = {
    {"help", no_argument, NULL, 'h'},
    {"rtol", required_argument, NULL, RTOL},
    {"atol", required_argument, NULL, ATOL},
    {"algo", required_argument, NULL, ALGO},
    {"threads", required_argument, NULL, THREADS},
    {NULL, 0, NULL, 0},
};

static bool read_tolerance(const char *option, double *value) {
  if (parse_real(optarg, value) && *value >= 0) return true;
  message_usage("verify", "%s '%s' is not a number from 0 on", option, optarg);
  return false;
}

static bool set_option(verify_options *options, int option) {
  switch (option) {
  case RTOL: return read_tolerance("--rtol", &options->tolerance.rtol);
  case ATOL: return read_tolerance("--atol", &options->tolerance.atol);
  case THREADS: return arguments_size("verify", "--threads", 0, 1024, &options->threads);
  case ALGO:
    if (!arguments_algo("verify", optarg, NULL)) return false;
    options->algo = strcmp(optarg, "auto") ? optarg : NULL;
    return true;
  case 'o': message_usage("verify", "there is no option '-o'"); return false;
  default: return false;
  }
}

static cli_status run_command(int argc, char **argv) {
  verify_options options = {.tolerance = {.rtol = 1e-3, .atol = 1e-7}};
  for (int option; (option = arguments_next(argc, argv, "verify", names)) != -1;) {
    if (option == 'h') {
      fputs(help, stdout);
      return CLI_DONE;
    }
    if (!set_option(&options, option)) return CLI_USAGE;
  }
  if (optind == argc) return message_usage("verify", "which test cases?");
  return verify_all(&options, argv + optind, (size_t)(argc - optind));
}

const cli_command cmd_verify = {
    .name = "verify", .summary = "run ONNX test cases and compare the results", .help = help, .run = run_command};
