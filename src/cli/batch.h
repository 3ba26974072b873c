/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows that the model is run on next, and where each of them came from.
 *
 * A batch is filled from one source after another, so that many small files run as well as one large one; all its
 * rows have one shape.
 */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "source.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

/* Row `index` of the file that stands at place `input` on the command line. */
typedef struct batch_origin {
  size_t input, index;
} batch_origin;

typedef struct batch_buffer {
  size_t capacity;       /* rows that it is run with, at most */
  size_t count;          /* rows that it holds */
  batch_origin *origins; /* [capacity] */
  unfurl_tensor tensor;  /* dims[0] is not kept up to date; data has room for `room` bytes */
  size_t row_bytes, room;
} batch_buffer;

/* Released by batch_free, also after an error. */
unfurl_status batch_init(batch_buffer *batch, size_t capacity, unfurl_error *error);

/* Can rows of `source` stand beside those that are there? Always true for an empty batch. */
bool batch_accepts(const batch_buffer *batch, const source_stream *source);

/* Reads rows of an accepted source until the batch is full or the source has no more; *count is how many came.
 * `input` and `first` say what they are. Statuses as source_read; the *count rows before an error are kept. */
unfurl_status batch_read(batch_buffer *batch, source_stream *source, batch_origin first, size_t *count,
                         unfurl_error *error);

/* The batch as a tensor; where `full` is set it has `capacity` rows, the missing ones zero. TOO_LARGE, OUT_OF_MEMORY. */
unfurl_status batch_tensor(batch_buffer *batch, bool full, unfurl_tensor *tensor, unfurl_error *error);

void batch_free(batch_buffer *batch);

#endif
