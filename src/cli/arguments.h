/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of a command: getopt_long with our own messages and a suggestion for a mistyped name.
 *
 *     for (int option; (option = arguments_next(argc, argv, "run", options)) != -1;) switch (option) { ... }
 *
 * Every command has -h/--help and -o; what is no option stands at argv[optind...] afterwards.
 */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

/* The next option's `val`, -1 after the last, '?' after a mistake that was named on stderr. `command` as in
 * message_usage. */
int arguments_next(int argc, char **argv, const char *command, const struct option *options);

/* The number in optarg, or false after a message that names the option. */
bool arguments_size(const char *command, const char *option, size_t least, size_t most, size_t *value);

/* Is `name` a convolution solver? If not: false after a message that lists them. `more` is one further name that is
 * allowed, or NULL; "auto" always is. */
bool arguments_algo(const char *command, const char *name, const char *more);

#endif
