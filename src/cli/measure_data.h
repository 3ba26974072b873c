/* SPDX-License-Identifier: BSD-2-Clause */
/* What a measured convolution works on: random signed data, the same in every run of the program, and the reference
 * result to compare with. Images are NHWC, weights OHWI. */
#ifndef CLI_MEASURE_DATA_H
#define CLI_MEASURE_DATA_H

#include <stddef.h>

#include "problem.h"
#include "unfurl/status.h"

typedef struct measure_data {
  size_t src_count, weights_count, bias_count, dst_count;
  float *src, *weights, *bias;
  float *dst;       /* of whoever runs */
  float *reference; /* what dst should be */
} measure_data;

/* `count` floats, aligned for every kernel; NULL when out of memory. For free(). */
float *measure_floats(size_t count);

/* Allocates all and fills in the inputs. TOO_LARGE (more than the machine has), OUT_OF_MEMORY. Released by
 * measure_data_free in any case. */
unfurl_status measure_data_init(measure_data *data, const problem_spec *problem, unfurl_error *error);
void measure_data_free(measure_data *data);

/* NaN in all of dst: what is not written shows. */
void measure_data_spoil(measure_data *data);

/* |dst - reference| / |reference|, L2 norms. NaN if dst has a NaN. */
double measure_data_error(const measure_data *data);

#endif
