/* SPDX-License-Identifier: BSD-2-Clause */
/* The lecture's numbers: a 32x32x3 image, a fully connected layer on it, and a convolution with six 5x5x3 filters, made
 * in both ways, as nested loops and as a matrix product.
 *
 * All arrays are row-major with channels last. A chunk's place is its top left corner; places are counted row by row,
 * and row p of `patches` is the chunk at place p, unrolled (unfurl/im2col.h).
 */
#ifndef CLI_LECTURE_H
#define CLI_LECTURE_H

#include <stddef.h>

#include "unfurl/context.h"
#include "unfurl/status.h"

enum {
  LECTURE_SIDE = 32,
  LECTURE_CHANNELS = 3,
  LECTURE_KERNEL = 5,
  LECTURE_FILTERS = 6,
  LECTURE_CLASSES = 10,
  LECTURE_NUMBERS = LECTURE_SIDE * LECTURE_SIDE * LECTURE_CHANNELS,
  LECTURE_OUT = LECTURE_SIDE - LECTURE_KERNEL + 1,
  LECTURE_PLACES = LECTURE_OUT * LECTURE_OUT,
  LECTURE_CHUNK = LECTURE_KERNEL * LECTURE_KERNEL * LECTURE_CHANNELS
};

typedef struct lecture_times {
  double naive_us, unroll_us, sgemm_us, planned_us; /* medians of several runs */
  size_t runs;                                      /* of each */
} lecture_times;

typedef struct lecture_numbers {
  float image[LECTURE_SIDE][LECTURE_SIDE][LECTURE_CHANNELS]; /* given by the caller */
  float filters[LECTURE_FILTERS][LECTURE_KERNEL][LECTURE_KERNEL][LECTURE_CHANNELS];
  float fc_weights[LECTURE_CLASSES][LECTURE_NUMBERS];

  float fc[LECTURE_CLASSES];                    /* fc_weights times the image, one SGEMV */
  float channel_dots[LECTURE_CHANNELS];         /* the parts of chunk_dot */
  float chunk_dot;                              /* chunk 0 on filter 0, nested loops */
  float unrolled_dot;                           /* the same as one sum of 75 products */
  float patches[LECTURE_PLACES][LECTURE_CHUNK]; /* im2col */
  float maps[LECTURE_PLACES][LECTURE_FILTERS];  /* patches times filters, one SGEMM */
  float naive[LECTURE_PLACES][LECTURE_FILTERS]; /* the same by the solver `naive` */
  double max_difference;                        /* between the two */
  const char *planned;                          /* the solver that the planner chooses for this layer */
  lecture_times times;
} lecture_numbers;

/* Everything but the image, which is there already. Statuses: OUT_OF_MEMORY, BLAS_ERROR. */
unfurl_status lecture_compute(lecture_numbers *numbers, const unfurl_context *context, unfurl_error *error);

#endif
