/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a context: the host's options, resolved, and our pool where the host gave none. Immutable once made, but
 * for the notes. */
#ifndef UNFURL_BASE_CONTEXT_H
#define UNFURL_BASE_CONTEXT_H

#include <pthread.h>

#include "base/parallel.h"
#include "unfurl/context.h"
#include "unfurl/cpu.h"

/* What a later room keeps in a context: one block of the context's allocator, freed with it (conv/wisdom.c). */
typedef struct unfurl_notes {
  pthread_mutex_t lock; /* held while the block is looked at */
  void *block;          /* NULL at first */
  size_t bytes;
} unfurl_notes;

struct unfurl_context {
  unfurl_context_options options; /* alloc, free and threads are set */
  unfurl_pool *pool;              /* NULL with a host's parallel_for, or for one thread */
  unfurl_isa isa;                 /* of this machine when it was made: executes do not look at the environment */
  unfurl_notes notes;
};

unfurl_isa unfurl_context_isa(const unfurl_context *context);

/* Whether its threads would begin a job at once: unfurl_pool_is_awake. Of a host's threads that is not known: false. */
bool unfurl_context_is_awake(const unfurl_context *context);

/* The one part of a context that changes; the lock makes that safe. */
unfurl_notes *unfurl_context_notes(const unfurl_context *context);

/* Sends a printf-formatted message to the host's log, if there is one. */
__attribute__((format(printf, 3, 4))) void unfurl_log(const unfurl_context *context, unfurl_log_level level,
                                                      const char *format, ...);

#endif
