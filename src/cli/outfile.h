/* SPDX-License-Identifier: BSD-2-Clause */
/* An output file that appears under its name only when it is whole.
 *
 * It is written to a hidden file in the same folder, synced to the disk and renamed by outfile_commit; until then an
 * older file of that name stays as it was, and afterwards nothing half-written is left, not even when the program is
 * interrupted. A name that stands for a device, a pipe or a stream that the program has already (/dev/stdout) is
 * written to directly, and "-" is stdout.
 *
 * Invariant: at most one such file is open at a time (the handler of signals knows one name).
 */
#ifndef CLI_OUTFILE_H
#define CLI_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

#include "unfurl/status.h"

typedef struct outfile_handle {
  FILE *stream;
  bool borrowed;   /* stdout or stderr: flushed, not closed */
  char *path;      /* where it will be */
  char *temporary; /* where it is written; NULL: directly */
} outfile_handle;

/* IO_ERROR, OUT_OF_MEMORY. Ended by outfile_commit or outfile_discard, in any case. */
unfurl_status outfile_open(outfile_handle *out, const char *path, unfurl_error *error);

/* Flushes, and fails if anything written so far did not arrive. IO_ERROR. */
unfurl_status outfile_flush(outfile_handle *out, unfurl_error *error);

/* Makes the file appear. IO_ERROR; nothing is left then. */
unfurl_status outfile_commit(outfile_handle *out, unfurl_error *error);

/* Leaves nothing. */
void outfile_discard(outfile_handle *out);

/* Dies of signal `number`, and leaves no unfinished file. For handlers of signals. */
void outfile_die(int number);

#endif
