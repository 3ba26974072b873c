/* SPDX-License-Identifier: BSD-2-Clause */
#include "top.h"

#include <math.h>
#include <stdbool.h>

static bool better(float a, float b) {
  return isnan(b) ? !isnan(a) : a > b;
}

/* Insertion into a short sorted list: most scores fail its first comparison, with the worst that is in it. */
size_t top_select(const float *scores, size_t count, size_t most, top_class *top) {
  size_t held = 0;
  for (size_t i = 0; i < count; i++) {
    if (held == most && !better(scores[i], top[held - 1].score)) continue;
    size_t place = held < most ? held++ : held - 1;
    for (; place > 0 && better(scores[i], top[place - 1].score); place--) top[place] = top[place - 1];
    top[place] = (top_class){.index = i, .score = scores[i]};
  }
  return held;
}
