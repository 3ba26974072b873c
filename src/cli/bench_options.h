/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of `unfurl bench`. */
#ifndef CLI_BENCH_OPTIONS_H
#define CLI_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "bench_format.h"
#include "cli.h"
#include "planning.h"
#include "problem.h"

typedef struct bench_options {
  bool help;
  problem_list problems;
  const char **models; /* [model_count], files; as many as there are arguments would fit */
  size_t model_count;
  size_t batch;       /* of models; 0: not given */
  bool no_layers;     /* models end to end only */
  const char *report; /* an HTML file, or NULL */
  char *list;         /* a copy of --algo's list, which algos point into; NULL: not given */
  const char **algos; /* [algo_count] */
  size_t algo_count;
  size_t threads;
  planning_options planning;
  const bench_format *format;
} bench_options;

/* Reads options and problems, those of files too; models stay unread. CLI_USAGE after a message. Released by bench_options_free in any
 * case. */
cli_status bench_options_parse(bench_options *options, int argc, char **argv);
void bench_options_free(bench_options *options);

#endif
