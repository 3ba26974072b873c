/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of classes, one a line: from the model's metadata or from a file.
 *
 * Control characters are replaced, so that a name from a strange model does nothing to a terminal.
 */
#ifndef CLI_LABELS_H
#define CLI_LABELS_H

#include <stddef.h>

#include "unfurl/status.h"

typedef struct label_list {
  char *text;   /* what the names point into */
  char **names; /* [count] */
  size_t count;
} label_list;

/* From a text with newlines, or from a file of such. Released by labels_free, also after an error. */
unfurl_status labels_parse(label_list *labels, const char *text, unfurl_error *error);
unfurl_status labels_load(label_list *labels, const char *path, unfurl_error *error);

/* The name of class `index`; NULL if it has none. */
const char *labels_name(const label_list *labels, size_t index);

void labels_free(label_list *labels);

#endif
