/* SPDX-License-Identifier: BSD-2-Clause */
/* Loops that do nothing but fused multiply-adds in registers, as many as the units take: the speed that nothing can
 * pass. Each keeps so many independent accumulators that latency never counts. They begin with a number that the
 * compiler doesn't know: one that it finds to stay as it is costs no operations. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <stddef.h>

#include "unfurl/cpu.h"

typedef struct peak_loop {
  unfurl_isa isa;
  double operations;                        /* of one round: two for each lane of each accumulator */
  float (*run)(size_t rounds, float start); /* the result only keeps the compiler from leaving the loop out */
} peak_loop;

extern const peak_loop peak_loops[];
extern const size_t peak_loop_count;

#endif
