/* SPDX-License-Identifier: BSD-2-Clause */
/* A convolution plan as the state of a node: what Conv, ConvTranspose, Gemm and MatMul have in common. */
#ifndef UNFURL_GRAPH_CONV_CALL_H
#define UNFURL_GRAPH_CONV_CALL_H

#include "graph/op.h"

/* Weights and bias that are known when the node is prepared. */
typedef struct unfurl_conv_weights_source {
  const float *weights, *bias; /* weights NULL: known only at run time (inputs 1 and 2), unless the model's cache has
                                  them; bias may be NULL */
  bool is_constant;            /* both are constants of the model: packed once for all its sessions */
  size_t value;                /* the constant that the weights are */
  size_t transposed_rows;      /* not 0: the weights are [transposed_rows][oc], to be turned to [oc][...] first */
} unfurl_conv_weights_source;

/* An input that no model gives: what is added before the activation, of the shape and layout of the output. Sessions
 * fuse it (fuse_residual.c). */
enum { UNFURL_CONV_RESIDUAL = 3 };

/* Packs a source whose weights are here, in a region if that is not NULL. */
unfurl_status unfurl_conv_source_pack(const unfurl_context *context, const unfurl_conv_plan *plan,
                                      const unfurl_conv_weights_source *source, unfurl_region *region,
                                      unfurl_conv_weights **packed, unfurl_error *error);

/* [rows][cols] to [cols][rows]. */
void unfurl_conv_source_turn(const float *from, size_t rows, size_t cols, float *to);

/* Makes call->state and the workspace size: a plan by the session's solver (or the planner's choice where that one does
 * not apply), and packed weights. */
unfurl_status unfurl_conv_call_prepare(unfurl_op_call *call, const unfurl_conv_desc *desc,
                                       const unfurl_conv_weights_source *source, unfurl_error *error);

/* What is brought is the weights that the tasks of `next` read first. */
bool unfurl_conv_call_is_awaited(const unfurl_op_call *call);
unfurl_status unfurl_conv_call_precede(const unfurl_op_call *call, const unfurl_op_call *next, unfurl_error *error);

unfurl_status unfurl_conv_call_run(const unfurl_op_call *call, unfurl_error *error);

/* Bands of rows, where the planner chose the solver and the weights are packed. */
extern const unfurl_op_rows unfurl_conv_call_rows;

/* What is known of the layer, if call->state was made here. */
void unfurl_conv_call_describe(const unfurl_op_call *call, unfurl_layer *layer);

void unfurl_conv_call_release(unfurl_op_call *call);

/* Makes sure that an input that is a constant has its data, where the model's cache may have taken it. */
unfurl_status unfurl_conv_call_need_raw(unfurl_op_call *call, size_t input, unfurl_error *error);

/* Whether an input is a constant of the model; whether a solver goes through CBLAS. */
bool unfurl_conv_call_is_constant(const unfurl_op_call *call, size_t input);
bool unfurl_conv_call_uses_blas(const char *algo);

#endif
