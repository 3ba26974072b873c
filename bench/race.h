/* SPDX-License-Identifier: BSD-2-Clause */
/* Peers on one problem, timed in turn: a burst of executions of the first, of the second, ..., and again from the
 * first, until each has enough. So what the machine does meanwhile hits them all alike.
 *
 * Hot: a burst lasts some milliseconds and begins with an execution that isn't counted, so each finds its own data in
 * the caches. Cold: a burst is one execution, and before it more memory is touched than the caches hold. With several
 * threads a pause stands between bursts, in which the threads of the peer before go to sleep.
 */
#ifndef BENCH_RACE_H
#define BENCH_RACE_H

#include <stdbool.h>
#include <stddef.h>

#include "peer.h"

typedef struct race_options {
  const unfurl_context *context;
  const char *const *names; /* [count] */
  size_t count;
  bool optional;  /* names that do not apply are left out silently */
  bool cold;      /* as above */
  bool trust;     /* results are not verified; the error is NaN */
  double seconds; /* that each peer is timed for, at least */
  float tolerance;
} race_options;

typedef struct race_result {
  peer_info info;
  double min_us, median_us, gflops, rel_l2_err, plan_us;
} race_result;

/* results: [options->count]; *count: how many of them there are. A peer that fails is named on stderr, and *complete
 * becomes false. Statuses: those of unfurl_conv_plan_create. */
unfurl_status race_run(const race_options *options, const problem_spec *problem, race_result *results, size_t *count,
                       bool *complete, unfurl_error *error);

/* Does any peer answer to that name? */
bool race_knows(const char *name);

#endif
