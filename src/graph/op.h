/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators: rows in one table (op_table.c).
 *
 * Life of a node in a session: `infer` sets dtype and dims of the outputs from those of the inputs; `prepare` (optional)
 * makes what is needed for these shapes; `run` computes, any number of times; `release` frees what prepare made. An
 * input's data is NULL in infer and prepare unless its values are known by then (constants, and what follows from them).
 *
 * To add an operator: a row, its functions, and a line in the list of conformance cases.
 */
#ifndef UNFURL_GRAPH_OP_H
#define UNFURL_GRAPH_OP_H

#include "graph/graph.h"
#include "nn/norm.h"
#include "shape/conv_geometry.h"
#include "unfurl/session.h"

#define UNFURL_ANY_COUNT SIZE_MAX /* max_inputs of operators that take any number */

/* What a session arranges before an operator runs. */
typedef enum unfurl_op_layout {
  UNFURL_OP_ROW_MAJOR = 0, /* all inputs and outputs NCHW */
  UNFURL_OP_IMAGE,         /* input 0 and all outputs NHWC, other inputs NCHW */
  UNFURL_OP_ANY,           /* inputs as they come; outputs NHWC if an input of their rank is */
  UNFURL_OP_FROM_ANY       /* inputs as they come; outputs NCHW */
} unfurl_op_layout;

typedef struct unfurl_op_call {
  const unfurl_context *context;
  const unfurl_model *model;
  const unfurl_node *node;
  const char *algo; /* solver for convolutions, or NULL */
  float tolerance;
  unfurl_planning planning;
  size_t workspace_limit;
  unfurl_tensor **inputs, **outputs; /* as many as the node has; NULL where left out */
  void *state;                       /* what prepare made */
  size_t workspace_size;             /* bytes that run needs, set by prepare */
  void *workspace;
} unfurl_op_call;

typedef struct unfurl_attribute_spec {
  const char *name; /* NULL ends the list */
  unfurl_attribute_type type;
} unfurl_attribute_spec;

/* Rows of one image: where those begin that are read, added (NULL: none) and computed. */
typedef struct unfurl_op_band {
  size_t input;            /* whose rows are read */
  size_t image, row, rows; /* which image; the first row that is computed, and how many are */
  const float *src, *residual;
  float *dst;
  void *workspace; /* aligned */
} unfurl_op_band;

/* How an operator computes a few rows of an NHWC image: output rows from those rows of one input that they need, and the same
 * bits as when it computes all. All after `prepare`. */
typedef struct unfurl_op_rows {
  size_t (*image)(const unfurl_op_call *call); /* optional: which input; else it is input 0 */
  bool reads_all;                              /* or any input, and of all others the rows that are computed too */
  bool has_residual; /* input UNFURL_CONV_RESIDUAL, if there is one, is added to the rows that are computed */

  /* The vertical axis, and of how many rows bands must be a multiple (the last one of an image aside); false where this
   * node can't. */
  bool (*axis)(const unfurl_op_call *call, unfurl_conv_axis *axis, size_t *grain);

  /* Makes the state for a band of that shape (unfurl_axis_band), and tells the bytes that run needs. UNSUPPORTED where
   * there is no way to compute it, OUT_OF_MEMORY. */
  unfurl_status (*prepare)(const unfurl_op_call *call, const unfurl_conv_axis *band, void **state, size_t *workspace,
                           unfurl_error *error);

  /* Computes a band, in the thread that calls. */
  void (*run)(const unfurl_op_call *call, const void *state, const unfurl_op_band *band);

  /* `state` may be NULL. */
  void (*release)(const unfurl_op_call *call, void *state);
} unfurl_op_rows;

typedef struct unfurl_op {
  const char *type;
  size_t min_inputs, max_inputs, max_outputs;
  const unfurl_attribute_spec *attributes; /* all that are understood; others are refused */
  unfurl_op_layout layout;
  bool is_alias;        /* output 0 is input 0 with other dims: no run */
  bool reads_dims_only; /* of its inputs: so its outputs are known as soon as these have a shape */
  /* Where all ranks and dimensions 0 are equal, output[n] follows from input[n] and constants alone, the same for each n;
   * input 0 is the only image of UNFURL_OP_IMAGE, besides a residual. */
  bool is_image_wise;
  bool is_shaped_by_inputs; /* inputs after 0 must be known: f32 ones that the caller gives belong to the shapes, too */
  bool is_shaped_by_input_0;                        /* and so must input 0 */
  bool (*mixes_images)(const unfurl_op_call *call); /* optional: whether this node, once inferred, is not image-wise */
  unfurl_status (*infer)(unfurl_op_call *call, unfurl_error *error);
  /* Optional, after infer: whether the elements of output 0 are those of input 0 in the same order in memory, in a layout
   * that this gives to the output; then it is not run. */
  bool (*relabels)(unfurl_op_call *call);
  bool (*needs_nchw)(const unfurl_op_call *call); /* optional, after infer: whether input 0 can't be used as it comes */
  unfurl_status (*prepare)(unfurl_op_call *call, unfurl_error *error);
  /* Optional, both or neither, and the same in all operators that have them; when all are prepared. Whether it is worth
   * while to bring near what `run` reads first; and has `run` of a call bring that of such a one, which runs later. */
  bool (*is_awaited)(const unfurl_op_call *call);
  unfurl_status (*precede)(const unfurl_op_call *call, const unfurl_op_call *next, unfurl_error *error);
  unfurl_status (*run)(const unfurl_op_call *call, unfurl_error *error);
  void (*release)(unfurl_op_call *call);
  void (*describe)(const unfurl_op_call *call, unfurl_layer *layer); /* optional: what is known of this kind of layer */
  const unfurl_op_rows *rows; /* NULL where it does not compute rows by themselves */
} unfurl_op;

/* The operator of that name, or NULL. */
const unfurl_op *unfurl_op_find(const char *type);

/* Bytes of all outputs, after unfurl_op_finish_infer; 0 for an alias. */
size_t unfurl_op_result_bytes(const unfurl_op_call *call);

/* After unfurl_op_finish_infer, with every input known: allocates the outputs in `region` and computes them at once. */
unfurl_status unfurl_op_evaluate(unfurl_op_call *call, unfurl_region *region, unfurl_error *error);

/* Checks what infer made of the outputs and gives them their layouts. */
unfurl_status unfurl_op_finish_infer(unfurl_op_call *call, unfurl_error *error);

/* Attributes of a node; the table made sure of their types. */
bool unfurl_node_has(const unfurl_node *node, const char *name);
int64_t unfurl_node_int(const unfurl_node *node, const char *name, int64_t otherwise);
float unfurl_node_float(const unfurl_node *node, const char *name, float otherwise);
const char *unfurl_node_string(const unfurl_node *node, const char *name, const char *otherwise);
const unfurl_attribute *unfurl_node_attribute(const unfurl_node *node, const char *name);

/* Whether the node has that input or output. */
bool unfurl_call_has_input(const unfurl_op_call *call, size_t index);
bool unfurl_call_has_output(const unfurl_op_call *call, size_t index);

/* Unless input `index` is f32: UNSUPPORTED; bool: INVALID_ARGUMENT; unless its values are known: UNSUPPORTED. */
unfurl_status unfurl_call_check_f32(const unfurl_op_call *call, size_t index, unfurl_error *error);
unfurl_status unfurl_call_check_bool(const unfurl_op_call *call, size_t index, unfurl_error *error);
unfurl_status unfurl_call_check_known(const unfurl_op_call *call, size_t index, unfurl_error *error);

/* An axis attribute counted from the front: -rank..rank-1 (or rank, if `end_allowed`); INVALID_ARGUMENT beyond. */
unfurl_status unfurl_axis_resolve(int64_t axis, size_t rank, bool end_allowed, size_t *resolved, unfurl_error *error);

/* The dims that Reshape makes of `in` by a known list of i64, with their dtype; `allow_zero`: 0 is a dimension's size. */
unfurl_status unfurl_reshape_dims(const unfurl_tensor *in, const unfurl_tensor *shape, bool allow_zero,
                                  unfurl_tensor *out, unfurl_error *error);

/* perm[i]: the input's dimension that becomes Transpose's dimension i; by default they are reversed. */
unfurl_status unfurl_transpose_perm(const unfurl_node *node, size_t rank, size_t perm[UNFURL_MAX_RANK],
                                    unfurl_error *error);

/* infer of operators whose output 0 has the dtype and dims of input 0. */
unfurl_status unfurl_infer_same(unfurl_op_call *call, unfurl_error *error);

/* The operators, one file each family. */
extern const unfurl_op unfurl_op_abs, unfurl_op_add, unfurl_op_and, unfurl_op_argmax, unfurl_op_argmin,
    unfurl_op_average_pool, unfurl_op_batch_norm, unfurl_op_cast, unfurl_op_ceil, unfurl_op_celu, unfurl_op_clip,
    unfurl_op_concat, unfurl_op_constant, unfurl_op_constant_of_shape, unfurl_op_conv, unfurl_op_conv_transpose,
    unfurl_op_cos, unfurl_op_cumsum, unfurl_op_depth_to_space, unfurl_op_div, unfurl_op_dropout, unfurl_op_einsum,
    unfurl_op_elu, unfurl_op_equal, unfurl_op_erf, unfurl_op_exp, unfurl_op_expand, unfurl_op_flatten, unfurl_op_floor,
    unfurl_op_gather, unfurl_op_gather_elements, unfurl_op_gather_nd, unfurl_op_gelu, unfurl_op_gemm,
    unfurl_op_global_average_pool, unfurl_op_global_max_pool, unfurl_op_greater, unfurl_op_greater_or_equal,
    unfurl_op_grid_sample, unfurl_op_group_norm, unfurl_op_hard_sigmoid, unfurl_op_hard_swish, unfurl_op_identity,
    unfurl_op_instance_norm, unfurl_op_is_inf, unfurl_op_is_nan, unfurl_op_layer_norm, unfurl_op_leaky_relu,
    unfurl_op_less, unfurl_op_less_or_equal, unfurl_op_log, unfurl_op_log_softmax, unfurl_op_lrn, unfurl_op_matmul,
    unfurl_op_max, unfurl_op_max_pool, unfurl_op_max_unpool, unfurl_op_mean, unfurl_op_min, unfurl_op_mish,
    unfurl_op_mod, unfurl_op_mul, unfurl_op_neg, unfurl_op_not, unfurl_op_one_hot, unfurl_op_or, unfurl_op_pad,
    unfurl_op_pow, unfurl_op_prelu, unfurl_op_range, unfurl_op_rearrange, unfurl_op_reciprocal, unfurl_op_reduce_l1,
    unfurl_op_reduce_l2, unfurl_op_reduce_log_sum, unfurl_op_reduce_log_sum_exp, unfurl_op_reduce_max,
    unfurl_op_reduce_mean, unfurl_op_reduce_min, unfurl_op_reduce_prod, unfurl_op_reduce_sum,
    unfurl_op_reduce_sum_square, unfurl_op_relu, unfurl_op_reshape, unfurl_op_resize, unfurl_op_roi_align,
    unfurl_op_round, unfurl_op_scatter, unfurl_op_scatter_elements, unfurl_op_scatter_nd, unfurl_op_selu,
    unfurl_op_shape, unfurl_op_sigmoid, unfurl_op_sign, unfurl_op_sin, unfurl_op_size, unfurl_op_slice,
    unfurl_op_softmax, unfurl_op_softplus, unfurl_op_softsign, unfurl_op_space_to_depth, unfurl_op_split,
    unfurl_op_sqrt, unfurl_op_squeeze, unfurl_op_sub, unfurl_op_sum, unfurl_op_tanh, unfurl_op_thresholded_relu,
    unfurl_op_tile, unfurl_op_topk, unfurl_op_transpose, unfurl_op_trilu, unfurl_op_unsqueeze, unfurl_op_upsample,
    unfurl_op_where, unfurl_op_xor;

#endif
