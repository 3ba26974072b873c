/* SPDX-License-Identifier: BSD-2-Clause */
/* The taps of one axis: for each output, which inputs it is made of and what they weigh. */
#ifndef UNFURL_NN_RESIZE_TAPS_H
#define UNFURL_NN_RESIZE_TAPS_H

#include "base/memory.h"
#include "nn/resize.h"

enum { UNFURL_RESIZE_MOST_TAPS = 4 };

/* Output o is the sum of weights[o * count + t] times input index[o * count + t], t ascending. Indices never fall, and
 * two taps of an output that differ are less than `count` apart. */
typedef struct unfurl_resize_taps {
  size_t in, out, count; /* count: 1 (a copy: no weights), 2 or 4 */
  size_t *index;
  float *weights;
  bool *outside; /* outputs that get the extrapolation value; NULL where there are none */
} unfurl_resize_taps;

/* An axis with inputs and outputs; false when out of memory. */
bool unfurl_resize_taps_make(const unfurl_resize_rule *rule, const unfurl_resize_axis *axis, unfurl_region *region,
                             unfurl_resize_taps *taps);

/* Keys's kernel at distances 1 + r, r, 1 - r and 2 - r. */
void unfurl_resize_cubic_weights(double a, double r, double weights[UNFURL_RESIZE_MOST_TAPS]);

#endif
