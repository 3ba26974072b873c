/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of single elements, in any layout. */
#ifndef UNFURL_NN_ELEMENTWISE_H
#define UNFURL_NN_ELEMENTWISE_H

#include <stddef.h>

#include "unfurl/context.h"
#include "unfurl/conv.h"

/* y[i] = activation(x[i]); y may be x. */
void unfurl_map_activation(const unfurl_context *context, unfurl_activation activation, const float parameters[2],
                           size_t count, const float *x, float *y);

#endif
