/* SPDX-License-Identifier: BSD-2-Clause */
/* Fusion: what follows a convolution, a fully connected layer or a normalisation, and nothing else uses, becomes part
 * of it; and so do margins before one (fuse_pad.c).
 *
 * A batch normalisation scales filters and biases (they are constants, so this is done once); an activation is applied
 * as the results are stored; both may round elsewhere than the nodes in whose place they are. (A residual is added
 * there too, but only sessions know whether shapes allow it: fuse_residual.c.) The nodes are in order and uses are
 * counted. A node that was absorbed is left without users, so that the next drop_unused removes it.
 */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "graph/fuse.h"
#include "graph/op.h"
#include "graph/op_batch_norm.h"
#include "shape/tensor.h"

enum { SRC, WEIGHTS, BIAS };

bool unfurl_fuse_is_left_out(const unfurl_node *node, size_t i) {
  return i >= node->input_count || node->inputs[i] == UNFURL_NO_VALUE;
}

const unfurl_tensor *unfurl_fuse_constant_input(const unfurl_model *model, const unfurl_node *node, size_t i) {
  if (unfurl_fuse_is_left_out(node, i)) return NULL;
  const unfurl_value *value = &model->values[node->inputs[i]];
  return value->kind == UNFURL_VALUE_CONSTANT ? &value->tensor : NULL;
}

bool unfurl_fuse_is_number(const unfurl_model *model, const unfurl_node *node, size_t i, float number) {
  const unfurl_tensor *constant = unfurl_fuse_constant_input(model, node, i);
  return constant && constant->dtype == UNFURL_F32 && constant->rank <= 1 && unfurl_tensor_count(constant) == 1 &&
         fabsf(*(const float *)constant->data - number) < 1e-6f;
}

const unfurl_node *unfurl_fuse_only_maker(const unfurl_model *model, size_t value, const unfurl_op *op) {
  if (value == UNFURL_NO_VALUE) return NULL;
  const unfurl_value *v = &model->values[value];
  const unfurl_node *node = v->kind == UNFURL_VALUE_COMPUTED && v->uses == 1 ? &model->nodes[v->producer] : NULL;
  return node && node->op == op ? node : NULL;
}

/* A bound of Clip, whichever way the opset gives it; false if it is not known. */
static bool clip_bound(const unfurl_model *model, const unfurl_node *node, size_t input, const char *name,
                       float *bound) {
  if (unfurl_fuse_is_left_out(node, input)) {
    *bound = unfurl_node_float(node, name, *bound);
    return true;
  }
  const unfurl_tensor *constant = unfurl_fuse_constant_input(model, node, input);
  if (!constant || constant->dtype != UNFURL_F32 || constant->rank > 1 ||
      (constant->rank == 1 && constant->dims[0] != 1))
    return false;
  *bound = *(const float *)constant->data;
  return true;
}

unfurl_activation unfurl_graph_activation_of(const unfurl_model *model, const unfurl_node *node, float *alpha,
                                             float *beta) {
  if (node->op == &unfurl_op_relu) return UNFURL_ACTIVATION_RELU;
  if (node->op == &unfurl_op_tanh) return UNFURL_ACTIVATION_TANH;
  if (node->op == &unfurl_op_sigmoid) return UNFURL_ACTIVATION_SIGMOID;
  if (node->op == &unfurl_op_hard_swish) return UNFURL_ACTIVATION_HARD_SWISH;
  if (node->op == &unfurl_op_gelu && !strcmp(unfurl_node_string(node, "approximate", "none"), "none"))
    return UNFURL_ACTIVATION_GELU;
  if (node->op == &unfurl_op_hard_sigmoid) {
    *alpha = unfurl_node_float(node, "alpha", 0.2f), *beta = unfurl_node_float(node, "beta", 0.5f);
    return UNFURL_ACTIVATION_HARD_SIGMOID;
  }
  if (node->op == &unfurl_op_leaky_relu) {
    *alpha = unfurl_node_float(node, "alpha", 0.01f);
    return UNFURL_ACTIVATION_LEAKY_RELU;
  }
  *alpha = -INFINITY, *beta = INFINITY;
  if (node->op == &unfurl_op_clip && clip_bound(model, node, 1, "min", alpha) &&
      clip_bound(model, node, 2, "max", beta))
    return UNFURL_ACTIVATION_CLIP;
  return UNFURL_ACTIVATION_NONE;
}

/* The layer that computes `value` for nobody but `uses` users, not yet activated; or NULL. */
static unfurl_node *sole_layer(unfurl_model *model, size_t value, size_t uses) {
  const unfurl_value *v = &model->values[value];
  if (v->kind != UNFURL_VALUE_COMPUTED || v->uses != uses) return NULL;
  unfurl_node *node = &model->nodes[v->producer];
  const bool is_layer = node->op == &unfurl_op_conv || node->op == &unfurl_op_conv_transpose ||
                        node->op == &unfurl_op_gemm || node->op == &unfurl_op_matmul ||
                        node->op == &unfurl_op_batch_norm || node->op == &unfurl_op_instance_norm ||
                        node->op == &unfurl_op_group_norm;
  return is_layer && !node->activation ? node : NULL;
}

/* `layer` takes over the output of `node`, which keeps an unused value in exchange. */
static void take_output(unfurl_model *model, unfurl_node *layer, unfurl_node *node) {
  const size_t value = layer->outputs[0];
  layer->outputs[0] = node->outputs[0];
  node->outputs[0] = value;
  model->values[layer->outputs[0]].producer = (size_t)(layer - model->nodes);
  model->values[value].producer = (size_t)(node - model->nodes);
  model->values[value].uses = 0;
}

static void fuse_activation(unfurl_model *model, unfurl_node *node) {
  float alpha = 0, beta = 0;
  const unfurl_activation activation = unfurl_graph_activation_of(model, node, &alpha, &beta);
  unfurl_node *layer = activation ? sole_layer(model, node->inputs[0], 1) : NULL;
  if (!layer) return;
  layer->activation = activation;
  layer->alpha = alpha;
  layer->beta = beta;
  take_output(model, layer, node);
}

/* The activation that x * gate(x) is, or NONE. */
static unfurl_activation gated_by(const unfurl_node *gate) {
  if (gate->op == &unfurl_op_sigmoid) return UNFURL_ACTIVATION_SILU;
  const bool is_hard = gate->op == &unfurl_op_hard_sigmoid && unfurl_node_float(gate, "alpha", 0.2f) == 1.0f / 6 &&
                       unfurl_node_float(gate, "beta", 0.5f) == 0.5f;
  return is_hard ? UNFURL_ACTIVATION_HARD_SWISH : UNFURL_ACTIVATION_NONE;
}

/* x * sigmoid(x) and x * hard sigmoid(x), as PyTorch writes SiLU and hard swish: two nodes, the second of which is
 * `node`. */
static void fuse_gated(unfurl_model *model, unfurl_node *node) {
  if (node->op != &unfurl_op_mul) return;
  for (size_t i = 0; i < 2; i++) {
    const size_t x = node->inputs[i], gate = node->inputs[1 - i];
    const unfurl_value *g = &model->values[gate];
    if (g->kind != UNFURL_VALUE_COMPUTED || g->uses != 1) continue;
    const unfurl_node *by = &model->nodes[g->producer];
    const unfurl_activation activation = gated_by(by);
    unfurl_node *layer = activation && by->inputs[0] == x ? sole_layer(model, x, 2) : NULL;
    if (!layer) continue;
    layer->activation = activation;
    take_output(model, layer, node);
    return;
  }
}

static bool is_vector(const unfurl_tensor *tensor, size_t length) {
  return tensor && tensor->dtype == UNFURL_F32 && tensor->rank == 1 && tensor->dims[0] == (int64_t)length;
}

/* One number for each column of a product's matrix, as PyTorch adds a bias behind MatMul. False when out of memory. */
static bool fuse_bias(unfurl_model *model, unfurl_node *node) {
  for (size_t i = 0; node->op == &unfurl_op_add && i < 2; i++) {
    const unfurl_tensor *bias = unfurl_fuse_constant_input(model, node, 1 - i);
    unfurl_node *product = bias ? sole_layer(model, node->inputs[i], 1) : NULL;
    if (!product || product->op != &unfurl_op_matmul || product->input_count > BIAS) continue;
    const unfurl_tensor *weights = unfurl_fuse_constant_input(model, product, WEIGHTS);
    if (!weights || weights->rank != 2 || !is_vector(bias, (size_t)weights->dims[1])) continue;
    size_t *inputs = unfurl_region_alloc(&model->region, 3 * sizeof *inputs);
    if (!inputs) return false;
    memcpy(inputs, (const size_t[]){product->inputs[SRC], product->inputs[WEIGHTS], node->inputs[1 - i]},
           3 * sizeof *inputs);
    product->inputs = inputs;
    product->input_count = 3;
    take_output(model, product, node);
    break;
  }
  return true;
}

/* What is needed to fold a normalisation into a convolution. */
typedef struct norm_fold {
  const unfurl_tensor *weights, *bias; /* bias: NULL where there is none */
  unfurl_batch_norm norm;
  size_t channels;
} norm_fold;

/* False unless all of it is constant and of the shapes that it should have; what is wrong is left for infer to say. */
static bool read_fold(const unfurl_model *model, const unfurl_node *conv, const unfurl_node *node, norm_fold *fold) {
  const unfurl_tensor *parameters[4];
  fold->weights = unfurl_fuse_constant_input(model, conv, WEIGHTS);
  if (conv->op != &unfurl_op_conv || !fold->weights || fold->weights->dtype != UNFURL_F32 || fold->weights->rank < 3 ||
      unfurl_node_int(node, "training_mode", 0) || !unfurl_node_int(node, "is_test", 1) ||
      !unfurl_node_int(node, "spatial", 1))
    return false;
  fold->channels = (size_t)fold->weights->dims[0];
  if (fold->channels == 0) return false;
  for (size_t i = 0; i < 4; i++) {
    parameters[i] = unfurl_fuse_constant_input(model, node, i + 1);
    if (!is_vector(parameters[i], fold->channels)) return false;
  }
  fold->bias = unfurl_fuse_constant_input(model, conv, BIAS);
  if (!unfurl_fuse_is_left_out(conv, BIAS) && !is_vector(fold->bias, fold->channels)) return false;
  fold->norm = unfurl_batch_norm_of(node, parameters);
  return true;
}

/* weights' = weights * scale, bias' = bias * scale + shift, for each filter. */
static void scale_filters(const norm_fold *fold, const float *scale, const float *shift, unfurl_tensor *weights,
                          unfurl_tensor *bias) {
  const size_t filter = unfurl_tensor_count(fold->weights) / fold->channels;
  float *w = weights->data, *b = bias->data;
  for (size_t c = 0; c < fold->channels; c++) {
    for (size_t i = 0; i < filter; i++) w[c * filter + i] *= scale[c];
    b[c] = (fold->bias ? ((const float *)fold->bias->data)[c] * scale[c] : 0) + shift[c];
  }
}

/* Gives `conv` new constants in place of its weights and bias, which others may use too. */
static bool replace_weights(unfurl_model *model, unfurl_node *conv, const norm_fold *fold, unfurl_region *scratch) {
  float *factors = unfurl_region_alloc(scratch, 3 * fold->channels * sizeof *factors);
  size_t *inputs = unfurl_region_alloc(&model->region, 3 * sizeof *inputs);
  const char *name = model->values[conv->inputs[WEIGHTS]].name;
  if (!factors || !inputs) return false;
  unfurl_tensor bias;
  unfurl_tensor_init(&bias, UNFURL_F32, 1, fold->weights->dims, factors + 2 * fold->channels);
  norm_fold kept = *fold; /* adding values moves the array that the tensors are in */
  const unfurl_tensor weights = *fold->weights, old_bias = fold->bias ? *fold->bias : bias;
  kept.weights = &weights;
  kept.bias = fold->bias ? &old_bias : NULL;
  unfurl_batch_norm_factors(&kept.norm, kept.channels, factors, factors + kept.channels);
  const size_t w = unfurl_model_add_value(model, name), b = unfurl_model_add_value(model, name);
  if (w == UNFURL_NO_VALUE || b == UNFURL_NO_VALUE || !unfurl_model_set_constant(model, w, &weights) ||
      !unfurl_model_set_constant(model, b, &bias))
    return false;
  scale_filters(&kept, factors, factors + kept.channels, &model->values[w].tensor, &model->values[b].tensor);
  memcpy(inputs, (const size_t[]){conv->inputs[SRC], w, b}, 3 * sizeof *inputs);
  conv->inputs = inputs;
  conv->input_count = 3;
  return true;
}

static bool fold_norm(unfurl_model *model, unfurl_node *node, unfurl_region *scratch) {
  norm_fold fold;
  unfurl_node *conv = node->op == &unfurl_op_batch_norm ? sole_layer(model, node->inputs[0], 1) : NULL;
  if (!conv || !read_fold(model, conv, node, &fold)) return true;
  if (!replace_weights(model, conv, &fold, scratch)) return false;
  take_output(model, conv, node);
  return true;
}

unfurl_status unfurl_graph_fuse(unfurl_model *model, unfurl_error *error) {
  unfurl_region scratch;
  unfurl_region_init(&scratch, model->context);
  bool has_memory = true;
  for (size_t n = 0; n < model->node_count && has_memory; n++) {
    has_memory = fold_norm(model, &model->nodes[n], &scratch) && fuse_bias(model, &model->nodes[n]) &&
                 unfurl_fuse_pad(model, &model->nodes[n]) && unfurl_fuse_gelu(model, &model->nodes[n]) &&
                 unfurl_fuse_layer_norm(model, &model->nodes[n]) && unfurl_fuse_rearrange(model, &model->nodes[n]);
    fuse_activation(model, &model->nodes[n]);
    fuse_gated(model, &model->nodes[n]);
    unfurl_region_clear(&scratch);
  }
  return has_memory ? UNFURL_OK : unfurl_fail_memory(error, "folded weights");
}
