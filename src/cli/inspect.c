/* SPDX-License-Identifier: BSD-2-Clause */
#include "inspect.h"

#include <stdlib.h>

#include "fault.h"

static const char *const metadata_keys[] = {"unfurl.resize", "unfurl.scale", "unfurl.mean", "unfurl.std",
                                            "unfurl.labels"};

const char *inspect_metadata_key(size_t index) {
  return index < sizeof metadata_keys / sizeof *metadata_keys ? metadata_keys[index] : NULL;
}

unfurl_status inspect_init(inspect_report *report, const network *net, const char *path, size_t threads,
                           unfurl_error *error) {
  *report = (inspect_report){.path = path, .net = net, .threads = threads};
  report->layer_count = unfurl_session_layer_count(net->session);
  report->layers = calloc(report->layer_count + 1, sizeof *report->layers);
  if (!report->layers) return fault_memory(error);
  for (size_t i = 0; i < report->layer_count; i++) {
    report->layers[i].size = sizeof *report->layers;
    const unfurl_status status = unfurl_session_layer(net->session, i, &report->layers[i], error);
    if (status != UNFURL_OK) return status;
    report->flop += 2 * report->layers[i].operations;
  }
  report->memory.size = sizeof report->memory;
  return unfurl_session_memory_used(net->session, &report->memory, error);
}

void inspect_free(inspect_report *report) {
  free(report->layers);
  *report = (inspect_report){.layers = NULL};
}

size_t inspect_peak_bytes(const inspect_report *report) {
  return report->memory.arena_bytes + report->memory.workspace_bytes + report->memory.weights_bytes +
         report->memory.constants_bytes;
}
