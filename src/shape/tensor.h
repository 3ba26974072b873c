/* SPDX-License-Identifier: BSD-2-Clause */
/* Tensor shapes: sizes, and the strides that a layout gives to the logical dimensions. */
#ifndef UNFURL_SHAPE_TENSOR_H
#define UNFURL_SHAPE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/tensor.h"

/* Elements of a tensor whose dims were validated before; cannot fail. */
size_t unfurl_tensor_count(const unfurl_tensor *tensor);

/* strides[i]: elements from one index of logical dimension i to the next, for a validated tensor. */
void unfurl_tensor_strides(const unfurl_tensor *tensor, ptrdiff_t strides[UNFURL_MAX_RANK]);

/* Equal rank and dims. */
bool unfurl_tensor_same_dims(const unfurl_tensor *a, const unfurl_tensor *b);

/* Whether both layouts put the elements of these dims in the same order (one channel, or one pixel). */
bool unfurl_tensor_layouts_agree(const unfurl_tensor *tensor);

#endif
