/* SPDX-License-Identifier: BSD-2-Clause */
/* softmax: y = e^(x - max) / sum of e^(x - max) along one axis; and its logarithm, y = x - max - log(that sum). */
#ifndef UNFURL_NN_SOFTMAX_H
#define UNFURL_NN_SOFTMAX_H

#include <stddef.h>

#include "unfurl/context.h"

/* Of a tensor seen as [outer][length][inner], along its middle axis; y may be x. The sum has 16 lanes joined in a fixed
 * tree, so its bits depend on nothing but the values. */
void unfurl_softmax(const unfurl_context *context, const size_t shape[3], const float *x, float *y);
void unfurl_log_softmax(const unfurl_context *context, const size_t shape[3], const float *x, float *y);

#endif
