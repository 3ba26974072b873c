/* SPDX-License-Identifier: BSD-2-Clause */
/* Temporary files without a name: whatever happens to the program, they are gone with it. */
#ifndef CLI_SPOOL_H
#define CLI_SPOOL_H

#include <stdio.h>

#include "unfurl/status.h"

/* Makes one in the folder of `path`, or (NULL) where temporary files live; *fd can be read and written. IO_ERROR,
 * OUT_OF_MEMORY. */
unfurl_status spool_make(const char *path, int *fd, unfurl_error *error);

/* The same as a stream. */
unfurl_status spool_open(const char *path, FILE **file, unfurl_error *error);

/* A path under which what comes on stdin can be opened like any file, and more than once: it is copied to a temporary
 * file first, by the first call. IO_ERROR. */
unfurl_status spool_stdin(char path[32], unfurl_error *error);

#endif
