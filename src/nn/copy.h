/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies between tensors whose elements lie in different orders: layout conversion, and whatever moves elements. */
#ifndef UNFURL_NN_COPY_H
#define UNFURL_NN_COPY_H

#include <stddef.h>

#include "nn/walk.h"
#include "unfurl/context.h"
#include "unfurl/tensor.h"

/* Copies the elements of `walk`, each of `element` bytes (1, 4 or 8), from operand 1 to operand 0; no overlap. */
void unfurl_copy_elements(const unfurl_context *context, const unfurl_walk *walk, size_t element, const void *from,
                          void *to);

/* Copies a tensor into one of the same dims and dtype, whatever their layouts. */
void unfurl_copy_tensor(const unfurl_context *context, const unfurl_tensor *from, const unfurl_tensor *to);

#endif
