/* SPDX-License-Identifier: BSD-2-Clause */
/* The weights of a model's convolutions and fully connected layers, shared by its sessions: each constant is packed once
 * for each form that a solver asks for. The only part of a finished model that changes, behind a lock of its own.
 *
 * Constants that only these layers read are the cache's own (take). It holds them as they were given until they can be
 * had back from a packed form, bit by bit; then it frees them, so that a model at rest holds its weights once. Another
 * form, or a layer that reads them as they were given, brings them back: for as long as packing takes, or for good.
 */
#ifndef UNFURL_GRAPH_WEIGHTS_CACHE_H
#define UNFURL_GRAPH_WEIGHTS_CACHE_H

#include "graph/conv_call.h"

typedef struct unfurl_weights_cache unfurl_weights_cache;

/* NULL when out of memory. */
unfurl_weights_cache *unfurl_weights_cache_create(const unfurl_context *context);

/* Makes room for the constants of a model with so many values; false when out of memory. Once, and before all below. */
bool unfurl_weights_cache_open(unfurl_weights_cache *cache, size_t value_count);

/* The cache takes over the data of a constant, whose tensor is then without. */
void unfurl_weights_cache_take(unfurl_weights_cache *cache, size_t value, unfurl_value *constant);

/* The packed form of the source's weights and bias, which are constants of the model, for `plan`. It lives as long as the
 * cache. From any thread. */
unfurl_status unfurl_weights_cache_get(unfurl_weights_cache *cache, const unfurl_conv_plan *plan,
                                       const unfurl_conv_weights_source *source, const unfurl_conv_weights **packed,
                                       unfurl_error *error);

/* A constant that the cache took, as it was given; from now on it stays. From any thread. */
unfurl_status unfurl_weights_cache_raw(unfurl_weights_cache *cache, size_t value, float **raw, unfurl_error *error);

/* Bytes of all that is packed, and of what is held as it was given. */
void unfurl_weights_cache_bytes(unfurl_weights_cache *cache, size_t *packed, size_t *raw);

/* NULL is allowed. */
void unfurl_weights_cache_destroy(unfurl_weights_cache *cache);

#endif
