/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers from text, strictly: the whole text is the number, or it is refused. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include <stdbool.h>
#include <stddef.h>

/* Decimal digits only, least <= value <= most. */
bool parse_size(const char *text, size_t least, size_t most, size_t *value);

/* A finite decimal number; blanks around it are allowed. */
bool parse_real(const char *text, double *value);

/* One to `most` such numbers with commas between them; the number of them goes to *count. */
bool parse_reals(const char *text, size_t most, double *values, size_t *count);

#endif
