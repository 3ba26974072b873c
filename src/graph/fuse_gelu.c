/* SPDX-License-Identifier: BSD-2-Clause */
/* GELU as exporters write it before opset 20: x, (1 + erf(x / sqrt 2)) and 1/2, multiplied in any order. */
#include <math.h>

#include "graph/fuse.h"
#include "graph/op.h"
#include "shape/tensor.h"

/* The x of 1 + erf(x / sqrt 2), or NO_VALUE. */
static size_t x_of_gate(const unfurl_model *model, size_t value) {
  const unfurl_node *sum = unfurl_fuse_only_maker(model, value, &unfurl_op_add);
  for (size_t i = 0; sum && i < 2; i++) {
    const unfurl_node *erf = unfurl_fuse_only_maker(model, sum->inputs[i], &unfurl_op_erf);
    if (!erf || !unfurl_fuse_is_number(model, sum, 1 - i, 1)) continue;
    const unfurl_node *quotient = unfurl_fuse_only_maker(model, erf->inputs[0], &unfurl_op_div);
    if (quotient && unfurl_fuse_is_number(model, quotient, 1, sqrtf(2))) return quotient->inputs[0];
    const unfurl_node *product = unfurl_fuse_only_maker(model, erf->inputs[0], &unfurl_op_mul);
    for (size_t j = 0; product && j < 2; j++)
      if (unfurl_fuse_is_number(model, product, j, sqrtf(0.5f))) return product->inputs[1 - j];
  }
  return UNFURL_NO_VALUE;
}

/* The x of x / 2, or NO_VALUE. */
static size_t x_of_half(const unfurl_model *model, const unfurl_node *product) {
  for (size_t i = 0; product && i < 2; i++)
    if (unfurl_fuse_is_number(model, product, i, 0.5f)) return product->inputs[1 - i];
  return UNFURL_NO_VALUE;
}

/* The x of x * gate(x), or NO_VALUE. */
static size_t x_of_gated(const unfurl_model *model, const unfurl_node *product) {
  for (size_t i = 0; product && i < 2; i++) {
    const size_t x = product->inputs[1 - i];
    if (x != UNFURL_NO_VALUE && x_of_gate(model, product->inputs[i]) == x) return x;
  }
  return UNFURL_NO_VALUE;
}

/* (x gate) / 2, (x / 2) gate, or x (gate / 2). */
static size_t x_of_gelu(const unfurl_model *model, const unfurl_node *node) {
  const size_t halved = x_of_half(model, node);
  if (halved != UNFURL_NO_VALUE) return x_of_gated(model, unfurl_fuse_only_maker(model, halved, &unfurl_op_mul));
  for (size_t i = 0; i < 2; i++) {
    const unfurl_node *inner = unfurl_fuse_only_maker(model, node->inputs[i], &unfurl_op_mul);
    const size_t other = node->inputs[1 - i], inside = x_of_half(model, inner);
    if (inside == UNFURL_NO_VALUE || other == UNFURL_NO_VALUE) continue;
    if (x_of_gate(model, other) == inside) return inside;
    if (x_of_gate(model, inside) == other) return other;
  }
  return UNFURL_NO_VALUE;
}

bool unfurl_fuse_gelu(unfurl_model *model, unfurl_node *node) {
  const size_t x = node->op == &unfurl_op_mul ? x_of_gelu(model, node) : UNFURL_NO_VALUE;
  if (x == UNFURL_NO_VALUE) return true;
  size_t *inputs = unfurl_region_alloc(&model->region, sizeof *inputs);
  if (!inputs) return false;
  for (size_t i = 0; i < 2; i++)
    if (node->inputs[i] != x) model->values[node->inputs[i]].uses--;
  model->values[x].uses--; /* of two, this node's is left */
  *inputs = x;
  node->op = &unfurl_op_gelu;
  node->inputs = inputs;
  node->input_count = 1;
  return true;
}
