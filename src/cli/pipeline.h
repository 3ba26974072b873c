/* SPDX-License-Identifier: BSD-2-Clause */
/* The front half of a run: files are read, decoded and prepared ahead of the model, by several threads, in order.
 *
 * A ring of slots, one for each file that is being worked on. Workers claim files in the order of the list and put
 * portions into their slot; the consumer takes the portions of the oldest slot until that file is at its end, then
 * turns to the next. So what comes out is in order, whoever was first.
 *
 * Memory is bounded however many files there are, and however large: a slot holds few portions, there are few slots,
 * and all that is being decoded and waiting together takes at most `most_bytes`. Only the oldest file may always go on
 * (one image may be larger than that, and it is the one that everything waits for), so nothing can get stuck.
 *
 * With no workers everything happens in the consumer's thread, when it asks. When there is a wish to stop (halt.h), all
 * come to their end.
 */
#ifndef CLI_PIPELINE_H
#define CLI_PIPELINE_H

#include <stddef.h>

#include "cursor.h"
#include "input_list.h"
#include "source.h"
#include "timing.h"
#include "unfurl/status.h"

typedef struct pipeline pipeline;

typedef struct pipeline_options {
  input_list *inputs;
  const source_target *target; /* `watch` and `reserve` are not used */
  size_t workers;              /* 0: none */
  size_t batch;                /* rows that the consumer takes at a time */
  size_t most_bytes;
  timing_watch *watch; /* the consumer's */
} pipeline_options;

/* OUT_OF_MEMORY, also where no thread could be started. What `options` points to must outlive the pipeline. */
unfurl_status pipeline_start(pipeline **line, const pipeline_options *options, unfurl_error *error);

/* The next portion, or NULL at the end of the list, or when there is a wish to stop. `*item` says what file it is from,
 * until the next call, and `*number` is the file's place in the list, from 0 on. */
portion *pipeline_next(pipeline *line, const input_item **item, size_t *number);

/* Gives a portion back. */
void pipeline_release(pipeline *line, portion *part);

/* Ends the threads, adds what they did to `total`, and frees everything. NULL is allowed. */
void pipeline_stop(pipeline *line, timing_watch *total);

#endif
