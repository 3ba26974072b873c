/* SPDX-License-Identifier: BSD-2-Clause */
/* A small text file, whole in memory, and its lines. */
#ifndef CLI_TEXTFILE_H
#define CLI_TEXTFILE_H

#include <stddef.h>

#include "unfurl/status.h"

/* Reads `path` into memory that the caller frees, with a NUL after it. IO_ERROR; BAD_FILE for a NUL inside;
 * TOO_LARGE beyond 64 MiB; OUT_OF_MEMORY. */
unfurl_status textfile_read(const char *path, char **text, unfurl_error *error);

/* Cuts the next line off *cursor (its newline becomes a NUL, a carriage return before it too); NULL at the end. The
 * empty rest after the last newline is no line. */
char *textfile_line(char **cursor);

#endif
