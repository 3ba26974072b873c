/* SPDX-License-Identifier: BSD-2-Clause */
/* Residual connections: an Add of a convolution's result and another value becomes part of the convolution, and so does
 * an activation behind it.
 *
 * Whether the Add broadcasts is known once shapes are, so this is done to a session's steps. The convolution moves to the
 * place of the Add, where the other value is there too; nothing in between can need its result, which the Add alone uses.
 * Each of bias, residual and activation rounds once, as they do in steps of their own.
 */
#include <stdint.h>

#include "base/status.h"
#include "graph/conv_call.h"
#include "graph/session.h"
#include "shape/tensor.h"

enum { INPUTS = UNFURL_CONV_RESIDUAL + 1 };

typedef struct fusion {
  unfurl_session *s;
  size_t *producers; /* for each value, the step that computes it, or SIZE_MAX */
} fusion;

static bool is_sum_of_two(const unfurl_node *node) {
  return node->op == &unfurl_op_add || (node->op == &unfurl_op_sum && node->input_count == 2);
}

/* The step that computes `value` for one user only; NULL if there is none. */
static unfurl_step *sole_producer(const fusion *f, size_t value) {
  if (value >= f->s->model->value_count || f->s->model->values[value].uses != 1) return NULL;
  return f->producers[value] == SIZE_MAX ? NULL : &f->s->steps[f->producers[value]];
}

static bool lie_alike(const unfurl_tensor *a, const unfurl_tensor *b) {
  return unfurl_tensor_same_dims(a, b) && (a->layout == b->layout || unfurl_tensor_layouts_agree(a));
}

/* Whether it is a convolution that is not activated yet, with a residual or without. */
static bool is_conv(const unfurl_node *node, bool has_residual) {
  return (node->op == &unfurl_op_conv || node->op == &unfurl_op_conv_transpose) && !node->activation &&
         (node->input_count == INPUTS) == has_residual;
}

/* The convolution that computes operand `i` of an Add, and could add the other operand itself; or NULL. */
static unfurl_step *conv_of_operand(const fusion *f, const unfurl_step *add, size_t i) {
  unfurl_step *step = sole_producer(f, add->inputs[i]);
  if (!step || !is_conv(step->call.node, false)) return NULL;
  return lie_alike(add->call.inputs[i], add->call.inputs[1 - i]) ? step : NULL;
}

/* Gives a step a node of its own, that of the model with the results of `from`; NULL when out of memory. */
static unfurl_node *own_node(unfurl_session *s, unfurl_step *step, const unfurl_step *from) {
  unfurl_node *node = unfurl_region_alloc(&s->region, sizeof *node);
  if (!node) return NULL;
  *node = *step->call.node;
  node->outputs = from->call.node->outputs;
  step->call.node = node;
  step->call.outputs = from->call.outputs;
  step->outputs = from->outputs;
  return node;
}

/* Gives a convolution's step room for all inputs that it can have; false when out of memory. */
static bool widen_inputs(unfurl_session *s, unfurl_step *step, unfurl_node *node, size_t residual,
                         unfurl_tensor *tensor) {
  size_t *in_model = unfurl_region_alloc(&s->region, INPUTS * sizeof *in_model);
  size_t *values = unfurl_region_alloc(&s->region, INPUTS * sizeof *values);
  unfurl_tensor **tensors = unfurl_region_alloc(&s->region, INPUTS * sizeof(*tensors));
  if (!in_model || !values || !tensors) return false;
  for (size_t i = 0; i < INPUTS; i++) {
    const bool has = i < node->input_count;
    in_model[i] = has ? node->inputs[i] : UNFURL_NO_VALUE;
    values[i] = has ? step->inputs[i] : UNFURL_NO_VALUE;
    tensors[i] = has ? step->call.inputs[i] : NULL;
  }
  in_model[UNFURL_CONV_RESIDUAL] = values[UNFURL_CONV_RESIDUAL] = residual;
  tensors[UNFURL_CONV_RESIDUAL] = tensor;
  node->inputs = in_model, node->input_count = INPUTS;
  step->inputs = values;
  step->call.inputs = tensors;
  return true;
}

/* Of two convolutions that feed the Add, the later one takes it: the other's result is there by then. */
static bool fuse_sum(const fusion *f, unfurl_step *add) {
  unfurl_step *convs[2] = {conv_of_operand(f, add, 0), conv_of_operand(f, add, 1)};
  const size_t i = !convs[0] || (convs[1] && convs[1] > convs[0]);
  if (!convs[i]) return true;
  unfurl_step fused = *convs[i];
  unfurl_node *node = own_node(f->s, &fused, add);
  if (!node || !widen_inputs(f->s, &fused, node, add->inputs[1 - i], add->call.inputs[1 - i])) return false;
  *add = fused;
  convs[i]->call.node = NULL;
  return true;
}

/* An activation behind a convolution that took an Add; fuse.c did those without. */
static bool fuse_activation(const fusion *f, unfurl_step *step) {
  float alpha = 0, beta = 0;
  const unfurl_activation activation = unfurl_graph_activation_of(f->s->model, step->call.node, &alpha, &beta);
  unfurl_step *conv = activation ? sole_producer(f, step->inputs[0]) : NULL;
  if (!conv || !is_conv(conv->call.node, true)) return true;
  unfurl_node *node = own_node(f->s, conv, step);
  if (!node) return false;
  node->activation = activation;
  node->alpha = alpha, node->beta = beta;
  f->producers[conv->outputs[0]] = (size_t)(conv - f->s->steps);
  step->call.node = NULL;
  return true;
}

static void drop_taken(unfurl_session *s) {
  size_t kept = 0;
  for (size_t i = 0; i < s->step_count; i++)
    if (s->steps[i].call.node) s->steps[kept++] = s->steps[i];
  s->step_count = kept;
}

unfurl_status unfurl_session_fuse_residuals(unfurl_session *s, unfurl_error *error) {
  if (s->model->options.no_fuse) return UNFURL_OK;
  fusion f = {.s = s, .producers = unfurl_region_alloc(&s->region, s->value_count * sizeof *f.producers)};
  bool has_memory = f.producers != NULL;
  for (size_t v = 0; v < s->value_count && has_memory; v++) f.producers[v] = SIZE_MAX;
  for (size_t i = 0; i < s->step_count && has_memory; i++) {
    unfurl_step *step = &s->steps[i];
    for (size_t o = 0; o < step->call.node->output_count; o++)
      if (step->outputs[o] != UNFURL_NO_VALUE) f.producers[step->outputs[o]] = i;
    has_memory = is_sum_of_two(step->call.node) ? fuse_sum(&f, step) : fuse_activation(&f, step);
  }
  drop_taken(s);
  return has_memory ? UNFURL_OK : unfurl_fail_memory(error, "a session");
}
