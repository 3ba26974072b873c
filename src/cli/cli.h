/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's commands and the exit statuses that they all share.
 *
 * A command is one constant: main.c has a table of them, and each cmd_*.c defines one. A command prints its own
 * messages (message.h) and returns the status; nothing below main calls exit.
 */
#ifndef CLI_H
#define CLI_H

typedef enum cli_status {
  CLI_DONE = 0,         /* all done */
  CLI_INPUT_FAILED = 1, /* some inputs failed; each was named on stderr */
  CLI_USAGE = 2,        /* the command line makes no sense */
  CLI_MODEL = 3,        /* the model can't be used */
  CLI_OUTPUT = 4        /* an output could not be written */
} cli_status;

typedef struct cli_command {
  const char *name;
  const char *summary;                      /* one line for `unfurl --help` */
  const char *help;                         /* all of `unfurl NAME --help`, with an example */
  cli_status (*run)(int argc, char **argv); /* argv[0] is the command's name */
} cli_command;

extern const cli_command cmd_run;
extern const cli_command cmd_verify;
extern const cli_command cmd_bench;
extern const cli_command cmd_inspect;
extern const cli_command cmd_lecture;

#endif
