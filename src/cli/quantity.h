/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes and foreign text, so that they fit in a column of a table. */
#ifndef CLI_QUANTITY_H
#define CLI_QUANTITY_H

#include <stddef.h>

enum { QUANTITY_SIZE = 24 };

/* "12.3 MiB" */
const char *quantity_bytes(size_t bytes, char text[QUANTITY_SIZE]);

/* "12.3 M"; "-" for 0. */
const char *quantity_count(double count, char text[QUANTITY_SIZE]);

/* Copies `text` into `buffer`, with '?' for characters that could play with a terminal or a table, and at most `most`
 * characters (buffer has most + 1): what is longer ends in "...". Newlines become blanks. Returns buffer. */
const char *quantity_name(const char *text, size_t most, char *buffer);

#endif
