/* SPDX-License-Identifier: BSD-2-Clause */
/* What the program says about itself: lines on stderr that begin with "unfurl: ".
 *
 * A progress bar that stands on the terminal is wiped first, so that a message never lands in the middle of it.
 */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "cli.h"

/* "unfurl: ..." */
__attribute__((format(printf, 1, 2))) void message_error(const char *format, ...);

/* "unfurl: warning: ..." */
__attribute__((format(printf, 1, 2))) void message_warning(const char *format, ...);

/* "unfurl: ..." and a line that points to `unfurl COMMAND --help` (NULL: `unfurl --help`); returns CLI_USAGE. */
__attribute__((format(printf, 2, 3))) cli_status message_usage(const char *command, const char *format, ...);

#endif
