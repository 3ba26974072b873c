/* SPDX-License-Identifier: BSD-2-Clause */
/* Fusion: an activation that is the only user of a convolution is computed by that convolution.
 *
 * The nodes are in order and uses are counted. A node that was absorbed is left without users, so that the next
 * drop_unused removes it.
 */
#include "graph/op.h"

/* The activation that a node computes, with its parameters; NONE for any other node. */
static unfurl_activation activation_of(const unfurl_node *node) {
  if (node->op == &unfurl_op_relu) return UNFURL_ACTIVATION_RELU;
  if (node->op == &unfurl_op_tanh) return UNFURL_ACTIVATION_TANH;
  return UNFURL_ACTIVATION_NONE;
}

/* The convolution that computes `value` for nobody but one user, not yet activated; or NULL. */
static unfurl_node *sole_conv(unfurl_model *model, size_t value) {
  const unfurl_value *v = &model->values[value];
  if (v->kind != UNFURL_VALUE_COMPUTED || v->uses != 1) return NULL;
  unfurl_node *node = &model->nodes[v->producer];
  return node->op == &unfurl_op_conv && !node->activation ? node : NULL;
}

/* `conv` takes over the output of `node`, which keeps an unused value in exchange. */
static void take_output(unfurl_model *model, unfurl_node *conv, unfurl_node *node) {
  const size_t value = conv->outputs[0];
  conv->outputs[0] = node->outputs[0];
  node->outputs[0] = value;
  model->values[conv->outputs[0]].producer = (size_t)(conv - model->nodes);
  model->values[value].producer = (size_t)(node - model->nodes);
  model->values[value].uses = 0;
}

unfurl_status unfurl_graph_fuse(unfurl_model *model, unfurl_error *error) {
  (void)error;
  for (size_t n = 0; n < model->node_count; n++) {
    unfurl_node *node = &model->nodes[n];
    const unfurl_activation activation = activation_of(node);
    unfurl_node *conv = activation ? sole_conv(model, node->inputs[0]) : NULL;
    if (!conv) continue;
    conv->activation = activation;
    take_output(model, conv, node);
  }
  return UNFURL_OK;
}
