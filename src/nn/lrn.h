/* SPDX-License-Identifier: BSD-2-Clause */
/* Local response normalisation across channels (A. Krizhevsky, I. Sutskever, G. Hinton, 2012):
 * y = x / (bias + alpha / size * sum of x^2 over `size` channels around)^beta. */
#ifndef UNFURL_NN_LRN_H
#define UNFURL_NN_LRN_H

#include <stddef.h>

#include "unfurl/context.h"

typedef struct unfurl_lrn {
  size_t pixels, channels;
  size_t before, after; /* channels of a window on either side of its own, besides those beyond the ends */
  float scale;          /* alpha / size */
  float beta, bias;
} unfurl_lrn;

/* x and y are [pixels][channels], and do not overlap. A sum runs over ascending channels. */
void unfurl_lrn_run(const unfurl_context *context, const unfurl_lrn *lrn, const float *x, float *y);

#endif
