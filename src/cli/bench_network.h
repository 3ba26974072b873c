/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole network, measured end to end, and its convolutions as problems to be measured one by one.
 *
 * End to end is unfurl_session_run on random inputs, from the inputs in memory to the outputs in memory, again and
 * again after a first run that is not counted.
 */
#ifndef CLI_BENCH_NETWORK_H
#define CLI_BENCH_NETWORK_H

#include <stddef.h>

#include "cli.h"
#include "network.h"
#include "problem.h"
#include "unfurl/context.h"

typedef struct bench_network {
  const char *model; /* its file */
  size_t batch, threads;
  double min_us, median_us; /* of one run */
  double images_per_s;      /* batch / min */
  size_t peak_bytes;        /* arena, workspace, weights and constants */
} bench_network;

/* Measures the network of `options`, and appends each distinct convolution of it to `problems` (NULL: not wanted), its
 * repeat counting how often it occurs. Messages say what went wrong, and what is no problem that can be written down.
 * CLI_USAGE, CLI_MODEL. */
cli_status bench_network_measure(bench_network *result, const unfurl_context *context, const network_options *options,
                                 problem_list *problems);

#endif
