/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums whose bits depend on nothing but the numbers: the i-th is added to lane i % 16, and the lanes are joined in one
 * fixed tree. Whatever runs over a vector, a thread or a layout, each lane is the same sum in the same order. */
#ifndef UNFURL_NN_LANES_H
#define UNFURL_NN_LANES_H

#include <stddef.h>

enum { UNFURL_LANES = 16 };

static inline float unfurl_lanes_sum(float lanes[UNFURL_LANES]) {
  for (size_t half = UNFURL_LANES / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

#endif
