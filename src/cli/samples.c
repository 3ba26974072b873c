/* SPDX-License-Identifier: BSD-2-Clause */
#include "samples.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double samples_microseconds(double seconds) {
  return round(1e9 * seconds) / 1e3;
}

void samples_evaluate(double *seconds, size_t count, double *min_us, double *median_us) {
  qsort(seconds, count, sizeof *seconds, compare);
  const size_t half = count / 2;
  const double median = count % 2 ? seconds[half] : (seconds[half - 1] + seconds[half]) / 2;
  *min_us = samples_microseconds(seconds[0]);
  *median_us = samples_microseconds(median);
}
