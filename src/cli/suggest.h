/* SPDX-License-Identifier: BSD-2-Clause */
/* "Did you mean ...?": the known name closest to one that was mistyped. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stddef.h>

/* The name with the smallest edit distance to `word`, or NULL if none is close. */
const char *suggest_closest(const char *word, const char *const *names, size_t count);

/* "; did you mean 'NAME'?" in `buffer` (which is returned), or "" for a NULL name. */
const char *suggest_text(const char *name, char *buffer, size_t size);

#endif
