/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph/weights_cache.h"

#include <pthread.h>

#include "base/memory.h"
#include "base/status.h"
#include "conv/plan.h"

enum {
  MOST_RESERVED = 32 << 20,
  FILLING_SHARE = 8 /* one byte more in so many */
};

typedef struct packed_form {
  unfurl_conv_weights_source source; /* what was packed */
  unfurl_conv_weights *packed;
  struct packed_form *next;
} packed_form;

/* What is held of one constant. */
typedef struct held_weights {
  packed_form *forms;
  float *raw;   /* as it was given, where the cache took it and has not freed it */
  size_t bytes; /* of raw, also while it is freed; 0: the model kept it */
  bool is_read; /* raw is in use by sessions */
} held_weights;

struct unfurl_weights_cache {
  const unfurl_context *context;
  pthread_mutex_t lock;
  held_weights *held; /* for each value of the model */
  size_t value_count;
  unfurl_region packed; /* where the packed forms lie */
};

unfurl_weights_cache *unfurl_weights_cache_create(const unfurl_context *context) {
  unfurl_weights_cache *cache = unfurl_alloc_zeroed(context, sizeof *cache);
  if (!cache) return NULL;
  cache->context = context;
  unfurl_region_init(&cache->packed, context);
  pthread_mutex_init(&cache->lock, NULL);
  return cache;
}

bool unfurl_weights_cache_open(unfurl_weights_cache *cache, size_t value_count) {
  cache->held = unfurl_alloc_zeroed(cache->context, value_count * sizeof *cache->held);
  if (cache->held) cache->value_count = value_count;
  return cache->held != NULL;
}

void unfurl_weights_cache_take(unfurl_weights_cache *cache, size_t value, unfurl_value *constant) {
  cache->held[value].raw = constant->tensor.data;
  cache->held[value].bytes = constant->owned_bytes;
  constant->tensor.data = NULL;
  constant->owned_bytes = 0;
}

static const packed_form *form_to_unpack(const held_weights *held) {
  const packed_form *form = held->forms;
  while (form && !unfurl_conv_weights_are_moved(form->packed)) form = form->next;
  return form;
}

/* Undoes what packing did, which is first to turn the weights and then to pack them. */
static unfurl_status unpack(const unfurl_weights_cache *cache, const packed_form *form, size_t bytes, float *raw,
                            unfurl_error *error) {
  const size_t cols = form->source.transposed_rows;
  if (!cols) return unfurl_conv_weights_unpack(form->packed, raw, error);
  float *turned = unfurl_context_alloc(cache->context, bytes);
  if (!turned) return unfurl_fail_memory(error, "unpacked weights");
  const unfurl_status status = unfurl_conv_weights_unpack(form->packed, turned, error);
  if (!status) unfurl_conv_source_turn(turned, bytes / sizeof *raw / cols, cols, raw);
  unfurl_context_free(cache->context, turned, bytes);
  return status;
}

/* Makes sure that the constant is there as it was given, if the cache took it. */
static unfurl_status bring_back(const unfurl_weights_cache *cache, held_weights *held, unfurl_error *error) {
  if (held->raw || !held->bytes) return UNFURL_OK;
  float *raw = unfurl_context_alloc(cache->context, held->bytes);
  if (!raw) return unfurl_fail_memory(error, "unpacked weights");
  const unfurl_status status = unpack(cache, form_to_unpack(held), held->bytes, raw, error);
  if (status)
    unfurl_context_free(cache->context, raw, held->bytes);
  else
    held->raw = raw;
  return status;
}

/* Frees what nobody reads and a packed form has. */
static void let_go(const unfurl_weights_cache *cache, held_weights *held) {
  if (!held->raw || held->is_read || !form_to_unpack(held)) return;
  unfurl_context_free(cache->context, held->raw, held->bytes);
  held->raw = NULL;
}

/* Bytes that the constants that no form has yet may take: packed, they are as many or more, as panels are filled up. */
static size_t unpacked_bytes(const unfurl_weights_cache *cache) {
  size_t bytes = 0;
  for (size_t v = 0; v < cache->value_count; v++)
    if (!cache->held[v].forms) bytes += cache->held[v].bytes;
  bytes += bytes / FILLING_SHARE;
  return bytes < MOST_RESERVED ? bytes : MOST_RESERVED;
}

/* Forms lie one behind the other in large blocks, which may have huge pages; alone, most are too small for these. False when
 * out of memory. */
static bool reserve(unfurl_weights_cache *cache, size_t bytes) {
  const size_t wanted = unpacked_bytes(cache);
  if (bytes <= unfurl_region_room(&cache->packed) || bytes > wanted) return true;
  return unfurl_region_reserve(&cache->packed, wanted);
}

static unfurl_status add_form(unfurl_weights_cache *cache, held_weights *held, const unfurl_conv_plan *plan,
                              const unfurl_conv_weights_source *source, unfurl_error *error) {
  packed_form *form = unfurl_alloc_zeroed(cache->context, sizeof *form);
  if (!form) return unfurl_fail_memory(error, "packed weights");
  form->source = *source;
  if (held->raw) form->source.weights = held->raw;
  const bool is_reserved = reserve(cache, unfurl_conv_plan_weights_bytes(plan, form->source.bias != NULL));
  const unfurl_status status =
      is_reserved ? unfurl_conv_source_pack(cache->context, plan, &form->source, &cache->packed, &form->packed, error)
                  : unfurl_fail_memory(error, "packed weights");
  if (status) {
    unfurl_context_free(cache->context, form, sizeof *form);
    return status;
  }
  form->next = held->forms;
  held->forms = form;
  return UNFURL_OK;
}

/* Biases are told by their addresses: those of constants, which stay. */
static packed_form *find_form(const held_weights *held, const unfurl_conv_plan *plan,
                              const unfurl_conv_weights_source *source) {
  packed_form *form = held->forms;
  while (form && !(form->source.bias == source->bias && form->source.transposed_rows == source->transposed_rows &&
                   unfurl_conv_plan_accepts(plan, form->packed)))
    form = form->next;
  return form;
}

unfurl_status unfurl_weights_cache_get(unfurl_weights_cache *cache, const unfurl_conv_plan *plan,
                                       const unfurl_conv_weights_source *source, const unfurl_conv_weights **packed,
                                       unfurl_error *error) {
  unfurl_status status = UNFURL_OK;
  pthread_mutex_lock(&cache->lock);
  held_weights *held = &cache->held[source->value];
  const packed_form *form = find_form(held, plan, source);
  if (!form) {
    status = bring_back(cache, held, error);
    if (!status) status = add_form(cache, held, plan, source, error);
    if (!status) form = held->forms;
    let_go(cache, held);
  }
  if (form) *packed = form->packed;
  pthread_mutex_unlock(&cache->lock);
  return status;
}

unfurl_status unfurl_weights_cache_raw(unfurl_weights_cache *cache, size_t value, float **raw, unfurl_error *error) {
  pthread_mutex_lock(&cache->lock);
  held_weights *held = &cache->held[value];
  const unfurl_status status = bring_back(cache, held, error);
  if (!status) {
    held->is_read = true;
    *raw = held->raw;
  }
  pthread_mutex_unlock(&cache->lock);
  return status;
}

void unfurl_weights_cache_bytes(unfurl_weights_cache *cache, size_t *packed, size_t *raw) {
  *packed = *raw = 0;
  pthread_mutex_lock(&cache->lock);
  for (size_t v = 0; v < cache->value_count; v++) {
    const held_weights *held = &cache->held[v];
    if (held->raw) *raw += held->bytes;
    for (const packed_form *form = held->forms; form; form = form->next)
      *packed += unfurl_conv_weights_bytes(form->packed);
  }
  pthread_mutex_unlock(&cache->lock);
}

static void free_held(const unfurl_weights_cache *cache, held_weights *held) {
  while (held->forms) {
    packed_form *form = held->forms;
    held->forms = form->next;
    unfurl_context_free(cache->context, form, sizeof *form);
  }
  if (held->raw) unfurl_context_free(cache->context, held->raw, held->bytes);
}

void unfurl_weights_cache_destroy(unfurl_weights_cache *cache) {
  if (!cache) return;
  for (size_t v = 0; v < cache->value_count; v++) free_held(cache, &cache->held[v]);
  unfurl_region_clear(&cache->packed);
  unfurl_context_free(cache->context, cache->held, cache->value_count * sizeof *cache->held);
  pthread_mutex_destroy(&cache->lock);
  unfurl_context_free(cache->context, cache, sizeof *cache);
}
