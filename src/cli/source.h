/* SPDX-License-Identifier: BSD-2-Clause */
/* An input file as a stream of rows, each ready to be one entry of a batch for the model.
 *
 * Every format is one reader: a small table of functions, in a file source_*.c and a row in source.c. Rows of one source
 * all have the same shape and dtype, which are known once it is open. An image file is a source of one row.
 *
 * Life cycle: source_open, source_read until *count is 0, source_close (also after an error).
 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "prepare.h"
#include "timing.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

/* What rows must become: the model's input, how images are prepared for it, and where their time is counted. */
typedef struct source_target {
  const char *name;    /* of the input */
  unfurl_tensor shape; /* as the model declares it; -1: free; dims[0] is the batch */
  const prepare_recipe *recipe;
  timing_watch *watch;

  /* Called before an image of about `bytes` is decoded; false: don't. May be NULL. */
  bool (*reserve)(void *user, size_t bytes);
  void *reserve_user;
} source_target;

typedef struct source_reader source_reader;

typedef struct source_stream {
  const source_reader *reader;
  const source_target *target;
  void *state;         /* the reader's own */
  size_t rows;         /* how many the file says it has */
  unfurl_tensor shape; /* of a batch of its rows; dims[0] is `rows` */
  size_t row_bytes;
} source_stream;

struct source_reader {
  /* Fills state, rows and shape. */
  unfurl_status (*open)(source_stream *source, const char *path, unfurl_error *error);
  /* Reads up to `max_rows` rows; on an error *count says how many came out whole before it. */
  unfurl_status (*read)(source_stream *source, size_t max_rows, void *rows, size_t *count, unfurl_error *error);
  /* state may be NULL. */
  void (*close)(source_stream *source);
};

extern const source_reader source_npy, source_npz, source_idx, source_image;

/* Opens `path` with the reader for its content. Statuses: IO_ERROR, BAD_FILE, UNSUPPORTED, TOO_LARGE, OUT_OF_MEMORY,
 * INVALID_ARGUMENT (rows that do not fit the model's input). `target` must outlive the source. */
unfurl_status source_open(source_stream *source, const char *path, const source_target *target, unfurl_error *error);

/* Reads up to `max_rows` rows of row_bytes into `rows`. Statuses as above; *count rows are good even then. */
unfurl_status source_read(source_stream *source, size_t max_rows, void *rows, size_t *count, unfurl_error *error);

void source_close(source_stream *source);

/* "[batch, 1, 32, 32]" in `text` (which is returned): a shape for messages, "?" for a free dimension. */
const char *source_shape_text(const unfurl_tensor *shape, char *text, size_t size);

/* The shape [rows, channels, height, width] that images have for this model's input; a free height or width becomes the
 * image's own, free channels too. INVALID_ARGUMENT where the input takes no such images. */
unfurl_status source_image_shape(source_stream *source, size_t channels, size_t height, size_t width,
                                 unfurl_error *error);

/* The channels that the model's input asks for, 1 or 3; 0: as many as the image has. */
size_t source_image_channels(const source_target *target);

/* Does `given` fit where `declared` was asked for, free dimensions aside? The leading one counts only if
 * `with_batch`. INVALID_ARGUMENT, with both shapes in the message. */
unfurl_status source_check_shape(const unfurl_tensor *given, const source_target *declared, bool with_batch,
                                 unfurl_error *error);

#endif
