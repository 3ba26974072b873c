/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph/conv_call.h"

#include "base/status.h"
#include "conv/plan.h"
#include "graph/weights_cache.h"
#include "shape/tensor.h"

/* `packed` is NULL where the weights are only known at run time. */
typedef struct conv_state {
  unfurl_conv_desc desc;
  unfurl_conv_plan *plan;
  const unfurl_conv_weights *packed;
  unfurl_conv_weights *own; /* packed weights that the model's cache can't keep */
  unfurl_conv_next next;    /* owned */
  char line[400];           /* what the plan says about itself */
} conv_state;

bool unfurl_conv_call_is_constant(const unfurl_op_call *call, size_t input) {
  const size_t value = call->node->inputs[input];
  return value != UNFURL_NO_VALUE && call->model->values[value].kind == UNFURL_VALUE_CONSTANT;
}

bool unfurl_conv_call_uses_blas(const char *algo) {
  const unfurl_conv_solver *solver = unfurl_conv_solver_named(algo);
  return solver && solver->uses_blas;
}

static unfurl_status make_plan(const unfurl_op_call *call, conv_state *state, unfurl_error *error) {
  state->desc.algo = call->algo;
  unfurl_status status = unfurl_conv_plan_create(call->context, &state->desc, &state->plan, error);
  if (status != UNFURL_UNSUPPORTED || !call->algo) return status;
  state->desc.algo = NULL;
  return unfurl_conv_plan_create(call->context, &state->desc, &state->plan, error);
}

void unfurl_conv_source_turn(const float *from, size_t rows, size_t cols, float *to) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < cols; j++) to[j * rows + i] = from[i * cols + j];
}

unfurl_status unfurl_conv_source_pack(const unfurl_context *context, const unfurl_conv_plan *plan,
                                      const unfurl_conv_weights_source *source, unfurl_region *region,
                                      unfurl_conv_weights **packed, unfurl_error *error) {
  const size_t rows = source->transposed_rows, cols = plan->problem.geometry.oc, bytes = rows * cols * sizeof(float);
  if (!rows) return unfurl_conv_weights_make(plan, source->weights, source->bias, region, packed, error);
  float *turned = unfurl_context_alloc(context, bytes);
  if (!turned) return unfurl_fail_memory(error, "packed weights");
  unfurl_conv_source_turn(source->weights, rows, cols, turned);
  const unfurl_status status = unfurl_conv_weights_make(plan, turned, source->bias, region, packed, error);
  unfurl_context_free(context, turned, bytes);
  return status;
}

unfurl_status unfurl_conv_call_need_raw(unfurl_op_call *call, size_t input, unfurl_error *error) {
  float *raw;
  if (call->inputs[input]->data || !unfurl_conv_call_is_constant(call, input)) return UNFURL_OK;
  const unfurl_status status = unfurl_weights_cache_raw(call->model->cache, call->node->inputs[input], &raw, error);
  if (!status) call->inputs[input]->data = raw;
  return status;
}

static unfurl_status pack(const unfurl_op_call *call, conv_state *state, const unfurl_conv_weights_source *source,
                          unfurl_error *error) {
  if (source->is_constant && call->model->finished)
    return unfurl_weights_cache_get(call->model->cache, state->plan, source, &state->packed, error);
  const unfurl_status status = unfurl_conv_source_pack(call->context, state->plan, source, NULL, &state->own, error);
  state->packed = state->own;
  return status;
}

unfurl_status unfurl_conv_call_prepare(unfurl_op_call *call, const unfurl_conv_desc *desc,
                                       const unfurl_conv_weights_source *source, unfurl_error *error) {
  conv_state *state = unfurl_alloc_zeroed(call->context, sizeof *state);
  if (!state) return unfurl_fail_memory(error, "a convolution");
  call->state = state;
  state->desc = *desc;
  state->desc.planning = call->planning;
  state->desc.workspace_limit = call->workspace_limit;
  const bool is_known = source->weights || source->is_constant;
  state->desc.weights_at_execute = !is_known;
  unfurl_status status = make_plan(call, state, error);
  if (!status && is_known) status = pack(call, state, source, error);
  if (status) return status;
  call->workspace_size = unfurl_conv_plan_workspace_size(state->plan, 0);
  unfurl_conv_plan_print(state->plan, state->line, sizeof state->line);
  return status;
}

bool unfurl_conv_call_is_awaited(const unfurl_op_call *call) {
  const conv_state *state = call->state;
  return state && unfurl_conv_plan_first_weights(state->plan, state->packed, 0).at;
}

unfurl_status unfurl_conv_call_precede(const unfurl_op_call *call, const unfurl_op_call *next, unfurl_error *error) {
  conv_state *state = call->state;
  const conv_state *after = next->state;
  if (!state) return UNFURL_OK;
  const size_t tasks = unfurl_conv_plan_tasks(after->plan);
  unfurl_needed *needed = unfurl_context_alloc(call->context, tasks * sizeof *needed);
  if (!needed) return unfurl_fail_memory(error, "a convolution");
  for (size_t i = 0; i < tasks; i++) needed[i] = unfurl_conv_plan_first_weights(after->plan, after->packed, i);
  state->next = (unfurl_conv_next){needed, tasks};
  return UNFURL_OK;
}

unfurl_status unfurl_conv_call_run(const unfurl_op_call *call, unfurl_error *error) {
  const conv_state *state = call->state;
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = call->inputs[0]->data;
  args.dst = call->outputs[0]->data;
  args.weights = state->packed;
  if (!state->packed) {
    args.raw_weights = call->inputs[1]->data;
    args.raw_bias = unfurl_call_has_input(call, 2) ? call->inputs[2]->data : NULL;
  }
  if (unfurl_call_has_input(call, UNFURL_CONV_RESIDUAL)) args.residual = call->inputs[UNFURL_CONV_RESIDUAL]->data;
  unfurl_conv_plan_run(state->plan, &args, &state->next, call->workspace);
  return unfurl_succeed(error);
}

/* Winograd's tiles must be those of the whole image. */
static bool rows_axis(const unfurl_op_call *call, unfurl_conv_axis *axis, size_t *grain) {
  const conv_state *state = call->state;
  const unfurl_conv_geometry *g = &state->plan->problem.geometry;
  const size_t tile_rows = state->plan->solver->tile_rows;
  *axis = g->h;
  *grain = tile_rows ? tile_rows : 1;
  return state->packed && !call->algo && !g->transposed;
}

/* The same solver, for some rows of one image. */
static unfurl_status rows_prepare(const unfurl_op_call *call, const unfurl_conv_axis *band, void **state,
                                  size_t *workspace, unfurl_error *error) {
  const conv_state *whole = call->state;
  unfurl_conv_desc desc = whole->desc;
  unfurl_conv_plan *plan;
  const size_t reach = (band->out - 1) * band->stride + (band->taps - 1) * band->dilation + 1;
  const size_t inside = band->pad + band->in;
  desc.batch = 1;
  desc.ih = (int64_t)band->in;
  desc.pad_top = (int64_t)band->pad;
  desc.pad_bottom = reach > inside ? (int64_t)(reach - inside) : 0;
  desc.algo = unfurl_conv_plan_algo(whole->plan);
  desc.planning = UNFURL_PLAN_ESTIMATE;
  const unfurl_status status = unfurl_conv_plan_make(call->context, &desc, 1, &plan, error);
  *state = plan;
  if (status) return status;
  *workspace = unfurl_conv_plan_workspace_size(plan, 1);
  return unfurl_conv_plan_accepts(plan, whole->packed)
             ? UNFURL_OK
             : unfurl_fail(error, UNFURL_UNSUPPORTED, "its weights are packed in another way");
}

static void rows_run(const unfurl_op_call *call, const void *plan, const unfurl_op_band *band) {
  const conv_state *whole = call->state;
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = band->src, args.residual = band->residual, args.dst = band->dst;
  args.weights = whole->packed;
  args.tasks = 1;
  unfurl_conv_plan_run(plan, &args, &whole->next, band->workspace);
}

static void rows_release(const unfurl_op_call *call, void *state) {
  unfurl_conv_plan *plan = state;
  (void)call;
  unfurl_conv_plan_destroy(&plan);
}

const unfurl_op_rows unfurl_conv_call_rows = {
    .has_residual = true, .axis = rows_axis, .prepare = rows_prepare, .run = rows_run, .release = rows_release};

void unfurl_conv_call_describe(const unfurl_op_call *call, unfurl_layer *layer) {
  const conv_state *state = call->state;
  if (!state) return;
  layer->conv = &state->desc;
  layer->algo = unfurl_conv_plan_algo(state->plan);
  layer->plan = state->line;
  if (state->packed) layer->weights_bytes = unfurl_conv_weights_bytes(state->packed);
}

void unfurl_conv_call_release(unfurl_op_call *call) {
  conv_state *state = call->state;
  if (!state) return;
  unfurl_context_free(call->context, state->next.of_task, state->next.tasks * sizeof *state->next.of_task);
  unfurl_conv_weights_destroy(&state->own);
  unfurl_conv_plan_destroy(&state->plan);
  unfurl_context_free(call->context, state, sizeof *state);
  call->state = NULL;
}
