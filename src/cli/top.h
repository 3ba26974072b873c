/* SPDX-License-Identifier: BSD-2-Clause */
/* The classes with the highest scores. Equal scores: the lower class first, as argmax of NumPy and PyTorch has it.
 * NaN is below every number, so that a NaN is never the answer while there is another one. */
#ifndef CLI_TOP_H
#define CLI_TOP_H

#include <stddef.h>

typedef struct top_class {
  size_t index;
  float score;
} top_class;

/* Fills top[] with the best `most` (> 0) of `count` scores, best first; returns how many: the smaller of the two. */
size_t top_select(const float *scores, size_t count, size_t most, top_class *top);

#endif
