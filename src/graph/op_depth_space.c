/* SPDX-License-Identifier: BSD-2-Clause */
/* DepthToSpace and SpaceToDepth: channels become blocks of pixels, and the other way round. Both are a copy between two
 * orders of six dimensions: image, channel, block row, row in the block, block column, column in the block. */
#include <string.h>

#include "base/status.h"
#include "graph/op.h"
#include "nn/copy.h"
#include "shape/tensor.h"

enum { IMAGE, CHANNEL, BLOCK_Y, IN_Y, BLOCK_X, IN_X, WALKED };

_Static_assert(WALKED <= UNFURL_MAX_RANK, "a walk has as many dimensions as a tensor at most");

static unfurl_status read_block(const unfurl_op_call *call, int64_t *block, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0];
  *block = unfurl_node_int(call->node, "blocksize", 0);
  if (x->rank != 4) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its input has rank %zu, not 4", x->rank);
  if (*block < 1 || *block > INT32_MAX)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "the block size is %lld", (long long)*block);
  return UNFURL_OK;
}

static unfurl_status infer_space(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0];
  const char *mode = unfurl_node_string(call->node, "mode", "DCR");
  int64_t block;
  const unfurl_status status = read_block(call, &block, error);
  if (status) return status;
  if (strcmp(mode, "DCR") != 0 && strcmp(mode, "CRD") != 0)
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "mode \"%s\" is not implemented", mode);
  if (x->dims[1] % (block * block) != 0)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "%lld channels make no blocks of %lld x %lld",
                       (long long)x->dims[1], (long long)block, (long long)block);
  if (x->dims[2] > INT64_MAX / block || x->dims[3] > INT64_MAX / block)
    return unfurl_fail(error, UNFURL_TOO_LARGE, "the size of the output overflows");
  const int64_t dims[] = {x->dims[0], x->dims[1] / (block * block), x->dims[2] * block, x->dims[3] * block};
  unfurl_tensor_init(call->outputs[0], x->dtype, 4, dims, NULL);
  return UNFURL_OK;
}

static unfurl_status infer_depth(unfurl_op_call *call, unfurl_error *error) {
  const unfurl_tensor *x = call->inputs[0];
  int64_t block;
  const unfurl_status status = read_block(call, &block, error);
  if (status) return status;
  if (x->dims[2] % block != 0 || x->dims[3] % block != 0)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "%lld x %lld pixels are not made of blocks of %lld x %lld",
                       (long long)x->dims[2], (long long)x->dims[3], (long long)block, (long long)block);
  if (x->dims[1] > INT64_MAX / (block * block))
    return unfurl_fail(error, UNFURL_TOO_LARGE, "the size of the output overflows");
  const int64_t dims[] = {x->dims[0], x->dims[1] * block * block, x->dims[2] / block, x->dims[3] / block};
  unfurl_tensor_init(call->outputs[0], x->dtype, 4, dims, NULL);
  return UNFURL_OK;
}

/* The strides of the six dimensions in the tensor whose pixels are in space. */
static void space_strides(const unfurl_tensor *space, ptrdiff_t block, ptrdiff_t *strides) {
  ptrdiff_t s[UNFURL_MAX_RANK];
  unfurl_tensor_strides(space, s);
  const ptrdiff_t walked[WALKED] = {s[0], s[1], s[2] * block, s[2], s[3] * block, s[3]};
  memcpy(strides, walked, sizeof walked);
}

/* The same in the tensor whose blocks are in channels, each channel of a block together (CRD) or each place in it. */
static void depth_strides(const unfurl_tensor *depth, ptrdiff_t block, bool is_crd, ptrdiff_t *strides) {
  ptrdiff_t s[UNFURL_MAX_RANK];
  unfurl_tensor_strides(depth, s);
  const ptrdiff_t channel = is_crd ? block * block : 1,
                  place = is_crd ? 1 : (ptrdiff_t)depth->dims[1] / (block * block);
  const ptrdiff_t walked[WALKED] = {s[0], s[1] * channel, s[2], s[1] * place * block, s[3], s[1] * place};
  memcpy(strides, walked, sizeof walked);
}

/* A copy of six dimensions; `to_space` says which way. */
static unfurl_status rearrange(const unfurl_op_call *call, bool to_space, bool is_crd) {
  const unfurl_tensor *x = call->inputs[0], *y = call->outputs[0], *depth = to_space ? x : y;
  const int64_t block = unfurl_node_int(call->node, "blocksize", 1);
  if (unfurl_tensor_count(y) == 0) return UNFURL_OK;
  const int64_t dims[WALKED] = {depth->dims[0], depth->dims[1] / (block * block), depth->dims[2], block, depth->dims[3],
                                block};
  unfurl_walk walk = {.rank = WALKED, .operands = 2};
  for (size_t i = 0; i < WALKED; i++) walk.dims[i] = (size_t)dims[i];
  space_strides(to_space ? y : x, (ptrdiff_t)block, walk.strides[to_space ? 0 : 1]);
  depth_strides(depth, (ptrdiff_t)block, is_crd, walk.strides[to_space ? 1 : 0]);
  unfurl_copy_elements(call->context, &walk, unfurl_dtype_size(x->dtype), x->data, y->data);
  return UNFURL_OK;
}

static unfurl_status run_space(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  return rearrange(call, true, !strcmp(unfurl_node_string(call->node, "mode", "DCR"), "CRD"));
}

static unfurl_status run_depth(const unfurl_op_call *call, unfurl_error *error) {
  (void)error;
  return rearrange(call, false, false);
}

static const unfurl_attribute_spec SPACE_ATTRIBUTES[] = {
    {"blocksize", UNFURL_ATTRIBUTE_INT}, {"mode", UNFURL_ATTRIBUTE_STRING}, {NULL, UNFURL_ATTRIBUTE_INT}};

static const unfurl_attribute_spec DEPTH_ATTRIBUTES[] = {{"blocksize", UNFURL_ATTRIBUTE_INT},
                                                         {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_depth_to_space = {
    .type = "DepthToSpace",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = SPACE_ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_space,
    .run = run_space,
};

const unfurl_op unfurl_op_space_to_depth = {
    .type = "SpaceToDepth",
    .min_inputs = 1,
    .max_inputs = 1,
    .max_outputs = 1,
    .attributes = DEPTH_ATTRIBUTES,
    .layout = UNFURL_OP_ANY,
    .is_image_wise = true,
    .infer = infer_depth,
    .run = run_depth,
};
