/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "peer.h"
#include "unfurl/conv.h"

typedef struct unfurl_state {
  unfurl_conv_plan *plan;
  unfurl_conv_weights *weights;
  float *workspace;
  unfurl_conv_args args;
} unfurl_state;

static bool knows(const char *name) {
  for (size_t i = 0; i < unfurl_conv_algo_count(); i++)
    if (strcmp(name, unfurl_conv_algo_name(i)) == 0) return true;
  return strcmp(name, "auto") == 0;
}

static unfurl_status make_plan(unfurl_state *state, const peer_setup *setup, unfurl_error *error) {
  unfurl_conv_desc desc = setup->problem->desc;
  desc.activation = UNFURL_ACTIVATION_RELU;
  if (setup->tolerance >= 0) desc.tolerance = setup->tolerance;
  if (strcmp(setup->name, "auto") != 0) desc.algo = setup->name;
  const unfurl_status status = unfurl_conv_plan_create(setup->context, &desc, &state->plan, error);
  if (status != UNFURL_OK) return status;
  return unfurl_conv_weights_create(state->plan, setup->data->weights, setup->data->bias, &state->weights, error);
}

static unfurl_status prepare(void **result, const peer_setup *setup, peer_info *info, unfurl_error *error) {
  unfurl_state *state = *result = calloc(1, sizeof *state);
  if (!state) return fault_memory(error);
  const unfurl_status status = make_plan(state, setup, error);
  if (status != UNFURL_OK) return status;
  const size_t bytes = unfurl_conv_plan_workspace_size(state->plan, 0);
  state->workspace = bytes == SIZE_MAX ? NULL : measure_floats(bytes / sizeof(float) + 1);
  if (!state->workspace) return fault_memory(error);
  unfurl_conv_args_init(&state->args);
  state->args.src = setup->data->src;
  state->args.dst = setup->data->dst;
  state->args.weights = state->weights;
  state->args.workspace = state->workspace;
  state->args.workspace_size = info->workspace_bytes = bytes;
  snprintf(info->algo, sizeof info->algo, "%s", setup->name);
  snprintf(info->picked, sizeof info->picked, "%s", unfurl_conv_plan_algo(state->plan));
  return UNFURL_OK;
}

static unfurl_status execute(void *opaque, unfurl_error *error) {
  const unfurl_state *state = opaque;
  return unfurl_conv_plan_execute(state->plan, &state->args, error);
}

static void release(void *opaque) {
  unfurl_state *state = opaque;
  if (!state) return;
  unfurl_conv_weights_destroy(&state->weights);
  unfurl_conv_plan_destroy(&state->plan);
  free(state->workspace);
  free(state);
}

/* The result already lies where it is wanted, but others may have written there since. */
const peer peer_unfurl = {.knows = knows, .prepare = prepare, .execute = execute, .read = execute, .release = release};
