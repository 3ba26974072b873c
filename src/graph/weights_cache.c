/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph/weights_cache.h"

#include <pthread.h>

#include "base/memory.h"
#include "base/status.h"
#include "conv/plan.h"

typedef struct cache_entry {
  const float *weights, *bias; /* what was packed: constants of the model, told by their addresses */
  unfurl_conv_weights *packed;
  struct cache_entry *next;
} cache_entry;

struct unfurl_weights_cache {
  const unfurl_context *context;
  pthread_mutex_t lock;
  cache_entry *entries;
};

unfurl_weights_cache *unfurl_weights_cache_create(const unfurl_context *context) {
  unfurl_weights_cache *cache = unfurl_alloc_zeroed(context, sizeof *cache);
  if (!cache) return NULL;
  cache->context = context;
  pthread_mutex_init(&cache->lock, NULL);
  return cache;
}

static unfurl_status add_entry(unfurl_weights_cache *cache, const unfurl_conv_plan *plan, const float *weights,
                               const float *bias, cache_entry **added, unfurl_error *error) {
  cache_entry *entry = unfurl_alloc_zeroed(cache->context, sizeof *entry);
  if (!entry) return unfurl_fail_memory(error, "packed weights");
  const unfurl_status status = unfurl_conv_weights_create(plan, weights, bias, &entry->packed, error);
  if (status) {
    unfurl_context_free(cache->context, entry, sizeof *entry);
    return status;
  }
  entry->weights = weights;
  entry->bias = bias;
  entry->next = cache->entries;
  cache->entries = entry;
  *added = entry;
  return UNFURL_OK;
}

unfurl_status unfurl_weights_cache_get(unfurl_weights_cache *cache, const unfurl_conv_plan *plan, const float *weights,
                                       const float *bias, const unfurl_conv_weights **packed, unfurl_error *error) {
  unfurl_status status = UNFURL_OK;
  pthread_mutex_lock(&cache->lock);
  cache_entry *entry = cache->entries;
  while (entry && (entry->weights != weights || entry->bias != bias || !unfurl_conv_plan_accepts(plan, entry->packed)))
    entry = entry->next;
  if (!entry) status = add_entry(cache, plan, weights, bias, &entry, error);
  if (!status) *packed = entry->packed;
  pthread_mutex_unlock(&cache->lock);
  return status;
}

size_t unfurl_weights_cache_bytes(unfurl_weights_cache *cache) {
  size_t bytes = 0;
  pthread_mutex_lock(&cache->lock);
  for (const cache_entry *entry = cache->entries; entry; entry = entry->next)
    bytes += unfurl_conv_weights_bytes(entry->packed);
  pthread_mutex_unlock(&cache->lock);
  return bytes;
}

void unfurl_weights_cache_destroy(unfurl_weights_cache *cache) {
  if (!cache) return;
  while (cache->entries) {
    cache_entry *entry = cache->entries;
    cache->entries = entry->next;
    unfurl_conv_weights_destroy(&entry->packed);
    unfurl_context_free(cache->context, entry, sizeof *entry);
  }
  pthread_mutex_destroy(&cache->lock);
  unfurl_context_free(cache->context, cache, sizeof *cache);
}
