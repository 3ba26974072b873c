/* SPDX-License-Identifier: BSD-2-Clause */
/* Mul in bands of rows, where one input is an image and the other has a number for each channel: so squeeze-and-excitation
 * blocks scale their images (Hu et al., "Squeeze-and-Excitation Networks", 2018). */
#include "graph/mul_rows.h"

#include <stdint.h>

#include "nn/broadcast.h"
#include "shape/tensor.h"

/* Whether it has one number for each channel, or for all, of each image or of all. */
static bool is_scale(const unfurl_tensor *t) {
  return t->rank >= 2 && t->rank <= 4 && t->dims[t->rank - 1] == 1 && t->dims[t->rank - 2] == 1;
}

static size_t image_of(const unfurl_op_call *call) {
  return is_scale(call->inputs[0]) ? 1 : 0;
}

static bool axis_of(const unfurl_op_call *call, unfurl_conv_axis *axis, size_t *grain) {
  const size_t image = image_of(call);
  const unfurl_tensor *x = call->inputs[image], *y = call->outputs[0];
  if (x->dtype != UNFURL_F32 || !unfurl_tensor_same_dims(x, y) || !is_scale(call->inputs[1 - image])) return false;
  const size_t rows = (size_t)y->dims[2];
  *axis = (unfurl_conv_axis){.in = rows, .out = rows, .taps = 1, .stride = 1, .dilation = 1};
  *grain = 1;
  return true;
}

static unfurl_status prepare(const unfurl_op_call *call, const unfurl_conv_axis *band, void **state, size_t *workspace,
                             unfurl_error *error) {
  (void)call, (void)band, (void)error;
  *state = NULL;
  *workspace = 0;
  return UNFURL_OK;
}

/* The scale of one image, as one. */
static unfurl_tensor scale_of(const unfurl_tensor *scale, size_t image) {
  unfurl_tensor one = *scale;
  if (one.rank < 4 || one.dims[0] == 1) return one;
  one.dims[0] = 1;
  one.data = (float *)one.data + image * (size_t)one.dims[1];
  return one;
}

static void run(const unfurl_op_call *call, const void *state, const unfurl_op_band *band) {
  (void)state;
  const size_t image = image_of(call);
  const unfurl_tensor scale = scale_of(call->inputs[1 - image], band->image);
  unfurl_tensor x = *call->inputs[image], y = *call->outputs[0];
  x.dims[0] = y.dims[0] = 1;
  x.dims[2] = y.dims[2] = (int64_t)band->rows;
  x.data = (void *)(uintptr_t)band->src; /* which is only read */
  y.data = band->dst;
  unfurl_binary_run(call->context, UNFURL_BINARY_MUL, &x, &scale, &y);
}

static void release(const unfurl_op_call *call, void *state) {
  (void)call, (void)state;
}

const unfurl_op_rows unfurl_mul_rows = {
    .image = image_of, .axis = axis_of, .prepare = prepare, .run = run, .release = release};
