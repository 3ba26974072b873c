/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/memory.h"

#include <stdalign.h>
#include <string.h>

bool unfurl_size_mul(size_t *total, size_t factor) {
  if (*total != SIZE_MAX && !__builtin_mul_overflow(*total, factor, total) && *total != SIZE_MAX) return true;
  *total = SIZE_MAX;
  return false;
}

bool unfurl_size_add(size_t *total, size_t term) {
  if (*total != SIZE_MAX && !__builtin_add_overflow(*total, term, total) && *total != SIZE_MAX) return true;
  *total = SIZE_MAX;
  return false;
}

size_t unfurl_size_product(size_t count, const size_t *factors) {
  size_t product = 1;
  for (size_t i = 0; i < count; i++)
    if (factors[i] == 0) return 0;
  for (size_t i = 0; i < count; i++) unfurl_size_mul(&product, factors[i]);
  return product;
}

size_t unfurl_size_align(size_t size) {
  return unfurl_size_add(&size, UNFURL_ALIGN - 1) ? size / UNFURL_ALIGN * UNFURL_ALIGN : SIZE_MAX;
}

size_t unfurl_size_common_divisor(size_t a, size_t b) {
  return b ? unfurl_size_common_divisor(b, a % b) : a;
}

void *unfurl_alloc_zeroed(const unfurl_context *context, size_t size) {
  void *block = unfurl_context_alloc(context, size);
  if (block) memset(block, 0, size);
  return block;
}

bool unfurl_struct_read(void *to, size_t size, const void *from, size_t least) {
  size_t given;
  memcpy(&given, from, sizeof given);
  if (given < least || given > 4096 || given % sizeof given) return false;
  memcpy(to, from, given < size ? given : size);
  return true;
}

/* A chunk's memory follows its header. Small blocks share a chunk; a large one has its own. */
typedef struct unfurl_region_chunk {
  alignas(UNFURL_ALIGN) struct unfurl_region_chunk *next;
  size_t size; /* of the whole chunk */
  size_t used; /* bytes from the chunk's start */
} unfurl_region_chunk;

enum { REGION_CHUNK = 16384, REGION_LARGE = 4096, REGION_SMALL_ALIGN = 16 };

void unfurl_region_init(unfurl_region *region, const unfurl_context *context) {
  region->context = context;
  region->chunks = NULL;
}

static unfurl_region_chunk *region_add_chunk(unfurl_region *region, size_t payload) {
  size_t size = sizeof(unfurl_region_chunk);
  if (!unfurl_size_add(&size, payload)) return NULL;
  unfurl_region_chunk *chunk = unfurl_context_alloc(region->context, size);
  if (!chunk) return NULL;
  chunk->size = size;
  chunk->used = sizeof *chunk;
  return chunk;
}

/* A block of its own goes behind the first chunk, which may still have room for small ones. */
static void *region_alloc_large(unfurl_region *region, size_t size) {
  unfurl_region_chunk *chunk = region_add_chunk(region, size);
  if (!chunk) return NULL;
  unfurl_region_chunk **place = region->chunks ? &region->chunks->next : &region->chunks;
  chunk->next = *place;
  chunk->used = chunk->size;
  *place = chunk;
  return (char *)chunk + sizeof *chunk;
}

bool unfurl_region_reserve(unfurl_region *region, size_t size) {
  unfurl_region_chunk *chunk = region_add_chunk(region, size);
  if (!chunk) return false;
  chunk->next = region->chunks;
  region->chunks = chunk;
  return true;
}

/* What is left of the first chunk behind the next multiple of `align`. */
static size_t room(const unfurl_region *region, size_t align) {
  const unfurl_region_chunk *first = region->chunks;
  const size_t at = first ? unfurl_round_up(first->used, align) : 0;
  return first && at < first->size ? first->size - at : 0;
}

size_t unfurl_region_room(const unfurl_region *region) {
  return room(region, UNFURL_ALIGN);
}

static void *region_alloc(unfurl_region *region, size_t size, size_t align) {
  if (!region->chunks || room(region, align) < size) {
    if (size >= REGION_LARGE) return region_alloc_large(region, size);
    if (!unfurl_region_reserve(region, REGION_CHUNK - sizeof *region->chunks)) return NULL;
  }
  unfurl_region_chunk *first = region->chunks;
  const size_t at = unfurl_round_up(first->used, align);
  first->used = at + unfurl_round_up(size, REGION_SMALL_ALIGN);
  return (char *)first + at;
}

void *unfurl_region_alloc(unfurl_region *region, size_t size) {
  return region_alloc(region, size, size < REGION_LARGE ? REGION_SMALL_ALIGN : UNFURL_ALIGN);
}

void *unfurl_region_alloc_aligned(unfurl_region *region, size_t size) {
  return region_alloc(region, size, UNFURL_ALIGN);
}

void *unfurl_region_alloc_zeroed(unfurl_region *region, size_t size) {
  void *block = unfurl_region_alloc(region, size);
  if (block) memset(block, 0, size);
  return block;
}

char *unfurl_region_strdup(unfurl_region *region, const char *string) {
  const size_t size = strlen(string) + 1;
  char *copy = unfurl_region_alloc(region, size);
  if (copy) memcpy(copy, string, size);
  return copy;
}

size_t unfurl_region_bytes(const unfurl_region *region) {
  size_t bytes = 0;
  for (const unfurl_region_chunk *chunk = region->chunks; chunk; chunk = chunk->next) bytes += chunk->size;
  return bytes;
}

void unfurl_region_clear(unfurl_region *region) {
  while (region->chunks) {
    unfurl_region_chunk *chunk = region->chunks;
    region->chunks = chunk->next;
    unfurl_context_free(region->context, chunk, chunk->size);
  }
}
