/* SPDX-License-Identifier: BSD-2-Clause */
/* Fusion of a model's nodes: what its files share. */
#ifndef UNFURL_GRAPH_FUSE_H
#define UNFURL_GRAPH_FUSE_H

#include "graph/graph.h"

/* Input `i` if it is there and a constant, or NULL. */
const unfurl_tensor *unfurl_fuse_constant_input(const unfurl_model *model, const unfurl_node *node, size_t i);

bool unfurl_fuse_is_left_out(const unfurl_node *node, size_t i);

/* Whether input `i` is this number, nearly. */
bool unfurl_fuse_is_number(const unfurl_model *model, const unfurl_node *node, size_t i, float number);

/* The node that computes `value` for one user alone, if it is of that kind; or NULL. */
const unfurl_node *unfurl_fuse_only_maker(const unfurl_model *model, size_t value, const struct unfurl_op *op);

/* Takes over the margins of a Pad in front of `node`, if it can; false when out of memory. */
bool unfurl_fuse_pad(unfurl_model *model, unfurl_node *node);

/* Makes of `node`, if it is the last of those that GELU is written as, one Gelu; false when out of memory. */
bool unfurl_fuse_gelu(unfurl_model *model, unfurl_node *node);

/* The same for Reshape, Transpose and Reshape. */
bool unfurl_fuse_rearrange(unfurl_model *model, unfurl_node *node);

/* The same for LayerNormalization. */
bool unfurl_fuse_layer_norm(unfurl_model *model, unfurl_node *node);

#endif
