/* SPDX-License-Identifier: BSD-2-Clause */
/* MaxPool and AveragePool, and their global forms, whose window is the whole image. */
#include "base/context.h"
#include "base/status.h"
#include "graph/window.h"
#include "nn/pool.h"

/* Outputs along one axis. With ceil_mode the last window may hang over the end, but must begin inside the image or the
 * padding before it (PyTorch's rule, and ONNX's since opset 22). */
static int64_t output_size(const unfurl_window *w, size_t axis, bool ceil_mode) {
  const int64_t extent = (w->taps[axis] - 1) * w->dilation[axis] + 1, stride = w->stride[axis];
  const int64_t room = w->in[axis] + w->pad_before[axis] + w->pad_after[axis] - extent;
  if (room < 0) return 0;
  int64_t out = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (out - 1) * stride >= w->in[axis] + w->pad_before[axis]) out--;
  return out;
}

static unfurl_status read_window(const unfurl_op_call *call, unfurl_window *w, int64_t out[2], unfurl_error *error) {
  const unfurl_status status = unfurl_window_read(call, NULL, w, error);
  if (status) return status;
  for (size_t axis = 0; axis < 2; axis++) {
    out[axis] = output_size(w, axis, unfurl_node_int(call->node, "ceil_mode", 0) != 0);
    if (out[axis] < 1)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "no output: a window of %lld does not fit into %lld pixels",
                         (long long)w->taps[axis], (long long)w->in[axis]);
  }
  return UNFURL_OK;
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  unfurl_window window;
  int64_t out[2];
  const unfurl_status status = read_window(call, &window, out, error);
  if (status) return status;
  unfurl_window_output(call, &window, call->inputs[0]->dims[1], out);
  if (unfurl_call_has_output(call, 1)) {
    *call->outputs[1] = *call->outputs[0];
    call->outputs[1]->dtype = UNFURL_I64;
  }
  return UNFURL_OK;
}

static unfurl_conv_axis axis_of(const unfurl_window *w, const int64_t out[2], size_t axis) {
  return (unfurl_conv_axis){.in = (size_t)w->in[axis],
                            .out = (size_t)out[axis],
                            .taps = (size_t)w->taps[axis],
                            .stride = (size_t)w->stride[axis],
                            .dilation = (size_t)w->dilation[axis],
                            .pad = (size_t)w->pad_before[axis]};
}

static unfurl_status read_geometry(const unfurl_op_call *call, unfurl_pool_geometry *pool, unfurl_error *error) {
  unfurl_window w;
  int64_t out[2];
  const unfurl_status status = read_window(call, &w, out, error);
  if (status) return status;
  *pool = (unfurl_pool_geometry){
      .batch = (size_t)call->inputs[0]->dims[0],
      .channels = (size_t)call->inputs[0]->dims[1],
      .h = axis_of(&w, out, 0),
      .w = axis_of(&w, out, 1),
      .pad_bottom = (size_t)w.pad_after[0],
      .pad_right = (size_t)w.pad_after[1],
      .count_padding = unfurl_node_int(call->node, "count_include_pad", 0) != 0,
      .index_columns = unfurl_node_int(call->node, "storage_order", 0) != 0,
  };
  return UNFURL_OK;
}

static unfurl_status run_max(const unfurl_op_call *call, unfurl_error *error) {
  unfurl_pool_geometry pool;
  const unfurl_status status = read_geometry(call, &pool, error);
  if (status) return status;
  int64_t *indices = unfurl_call_has_output(call, 1) ? call->outputs[1]->data : NULL;
  unfurl_max_pool(call->context, &pool, call->inputs[0]->data, call->outputs[0]->data, indices);
  return UNFURL_OK;
}

static bool max_rows_axis(const unfurl_op_call *call, unfurl_conv_axis *axis, size_t *grain) {
  unfurl_pool_geometry pool;
  *grain = 1;
  if (unfurl_call_has_output(call, 1) || read_geometry(call, &pool, NULL)) return false;
  *axis = pool.h;
  return true;
}

static unfurl_status max_rows_prepare(const unfurl_op_call *call, const unfurl_conv_axis *band, void **state,
                                      size_t *workspace, unfurl_error *error) {
  unfurl_pool_geometry *pool = unfurl_context_alloc(call->context, sizeof *pool);
  *workspace = 0;
  if (!(*state = pool)) return unfurl_fail_memory(error, "a pool");
  const unfurl_status status = read_geometry(call, pool, error);
  pool->h = *band;
  return status;
}

static void max_rows_run(const unfurl_op_call *call, const void *pool, const unfurl_op_band *band) {
  (void)call;
  unfurl_max_pool_image(call->context, pool, band->src, band->dst);
}

static void max_rows_release(const unfurl_op_call *call, void *pool) {
  unfurl_context_free(call->context, pool, sizeof(unfurl_pool_geometry));
}

static const unfurl_op_rows max_rows = {
    .axis = max_rows_axis, .prepare = max_rows_prepare, .run = max_rows_run, .release = max_rows_release};

static unfurl_status run_average(const unfurl_op_call *call, unfurl_error *error) {
  unfurl_pool_geometry pool;
  const unfurl_status status = read_geometry(call, &pool, error);
  if (status) return status;
  unfurl_average_pool(call->context, &pool, call->inputs[0]->data, call->outputs[0]->data);
  return UNFURL_OK;
}

static const unfurl_attribute_spec MAX_ATTRIBUTES[] = {UNFURL_WINDOW_ATTRIBUTES,
                                                       {"ceil_mode", UNFURL_ATTRIBUTE_INT},
                                                       {"storage_order", UNFURL_ATTRIBUTE_INT},
                                                       {NULL, UNFURL_ATTRIBUTE_INT}};

static const unfurl_attribute_spec AVERAGE_ATTRIBUTES[] = {UNFURL_WINDOW_ATTRIBUTES,
                                                           {"ceil_mode", UNFURL_ATTRIBUTE_INT},
                                                           {"count_include_pad", UNFURL_ATTRIBUTE_INT},
                                                           {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_max_pool = {
    .type = "MaxPool",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 2,
    .attributes = MAX_ATTRIBUTES,
    .layout = UNFURL_OP_IMAGE,
    .is_image_wise = true,
    .infer = infer,
    .run = run_max,
    .rows = &max_rows,
};

const unfurl_op unfurl_op_average_pool = {
    .type = "AveragePool",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = AVERAGE_ATTRIBUTES,
    .layout = UNFURL_OP_IMAGE,
    .is_image_wise = true,
    .infer = infer,
    .run = run_average,
};

static unfurl_status infer_global(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *in = call->inputs[0];
  int64_t dims[UNFURL_MAX_RANK];
  const unfurl_status status = unfurl_call_check_f32(call, 0, error);
  if (status) return status;
  if (in->rank < 3) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input has rank %zu", in->rank);
  for (size_t i = 0; i < in->rank; i++) dims[i] = i < 2 ? in->dims[i] : 1;
  unfurl_tensor_init(call->outputs[0], UNFURL_F32, in->rank, dims, NULL);
  return UNFURL_OK;
}

/* All pixels as one row, whatever the rank. */
static unfurl_pool_geometry whole_image(const unfurl_tensor *in) {
  size_t pixels = 1;
  for (size_t i = 2; i < in->rank; i++) pixels *= (size_t)in->dims[i];
  return (unfurl_pool_geometry){
      .batch = (size_t)in->dims[0],
      .channels = (size_t)in->dims[1],
      .h = {.in = 1, .out = 1, .taps = 1, .stride = 1, .dilation = 1},
      .w = {.in = pixels, .out = 1, .taps = pixels, .stride = 1, .dilation = 1},
  };
}

static unfurl_status run_global_max(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_pool_geometry pool = whole_image(call->inputs[0]);
  unfurl_max_pool(call->context, &pool, call->inputs[0]->data, call->outputs[0]->data, NULL);
  return UNFURL_OK;
}

static unfurl_status run_global_average(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_pool_geometry pool = whole_image(call->inputs[0]);
  unfurl_average_pool(call->context, &pool, call->inputs[0]->data, call->outputs[0]->data);
  return UNFURL_OK;
}

const unfurl_op unfurl_op_global_max_pool = {
    .type = "GlobalMaxPool",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .layout = UNFURL_OP_IMAGE,
    .is_image_wise = true,
    .infer = infer_global,
    .run = run_global_max,
};

const unfurl_op unfurl_op_global_average_pool = {
    .type = "GlobalAveragePool",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .layout = UNFURL_OP_IMAGE,
    .is_image_wise = true,
    .infer = infer_global,
    .run = run_global_average,
};
