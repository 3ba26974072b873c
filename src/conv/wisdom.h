/* SPDX-License-Identifier: BSD-2-Clause */
/* Wisdom inside: a table of entries in the context's notes.
 *
 * An entry's key is every number of a descriptor that may matter to the time that a solver takes, so that equal keys are
 * the same problem. Entries are told apart by key and instruction set; each pair occurs once.
 */
#ifndef UNFURL_CONV_WISDOM_H
#define UNFURL_CONV_WISDOM_H

#include <stdint.h>

#include "conv/solver.h"

enum { UNFURL_WISDOM_FIELDS = 25, UNFURL_WISDOM_MOST = 4096 };

typedef struct unfurl_wisdom_found {
  const unfurl_conv_solver *solver;
  int64_t nanoseconds;
} unfurl_wisdom_found;

typedef struct unfurl_wisdom_entry {
  int64_t key[UNFURL_WISDOM_FIELDS];
  unfurl_isa isa;
  unfurl_wisdom_found found;
} unfurl_wisdom_entry;

/* The entry for a descriptor that was read, in this context and now. */
bool unfurl_wisdom_find(const unfurl_context *context, const unfurl_conv_desc *desc, unfurl_wisdom_found *found);

/* Adds an entry, unless there is one. It is lost where there is no memory for it. */
void unfurl_wisdom_remember(const unfurl_context *context, const unfurl_conv_desc *desc,
                            const unfurl_wisdom_found *found);

/* Adds all entries, or none (false: out of memory); they replace what was known. */
bool unfurl_wisdom_merge(const unfurl_context *context, const unfurl_wisdom_entry *entries, size_t count);

/* Calls `visit` with each entry of this instruction set, the oldest first, while the table is locked. */
void unfurl_wisdom_visit(const unfurl_context *context, void (*visit)(void *user, const unfurl_wisdom_entry *entry),
                         void *user);

#endif
