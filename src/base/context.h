/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a context: the host's options, resolved, and our pool where the host gave none. Immutable once made. */
#ifndef UNFURL_BASE_CONTEXT_H
#define UNFURL_BASE_CONTEXT_H

#include "base/parallel.h"
#include "unfurl/context.h"

struct unfurl_context {
  unfurl_context_options options; /* alloc, free and threads are set */
  unfurl_pool *pool;              /* NULL with a host's parallel_for, or for one thread */
};

/* Sends a printf-formatted message to the host's log, if there is one. */
__attribute__((format(printf, 3, 4))) void unfurl_log(const unfurl_context *context, unfurl_log_level level,
                                                      const char *format, ...);

#endif
