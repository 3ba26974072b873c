/* SPDX-License-Identifier: BSD-2-Clause */
/* What is shared of BatchNormalization: it is run as a whole, in rows (channel_rows.c), or folded into weights (fuse.c). */
#ifndef UNFURL_GRAPH_OP_BATCH_NORM_H
#define UNFURL_GRAPH_OP_BATCH_NORM_H

#include "graph/op.h"
#include "nn/norm.h"

/* The parameters: inputs 1 to 4 of a node. */
unfurl_batch_norm unfurl_batch_norm_of(const unfurl_node *node, const unfurl_tensor *const parameters[4]);

/* A scale and a shift for each channel: [2][channels]. */
void unfurl_batch_norm_make_factors(const unfurl_op_call *call, float *factors);

/* What a call does to each channel by these. */
unfurl_channel_scale unfurl_batch_norm_scale_of(const unfurl_op_call *call, const float *factors);

#endif
