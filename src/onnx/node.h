/* SPDX-License-Identifier: BSD-2-Clause */
/* NodeProto to model: one node, its operator and attributes.
 *
 * Which operators and attributes exist is the model builder's to say; here only the default operator domain is let
 * through. Messages name the node (by its first output where it has no name) and the operator: node "conv1" (Conv): ....
 */
#ifndef UNFURL_ONNX_NODE_H
#define UNFURL_ONNX_NODE_H

#include <stdbool.h>

#include "onnx/onnx.pb-c.h"
#include "unfurl/context.h"
#include "unfurl/model.h"

/* Whether `domain` (may be NULL) is that of ONNX's own operators: "" or "ai.onnx". */
bool unfurl_onnx_is_default_domain(const char *domain);

/* Adds node `index` of the graph to the model. Statuses: BAD_FILE, UNSUPPORTED (another domain, a kind of attribute),
 * OUT_OF_MEMORY, and those of unfurl_model_add_node. */
unfurl_status unfurl_onnx_node_add(const unfurl_context *context, const UnfurlOnnx__NodeProto *node, size_t index,
                                   unfurl_model *model, unfurl_error *error);

#endif
