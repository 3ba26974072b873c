/* SPDX-License-Identifier: BSD-2-Clause */
/* What many runs of one thing took: the shortest time and the median. */
#ifndef CLI_SAMPLES_H
#define CLI_SAMPLES_H

#include <stddef.h>

/* Sorts `seconds`, which are at least one. Results in microseconds, to the nanosecond, which is what the clock tells. */
void samples_evaluate(double *seconds, size_t count, double *min_us, double *median_us);

/* The same rounding for a single time. */
double samples_microseconds(double seconds);

#endif
