/* SPDX-License-Identifier: BSD-2-Clause */
/* What an equation of Einsum says about one or two tensors: "bij,bjk->bik". Each letter is a label of dimensions that go
 * together, and so is each dimension that an ellipsis stands for, counted from the last. A label that the result lacks is
 * summed over; one that an operand lacks, it repeats. So the sums are products of matrices: labels of the result that both
 * operands have number the products, those of one operand are its rows or columns, and what is summed over lies between.
 */
#ifndef UNFURL_GRAPH_EINSUM_H
#define UNFURL_GRAPH_EINSUM_H

#include "graph/op.h"
#include "nn/walk.h"

enum { UNFURL_EINSUM_LABELS = UNFURL_WALK_RANK };

/* What a label numbers. */
typedef enum unfurl_einsum_role {
  UNFURL_EINSUM_PRODUCT = 0,
  UNFURL_EINSUM_ROW,
  UNFURL_EINSUM_COLUMN,
  UNFURL_EINSUM_SUMMAND,
  UNFURL_EINSUM_ROLES
} unfurl_einsum_role;

/* Labels in the order of the result's dimensions, then those that are summed over. */
typedef struct unfurl_einsum {
  size_t label_count, output_rank;
  char codes[UNFURL_EINSUM_LABELS]; /* a letter; of an ellipsis, 1 for the last dimension, 2 for the one before, ... */
  size_t sizes[UNFURL_EINSUM_LABELS];
  unfurl_einsum_role roles[UNFURL_EINSUM_LABELS];
  ptrdiff_t strides[2][UNFURL_EINSUM_LABELS]; /* of each operand, which is row-major; 0 where it lacks the label */
} unfurl_einsum;

/* Reads the equation for `count` (1 or 2) operands, of which only the shapes are looked at. */
unfurl_status unfurl_einsum_read(const char *equation, const unfurl_tensor *const *operands, size_t count,
                                 unfurl_einsum *einsum, unfurl_error *error);

#endif
