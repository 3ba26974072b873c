/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens files that came from outside, and only files: a FIFO without a writer or a device must not hang the program.
 */
#ifndef CLI_REGULAR_FILE_H
#define CLI_REGULAR_FILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "unfurl/status.h"

/* Opens `path` for reading; *fd is the caller's, -1 after an error. `info` may be NULL. IO_ERROR: can't be opened, is a
 * folder, or is something else that is no regular file. */
unfurl_status regular_file_open(const char *path, int *fd, struct stat *info, unfurl_error *error);

/* Up to `size` bytes, fewer only at the end of the file. IO_ERROR. */
unfurl_status regular_file_read(int fd, void *to, size_t size, size_t *got, unfurl_error *error);

#endif
