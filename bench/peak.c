/* SPDX-License-Identifier: BSD-2-Clause */
/* peak: the FMA peak of one core, as a JSON line. */
#include <stdio.h>

#include "peak.h"
#include "timing.h"

enum { ROUNDS = 200000, REPEATS = 400 };

static const peak_loop *loop_for(unfurl_isa isa) {
  for (size_t i = 0; i < peak_loop_count; i++)
    if (peak_loops[i].isa == isa) return &peak_loops[i];
  return NULL;
}

/* The shortest of many short runs: the clock of a core that has just been woken is slow. */
static double measure(const peak_loop *loop) {
  volatile float first = 0, sink;
  double least = 0;
  for (int i = 0; i < REPEATS; i++) {
    const double start = timing_now();
    sink = loop->run(ROUNDS, first);
    const double seconds = timing_now() - start;
    if (i == 0 || seconds < least) least = seconds;
  }
  (void)sink;
  return 1e-9 * loop->operations * ROUNDS / least;
}

int main(void) {
  const unfurl_isa isa = unfurl_cpu_isa();
  const peak_loop *loop = loop_for(isa);
  if (!loop) {
    fprintf(stderr, "peak: there is no loop for %s\n", unfurl_isa_name(isa));
    return 1;
  }
  printf("{\"peak_gflops\": %.1f, \"isa\": \"%s\"}\n", measure(loop), unfurl_isa_name(isa));
  return 0;
}
