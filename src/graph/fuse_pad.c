/* SPDX-License-Identifier: BSD-2-Clause */
/* Margins of zeros become the padding of the convolution or average pool behind them, as many exporters write padding:
 * the padded image is never made. */
#include <string.h>

#include "graph/fuse.h"
#include "graph/op.h"
#include "shape/tensor.h"

enum { DATA, PADS, VALUE, AXES, SPATIAL = 2, MOST_PADS = 2 * UNFURL_MAX_RANK };

/* Margins of the image alone, in the order of the attribute pads: all before, then all after. */
typedef struct margins {
  size_t rank; /* of the image */
  int64_t at[MOST_PADS];
} margins;

static bool fills_with_zeros(const unfurl_model *model, const unfurl_node *pad) {
  if (strcmp(unfurl_node_string(pad, "mode", "constant"), "constant") != 0) return false;
  if (unfurl_fuse_is_left_out(pad, VALUE)) return unfurl_node_float(pad, "value", 0) == 0;
  const unfurl_tensor *value = unfurl_fuse_constant_input(model, pad, VALUE);
  return value && value->dtype == UNFURL_F32 && unfurl_tensor_count(value) == 1 && *(const float *)value->data == 0;
}

/* False unless all margins are known, and those of the image alone are other than 0, and none of them is negative. */
static bool read_margins(const unfurl_model *model, const unfurl_node *pad, margins *m) {
  const unfurl_attribute *attribute = unfurl_node_attribute(pad, "pads");
  const unfurl_tensor *input = unfurl_fuse_constant_input(model, pad, PADS);
  const bool is_list = input && input->dtype == UNFURL_I64 && input->rank == 1;
  const int64_t *pads = attribute ? attribute->ints : is_list ? input->data : NULL;
  const size_t count = attribute ? attribute->count : is_list ? unfurl_tensor_count(input) : 0, rank = count / 2;
  if (!pads || count % 2 || rank <= SPATIAL || rank > UNFURL_MAX_RANK || !unfurl_fuse_is_left_out(pad, AXES))
    return false;
  m->rank = rank - SPATIAL;
  for (size_t i = 0; i < count; i++) {
    const size_t axis = i % rank;
    if (axis < SPATIAL ? pads[i] != 0 : pads[i] < 0) return false;
    if (axis >= SPATIAL) m->at[i / rank * m->rank + axis - SPATIAL] = pads[i];
  }
  return true;
}

/* Adds the padding that `node` has already; false where that is not a list of as many numbers, or not to be exceeded. */
static bool add_padding(const unfurl_node *node, margins *m) {
  const char *mode = unfurl_node_string(node, "auto_pad", "NOTSET");
  const unfurl_attribute *pads = strcmp(mode, "NOTSET") == 0 ? unfurl_node_attribute(node, "pads") : NULL;
  if (strcmp(mode, "NOTSET") != 0 && strcmp(mode, "VALID") != 0) return false;
  if (pads && pads->count != 2 * m->rank) return false;
  for (size_t i = 0; pads && i < pads->count; i++)
    if (__builtin_add_overflow(m->at[i], pads->ints[i], &m->at[i])) return false;
  return true;
}

/* An average pool must count what is in the margins, and may not have padding that it does not count. */
static bool may_pad(const unfurl_node *node) {
  if (node->op == &unfurl_op_conv) return true;
  const unfurl_attribute *pads = unfurl_node_attribute(node, "pads");
  bool has_padding = false;
  for (size_t i = 0; pads && i < pads->count; i++) has_padding |= pads->ints[i] != 0;
  return node->op == &unfurl_op_average_pool && unfurl_node_int(node, "ceil_mode", 0) == 0 &&
         (!has_padding || unfurl_node_int(node, "count_include_pad", 0) == 1);
}

static bool is_replaced(const char *name) {
  return !strcmp(name, "pads") || !strcmp(name, "auto_pad") || !strcmp(name, "count_include_pad");
}

/* Gives `node` the padding in place of what it had. */
static bool set_padding(unfurl_model *model, unfurl_node *node, const margins *m) {
  static const int64_t one = 1;
  const size_t pads = 2 * m->rank;
  unfurl_attribute *attributes = unfurl_region_alloc(&model->region, (node->attribute_count + 2) * sizeof *attributes);
  int64_t *numbers = unfurl_region_alloc(&model->region, pads * sizeof *numbers);
  if (!attributes || !numbers) return false;
  memcpy(numbers, m->at, pads * sizeof *numbers);
  size_t count = 0;
  for (size_t i = 0; i < node->attribute_count; i++)
    if (!is_replaced(node->attributes[i].name)) attributes[count++] = node->attributes[i];
  unfurl_attribute_init(&attributes[count], "pads", UNFURL_ATTRIBUTE_INTS);
  attributes[count].ints = numbers, attributes[count++].count = pads;
  if (node->op == &unfurl_op_average_pool) {
    unfurl_attribute_init(&attributes[count], "count_include_pad", UNFURL_ATTRIBUTE_INT);
    attributes[count].ints = &one, attributes[count++].count = 1;
  }
  node->attributes = attributes;
  node->attribute_count = count;
  return true;
}

bool unfurl_fuse_pad(unfurl_model *model, unfurl_node *node) {
  margins m;
  const unfurl_value *image =
      node->input_count > 0 && node->inputs[DATA] != UNFURL_NO_VALUE ? &model->values[node->inputs[DATA]] : NULL;
  if (!image || image->kind != UNFURL_VALUE_COMPUTED || image->uses != 1) return true;
  const unfurl_node *pad = &model->nodes[image->producer];
  if (pad->op != &unfurl_op_pad || !may_pad(node) || !fills_with_zeros(model, pad) || !read_margins(model, pad, &m) ||
      !add_padding(node, &m))
    return true;
  if (!set_padding(model, node, &m)) return false;
  model->values[node->inputs[DATA]].uses = 0;
  node->inputs[DATA] = pad->inputs[DATA];
  return true;
}
