/* SPDX-License-Identifier: BSD-2-Clause */
#include "onnx/node.h"

#include <string.h>

#include "onnx/attribute.h"
#include "onnx/fail.h"

bool unfurl_onnx_is_default_domain(const char *domain) {
  return !domain || !*domain || strcmp(domain, "ai.onnx") == 0;
}

/* What to call a node in a message. */
static const char *label(const UnfurlOnnx__NodeProto *node) {
  if (node->name && *node->name) return node->name;
  for (size_t i = 0; i < node->n_output; i++)
    if (*node->output[i]) return node->output[i];
  return "a node without name";
}

static unfurl_status add_to_model(const UnfurlOnnx__NodeProto *node, const unfurl_onnx_attributes *attributes,
                                  unfurl_model *model, unfurl_error *error) {
  unfurl_node_desc desc;
  unfurl_node_desc_init(&desc, node->op_type);
  desc.name = node->name ? node->name : "";
  desc.inputs = (const char *const *)node->input, desc.input_count = node->n_input;
  desc.outputs = (const char *const *)node->output, desc.output_count = node->n_output;
  desc.attributes = attributes->items, desc.attribute_count = attributes->count;
  return unfurl_model_add_node(model, &desc, error);
}

unfurl_status unfurl_onnx_node_add(const unfurl_context *context, const UnfurlOnnx__NodeProto *node, size_t index,
                                   unfurl_model *model, unfurl_error *error) {
  if (!node->op_type || !*node->op_type)
    return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "node %zu (\"%.80s\") has no operator", index, label(node));
  if (!unfurl_onnx_is_default_domain(node->domain))
    return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED,
                            "node \"%.80s\" (%.60s): operators of domain \"%.80s\" are not supported", label(node),
                            node->op_type, node->domain);
  unfurl_onnx_attributes attributes;
  unfurl_status status = unfurl_onnx_attributes_read(context, node, &attributes, error);
  if (status == UNFURL_OK)
    status = add_to_model(node, &attributes, model, error);
  else
    unfurl_onnx_fail_in(error, status, "node \"%.80s\" (%.60s)", label(node), node->op_type);
  unfurl_onnx_attributes_clear(context, &attributes);
  return status;
}
