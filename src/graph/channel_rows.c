/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph/channel_rows.h"

#include <stdint.h>
#include <string.h>

#include "base/context.h"
#include "base/status.h"
#include "graph/op_batch_norm.h"
#include "nn/binary.h"
#include "shape/tensor.h"

enum { CHANNELS = 1, ROWS = 2, COLS = 3 };

/* A row of the output follows from that of the input. */
static bool same_row(const unfurl_op_call *call, unfurl_conv_axis *axis, size_t *grain) {
  const size_t rows = (size_t)call->outputs[0]->dims[ROWS];
  *axis = (unfurl_conv_axis){.in = rows, .out = rows, .taps = 1, .stride = 1, .dilation = 1};
  *grain = 1;
  return true;
}

static unfurl_status no_state(const unfurl_op_call *call, const unfurl_conv_axis *band, void **state, size_t *workspace,
                              unfurl_error *error) {
  (void)call, (void)band, (void)error;
  *state = NULL;
  *workspace = 0;
  return UNFURL_OK;
}

static void release_nothing(const unfurl_op_call *call, void *state) {
  (void)call, (void)state;
}

/* The band's rows of an image like `whole`. */
static unfurl_tensor rows_of(const unfurl_tensor *whole, const unfurl_op_band *band, const float *data) {
  unfurl_tensor rows = *whole;
  rows.dims[0] = 1;
  rows.dims[ROWS] = (int64_t)band->rows;
  rows.data = (void *)(uintptr_t)data;
  return rows;
}

/* --- Mul --- */

/* Whether it has one number for each channel, or for all, of each image or of all. */
static bool is_scale(const unfurl_tensor *t) {
  return t->rank >= 2 && t->rank <= 4 && t->dims[t->rank - 1] == 1 && t->dims[t->rank - 2] == 1;
}

static size_t image_of_mul(const unfurl_op_call *call) {
  return is_scale(call->inputs[0]) ? 1 : 0;
}

static bool mul_axis(const unfurl_op_call *call, unfurl_conv_axis *axis, size_t *grain) {
  const size_t image = image_of_mul(call);
  const unfurl_tensor *x = call->inputs[image], *y = call->outputs[0];
  if (x->dtype != UNFURL_F32 || !unfurl_tensor_same_dims(x, y) || !is_scale(call->inputs[1 - image])) return false;
  return same_row(call, axis, grain);
}

/* The scale of one image, as one. */
static unfurl_tensor scale_of(const unfurl_tensor *scale, size_t image) {
  unfurl_tensor one = *scale;
  if (one.rank < 4 || one.dims[0] == 1) return one;
  one.dims[0] = 1;
  one.data = (float *)one.data + image * (size_t)one.dims[CHANNELS];
  return one;
}

static void run_mul(const unfurl_op_call *call, const void *state, const unfurl_op_band *band) {
  (void)state;
  const size_t image = image_of_mul(call);
  const unfurl_tensor scale = scale_of(call->inputs[1 - image], band->image);
  const unfurl_tensor x = rows_of(call->inputs[image], band, band->src), y = rows_of(call->outputs[0], band, band->dst);
  unfurl_binary_run(call->context, UNFURL_BINARY_MUL, &x, &scale, &y);
}

const unfurl_op_rows unfurl_mul_rows = {
    .image = image_of_mul, .axis = mul_axis, .prepare = no_state, .run = run_mul, .release = release_nothing};

/* --- BatchNormalization: the state is its factors --- */

static size_t factors_bytes(const unfurl_op_call *call) {
  return 2 * (size_t)call->inputs[0]->dims[CHANNELS] * sizeof(float);
}

static bool norm_axis(const unfurl_op_call *call, unfurl_conv_axis *axis, size_t *grain) {
  for (size_t i = 1; i < call->node->input_count; i++)
    if (unfurl_call_check_known(call, i, NULL)) return false;
  return same_row(call, axis, grain);
}

static unfurl_status prepare_norm(const unfurl_op_call *call, const unfurl_conv_axis *band, void **state,
                                  size_t *workspace, unfurl_error *error) {
  (void)band;
  *workspace = 0;
  if (!(*state = unfurl_context_alloc(call->context, factors_bytes(call)))) return unfurl_fail_memory(error, "factors");
  unfurl_batch_norm_make_factors(call, *state);
  return UNFURL_OK;
}

static void run_norm(const unfurl_op_call *call, const void *state, const unfurl_op_band *band) {
  const unfurl_channel_scale by = unfurl_batch_norm_scale_of(call, state);
  const unfurl_tensor x = rows_of(call->inputs[0], band, band->src), y = rows_of(call->outputs[0], band, band->dst);
  unfurl_scale_channels(call->context, &x, &by, &y);
}

static void release_norm(const unfurl_op_call *call, void *state) {
  unfurl_context_free(call->context, state, factors_bytes(call));
}

const unfurl_op_rows unfurl_batch_norm_rows = {
    .axis = norm_axis, .prepare = prepare_norm, .run = run_norm, .release = release_norm};

/* --- Concat --- */

static bool concat_axis(const unfurl_op_call *call, unfurl_conv_axis *axis, size_t *grain) {
  const int64_t along = unfurl_node_int(call->node, "axis", 0);
  if (along != CHANNELS && along != CHANNELS - 4) return false;
  for (size_t i = 0; i < call->node->input_count; i++) {
    const unfurl_tensor *x = call->inputs[i];
    const bool is_nhwc = x->layout == UNFURL_NHWC || unfurl_tensor_layouts_agree(x);
    if (x->dtype != UNFURL_F32 || !is_nhwc || unfurl_tensor_count(x) == 0) return false;
  }
  return same_row(call, axis, grain);
}

static void run_concat(const unfurl_op_call *call, const void *state, const unfurl_op_band *band) {
  (void)state;
  const int64_t *dims = call->outputs[0]->dims;
  const size_t channels = (size_t)dims[CHANNELS], cols = (size_t)dims[COLS], pixels = band->rows * cols;
  const size_t first = (band->image * (size_t)dims[ROWS] + band->row) * cols;
  float *slice = band->dst;
  for (size_t i = 0; i < call->node->input_count; i++) {
    const size_t own = (size_t)call->inputs[i]->dims[CHANNELS];
    const float *from = i == band->input ? band->src : (const float *)call->inputs[i]->data + first * own;
    for (size_t p = 0; p < pixels; p++) memcpy(slice + p * channels, from + p * own, own * sizeof *from);
    slice += own;
  }
}

const unfurl_op_rows unfurl_concat_rows = {
    .reads_all = true, .axis = concat_axis, .prepare = no_state, .run = run_concat, .release = release_nothing};
