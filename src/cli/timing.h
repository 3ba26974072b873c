/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the time goes: a stopwatch that is always in exactly one phase.
 *
 * Entering a phase ends the one before, so the parts add up to the whole.
 */
#ifndef CLI_TIMING_H
#define CLI_TIMING_H

#include <stdio.h>

typedef enum timing_phase { TIMING_READ, TIMING_PREPARE, TIMING_INFER, TIMING_WRITE, TIMING_PHASES } timing_phase;

typedef struct timing_watch {
  double seconds[TIMING_PHASES];
  double since; /* when the current phase was entered */
  timing_phase phase;
} timing_watch;

/* Seconds on a clock that never goes back. */
double timing_now(void);

void timing_start(timing_watch *watch, timing_phase phase);
void timing_enter(timing_watch *watch, timing_phase phase);

/* Ends the current phase and returns the seconds of all of them. */
double timing_stop(timing_watch *watch);

/* A line a phase: seconds, and the share of the whole. */
void timing_print(const timing_watch *watch, FILE *file);

#endif
