/* SPDX-License-Identifier: BSD-2-Clause */
/* oneDNN through its C API: images and weights in the layouts that the implementation asks for, reordered once. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "onednn.h"
#include "peer.h"

enum { SRC, WEIGHTS, BIAS, DST, TENSORS };

typedef struct onednn_state {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_desc_t desc;
  dnnl_primitive_t primitive;
  dnnl_memory_t best[TENSORS], plain_dst;
  dnnl_exec_arg_t args[TENSORS];
  measure_data *data;
} onednn_state;

static const struct {
  const char *name;
  dnnl_alg_kind_t algorithm;
} algorithms[] = {{"onednn-direct", dnnl_convolution_direct},
                  {"onednn-winograd", dnnl_convolution_winograd},
                  {"onednn-auto", dnnl_convolution_auto}};

static dnnl_alg_kind_t algorithm_named(const char *name) {
  for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
    if (strcmp(algorithms[i].name, name) == 0) return algorithms[i].algorithm;
  return dnnl_alg_kind_undef;
}

static bool knows(const char *name) {
  return algorithm_named(name) != dnnl_alg_kind_undef;
}

static unfurl_status translate(dnnl_status_t status, unfurl_error *error) {
  if (status == dnnl_success) return UNFURL_OK;
  if (status == dnnl_unimplemented) return fault_set(error, UNFURL_UNSUPPORTED, "oneDNN has no such implementation");
  return fault_set(error, UNFURL_INVALID_ARGUMENT, "oneDNN status %d", (int)status);
}

static onednn_tensor weights_tensor(const unfurl_conv_desc *desc) {
  const int64_t g = desc->groups;
  if (g == 1) return (onednn_tensor){.rank = 4, .dims = {desc->oc, desc->ic, desc->kh, desc->kw}, .tag = dnnl_ohwi};
  /* In memory o stands outside of h: with the groups in front that is g, o, h, w, i. */
  return (onednn_tensor){.rank = 5, .dims = {g, desc->oc / g, desc->ic / g, desc->kh, desc->kw}, .tag = dnnl_gohwi};
}

static onednn_conv describe(const problem_spec *problem, dnnl_alg_kind_t algorithm) {
  const unfurl_conv_desc *desc = &problem->desc;
  return (onednn_conv){.src = {.rank = 4, .dims = {desc->batch, desc->ic, desc->ih, desc->iw}, .tag = dnnl_nhwc},
                       .weights = weights_tensor(desc),
                       .bias = {.rank = 1, .dims = {desc->oc}, .tag = dnnl_x},
                       .dst = {.rank = 4, .dims = {desc->batch, desc->oc, problem->oh, problem->ow}, .tag = dnnl_nhwc},
                       .strides = {desc->stride_h, desc->stride_w},
                       .dilations = {desc->dilation_h - 1, desc->dilation_w - 1},
                       .pad_before = {desc->pad_top, desc->pad_left},
                       .pad_after = {desc->pad_bottom, desc->pad_right},
                       .algorithm = algorithm};
}

/* What is not needed to the right and at the bottom is a negative padding there; oneDNN wants it so. */
static void cut_surplus(onednn_conv *conv, const problem_spec *problem) {
  const unfurl_conv_desc *desc = &problem->desc;
  conv->pad_after[0] =
      (problem->oh - 1) * desc->stride_h + (desc->kh - 1) * desc->dilation_h + 1 - desc->ih - desc->pad_top;
  conv->pad_after[1] =
      (problem->ow - 1) * desc->stride_w + (desc->kw - 1) * desc->dilation_w + 1 - desc->iw - desc->pad_left;
}

static dnnl_status_t reorder(onednn_state *state, dnnl_memory_t from, dnnl_memory_t to) {
  onednn_layout from_layout, to_layout;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status = dnnl_memory_get_memory_desc(from, &from_layout);
  if (status == dnnl_success) status = dnnl_memory_get_memory_desc(to, &to_layout);
  if (status == dnnl_success)
    status = dnnl_reorder_primitive_desc_create(&desc, from_layout, state->engine, to_layout, state->engine, NULL);
  if (status == dnnl_success) status = dnnl_primitive_create(&primitive, desc);
  const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  if (status == dnnl_success) status = dnnl_primitive_execute(primitive, state->stream, 2, args);
  if (status == dnnl_success) status = dnnl_stream_wait(state->stream);
  if (primitive) dnnl_primitive_destroy(primitive);
  if (desc) dnnl_primitive_desc_destroy(desc);
  return status;
}

/* The same by way of the order that oneDNN knows weights in everywhere: to those of Winograd there is no other way. */
static dnnl_status_t reorder_weights(onednn_state *state, dnnl_memory_t from, const onednn_tensor *tensor,
                                     dnnl_memory_t to) {
  dnnl_memory_t usual = NULL;
  onednn_tensor usual_tensor = *tensor;
  usual_tensor.tag = tensor->rank == 4 ? dnnl_oihw : dnnl_goihw;
  dnnl_status_t status = onednn_memory_create(&usual, state->engine, &usual_tensor);
  if (status == dnnl_success) status = reorder(state, from, usual);
  if (status == dnnl_success) status = reorder(state, usual, to);
  if (usual) dnnl_memory_destroy(usual);
  return status;
}

/* Fills `best` with `values`, which lie as `tensor` says. */
static dnnl_status_t load(onednn_state *state, dnnl_memory_t best, const onednn_tensor *tensor, const float *values,
                          size_t count) {
  dnnl_memory_t plain = NULL;
  void *mapped;
  dnnl_status_t status = onednn_memory_create(&plain, state->engine, tensor);
  if (status == dnnl_success) status = dnnl_memory_map_data(plain, &mapped);
  if (status == dnnl_success) {
    memcpy(mapped, values, count * sizeof *values);
    status = dnnl_memory_unmap_data(plain, mapped);
  }
  if (status == dnnl_success) status = reorder(state, plain, best);
  if (status == dnnl_unimplemented && (tensor->tag == dnnl_ohwi || tensor->tag == dnnl_gohwi))
    status = reorder_weights(state, plain, tensor, best);
  if (plain) dnnl_memory_destroy(plain);
  return status;
}

static dnnl_status_t make_memory(onednn_state *state, const onednn_conv *conv) {
  static const dnnl_query_t queries[TENSORS] = {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_weights_md,
                                                dnnl_query_dst_md};
  static const int arg_names[TENSORS] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST};
  dnnl_status_t status = onednn_memory_create(&state->plain_dst, state->engine, &conv->dst);
  for (int i = 0; i < TENSORS && status == dnnl_success; i++) {
    onednn_layout layout = dnnl_primitive_desc_query_md(state->desc, queries[i], i == BIAS);
    status = dnnl_memory_create(&state->best[i], layout, state->engine, DNNL_MEMORY_ALLOCATE);
    state->args[i] = (dnnl_exec_arg_t){arg_names[i], state->best[i]};
  }
  return status;
}

static dnnl_status_t make(onednn_state *state, const onednn_conv *conv) {
  const measure_data *data = state->data;
  dnnl_status_t status = dnnl_engine_create(&state->engine, dnnl_cpu, 0);
  if (status == dnnl_success) status = dnnl_stream_create(&state->stream, state->engine, dnnl_stream_default_flags);
  if (status == dnnl_success) status = onednn_conv_create(&state->desc, state->engine, conv);
  if (status == dnnl_success) status = dnnl_primitive_create(&state->primitive, state->desc);
  if (status == dnnl_success) status = make_memory(state, conv);
  if (status == dnnl_success) status = load(state, state->best[SRC], &conv->src, data->src, data->src_count);
  if (status == dnnl_success)
    status = load(state, state->best[WEIGHTS], &conv->weights, data->weights, data->weights_count);
  if (status == dnnl_success) status = load(state, state->best[BIAS], &conv->bias, data->bias, data->bias_count);
  return status;
}

static void tell(const onednn_state *state, const char *name, peer_info *info) {
  const dnnl_version_t *version = dnnl_version();
  const char *implementation = "";
  int64_t scratchpad = 0;
  dnnl_primitive_desc_query(state->desc, dnnl_query_impl_info_str, 0, (void *)&implementation);
  dnnl_primitive_desc_query(state->desc, dnnl_query_memory_consumption_s64, 0, &scratchpad);
  snprintf(info->algo, sizeof info->algo, "onednn-%d.%d.%d%s", version->major, version->minor, version->patch,
           strchr(name, '-'));
  snprintf(info->picked, sizeof info->picked, "%s", implementation);
  info->workspace_bytes = (size_t)scratchpad;
}

/* The library that it was linked with brings GNU's OpenMP or not; a program that calls into it would always need it. */
static void limit_threads(size_t threads) {
  void (*set)(int);
  void *symbol = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (!symbol) return;
  memcpy(&set, &symbol, sizeof set);
  set((int)threads);
}

static unfurl_status prepare(void **result, const peer_setup *setup, peer_info *info, unfurl_error *error) {
  onednn_state *state = *result = calloc(1, sizeof *state);
  if (!state) return fault_memory(error);
  state->data = setup->data;
  limit_threads(unfurl_context_threads(setup->context));
  onednn_conv conv = describe(setup->problem, algorithm_named(setup->name));
  cut_surplus(&conv, setup->problem);
  const dnnl_status_t status = make(state, &conv);
  if (status == dnnl_success) tell(state, setup->name, info);
  return translate(status, error);
}

static unfurl_status execute(void *opaque, unfurl_error *error) {
  const onednn_state *state = opaque;
  dnnl_status_t status = dnnl_primitive_execute(state->primitive, state->stream, TENSORS, state->args);
  if (status == dnnl_success) status = dnnl_stream_wait(state->stream);
  return translate(status, error);
}

static unfurl_status read_result(void *opaque, unfurl_error *error) {
  onednn_state *state = opaque;
  void *mapped;
  unfurl_status done = execute(state, error);
  if (done != UNFURL_OK) return done;
  dnnl_status_t status = reorder(state, state->best[DST], state->plain_dst);
  if (status == dnnl_success) status = dnnl_memory_map_data(state->plain_dst, &mapped);
  if (status == dnnl_success) {
    memcpy(state->data->dst, mapped, state->data->dst_count * sizeof *state->data->dst);
    status = dnnl_memory_unmap_data(state->plain_dst, mapped);
  }
  return translate(status, error);
}

static void release(void *opaque) {
  onednn_state *state = opaque;
  if (!state) return;
  for (int i = 0; i < TENSORS; i++)
    if (state->best[i]) dnnl_memory_destroy(state->best[i]);
  if (state->plain_dst) dnnl_memory_destroy(state->plain_dst);
  if (state->primitive) dnnl_primitive_destroy(state->primitive);
  if (state->desc) dnnl_primitive_desc_destroy(state->desc);
  if (state->stream) dnnl_stream_destroy(state->stream);
  if (state->engine) dnnl_engine_destroy(state->engine);
  free(state);
}

const peer peer_onednn = {
    .knows = knows, .prepare = prepare, .execute = execute, .read = read_result, .release = release};
