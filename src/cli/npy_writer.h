/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a .npy file (version 1.0) row by row. How many rows there are is known only at the end, so the header is
 * written with room for any number and patched then; its length is a multiple of 64, as NumPy wants it.
 *
 * Life cycle: npy_writer_begin, npy_writer_rows any number of times, npy_writer_end. The stream must be seekable and
 * is neither flushed nor closed.
 */
#ifndef CLI_NPY_WRITER_H
#define CLI_NPY_WRITER_H

#include <stdio.h>

#include "unfurl/status.h"
#include "unfurl/tensor.h"

typedef struct npy_writer {
  FILE *file;
  unfurl_tensor shape; /* of the first rows; dims[0] counts rows (a scalar has none) */
  size_t row_bytes;
  long header_bytes;
} npy_writer;

/* Begins a file of rows shaped as `shape` (NCHW order; dims[0] is ignored). IO_ERROR, UNSUPPORTED. */
unfurl_status npy_writer_begin(npy_writer *writer, FILE *file, const unfurl_tensor *shape, unfurl_error *error);

/* Appends the first `rows` rows of `tensor`. INVALID_ARGUMENT if its shape is another one, IO_ERROR. */
unfurl_status npy_writer_rows(npy_writer *writer, const unfurl_tensor *tensor, size_t rows, unfurl_error *error);

/* Appends `rows` rows of NaN; of the least value where elements are integers, of false where they are bools. IO_ERROR. */
unfurl_status npy_writer_blank(npy_writer *writer, size_t rows, unfurl_error *error);

/* Patches the header. IO_ERROR. */
unfurl_status npy_writer_end(npy_writer *writer, unfurl_error *error);

#endif
