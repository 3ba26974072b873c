/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the time goes: a stopwatch a thread, always in exactly one phase.
 *
 * Entering a phase ends the one before. Phases of several threads overlap, so the sums of all stopwatches may be more
 * than the time that has passed.
 */
#ifndef CLI_TIMING_H
#define CLI_TIMING_H

#include <stdio.h>

typedef enum timing_phase {
  TIMING_READ,    /* finding and opening files, reading arrays */
  TIMING_DECODE,  /* PNG and JPEG, reading their files included */
  TIMING_PREPARE, /* from pixels to what the model takes */
  TIMING_INFER,
  TIMING_WRITE,
  TIMING_PHASES,
  TIMING_IDLE = TIMING_PHASES /* waiting for another stage; not printed */
} timing_phase;

typedef struct timing_watch {
  double seconds[TIMING_PHASES + 1];
  double since; /* when the current phase was entered */
  timing_phase phase;
} timing_watch;

/* Seconds on a clock that never goes back. */
double timing_now(void);

void timing_start(timing_watch *watch, timing_phase phase);
void timing_enter(timing_watch *watch, timing_phase phase);

/* Ends the current phase; the watch stands still in TIMING_IDLE. */
void timing_stop(timing_watch *watch);

/* Adds the phases of a stopped watch to `total`. */
void timing_add(timing_watch *total, const timing_watch *watch);

/* A line a phase: seconds, and their share of the `elapsed` ones. */
void timing_print(const timing_watch *total, double elapsed, FILE *file);

#endif
