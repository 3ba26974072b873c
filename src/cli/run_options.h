/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of `unfurl run`. */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"
#include "output.h"
#include "planning.h"
#include "prepare.h"

enum { RUN_DEFAULT_BATCH = 16 };

typedef struct run_options {
  bool help;
  const char *model;
  char **inputs; /* [input_count], in argv */
  size_t input_count;
  const char **lists; /* [list_count], of --list */
  size_t list_count;
  const char **feeds; /* [feed_count], "NAME=FILE" */
  size_t feed_count;
  const char *output; /* NULL: stdout */
  const output_format *format;
  size_t batch;     /* 0: not given */
  size_t threads;   /* 0: all CPUs */
  const char *algo; /* NULL: the planner chooses */
  planning_options planning;
  size_t skip; /* images that are left out */
  size_t top;  /* 0: the format's own */
  const char *labels, *truth;
  const char *prepare[PREPARE_KEYS]; /* flags that override the model's metadata */
  bool timing;
} run_options;

/* CLI_USAGE after a message. Strings point into argv. Released by run_options_free in any case. */
cli_status run_options_parse(run_options *options, int argc, char **argv);
void run_options_free(run_options *options);

#endif
