/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a model: values and nodes, addressed by index.
 *
 * Everything small lives in the model's region; constants have blocks of their own, so that those that folding and
 * fusing leave behind can be freed. After finish the nodes are in an order in which every value is computed
 * before it is used, nodes that no output needs are gone, values that follow from constants are constants, and the
 * graph no longer changes; only the weights, which sessions pack, sit behind a lock (weights_cache.h).
 */
#ifndef UNFURL_GRAPH_GRAPH_H
#define UNFURL_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "graph/names.h"
#include "unfurl/conv.h"
#include "unfurl/model.h"

#define UNFURL_NO_VALUE SIZE_MAX

typedef enum unfurl_value_kind {
  UNFURL_VALUE_UNDEFINED = 0, /* used, but not defined yet */
  UNFURL_VALUE_INPUT,
  UNFURL_VALUE_CONSTANT,
  UNFURL_VALUE_COMPUTED
} unfurl_value_kind;

typedef struct unfurl_value {
  const char *name;
  unfurl_value_kind kind;
  unfurl_tensor tensor; /* an input: as declared, without data; a constant: with data */
  size_t owned_bytes;   /* a constant: size of its data, a block of its own */
  size_t producer;      /* computed: index of the node */
  size_t uses;          /* by nodes and as an output, counted by finish */
} unfurl_value;

typedef struct unfurl_node {
  const struct unfurl_op *op;
  const char *name;
  size_t *inputs, *outputs; /* values, or UNFURL_NO_VALUE where left out */
  size_t input_count, output_count;
  const unfurl_attribute *attributes;
  size_t attribute_count;
  /* What was fused into it: */
  unfurl_activation activation;
  float alpha, beta;
} unfurl_node;

struct unfurl_model {
  const unfurl_context *context;
  unfurl_model_options options;
  unfurl_region region;
  unfurl_names names; /* of values */
  bool finished, failed;
  unfurl_value *values;
  unfurl_node *nodes;
  size_t *inputs, *outputs; /* values */
  size_t value_count, node_count, input_count, output_count;
  size_t value_capacity, node_capacity, input_capacity, output_capacity;
  unfurl_names metadata_keys; /* a key's number is the place of its value in `metadata` */
  const char **metadata;
  size_t metadata_capacity;
  struct unfurl_weights_cache *cache;
};

/* Writes "name (Type)" for messages; a node without name is called by its first output. */
void unfurl_node_label(const unfurl_model *model, const unfurl_node *node, char *buffer, size_t size);

/* The value of that name, made undefined if it is not there; UNFURL_NO_VALUE when out of memory. */
size_t unfurl_model_value(unfurl_model *model, const char *name);

/* A new value that no name leads to; UNFURL_NO_VALUE when out of memory. `name` is kept, for messages. */
size_t unfurl_model_add_value(unfurl_model *model, const char *name);

/* Makes a value a constant with a copy of the tensor's data; false when out of memory. Its size was validated. */
bool unfurl_model_set_constant(unfurl_model *model, size_t value, const unfurl_tensor *tensor);

/* A copy of `tensor` with its data in the region; false when out of memory. Its size was validated. */
bool unfurl_region_copy_tensor(unfurl_region *region, unfurl_tensor *copy, const unfurl_tensor *tensor);

/* The steps of finish, in order. */
unfurl_status unfurl_graph_sort(unfurl_model *model, unfurl_error *error);
unfurl_status unfurl_graph_fold_constants(unfurl_model *model, unfurl_error *error);
unfurl_status unfurl_graph_fuse(unfurl_model *model, unfurl_error *error);

/* The activation that a node computes, with its parameters; NONE for any other node. */
unfurl_activation unfurl_graph_activation_of(const unfurl_model *model, const unfurl_node *node, float *alpha,
                                             float *beta);

/* Gives the weights cache the constants that only convolutions and fully connected layers read, as their weights. */
unfurl_status unfurl_graph_give_weights(unfurl_model *model, unfurl_error *error);

/* Drops nodes and the data of constants that no output needs, and counts the uses of values. */
void unfurl_graph_drop_unused(unfurl_model *model);

#endif
