/* SPDX-License-Identifier: BSD-2-Clause */
#include "message.h"

#include <stdarg.h>
#include <stdio.h>

#include "progress.h"

/* Whole lines only: the library's log may call from several threads. */
static void print_line(const char *before, const char *format, va_list arguments) {
  char line[1024];
  vsnprintf(line, sizeof line, format, arguments);
  progress_wipe();
  fprintf(stderr, "unfurl: %s%s\n", before, line);
}

void message_error(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_line("", format, arguments);
  va_end(arguments);
}

void message_warning(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_line("warning: ", format, arguments);
  va_end(arguments);
}

cli_status message_usage(const char *command, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_line("", format, arguments);
  va_end(arguments);
  fprintf(stderr, "Try 'unfurl %s%s--help'.\n", command ? command : "", command ? " " : "");
  return CLI_USAGE;
}
