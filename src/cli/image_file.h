/* SPDX-License-Identifier: BSD-2-Clause */
/* An image file as its decoder reads it: forwards, through one buffer, so that a file of any size takes no more memory.
 *
 * Decoders can't return an unfurl_status through the library that calls them back; what went wrong with reading is
 * kept here for them.
 */
#ifndef CLI_IMAGE_FILE_H
#define CLI_IMAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/status.h"

enum { IMAGE_FILE_BUFFER = 32 * 1024 };

typedef struct image_file {
  int fd;            /* -1: closed */
  bool ended;        /* more was asked for than there is */
  int failed;        /* errno of a read that failed, or 0 */
  size_t at, filled; /* buffer[at..filled-1] is unread */
  unsigned char buffer[IMAGE_FILE_BUFFER];
} image_file;

/* IO_ERROR, as regular_file_open. Closed by image_file_close, also after an error. */
unfurl_status image_file_open(image_file *file, const char *path, unfurl_error *error);

/* Reads more into the empty buffer; false at the end and after a failure. */
bool image_file_fill(image_file *file);

/* Exactly `size` bytes, or false. */
bool image_file_read(image_file *file, void *to, size_t size);

/* The status for a decoder that gave up: what was wrong with the file, or BAD_FILE with the decoder's own words. */
unfurl_status image_file_blame(const image_file *file, const char *format, const char *message, unfurl_error *error);

void image_file_close(image_file *file);

#endif
