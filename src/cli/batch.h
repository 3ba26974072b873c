/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows that the model is run on next, where each of them came from, and what failed between them.
 *
 * A batch is filled from one portion after another, so that many small files run as well as one large one; all its
 * rows have one shape. A failed image takes no row, only a place in the order of the runs.
 */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "cursor.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

/* An image: `index` in the file `name`, which stands at place `number` of the list. */
typedef struct batch_origin {
  const char *name;
  size_t number, index;
} batch_origin;

/* Images that follow each other in one file. */
typedef struct batch_run {
  char *source;  /* the file's name */
  size_t number; /* the file's place in the list */
  size_t index;  /* of the first image in the file */
  size_t rows;
  char *failure; /* what is wrong with all of them; NULL: nothing, they are rows of the batch */
  bool aligned;  /* of a failure: it stands for exactly `rows` images */
} batch_run;

typedef struct batch_runs {
  batch_run *runs; /* [count] */
  size_t count, room;
  size_t good; /* rows of those that did not fail */
} batch_runs;

typedef struct batch_buffer {
  size_t capacity;      /* rows that it is run with, at most */
  size_t count;         /* rows that it holds */
  batch_runs order;     /* of rows and failures */
  unfurl_tensor tensor; /* dims[0] is not kept up to date; data has room for `room` bytes */
  size_t row_bytes, room;
} batch_buffer;

void batch_init(batch_buffer *batch, size_t capacity);

/* Can rows of `part` (which are not empty) stand beside those that are there? Always true for a batch without rows. */
bool batch_accepts(const batch_buffer *batch, const portion *part);

/* Copies rows of an accepted portion from row `from` on, which is what `origin` says, until the batch is full or there are
 * no more; *count is how many. TOO_LARGE, OUT_OF_MEMORY; nothing is added then. */
unfurl_status batch_add(batch_buffer *batch, const portion *part, size_t from, const batch_origin *origin,
                        size_t *count, unfurl_error *error);

/* Adds a failure at `origin`; `aligned` as in batch_run, of one image. OUT_OF_MEMORY. */
unfurl_status batch_fail(batch_buffer *batch, const batch_origin *origin, const char *message, bool aligned,
                         unfurl_error *error);

/* The batch as a tensor; where `full` is set it has `capacity` rows, the missing ones zero. TOO_LARGE, OUT_OF_MEMORY. */
unfurl_status batch_tensor(batch_buffer *batch, bool full, unfurl_tensor *tensor, unfurl_error *error);

/* Hands the order of rows and failures over to the caller; the batch is empty then. */
batch_runs batch_take(batch_buffer *batch);

/* Makes `runs` one run of `rows` good rows. OUT_OF_MEMORY. */
unfurl_status batch_order_one(batch_runs *runs, const batch_origin *origin, size_t rows, unfurl_error *error);

/* All rows of `runs` fail with `message`. OUT_OF_MEMORY. */
unfurl_status batch_runs_fail(batch_runs *runs, const char *message, unfurl_error *error);

void batch_runs_free(batch_runs *runs);
void batch_free(batch_buffer *batch);

#endif
