/* SPDX-License-Identifier: BSD-2-Clause */
/* What `unfurl inspect` finds out about a model, and the forms in which it is printed.
 *
 * Layers are the steps of a session that was prepared for one batch: fused operators are one layer, and layout
 * conversions are layers too. Operations are counted as FLOP: two for a multiplication and addition.
 */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "network.h"
#include "unfurl/session.h"

typedef struct inspect_report {
  const char *path;
  const network *net;
  size_t threads;
  unfurl_layer *layers; /* [layer_count]; names are the session's */
  size_t layer_count;
  double flop;
  unfurl_session_memory memory;
  bool why; /* text: a line for each convolution about its plan */
} inspect_report;

/* INVALID_ARGUMENT, OUT_OF_MEMORY. Released by inspect_free in any case, while the network still is. */
unfurl_status inspect_init(inspect_report *report, const network *net, const char *path, size_t threads,
                           unfurl_error *error);
void inspect_free(inspect_report *report);

/* Arena, workspace and weights. */
size_t inspect_peak_bytes(const inspect_report *report);

/* The metadata keys that unfurl knows; NULL beyond the last. */
const char *inspect_metadata_key(size_t index);

/* Text for people, and one JSON object; false when out of memory. */
bool inspect_print_text(FILE *file, const inspect_report *report);
bool inspect_print_json(FILE *file, const inspect_report *report);

#endif
