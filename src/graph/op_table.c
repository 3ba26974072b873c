/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/status.h"
#include "graph/op.h"
#include "shape/tensor.h"

static const unfurl_op *const OPS[] = {
    &unfurl_op_abs,
    &unfurl_op_add,
    &unfurl_op_and,
    &unfurl_op_argmax,
    &unfurl_op_argmin,
    &unfurl_op_average_pool,
    &unfurl_op_batch_norm,
    &unfurl_op_cast,
    &unfurl_op_ceil,
    &unfurl_op_celu,
    &unfurl_op_clip,
    &unfurl_op_concat,
    &unfurl_op_constant,
    &unfurl_op_constant_of_shape,
    &unfurl_op_conv,
    &unfurl_op_conv_transpose,
    &unfurl_op_cos,
    &unfurl_op_cumsum,
    &unfurl_op_depth_to_space,
    &unfurl_op_div,
    &unfurl_op_dropout,
    &unfurl_op_einsum,
    &unfurl_op_elu,
    &unfurl_op_equal,
    &unfurl_op_erf,
    &unfurl_op_exp,
    &unfurl_op_expand,
    &unfurl_op_flatten,
    &unfurl_op_floor,
    &unfurl_op_gather,
    &unfurl_op_gather_elements,
    &unfurl_op_gather_nd,
    &unfurl_op_gelu,
    &unfurl_op_gemm,
    &unfurl_op_global_average_pool,
    &unfurl_op_global_max_pool,
    &unfurl_op_greater,
    &unfurl_op_greater_or_equal,
    &unfurl_op_grid_sample,
    &unfurl_op_group_norm,
    &unfurl_op_hard_sigmoid,
    &unfurl_op_hard_swish,
    &unfurl_op_identity,
    &unfurl_op_instance_norm,
    &unfurl_op_is_inf,
    &unfurl_op_is_nan,
    &unfurl_op_layer_norm,
    &unfurl_op_leaky_relu,
    &unfurl_op_less,
    &unfurl_op_less_or_equal,
    &unfurl_op_log,
    &unfurl_op_log_softmax,
    &unfurl_op_lrn,
    &unfurl_op_matmul,
    &unfurl_op_max,
    &unfurl_op_max_pool,
    &unfurl_op_max_unpool,
    &unfurl_op_mean,
    &unfurl_op_min,
    &unfurl_op_mish,
    &unfurl_op_mod,
    &unfurl_op_mul,
    &unfurl_op_neg,
    &unfurl_op_not,
    &unfurl_op_one_hot,
    &unfurl_op_or,
    &unfurl_op_pad,
    &unfurl_op_pow,
    &unfurl_op_prelu,
    &unfurl_op_range,
    &unfurl_op_reciprocal,
    &unfurl_op_reduce_l1,
    &unfurl_op_reduce_l2,
    &unfurl_op_reduce_log_sum,
    &unfurl_op_reduce_log_sum_exp,
    &unfurl_op_reduce_max,
    &unfurl_op_reduce_mean,
    &unfurl_op_reduce_min,
    &unfurl_op_reduce_prod,
    &unfurl_op_reduce_sum,
    &unfurl_op_reduce_sum_square,
    &unfurl_op_relu,
    &unfurl_op_reshape,
    &unfurl_op_resize,
    &unfurl_op_roi_align,
    &unfurl_op_round,
    &unfurl_op_scatter,
    &unfurl_op_scatter_elements,
    &unfurl_op_scatter_nd,
    &unfurl_op_selu,
    &unfurl_op_shape,
    &unfurl_op_sigmoid,
    &unfurl_op_sign,
    &unfurl_op_sin,
    &unfurl_op_size,
    &unfurl_op_slice,
    &unfurl_op_softmax,
    &unfurl_op_softplus,
    &unfurl_op_softsign,
    &unfurl_op_space_to_depth,
    &unfurl_op_split,
    &unfurl_op_sqrt,
    &unfurl_op_squeeze,
    &unfurl_op_sub,
    &unfurl_op_sum,
    &unfurl_op_tanh,
    &unfurl_op_thresholded_relu,
    &unfurl_op_tile,
    &unfurl_op_topk,
    &unfurl_op_transpose,
    &unfurl_op_trilu,
    &unfurl_op_unsqueeze,
    &unfurl_op_upsample,
    &unfurl_op_where,
    &unfurl_op_xor,
};

const unfurl_op *unfurl_op_find(const char *type) {
  for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++)
    if (!strcmp(OPS[i]->type, type)) return OPS[i];
  return NULL;
}

const unfurl_attribute *unfurl_node_attribute(const unfurl_node *node, const char *name) {
  for (size_t i = 0; i < node->attribute_count; i++)
    if (!strcmp(node->attributes[i].name, name)) return &node->attributes[i];
  return NULL;
}

bool unfurl_node_has(const unfurl_node *node, const char *name) {
  return unfurl_node_attribute(node, name) != NULL;
}

int64_t unfurl_node_int(const unfurl_node *node, const char *name, int64_t otherwise) {
  const unfurl_attribute *attribute = unfurl_node_attribute(node, name);
  return attribute ? attribute->ints[0] : otherwise;
}

float unfurl_node_float(const unfurl_node *node, const char *name, float otherwise) {
  const unfurl_attribute *attribute = unfurl_node_attribute(node, name);
  return attribute ? attribute->floats[0] : otherwise;
}

const char *unfurl_node_string(const unfurl_node *node, const char *name, const char *otherwise) {
  const unfurl_attribute *attribute = unfurl_node_attribute(node, name);
  return attribute ? attribute->string : otherwise;
}

bool unfurl_call_has_input(const unfurl_op_call *call, size_t index) {
  return index < call->node->input_count && call->inputs[index];
}

bool unfurl_call_has_output(const unfurl_op_call *call, size_t index) {
  return index < call->node->output_count && call->outputs[index];
}

unfurl_status unfurl_call_check_f32(const unfurl_op_call *call, size_t index, unfurl_error *error) {
  const unfurl_dtype dtype = call->inputs[index]->dtype;
  if (dtype == UNFURL_F32) return UNFURL_OK;
  return unfurl_fail(error, UNFURL_UNSUPPORTED, "input %zu is %s, only f32 is implemented", index,
                     unfurl_dtype_name(dtype));
}

unfurl_status unfurl_call_check_bool(const unfurl_op_call *call, size_t index, unfurl_error *error) {
  const unfurl_dtype dtype = call->inputs[index]->dtype;
  if (dtype == UNFURL_BOOL) return UNFURL_OK;
  return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "input %zu is %s, not bool", index, unfurl_dtype_name(dtype));
}

unfurl_status unfurl_call_check_known(const unfurl_op_call *call, size_t index, unfurl_error *error) {
  if (call->inputs[index]->data) return UNFURL_OK;
  return unfurl_fail(error, UNFURL_UNSUPPORTED, "input %zu is computed by the network; it must be known beforehand",
                     index);
}

unfurl_status unfurl_axis_resolve(int64_t axis, size_t rank, bool end_allowed, size_t *resolved, unfurl_error *error) {
  const int64_t count = (int64_t)rank, counted = axis < 0 ? axis + count : axis;
  if (counted < 0 || counted >= count + (end_allowed ? 1 : 0))
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "axis is %lld, out of range for rank %zu", (long long)axis,
                       rank);
  *resolved = (size_t)counted;
  return UNFURL_OK;
}

unfurl_status unfurl_infer_same(unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  const unfurl_tensor *in = call->inputs[0];
  unfurl_tensor_init(call->outputs[0], in->dtype, in->rank, in->dims, NULL);
  return UNFURL_OK;
}

static unfurl_layout output_layout(const unfurl_op_call *call, const unfurl_tensor *output) {
  if (output->rank <= 2) return UNFURL_NCHW;
  if (call->node->op->layout == UNFURL_OP_IMAGE) return UNFURL_NHWC;
  if (call->node->op->layout == UNFURL_OP_ROW_MAJOR || call->node->op->layout == UNFURL_OP_FROM_ANY) return UNFURL_NCHW;
  for (size_t i = 0; i < call->node->input_count; i++) {
    const unfurl_tensor *in = call->inputs[i];
    if (in && in->rank == output->rank && in->layout == UNFURL_NHWC) return UNFURL_NHWC;
  }
  return UNFURL_NCHW;
}

unfurl_status unfurl_op_finish_infer(unfurl_op_call *call, unfurl_error *error) {
  for (size_t i = 0; i < call->node->output_count; i++) {
    if (!call->outputs[i]) continue;
    size_t bytes;
    const unfurl_status status = unfurl_tensor_bytes(call->outputs[i], &bytes, error);
    if (status) return status;
    call->outputs[i]->layout = output_layout(call, call->outputs[i]);
  }
  return UNFURL_OK;
}

size_t unfurl_op_result_bytes(const unfurl_op_call *call) {
  size_t total = 0;
  for (size_t i = 0; i < call->node->output_count && !call->node->op->is_alias; i++)
    if (call->outputs[i])
      unfurl_size_add(&total, unfurl_tensor_count(call->outputs[i]) * unfurl_dtype_size(call->outputs[i]->dtype));
  return total;
}

/* The output of an alias is the input's memory, which lives at least as long as the region. */
static unfurl_status alloc_outputs(unfurl_op_call *call, unfurl_region *region, unfurl_error *error) {
  if (call->node->op->is_alias) {
    call->outputs[0]->data = call->inputs[0]->data;
    return UNFURL_OK;
  }
  for (size_t i = 0; i < call->node->output_count; i++) {
    unfurl_tensor *out = call->outputs[i];
    if (!out) continue;
    out->data = unfurl_region_alloc(region, unfurl_tensor_count(out) * unfurl_dtype_size(out->dtype));
    if (!out->data) return unfurl_fail_memory(error, "a constant");
  }
  return UNFURL_OK;
}

static unfurl_status run_prepared(unfurl_op_call *call, unfurl_error *error) {
  if (call->workspace_size) {
    call->workspace = unfurl_context_alloc(call->context, call->workspace_size);
    if (!call->workspace) return unfurl_fail_memory(error, "a workspace");
  }
  const unfurl_status status = call->node->op->run(call, error);
  unfurl_context_free(call->context, call->workspace, call->workspace_size);
  return status;
}

unfurl_status unfurl_op_evaluate(unfurl_op_call *call, unfurl_region *region, unfurl_error *error) {
  const unfurl_op *op = call->node->op;
  unfurl_status status = alloc_outputs(call, region, error);
  if (!status && !op->is_alias) {
    if (op->prepare) status = op->prepare(call, error);
    if (!status) status = run_prepared(call, error);
    if (op->release) op->release(call);
  }
  if (status)
    for (size_t i = 0; i < call->node->output_count; i++)
      if (call->outputs[i]) call->outputs[i]->data = NULL;
  return status;
}
