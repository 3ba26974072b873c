/* SPDX-License-Identifier: BSD-2-Clause */
/* Images that are not run: those that are counted beforehand, and those that are skipped. */
#include <stdint.h>

#include "halt.h"
#include "message.h"
#include "run.h"
#include "sniff.h"
#include "spool.h"

/* Files of arrays say how many rows they have; anything else is an image, or will fail as one. */
static size_t count_item(const run_state *run, const input_item *item, timing_watch *watch) {
  char copy[32];
  sniff_kind kind = SNIFF_UNKNOWN;
  const char *path = item->name;
  if (item->error.status != UNFURL_OK || (!item->is_stdin && folder_is_image(path))) return 1;
  if (item->is_stdin) {
    if (spool_stdin(copy, NULL) != UNFURL_OK) return 1;
    path = copy;
  }
  if (sniff_file(path, &kind, NULL) != UNFURL_OK) return 1;
  if (kind != SNIFF_NPY && kind != SNIFF_NPZ && kind != SNIFF_IDX) return 1;
  source_target target = run->target;
  source_stream source;
  target.watch = watch;
  const size_t rows = source_open(&source, path, &target, NULL) == UNFURL_OK ? source.rows : 1;
  source_close(&source);
  return rows;
}

size_t run_count(const run_state *run) {
  const run_options *options = run->options;
  timing_watch watch;
  input_list list;
  input_item item;
  size_t total = 0;
  input_list_init(&list, options->inputs, options->input_count, options->lists, options->list_count);
  timing_start(&watch, TIMING_READ);
  if (input_list_repeatable(&list))
    while (input_list_next(&list, &item)) {
      total += count_item(run, &item, &watch);
      input_item_free(&item);
    }
  input_list_free(&list);
  return total;
}

void run_skip(run_state *run) {
  size_t left = run->options->skip;
  input_item item;
  cursor reader = {.target = run->target, .most_rows = run->batch.capacity};
  reader.target.watch = &run->watch;
  while (left > 0 && !halt_requested() && input_list_next(&run->list, &item)) {
    left -= cursor_pass(&reader, &item, left);
    if (item.skip > 0)
      input_list_put_back(&run->list, &item);
    else
      input_item_free(&item);
  }
  run->results.before = run->options->skip - left;
  if (left > 0) message_warning("--skip %zu: there are only %zu images", run->options->skip, run->results.before);
}
