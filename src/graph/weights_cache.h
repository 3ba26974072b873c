/* SPDX-License-Identifier: BSD-2-Clause */
/* Packed weights of a model, shared by its sessions: each set of weights is packed once for each form that a solver
 * asks for. The only part of a finished model that changes, behind a lock of its own. */
#ifndef UNFURL_GRAPH_WEIGHTS_CACHE_H
#define UNFURL_GRAPH_WEIGHTS_CACHE_H

#include "graph/conv_call.h"

typedef struct unfurl_weights_cache unfurl_weights_cache;

/* NULL when out of memory. */
unfurl_weights_cache *unfurl_weights_cache_create(const unfurl_context *context);

/* The packed form of the source's weights and bias, which are constants of the model, for `plan`. */
unfurl_status unfurl_weights_cache_get(unfurl_weights_cache *cache, const unfurl_conv_plan *plan,
                                       const unfurl_conv_weights_source *source, const unfurl_conv_weights **packed,
                                       unfurl_error *error);

/* Bytes of all that is packed. */
size_t unfurl_weights_cache_bytes(unfurl_weights_cache *cache);

/* NULL is allowed. */
void unfurl_weights_cache_destroy(unfurl_weights_cache *cache);

#endif
