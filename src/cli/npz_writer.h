/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a .npz file: a zip archive, not compressed, as numpy.savez makes them. It has no time of day in it, so that
 * equal arrays make equal files.
 */
#ifndef CLI_NPZ_WRITER_H
#define CLI_NPZ_WRITER_H

#include <stddef.h>
#include <stdio.h>

#include "unfurl/status.h"

typedef struct npz_part {
  const char *name; /* the member is NAME.npy */
  FILE *file;       /* a whole .npy file */
} npz_part;

/* Writes the archive to `to`, which must be seekable and empty, and is neither flushed nor closed. The parts' files are
 * closed and set to NULL. IO_ERROR, OUT_OF_MEMORY. */
unfurl_status npz_write(FILE *to, npz_part *parts, size_t count, unfurl_error *error);

#endif
