/* SPDX-License-Identifier: BSD-2-Clause */
#include "labels.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "textfile.h"

static void replace_controls(char *text) {
  for (; *text; text++) {
    const unsigned char byte = (unsigned char)*text;
    if ((byte < 0x20 && byte != '\n' && byte != '\r') || byte == 0x7f) *text = '?';
  }
}

/* Takes labels->text apart. */
static unfurl_status split(label_list *labels, unfurl_error *error) {
  size_t lines = 1;
  replace_controls(labels->text);
  for (const char *at = labels->text; *at; at++) lines += *at == '\n';
  labels->names = calloc(lines, sizeof *labels->names);
  if (!labels->names) return fault_memory(error);
  char *cursor = labels->text;
  for (char *line; (line = textfile_line(&cursor));) labels->names[labels->count++] = line;
  return UNFURL_OK;
}

unfurl_status labels_parse(label_list *labels, const char *text, unfurl_error *error) {
  *labels = (label_list){.text = strdup(text)};
  if (!labels->text) return fault_memory(error);
  return split(labels, error);
}

unfurl_status labels_load(label_list *labels, const char *path, unfurl_error *error) {
  *labels = (label_list){0};
  const unfurl_status status = textfile_read(path, &labels->text, error);
  return status == UNFURL_OK ? split(labels, error) : status;
}

const char *labels_name(const label_list *labels, size_t index) {
  return index < labels->count ? labels->names[index] : NULL;
}

void labels_free(label_list *labels) {
  free(labels->names);
  free(labels->text);
  *labels = (label_list){0};
}
