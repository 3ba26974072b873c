/* SPDX-License-Identifier: BSD-2-Clause */
/* Reshape, Transpose and Reshape become one node. */
#include <string.h>

#include "graph/fuse.h"
#include "graph/op.h"

static bool is_plain(const unfurl_node *reshape) {
  return reshape->op == &unfurl_op_reshape && !unfurl_node_int(reshape, "allowzero", 0);
}

bool unfurl_fuse_rearrange(unfurl_model *model, unfurl_node *node) {
  const unfurl_node *turn =
      is_plain(node) ? unfurl_fuse_only_maker(model, node->inputs[0], &unfurl_op_transpose) : NULL;
  const unfurl_node *first = turn ? unfurl_fuse_only_maker(model, turn->inputs[0], &unfurl_op_reshape) : NULL;
  if (!first || !is_plain(first) || !unfurl_node_has(turn, "perm")) return true;
  size_t *inputs = unfurl_region_alloc(&model->region, 3 * sizeof *inputs);
  if (!inputs) return false;
  memcpy(inputs, (const size_t[]){first->inputs[0], first->inputs[1], node->inputs[1]}, 3 * sizeof *inputs);
  node->op = &unfurl_op_rearrange;
  node->inputs = inputs, node->input_count = 3;
  node->attributes = turn->attributes, node->attribute_count = turn->attribute_count;
  return true;
}
