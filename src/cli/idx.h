/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads IDX files of bytes (the format of MNIST), plain or compressed with gzip, row by row.
 *
 *     0  0  type  rank | rank big-endian 32-bit sizes | elements, the last dimension fastest
 *
 * Type 0x08 (unsigned byte) is read; rank 1 holds labels, rank 3 greyscale images. A plain file must be exactly as
 * long as its sizes say, which is checked before anything is read. How much a compressed file holds shows only while
 * it is unpacked: it fails where it ends early, or goes on after its last row. A row is at most 64 MiB.
 */
#ifndef CLI_IDX_H
#define CLI_IDX_H

#include <stddef.h>
#include <zlib.h>

#include "unfurl/status.h"

enum { IDX_MAX_RANK = 3, IDX_MAX_ROW = 64 << 20 };

typedef struct idx_reader {
  gzFile file; /* NULL: closed */
  size_t rank;
  size_t dims[IDX_MAX_RANK];
  size_t row_bytes; /* product of all dims but the first */
  size_t rows_left;
} idx_reader;

/* Opens `path` and reads its header. Statuses: IO_ERROR, BAD_FILE, UNSUPPORTED (type or rank), TOO_LARGE,
 * OUT_OF_MEMORY. The reader can be closed in any case. */
unfurl_status idx_open(idx_reader *reader, const char *path, unfurl_error *error);

/* Reads up to `max_rows` rows; *count is how many there were, 0 at the end. BAD_FILE (short, long or damaged; *count
 * is then the number of rows that were whole), IO_ERROR. */
unfurl_status idx_read(idx_reader *reader, size_t max_rows, unsigned char *rows, size_t *count, unfurl_error *error);

void idx_close(idx_reader *reader);

#endif
