/* SPDX-License-Identifier: BSD-2-Clause */
#include "timing.h"

#include <stddef.h>
#include <time.h>

static const char *const phase_names[TIMING_PHASES] = {[TIMING_READ] = "read",
                                                       [TIMING_DECODE] = "decode",
                                                       [TIMING_PREPARE] = "prepare",
                                                       [TIMING_INFER] = "infer",
                                                       [TIMING_WRITE] = "write"};

double timing_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void timing_start(timing_watch *watch, timing_phase phase) {
  *watch = (timing_watch){.since = timing_now(), .phase = phase};
}

void timing_enter(timing_watch *watch, timing_phase phase) {
  const double now = timing_now();
  watch->seconds[watch->phase] += now - watch->since;
  watch->since = now;
  watch->phase = phase;
}

void timing_stop(timing_watch *watch) {
  timing_enter(watch, TIMING_IDLE);
}

void timing_add(timing_watch *total, const timing_watch *watch) {
  for (size_t i = 0; i < TIMING_PHASES; i++) total->seconds[i] += watch->seconds[i];
}

void timing_print(const timing_watch *total, double elapsed, FILE *file) {
  for (size_t i = 0; i < TIMING_PHASES; i++)
    fprintf(file, "%-8s %9.3f s %5.1f %%\n", phase_names[i], total->seconds[i],
            elapsed > 0 ? 100 * total->seconds[i] / elapsed : 0);
}
