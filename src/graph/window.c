/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph/window.h"

#include <string.h>

#include "base/status.h"

/* No size in a window may be larger, so that sums and products of two fit in 64 bits. */
#define SIZE_LIMIT (INT64_C(1) << 30)

static unfurl_status read_sizes(const unfurl_op_call *call, const char *name, size_t spatial, int64_t least,
                                int64_t values[2], unfurl_error *error) {
  const unfurl_attribute *a = unfurl_node_attribute(call->node, name);
  if (!a) return UNFURL_OK;
  if (a->count != spatial)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "%s has %zu numbers for %zu spatial dimensions", name, a->count,
                       spatial);
  for (size_t i = 0; i < spatial; i++) {
    if (a->ints[i] < least || a->ints[i] > SIZE_LIMIT)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "%s has %lld, which is out of range", name,
                         (long long)a->ints[i]);
    values[2 - spatial + i] = a->ints[i];
  }
  return UNFURL_OK;
}

static unfurl_status read_kernel(const unfurl_op_call *call, const int64_t *kernel, unfurl_window *w,
                                 unfurl_error *error) {
  const unfurl_status status = read_sizes(call, "kernel_shape", w->spatial, 1, w->taps, error);
  if (status) return status;
  if (!kernel && !unfurl_node_has(call->node, "kernel_shape"))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "kernel_shape is missing");
  for (size_t i = 0; kernel && i < w->spatial; i++) {
    int64_t *taps = &w->taps[2 - w->spatial + i];
    if (unfurl_node_has(call->node, "kernel_shape") && *taps != kernel[i])
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "kernel_shape has %lld where the weights have %lld",
                         (long long)*taps, (long long)kernel[i]);
    if (kernel[i] < 1 || kernel[i] > SIZE_LIMIT)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the kernel has size %lld", (long long)kernel[i]);
    *taps = kernel[i];
  }
  return UNFURL_OK;
}

static unfurl_status read_pads(const unfurl_op_call *call, unfurl_window *w, unfurl_error *error) {
  const unfurl_attribute *pads = unfurl_node_attribute(call->node, "pads");
  if (!pads) return UNFURL_OK;
  if (pads->count != 2 * w->spatial)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "pads has %zu numbers for %zu spatial dimensions", pads->count,
                       w->spatial);
  for (size_t i = 0; i < pads->count; i++) {
    if (pads->ints[i] < 0 || pads->ints[i] > SIZE_LIMIT)
      return unfurl_fail(error, UNFURL_UNSUPPORTED, "pads has %lld; only 0 and more are implemented",
                         (long long)pads->ints[i]);
    const size_t axis = 2 - w->spatial + i % w->spatial;
    *(i < w->spatial ? &w->pad_before[axis] : &w->pad_after[axis]) = pads->ints[i];
  }
  return UNFURL_OK;
}

static void share_padding(unfurl_window *w, size_t axis, int64_t total, bool upper) {
  w->pad_before[axis] = upper ? total / 2 : total - total / 2;
  w->pad_after[axis] = total - w->pad_before[axis];
}

/* SAME: as many outputs as ceil(in / stride); an odd pixel of padding goes after (UPPER) or before (LOWER). */
static void pad_same(unfurl_window *w, bool upper) {
  for (size_t axis = 2 - w->spatial; axis < 2; axis++) {
    const int64_t out = (w->in[axis] + w->stride[axis] - 1) / w->stride[axis];
    const int64_t extent = (w->taps[axis] - 1) * w->dilation[axis] + 1;
    const int64_t needed = (out - 1) * w->stride[axis] + extent - w->in[axis];
    const int64_t total = needed > 0 ? needed : 0;
    share_padding(w, axis, total, upper);
  }
}

static unfurl_status read_auto_pad(const unfurl_op_call *call, unfurl_window *w, unfurl_error *error) {
  const char *mode = unfurl_node_string(call->node, "auto_pad", "NOTSET");
  if (!strcmp(mode, "NOTSET")) return read_pads(call, w, error);
  if (!strcmp(mode, "VALID")) return UNFURL_OK;
  if (!strcmp(mode, "SAME_UPPER") || !strcmp(mode, "SAME_LOWER")) {
    pad_same(w, !strcmp(mode, "SAME_UPPER"));
    return UNFURL_OK;
  }
  return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "auto_pad is \"%s\"", mode);
}

/* Everything but the padding. */
static unfurl_status read_sizes_of(const unfurl_op_call *call, const int64_t *kernel, unfurl_window *w,
                                   unfurl_error *error) {
  const unfurl_tensor *in = call->inputs[0];
  *w = (unfurl_window){.in = {1, 1}, .taps = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
  if (in->rank != 3 && in->rank != 4)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "its input has rank %zu; 3 and 4 are implemented", in->rank);
  w->spatial = in->rank - 2;
  for (size_t i = 0; i < in->rank; i++)
    if (in->dims[i] < 1 || in->dims[i] > SIZE_LIMIT)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input has dimension %lld", (long long)in->dims[i]);
  for (size_t i = 0; i < w->spatial; i++) w->in[2 - w->spatial + i] = in->dims[2 + i];
  unfurl_status status = unfurl_call_check_f32(call, 0, error);
  if (!status) status = read_kernel(call, kernel, w, error);
  if (!status) status = read_sizes(call, "strides", w->spatial, 1, w->stride, error);
  return status ? status : read_sizes(call, "dilations", w->spatial, 1, w->dilation, error);
}

unfurl_status unfurl_window_read(const unfurl_op_call *call, const int64_t *kernel, unfurl_window *w,
                                 unfurl_error *error) {
  const unfurl_status status = read_sizes_of(call, kernel, w, error);
  return status ? status : read_auto_pad(call, w, error);
}

/* The padding that makes the output of each axis `out` pixels large; what the kernel does not reach is output padding. */
static void pad_to_output(unfurl_window *w, const int64_t out[2], bool upper) {
  for (size_t axis = 2 - w->spatial; axis < 2; axis++) {
    const int64_t extent = (w->taps[axis] - 1) * w->dilation[axis] + 1;
    const int64_t total = w->stride[axis] * (w->in[axis] - 1) + w->output_pad[axis] + extent - out[axis];
    if (total < 0) w->output_pad[axis] -= total;
    share_padding(w, axis, total < 0 ? 0 : total, upper);
  }
}

unfurl_status unfurl_window_read_transposed(const unfurl_op_call *call, const int64_t *kernel, unfurl_window *w,
                                            unfurl_error *error) {
  const char *mode = unfurl_node_string(call->node, "auto_pad", "NOTSET");
  const bool upper = !strcmp(mode, "SAME_UPPER"), same = upper || !strcmp(mode, "SAME_LOWER");
  int64_t out[2] = {1, 1};
  unfurl_status status = read_sizes_of(call, kernel, w, error);
  if (!status) status = read_sizes(call, "output_padding", w->spatial, 0, w->output_pad, error);
  if (!status) status = read_sizes(call, "output_shape", w->spatial, 1, out, error);
  if (status) return status;
  const bool sized = unfurl_node_has(call->node, "output_shape");
  if (!sized && !same) return read_auto_pad(call, w, error);
  for (size_t axis = 0; axis < 2 && !sized; axis++) out[axis] = w->in[axis] * w->stride[axis];
  pad_to_output(w, out, upper);
  return UNFURL_OK;
}

void unfurl_window_output(const unfurl_op_call *call, const unfurl_window *w, int64_t channels, const int64_t size[2]) {
  int64_t dims[4] = {call->inputs[0]->dims[0], channels};
  for (size_t i = 0; i < w->spatial; i++) dims[2 + i] = size[2 - w->spatial + i];
  unfurl_tensor_init(call->outputs[0], UNFURL_F32, 2 + w->spatial, dims, NULL);
}
