/* SPDX-License-Identifier: BSD-2-Clause */
/* The lecture's six filters, which look for something that an eye can see too, and the weights of its fully connected
 * layer. All are whole numbers so small that their sums with pixels of 0 to 255 are exact in single precision. */
#ifndef CLI_LECTURE_FILTERS_H
#define CLI_LECTURE_FILTERS_H

#include "lecture.h"
#include "picture.h"

enum { LECTURE_SEED = 3072, LECTURE_LARGEST_WEIGHT = 9 };

typedef struct lecture_filter {
  const char *name;
  const char *meaning;               /* what a chunk is like on which it is large */
  picture_colour negative, positive; /* how its map is drawn: black is 0, the ends are the largest answers */
} lecture_filter;

extern const lecture_filter lecture_filter_list[LECTURE_FILTERS];

void lecture_filters(float filters[LECTURE_FILTERS][LECTURE_KERNEL][LECTURE_KERNEL][LECTURE_CHANNELS]);

/* Random whole numbers from -LECTURE_LARGEST_WEIGHT to LECTURE_LARGEST_WEIGHT, the same in every run: splitmix64 from
 * LECTURE_SEED on, in the order of the array. */
void lecture_fc_weights(float weights[LECTURE_CLASSES][LECTURE_NUMBERS]);

#endif
