/* SPDX-License-Identifier: BSD-2-Clause */
#include "planning.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "parse.h"
#include "textfile.h"
#include "unfurl/wisdom.h"

planning_options planning_defaults(void) {
  return (planning_options){.mode = UNFURL_PLAN_ESTIMATE, .tolerance = -1};
}

bool planning_set_mode(planning_options *options, const char *command) {
  if (strcmp(optarg, "estimate") == 0)
    options->mode = UNFURL_PLAN_ESTIMATE;
  else if (strcmp(optarg, "measure") == 0)
    options->mode = UNFURL_PLAN_MEASURE;
  else
    return message_usage(command, "--plan '%s' is not estimate or measure", optarg), false;
  return true;
}

bool planning_set_tolerance(planning_options *options, const char *command) {
  if (parse_real(optarg, &options->tolerance) && options->tolerance >= 0) return true;
  message_usage(command, "--tolerance '%s' is not a number from 0 on", optarg);
  return false;
}

float planning_tolerance(const planning_options *options) {
  unfurl_conv_desc defaults;
  unfurl_conv_desc_init(&defaults);
  return options->tolerance < 0 ? defaults.tolerance : (float)options->tolerance;
}

/* Was it wisdom once, or is it empty? */
static bool may_replace(const char *path) {
  static const char title[] = "unfurl wisdom ";
  char start[sizeof title - 1];
  FILE *file = fopen(path, "re");
  if (!file) return false;
  const size_t length = fread(start, 1, sizeof start, file);
  fclose(file);
  return length == 0 || (length == sizeof start && memcmp(start, title, length) == 0);
}

cli_status planning_load(const planning_options *options, const char *command, unfurl_context *context) {
  unfurl_error error;
  const bool measures = options->mode == UNFURL_PLAN_MEASURE;
  if (!options->wisdom) return CLI_DONE;
  if (access(options->wisdom, F_OK) != 0) {
    if (!measures) message_warning("%s is not there; --plan measure makes it", options->wisdom);
    return CLI_DONE;
  }
  const unfurl_status status = unfurl_wisdom_load(context, options->wisdom, &error);
  if (status == UNFURL_OK) return CLI_DONE;
  if (status == UNFURL_IO_ERROR || !may_replace(options->wisdom))
    return message_usage(command, "--wisdom %s", error.message);
  message_warning("%s; %s", error.message, measures ? "it is made anew" : "it is not used");
  return CLI_DONE;
}

/* Is that what the file has already? */
static bool is_saved(const char *path, const unfurl_context *context) {
  char *known;
  if (textfile_read(path, &known, NULL) != UNFURL_OK) return false;
  const size_t length = strlen(known);
  char *text = malloc(length + 2);
  const bool same = text && unfurl_wisdom_export(context, text, length + 2) == length && strcmp(text, known) == 0;
  free(text);
  free(known);
  return same;
}

cli_status planning_save(const planning_options *options, const unfurl_context *context) {
  unfurl_error error;
  if (!options->wisdom || options->mode != UNFURL_PLAN_MEASURE || is_saved(options->wisdom, context)) return CLI_DONE;
  if (unfurl_wisdom_save(context, options->wisdom, &error) == UNFURL_OK) return CLI_DONE;
  message_error("%s", error.message); /* names the file */
  return CLI_OUTPUT;
}
