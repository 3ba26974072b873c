/* SPDX-License-Identifier: BSD-2-Clause */
/* Layer normalisation as exporters write it before opset 17, over the last dimension:
 *
 *     d = x - mean(x);  y = d / sqrt(mean(d^2) + epsilon) * gamma + beta
 */
#include "graph/fuse.h"
#include "graph/op.h"
#include "shape/tensor.h"

/* The node that computes `value`, if it is of that kind; or NULL. */
static const unfurl_node *computed_by(const unfurl_model *model, size_t value, const unfurl_op *op) {
  if (value == UNFURL_NO_VALUE || model->values[value].kind != UNFURL_VALUE_COMPUTED) return NULL;
  const unfurl_node *node = &model->nodes[model->values[value].producer];
  return node->op == op ? node : NULL;
}

/* The value whose mean over the last dimension, which is kept, `node` is; or NO_VALUE. */
static size_t averaged(const unfurl_model *model, const unfurl_node *node) {
  if (!node || !unfurl_node_int(node, "keepdims", 1)) return UNFURL_NO_VALUE;
  const unfurl_attribute *axes = unfurl_node_attribute(node, "axes");
  const unfurl_tensor *list = unfurl_fuse_constant_input(model, node, 1);
  const bool is_list = list && list->dtype == UNFURL_I64 && unfurl_tensor_count(list) == 1;
  const int64_t *axis = axes && axes->count == 1 ? axes->ints : is_list ? list->data : NULL;
  return axis && *axis == -1 ? node->inputs[0] : UNFURL_NO_VALUE;
}

/* Whether `value` is d^2, and d, which is divided too, is used for nothing else. */
static bool is_square(const unfurl_model *model, size_t value, size_t d) {
  const unfurl_node *power = unfurl_fuse_only_maker(model, value, &unfurl_op_pow);
  if (power) return unfurl_fuse_is_number(model, power, 1, 2) && power->inputs[0] == d && model->values[d].uses == 2;
  const unfurl_node *product = unfurl_fuse_only_maker(model, value, &unfurl_op_mul);
  return product && product->inputs[0] == d && product->inputs[1] == d && model->values[d].uses == 3;
}

/* The epsilon of sqrt(mean(d^2) + epsilon), which `deviation` must be. */
static bool read_epsilon(const unfurl_model *model, size_t deviation, size_t d, const float **epsilon) {
  const unfurl_node *root = unfurl_fuse_only_maker(model, deviation, &unfurl_op_sqrt);
  const unfurl_node *sum = root ? unfurl_fuse_only_maker(model, root->inputs[0], &unfurl_op_add) : NULL;
  for (size_t i = 0; sum && i < 2; i++) {
    const unfurl_tensor *number = unfurl_fuse_constant_input(model, sum, 1 - i);
    const size_t square = averaged(model, unfurl_fuse_only_maker(model, sum->inputs[i], &unfurl_op_reduce_mean));
    if (!number || number->dtype != UNFURL_F32 || number->rank > 1 || unfurl_tensor_count(number) != 1) continue;
    if (square == UNFURL_NO_VALUE || !is_square(model, square, d)) continue;
    *epsilon = number->data;
    return true;
  }
  return false;
}

/* The input that is a list of numbers, one for each element of the last dimension; one for all is no such list. */
static size_t vector_input(const unfurl_model *model, const unfurl_node *node) {
  for (size_t i = 0; i < 2; i++) {
    const unfurl_tensor *constant = unfurl_fuse_constant_input(model, node, i);
    if (constant && constant->dtype == UNFURL_F32 && constant->rank == 1 && constant->dims[0] > 1) return i;
  }
  return UNFURL_NO_VALUE;
}

/* What was found. */
typedef struct layer_norm {
  size_t x, gamma, beta; /* values */
  const float *epsilon;
} layer_norm;

static bool find(const unfurl_model *model, const unfurl_node *node, layer_norm *found) {
  const size_t beta = node->op == &unfurl_op_add ? vector_input(model, node) : UNFURL_NO_VALUE;
  if (beta == UNFURL_NO_VALUE) return false;
  const unfurl_node *product = unfurl_fuse_only_maker(model, node->inputs[1 - beta], &unfurl_op_mul);
  const size_t gamma = product ? vector_input(model, product) : UNFURL_NO_VALUE;
  if (gamma == UNFURL_NO_VALUE) return false;
  const unfurl_node *quotient = unfurl_fuse_only_maker(model, product->inputs[1 - gamma], &unfurl_op_div);
  const unfurl_node *difference = quotient ? computed_by(model, quotient->inputs[0], &unfurl_op_sub) : NULL;
  if (!difference || !read_epsilon(model, quotient->inputs[1], quotient->inputs[0], &found->epsilon)) return false;
  found->x = difference->inputs[0], found->gamma = product->inputs[gamma], found->beta = node->inputs[beta];
  return found->x != UNFURL_NO_VALUE &&
         averaged(model, unfurl_fuse_only_maker(model, difference->inputs[1], &unfurl_op_reduce_mean)) == found->x &&
         model->values[found->gamma].tensor.dims[0] == model->values[found->beta].tensor.dims[0];
}

bool unfurl_fuse_layer_norm(unfurl_model *model, unfurl_node *node) {
  layer_norm found;
  if (!find(model, node, &found)) return true;
  size_t *inputs = unfurl_region_alloc(&model->region, 3 * sizeof *inputs);
  unfurl_attribute *attribute = unfurl_region_alloc(&model->region, sizeof *attribute);
  float *epsilon = unfurl_region_alloc(&model->region, sizeof *epsilon);
  if (!inputs || !attribute || !epsilon) return false;
  *epsilon = *found.epsilon;
  unfurl_attribute_init(attribute, "epsilon", UNFURL_ATTRIBUTE_FLOAT);
  attribute->floats = epsilon, attribute->count = 1;
  inputs[0] = found.x, inputs[1] = found.gamma, inputs[2] = found.beta;
  model->values[found.x].uses--; /* of two, one is left: this node's */
  node->op = &unfurl_op_layer_norm;
  node->inputs = inputs, node->input_count = 3;
  node->attributes = attribute, node->attribute_count = 1;
  return true;
}
