/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads .npy files in slices of the leading dimension, so that a file may be larger than memory.
 *
 *     npy_reader reader;
 *     if (npy_open(&reader, "images.npy", &error) == UNFURL_OK)
 *       while (npy_read(&reader, 16, rows, &count, &error) == UNFURL_OK && count > 0) use(rows, count);
 *     npy_close(&reader);
 *
 * Invariant: an open reader's file is exactly as long as its header says, so no claim of the header is larger than
 * the file, and memory for a slice may be allocated without fear. Elements lie as NumPy's C order has them; the
 * machine is little-endian, as the files are.
 */
#ifndef CLI_NPY_H
#define CLI_NPY_H

#include <stddef.h>

#include "npy_header.h"
#include "unfurl/status.h"

/* Where the bytes of a file come from, if not from a file (a member of an archive). */
typedef struct npy_stream {
  unfurl_status (*read)(void *user, void *to, size_t size, size_t *got, unfurl_error *error); /* less: at the end */
  void (*close)(void *user);
  void *user;
  size_t length; /* bytes, all in all */
} npy_stream;

typedef struct npy_reader {
  npy_header header;
  size_t rows_left;
  npy_stream stream; /* read is NULL: closed */
} npy_reader;

/* A closed reader. */
void npy_init(npy_reader *reader);

/* Opens `path` and checks all of its header, and its length. Statuses: IO_ERROR (also what is no regular file),
 * BAD_FILE, UNSUPPORTED, TOO_LARGE, OUT_OF_MEMORY. The reader can be closed in any case. */
unfurl_status npy_open(npy_reader *reader, const char *path, unfurl_error *error);

/* The same for bytes from elsewhere; `stream` is the reader's own from here on, also after an error. */
unfurl_status npy_open_stream(npy_reader *reader, const npy_stream *stream, unfurl_error *error);

/* Reads up to `max_rows` rows into `rows`; *count is how many there were, 0 at the end. bools come as 0 and 1. */
unfurl_status npy_read(npy_reader *reader, size_t max_rows, void *rows, size_t *count, unfurl_error *error);

void npy_close(npy_reader *reader);

/* The dtype that a network is fed with: F32 for float32, float64 and uint8, the others as they are. */
unfurl_dtype npy_feed_dtype(npy_type type);

/* `count` elements in place of a read, as npy_feed_dtype says; `to` may be `from` unless a type gets wider. */
void npy_convert(npy_type type, const void *from, size_t count, void *to);

#endif
