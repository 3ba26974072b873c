/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph/weights_cache.h"

#include <pthread.h>

#include "base/memory.h"
#include "base/status.h"
#include "conv/plan.h"

typedef struct cache_entry {
  unfurl_conv_weights_source source; /* what was packed */
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

/* [rows][cols] to [cols][rows]. */
static void turn(const float *from, size_t rows, size_t cols, float *to) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < cols; j++) to[j * rows + i] = from[i * cols + j];
}

static unfurl_status pack(unfurl_weights_cache *cache, const unfurl_conv_plan *plan,
                          const unfurl_conv_weights_source *source, unfurl_conv_weights **packed, unfurl_error *error) {
  const size_t rows = source->transposed_rows, cols = plan->problem.geometry.oc, bytes = rows * cols * sizeof(float);
  if (!rows) return unfurl_conv_weights_create(plan, source->weights, source->bias, packed, error);
  float *turned = unfurl_context_alloc(cache->context, bytes);
  if (!turned) return unfurl_fail_memory(error, "packed weights");
  turn(source->weights, rows, cols, turned);
  const unfurl_status status = unfurl_conv_weights_create(plan, turned, source->bias, packed, error);
  unfurl_context_free(cache->context, turned, bytes);
  return status;
}

static unfurl_status add_entry(unfurl_weights_cache *cache, const unfurl_conv_plan *plan,
                               const unfurl_conv_weights_source *source, cache_entry **added, unfurl_error *error) {
  cache_entry *entry = unfurl_alloc_zeroed(cache->context, sizeof *entry);
  if (!entry) return unfurl_fail_memory(error, "packed weights");
  const unfurl_status status = pack(cache, plan, source, &entry->packed, error);
  if (status) {
    unfurl_context_free(cache->context, entry, sizeof *entry);
    return status;
  }
  entry->source = *source;
  entry->next = cache->entries;
  cache->entries = entry;
  *added = entry;
  return UNFURL_OK;
}

/* Constants are told by their addresses. */
static bool is_same(const unfurl_conv_weights_source *a, const unfurl_conv_weights_source *b) {
  return a->weights == b->weights && a->bias == b->bias && a->transposed_rows == b->transposed_rows;
}

unfurl_status unfurl_weights_cache_get(unfurl_weights_cache *cache, const unfurl_conv_plan *plan,
                                       const unfurl_conv_weights_source *source, const unfurl_conv_weights **packed,
                                       unfurl_error *error) {
  unfurl_status status = UNFURL_OK;
  pthread_mutex_lock(&cache->lock);
  cache_entry *entry = cache->entries;
  while (entry && !(is_same(&entry->source, source) && unfurl_conv_plan_accepts(plan, entry->packed)))
    entry = entry->next;
  if (!entry) status = add_entry(cache, plan, source, &entry, error);
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
