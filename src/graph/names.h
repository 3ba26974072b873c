/* SPDX-License-Identifier: BSD-2-Clause */
/* A table from names to numbers: open addressing, at most half full, so that a file with many names stays quick. */
#ifndef UNFURL_GRAPH_NAMES_H
#define UNFURL_GRAPH_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/context.h"

typedef struct unfurl_names {
  const unfurl_context *context;
  struct unfurl_names_slot *slots;
  size_t capacity, count; /* capacity is 0 or a power of two */
} unfurl_names;

void unfurl_names_init(unfurl_names *names, const unfurl_context *context);

/* The number of `name`, or SIZE_MAX. */
size_t unfurl_names_find(const unfurl_names *names, const char *name);

/* Adds a name that is not there yet; the string must outlive the table. False when out of memory. */
bool unfurl_names_add(unfurl_names *names, const char *name, size_t number);

void unfurl_names_clear(unfurl_names *names);

#endif
