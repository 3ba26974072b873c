/* SPDX-License-Identifier: BSD-2-Clause */
/* The bare matrix product of the same m, n, k, as `unfurl bench` measures it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bare_gemm.h"
#include "fault.h"
#include "peer.h"

typedef struct sgemm_state {
  bare_gemm gemm;
  measure_data *data;
} sgemm_state;

static bool knows(const char *name) {
  return strcmp(name, "sgemm") == 0;
}

static unfurl_status prepare(void **result, const peer_setup *setup, peer_info *info, unfurl_error *error) {
  sgemm_state *state = *result = calloc(1, sizeof *state);
  if (!state) return fault_memory(error);
  state->data = setup->data;
  const unfurl_status status = bare_gemm_init(&state->gemm, setup->context, setup->problem, error);
  snprintf(info->algo, sizeof info->algo, "sgemm");
  snprintf(info->picked, sizeof info->picked, "%s %s", unfurl_blas_name(), unfurl_blas_core());
  return status;
}

static unfurl_status execute(void *opaque, unfurl_error *error) {
  const sgemm_state *state = opaque;
  (void)error;
  bare_gemm_run(&state->gemm, state->data);
  return UNFURL_OK;
}

static unfurl_status read_result(void *opaque, unfurl_error *error) {
  sgemm_state *state = opaque;
  return bare_gemm_verify(&state->gemm, state->data, error);
}

static void release(void *opaque) {
  sgemm_state *state = opaque;
  if (!state) return;
  bare_gemm_free(&state->gemm);
  free(state);
}

const peer peer_sgemm = {
    .knows = knows, .prepare = prepare, .execute = execute, .read = read_result, .release = release};
