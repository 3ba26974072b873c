/* SPDX-License-Identifier: BSD-2-Clause */
/* A model: a network as a graph of ONNX operators, built once, then immutable and shared by sessions.
 *
 * Values are named tensors: inputs, constants, and what nodes compute. Nodes may be added in any order; finish sorts
 * and checks them, and fuses what can be fused (an activation into the convolution before it). Operator names,
 * attributes and semantics are those of the ONNX standard (https://onnx.ai/onnx/operators), of the opset given.
 * Usually unfurl_onnx_load makes the model; by hand it goes so:
 *
 *     unfurl_model_create(context, NULL, &model, &error);
 *     unfurl_model_add_input(model, "x", UNFURL_F32, 4, (const int64_t[]){-1, 3, 32, 32}, &error);
 *     unfurl_model_add_constant(model, "w", &filters, &error);
 *     unfurl_node_desc node;
 *     unfurl_node_desc_init(&node, "Conv");
 *     node.inputs = (const char *const[]){"x", "w"}, node.input_count = 2;
 *     node.outputs = (const char *const[]){"y"}, node.output_count = 1;
 *     unfurl_model_add_node(model, &node, &error);
 *     unfurl_model_add_output(model, "y", &error);
 *     unfurl_model_finish(model, &error);
 *
 * Life cycle: create, add, finish; sessions of a model end before it does. Thread rule: one thread until finish has
 * returned, any number afterwards. All strings and arrays that are passed in are copied. Sessions pack weights for their
 * solvers, once for all sessions; what was packed is freed in the form in which it came, and unpacked again, bit by bit,
 * if another session asks for another form.
 */
#ifndef UNFURL_MODEL_H
#define UNFURL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unfurl/context.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unfurl_model unfurl_model;

typedef struct unfurl_model_options {
  size_t size;       /* sizeof(unfurl_model_options); set by _init */
  int64_t opset;     /* version of the ONNX operator set that nodes mean, 1 to 23; default 13. What operators
                        lost before 7 is refused as an attribute that is not implemented. */
  bool no_fuse;      /* run every node by itself; default false */
  size_t fold_limit; /* bytes that values which follow from constants may take to be computed once, by finish; what is
                        over it is computed at each run; default 1 GiB */
} unfurl_model_options;

typedef enum unfurl_attribute_type {
  UNFURL_ATTRIBUTE_INT = 0, /* ints[0] */
  UNFURL_ATTRIBUTE_FLOAT,   /* floats[0] */
  UNFURL_ATTRIBUTE_STRING,  /* string */
  UNFURL_ATTRIBUTE_INTS,    /* ints[0..count-1] */
  UNFURL_ATTRIBUTE_FLOATS,  /* floats[0..count-1] */
  UNFURL_ATTRIBUTE_TENSOR   /* tensor */
} unfurl_attribute_type;

typedef struct unfurl_attribute {
  size_t size; /* sizeof(unfurl_attribute); set by unfurl_attribute_init */
  const char *name;
  unfurl_attribute_type type;
  size_t count; /* elements of ints or floats; 1 for INT and FLOAT */
  const int64_t *ints;
  const float *floats;
  const char *string;
  const unfurl_tensor *tensor;
} unfurl_attribute;

typedef struct unfurl_node_desc {
  size_t size;                /* sizeof(unfurl_node_desc); set by _init */
  const char *op_type;        /* "Conv", "Relu", ... */
  const char *name;           /* for messages; default "" */
  const char *const *inputs;  /* names of values; "" leaves an optional input out */
  const char *const *outputs; /* names of the values it defines; "" for an optional output that is not wanted */
  const unfurl_attribute *attributes;
  size_t input_count, output_count, attribute_count;
} unfurl_node_desc;

/* Set every field to its default; the name or operator type is given. */
UNFURL_API void unfurl_model_options_init(unfurl_model_options *options);
UNFURL_API void unfurl_attribute_init(unfurl_attribute *attribute, const char *name, unfurl_attribute_type type);
UNFURL_API void unfurl_node_desc_init(unfurl_node_desc *node, const char *op_type);

/* Makes an empty model; `options` may be NULL. Statuses: INVALID_ARGUMENT, UNSUPPORTED (opset), OUT_OF_MEMORY. */
UNFURL_API unfurl_status unfurl_model_create(const unfurl_context *context, const unfurl_model_options *options,
                                             unfurl_model **model, unfurl_error *error);

/* Each adds one thing. A dimension of -1 is free: it may differ from run to run (the batch, the image size). A
 * constant's data is copied and must be in NCHW layout. Statuses: INVALID_ARGUMENT (a name that is empty, or defined
 * twice; a shape out of range; a finished model), UNSUPPORTED (an operator or attribute that is not implemented; the
 * message names operator and node), TOO_LARGE, OUT_OF_MEMORY. After an error the model can only be destroyed. */
UNFURL_API unfurl_status unfurl_model_add_input(unfurl_model *model, const char *name, unfurl_dtype dtype, size_t rank,
                                                const int64_t *dims, unfurl_error *error);
UNFURL_API unfurl_status unfurl_model_add_constant(unfurl_model *model, const char *name, const unfurl_tensor *tensor,
                                                   unfurl_error *error);
UNFURL_API unfurl_status unfurl_model_add_node(unfurl_model *model, const unfurl_node_desc *node, unfurl_error *error);
UNFURL_API unfurl_status unfurl_model_add_output(unfurl_model *model, const char *name, unfurl_error *error);

/* Free text that travels with the model (ONNX metadata_props); a key that is set again replaces its value. */
UNFURL_API unfurl_status unfurl_model_set_metadata(unfurl_model *model, const char *key, const char *value,
                                                   unfurl_error *error);

/* Checks the graph, sorts and fuses the nodes. Statuses: INVALID_ARGUMENT (a value that nothing defines, a cycle, no
 * output), OUT_OF_MEMORY. */
UNFURL_API unfurl_status unfurl_model_finish(unfurl_model *model, unfurl_error *error);

/* What a finished model takes and gives. Names are owned by the model; NULL beyond the last. */
UNFURL_API size_t unfurl_model_input_count(const unfurl_model *model);
UNFURL_API size_t unfurl_model_output_count(const unfurl_model *model);
UNFURL_API const char *unfurl_model_input_name(const unfurl_model *model, size_t index);
UNFURL_API const char *unfurl_model_output_name(const unfurl_model *model, size_t index);

/* The index of the input of that name, or SIZE_MAX. */
UNFURL_API size_t unfurl_model_input_index(const unfurl_model *model, const char *name);

/* Dtype and shape that input `index` was declared with (data NULL; free dimensions are -1). INVALID_ARGUMENT beyond
 * the last. */
UNFURL_API unfurl_status unfurl_model_input_shape(const unfurl_model *model, size_t index, unfurl_tensor *shape,
                                                  unfurl_error *error);

/* The value of a metadata key, owned by the model, or NULL. */
UNFURL_API const char *unfurl_model_metadata(const unfurl_model *model, const char *key);

/* Frees the model and sets *model to NULL. NULL and a pointer to NULL are allowed. */
UNFURL_API void unfurl_model_destroy(unfurl_model **model);

#ifdef __cplusplus
}
#endif
#endif
