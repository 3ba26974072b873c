/* SPDX-License-Identifier: BSD-2-Clause */
/* Fusion of a model's nodes: what its files share. */
#ifndef UNFURL_GRAPH_FUSE_H
#define UNFURL_GRAPH_FUSE_H

#include "graph/graph.h"

/* Input `i` if it is there and a constant, or NULL. */
const unfurl_tensor *unfurl_fuse_constant_input(const unfurl_model *model, const unfurl_node *node, size_t i);

bool unfurl_fuse_is_left_out(const unfurl_node *node, size_t i);

/* Takes over the margins of a Pad in front of `node`, if it can; false when out of memory. */
bool unfurl_fuse_pad(unfurl_model *model, unfurl_node *node);

/* Makes of `node`, if it is the last of those that GELU is written as, one Gelu; false when out of memory. */
bool unfurl_fuse_gelu(unfurl_model *model, unfurl_node *node);

#endif
