/* SPDX-License-Identifier: BSD-2-Clause */
/* --plan, --wisdom and --tolerance: how run, bench and inspect have their convolutions planned.
 *
 * A file of wisdom is loaded when the context is there, and saved when the work is done, if something was measured that it
 * does not have. What is refused (damaged, of another machine) is named, and measured anew; a file that is something else
 * altogether is never written over.
 */
#ifndef CLI_PLANNING_H
#define CLI_PLANNING_H

#include <stdbool.h>

#include "cli.h"
#include "unfurl/context.h"
#include "unfurl/conv.h"

typedef struct planning_options {
  unfurl_planning mode;
  const char *wisdom; /* a file, or NULL */
  double tolerance;   /* negative: not given */
} planning_options;

/* Nothing given. */
planning_options planning_defaults(void);

/* Read optarg; false after a message. */
bool planning_set_mode(planning_options *options, const char *command);
bool planning_set_tolerance(planning_options *options, const char *command);

/* The tolerance, or the library's default. */
float planning_tolerance(const planning_options *options);

/* CLI_USAGE after a message: the file can't be read, or is not wisdom at all. */
cli_status planning_load(const planning_options *options, const char *command, unfurl_context *context);

/* CLI_OUTPUT after a message. */
cli_status planning_save(const planning_options *options, const unfurl_context *context);

#endif
