/* SPDX-License-Identifier: BSD-2-Clause */
#include "network.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "message.h"
#include "parse.h"
#include "random.h"
#include "unfurl/onnx.h"

enum { SEED = 30, LONGEST_DIM = 24 };

/* "NAME=1x3x224x224": *name_length characters of name, then the numbers. */
static bool parse_shape(const char *text, size_t *name_length, unfurl_tensor *shape) {
  const char *at = strrchr(text, '=');
  if (!at) return false;
  *name_length = (size_t)(at - text);
  for (shape->rank = 0; shape->rank < UNFURL_MAX_RANK;) {
    char number[LONGEST_DIM];
    size_t value;
    const size_t length = strcspn(++at, "x");
    if (length >= sizeof number) return false;
    memcpy(number, at, length);
    number[length] = '\0';
    if (!parse_size(number, 1, INT32_MAX, &value)) return false;
    shape->dims[shape->rank++] = (int64_t)value;
    at += length;
    if (!*at) return true;
  }
  return false;
}

static bool fits(const unfurl_tensor *given, const unfurl_tensor *declared) {
  if (given->rank != declared->rank) return false;
  for (size_t i = 0; i < given->rank; i++)
    if (declared->dims[i] != -1 && declared->dims[i] != given->dims[i]) return false;
  return true;
}

/* One --shape. */
static cli_status apply_shape(network *net, const network_options *options, const char *text) {
  unfurl_tensor given = {.rank = 0};
  size_t length;
  if (!parse_shape(text, &length, &given))
    return message_usage(options->command, "--shape '%s' is not NAME=1x3x224x224", text);
  for (size_t i = 0; i < net->input_count; i++) {
    const char *name = unfurl_model_input_name(net->model, i);
    if (strlen(name) != length || memcmp(name, text, length) != 0) continue;
    if (!fits(&given, &net->inputs[i]))
      return message_usage(options->command, "--shape %s: the model declares another shape", text);
    memcpy(net->inputs[i].dims, given.dims, sizeof given.dims);
    return CLI_DONE;
  }
  return message_usage(options->command, "--shape %s: the model has no input of that name", text);
}

/* The batch for what is still free. */
static cli_status apply_batch(network *net, const network_options *options) {
  const size_t wanted = options->batch ? options->batch : 1;
  net->batch = 0;
  for (size_t i = 0; i < net->input_count; i++) {
    unfurl_tensor *input = &net->inputs[i];
    if (input->rank > 0 && input->dims[0] == -1) input->dims[0] = (int64_t)wanted;
    if (input->rank > 0 && !net->batch) net->batch = (size_t)input->dims[0];
    for (size_t d = 0; d < input->rank; d++)
      if (input->dims[d] == -1)
        return message_usage(options->command, "%s: input '%s' has sizes that are free; give --shape %s=1x...",
                             options->path, unfurl_model_input_name(net->model, i),
                             unfurl_model_input_name(net->model, i));
  }
  if (!net->batch) net->batch = 1;
  if (options->batch && options->batch != net->batch)
    message_warning("%s %zu: the model takes batches of %zu, and gets those", options->batch_option, options->batch,
                    net->batch);
  return CLI_DONE;
}

static cli_status set_shapes(network *net, const network_options *options) {
  net->input_count = unfurl_model_input_count(net->model);
  net->inputs = calloc(net->input_count + 1, sizeof *net->inputs);
  if (!net->inputs) {
    message_error("out of memory");
    return CLI_MODEL;
  }
  for (size_t i = 0; i < net->input_count; i++) unfurl_model_input_shape(net->model, i, &net->inputs[i], NULL);
  for (size_t i = 0; i < options->shape_count; i++) {
    const cli_status status = apply_shape(net, options, options->shapes[i]);
    if (status != CLI_DONE) return status;
  }
  return apply_batch(net, options);
}

/* Zeros. Would it fit in this machine's memory? The system would promise more, and kill the program later. */
static unfurl_status allocate(unfurl_tensor *input, unfurl_error *error) {
  size_t bytes;
  const size_t memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
  const unfurl_status status = unfurl_tensor_bytes(input, &bytes, error);
  if (status != UNFURL_OK) return status;
  if (bytes >= memory) return fault_set(error, UNFURL_TOO_LARGE, "its inputs do not fit in this machine's memory");
  input->data = calloc(bytes ? bytes : 1, 1);
  return input->data ? UNFURL_OK : fault_memory(error);
}

static unfurl_status make_session(network *net, const network_options *options, unfurl_error *error) {
  unfurl_session_options session;
  unfurl_session_options_init(&session);
  session.algo = options->algo;
  session.tolerance = options->tolerance;
  session.planning = options->planning;
  unfurl_status status = unfurl_session_create(net->model, &session, &net->session, error);
  for (size_t i = 0; i < net->input_count && status == UNFURL_OK; i++)
    if (net->inputs[i].dtype != UNFURL_F32) status = allocate(&net->inputs[i], error);
  if (status != UNFURL_OK) return status;
  return unfurl_session_prepare(net->session, net->inputs, net->input_count, error);
}

cli_status network_open(network *net, const unfurl_context *context, const network_options *options) {
  unfurl_error error;
  *net = (network){.model = NULL};
  if (unfurl_onnx_load_file(context, options->path, &net->model, &error) != UNFURL_OK) {
    message_error("%s", error.message); /* names the file */
    return CLI_MODEL;
  }
  const cli_status status = set_shapes(net, options);
  if (status != CLI_DONE) return status;
  if (make_session(net, options, &error) == UNFURL_OK) return CLI_DONE;
  message_error("%s: %s", options->path, error.message);
  return CLI_MODEL;
}

unfurl_status network_fill(network *net, unfurl_error *error) {
  uint64_t state = SEED;
  for (size_t i = 0; i < net->input_count; i++) {
    size_t count;
    unfurl_tensor *input = &net->inputs[i];
    if (input->dtype != UNFURL_F32 || input->data) continue;
    unfurl_status status = allocate(input, error);
    if (status == UNFURL_OK) status = unfurl_tensor_elements(input, &count, error);
    if (status != UNFURL_OK) return status;
    for (size_t e = 0; e < count; e++) ((float *)input->data)[e] = random_signed(&state);
  }
  return UNFURL_OK;
}

void network_close(network *net) {
  unfurl_session_destroy(&net->session);
  unfurl_model_destroy(&net->model);
  for (size_t i = 0; net->inputs && i < net->input_count; i++) free(net->inputs[i].data);
  free(net->inputs);
  *net = (network){.model = NULL};
}
