/* SPDX-License-Identifier: BSD-2-Clause */
/* LRN, across channels. */
#include "nn/lrn.h"

#include "base/memory.h"
#include "base/status.h"
#include "graph/op.h"
#include "shape/tensor.h"

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0];
  const unfurl_status status = unfurl_call_check_f32(call, 0, error);
  if (status) return status;
  if (x->rank < 2) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input has rank %zu", x->rank);
  if (unfurl_node_int(call->node, "size", 0) < 1)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "size is missing, or less than 1");
  return unfurl_infer_same(call, error);
}

/* Of a window of an even size, one channel more comes after than before. */
static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *x = call->inputs[0];
  const size_t count = unfurl_tensor_count(x), around = (size_t)unfurl_node_int(call->node, "size", 1) - 1;
  if (count == 0) return UNFURL_OK;
  const size_t channels = (size_t)x->dims[1];
  const unfurl_lrn lrn = {.pixels = count / channels,
                          .channels = channels,
                          .before = unfurl_smaller(around / 2, channels),
                          .after = unfurl_smaller(around - around / 2, channels),
                          .scale = unfurl_node_float(call->node, "alpha", 1e-4f) / (float)(around + 1),
                          .beta = unfurl_node_float(call->node, "beta", 0.75f),
                          .bias = unfurl_node_float(call->node, "bias", 1)};
  unfurl_lrn_run(call->context, &lrn, x->data, call->outputs[0]->data);
  return UNFURL_OK;
}

static const unfurl_attribute_spec ATTRIBUTES[] = {{"alpha", UNFURL_ATTRIBUTE_FLOAT},
                                                   {"beta", UNFURL_ATTRIBUTE_FLOAT},
                                                   {"bias", UNFURL_ATTRIBUTE_FLOAT},
                                                   {"size", UNFURL_ATTRIBUTE_INT},
                                                   {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_lrn = {
    .type = "LRN",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_IMAGE,
    .is_image_wise = true,
    .infer = infer,
    .run = run,
};
