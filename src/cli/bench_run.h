/* SPDX-License-Identifier: BSD-2-Clause */
/* One `unfurl bench`: measures what the options name, prints each result as soon as it is there, and keeps all of them
 * for the report. */
#ifndef CLI_BENCH_RUN_H
#define CLI_BENCH_RUN_H

#include <stddef.h>

#include "bench_network.h"
#include "bench_options.h"
#include "cli.h"
#include "measure.h"
#include "unfurl/context.h"

typedef struct bench_results {
  bench_network *networks; /* [network_count] */
  size_t network_count;
  measure_report *reports; /* [report_count]; their problems are the options' */
  size_t report_count;
} bench_results;

/* The networks first, then all problems, theirs appended to those of the options. Released by bench_results_free in any
 * case, before the options. */
cli_status bench_run(bench_results *results, const unfurl_context *context, bench_options *options);
void bench_results_free(bench_results *results);

#endif
