/* SPDX-License-Identifier: BSD-2-Clause */
/* A walk over the elements of several tensors at once, which lie in different orders or are broadcast (stride 0).
 *
 * Operand 0 is the one that is written. Simplifying sorts the dimensions by its strides, drops those of size 1 and
 * joins neighbours that are one to every operand; what is left at the end are long inner loops.
 */
#ifndef UNFURL_NN_WALK_H
#define UNFURL_NN_WALK_H

#include <stddef.h>

#include "unfurl/tensor.h"

/* Each dimension of a tensor may be walked as two: tiles, and what is in them. */
enum { UNFURL_WALK_OPERANDS = 4, UNFURL_WALK_RANK = 2 * UNFURL_MAX_RANK };

typedef struct unfurl_walk {
  size_t rank, operands;
  size_t dims[UNFURL_WALK_RANK];
  ptrdiff_t strides[UNFURL_WALK_OPERANDS][UNFURL_WALK_RANK]; /* elements */
} unfurl_walk;

/* Elements in all. */
size_t unfurl_walk_count(const unfurl_walk *walk);

/* Afterwards rank is at least `least` (unit dimensions are put in front). */
void unfurl_walk_simplify(unfurl_walk *walk, size_t least);

/* Exchanges two dimensions. */
void unfurl_walk_swap(unfurl_walk *walk, size_t a, size_t b);

/* The elements from an operand's start to the index-th element of the first `outer` dimensions. */
ptrdiff_t unfurl_walk_offset(const unfurl_walk *walk, size_t operand, size_t outer, size_t index);

#endif
