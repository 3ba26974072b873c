/* SPDX-License-Identifier: BSD-2-Clause */
/* The program `unfurl`: finds the command and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "message.h"
#include "suggest.h"
#include "unfurl/blas.h"
#include "unfurl/cpu.h"
#include "unfurl/status.h"

static const cli_command *const commands[] = {&cmd_run, &cmd_verify, &cmd_bench, &cmd_lecture, &cmd_inspect};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(void) {
  printf("unfurl: convolution lowered to a matrix product, for a layer or a whole network.\n"
         "\n"
         "Usage: unfurl COMMAND [ARGUMENT...]\n"
         "\n");
  for (size_t i = 0; i < COMMANDS; i++) printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
  printf("\n"
         "  unfurl COMMAND --help   what a command takes, with an example\n"
         "  unfurl --version        version, and what the machine has\n"
         "\n"
         "Example:\n"
         "  unfurl bench 'mb1ic3ih32oc6oh28kh5ph0n\"lecture\"'\n"
         "\n"
         "Exit status: 0 all done, 1 some inputs failed (each is named), 2 wrong usage,\n"
         "3 the model can't be used, 4 an output could not be written.\n");
}

static void print_version(void) {
  const char *core = unfurl_blas_core();
  printf("unfurl %s\n", unfurl_version());
  printf("BLAS   %s%s%s\n", unfurl_blas_name(), *core ? ", core " : "", core);
  printf("ISA    %s\n", unfurl_isa_name(unfurl_cpu_isa()));
  printf("CPUs   %zu\n", unfurl_cpu_count());
  printf("L2     %zu KiB\n", unfurl_cpu_l2_bytes() / 1024);
}

/* The command of that name, or NULL after a message. */
static const cli_command *find_command(const char *name) {
  const char *names[COMMANDS];
  char hint[96];
  for (size_t i = 0; i < COMMANDS; i++) {
    names[i] = commands[i]->name;
    if (strcmp(name, names[i]) == 0) return commands[i];
  }
  message_usage(NULL, "unknown %s '%s'%s", *name == '-' ? "option" : "command", name,
                suggest_text(suggest_closest(name, names, COMMANDS), hint, sizeof hint));
  return NULL;
}

static cli_status help_command(int argc, char **argv) {
  if (argc < 2) {
    print_help();
    return CLI_DONE;
  }
  const cli_command *command = find_command(argv[1]);
  if (!command) return CLI_USAGE;
  fputs(command->help, stdout);
  return CLI_DONE;
}

static cli_status dispatch(int argc, char **argv) {
  if (argc < 2) return message_usage(NULL, "which command?");
  const char *name = argv[1];
  if (strcmp(name, "help") == 0) return help_command(argc - 1, argv + 1);
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return help_command(1, argv);
  if (strcmp(name, "--version") == 0) {
    print_version();
    return CLI_DONE;
  }
  const cli_command *command = find_command(name);
  return command ? command->run(argc - 1, argv + 1) : CLI_USAGE;
}

/* A standard stream that the parent closed would be the number of the next file that is opened, and messages would
 * land in it. The opposite direction makes every use of it fail. */
static void hold_streams(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
      _exit(CLI_OUTPUT);
}

int main(int argc, char **argv) {
  hold_streams();
  /* A reader that went away and a file that is too large are failed writes, not a silent death. */
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  const cli_status status = dispatch(argc, argv);
  if (fflush(stdout) == 0 && !ferror(stdout)) return (int)status;
  if (status != CLI_OUTPUT) message_error("stdout: can't write it: %s", strerror(errno));
  return CLI_OUTPUT;
}
