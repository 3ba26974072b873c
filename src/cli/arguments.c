/* SPDX-License-Identifier: BSD-2-Clause */
#include "arguments.h"

#include <stdio.h>
#include <string.h>

#include "message.h"
#include "parse.h"
#include "suggest.h"
#include "unfurl/conv.h"

enum { MAX_NAMES = 64 };

static void report_unknown(char **argv, const char *command, const struct option *options) {
  if (optopt) {
    message_usage(command, "unknown option '-%c'", optopt);
    return;
  }
  const char *names[MAX_NAMES];
  size_t count = 0;
  for (; options[count].name && count < MAX_NAMES; count++) names[count] = options[count].name;
  char word[64], name[64], hint[96];
  const char *given = argv[optind - 1] + strlen("--");
  snprintf(word, sizeof word, "%.*s", (int)strcspn(given, "="), given);
  const char *closest = suggest_closest(word, names, count);
  if (closest) snprintf(name, sizeof name, "--%s", closest);
  message_usage(command, "unknown option '--%s'%s", word, suggest_text(closest ? name : NULL, hint, sizeof hint));
}

int arguments_next(int argc, char **argv, const char *command, const struct option *options) {
  opterr = 0;
  const int option = getopt_long(argc, argv, ":o:h", options, NULL);
  if (option == ':') {
    message_usage(command, "option '%s' needs a value", argv[optind - 1]);
    return '?';
  }
  if (option == '?') {
    for (size_t i = 0; optopt && options[i].name; i++) {
      if (options[i].val != optopt || options[i].has_arg) continue;
      message_usage(command, "option '--%s' takes no value", options[i].name);
      return '?';
    }
    report_unknown(argv, command, options);
  }
  return option;
}

bool arguments_size(const char *command, const char *option, size_t least, size_t most, size_t *value) {
  if (parse_size(optarg, least, most, value)) return true;
  message_usage(command, "%s '%s' is not a whole number from %zu to %zu", option, optarg, least, most);
  return false;
}

bool arguments_algo(const char *command, const char *name, const char *more) {
  const char *names[MAX_NAMES];
  size_t count = 0;
  names[count++] = "auto";
  names[count++] = "winograd"; /* whichever of its kind suits */
  if (more) names[count++] = more;
  for (size_t i = 0; i < unfurl_conv_algo_count() && count < MAX_NAMES; i++) names[count++] = unfurl_conv_algo_name(i);
  for (size_t i = 0; i < count; i++)
    if (strcmp(name, names[i]) == 0) return true;
  char known[512] = "";
  size_t length = 0;
  for (size_t i = 0; i < count && length < sizeof known; i++)
    length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "", names[i]);
  message_usage(command, "there is no algorithm '%s'; there are %s", name, known);
  return false;
}
