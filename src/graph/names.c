/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph/names.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"

typedef struct unfurl_names_slot {
  const char *name; /* NULL: free */
  size_t number;
} unfurl_names_slot;

enum { FIRST_CAPACITY = 64 };

void unfurl_names_init(unfurl_names *names, const unfurl_context *context) {
  *names = (unfurl_names){.context = context};
}

/* FNV-1a, 64 bits (G. Fowler, L. Noll, K.-P. Vo). */
static uint64_t hash(const char *name) {
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  for (; *name; name++) h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
  return h ^ h >> 32;
}

/* The slot that holds `name`, or the free one where it would go; capacity is not 0. */
static unfurl_names_slot *slot_of(const unfurl_names *names, const char *name) {
  size_t i = (size_t)hash(name) & (names->capacity - 1);
  while (names->slots[i].name && strcmp(names->slots[i].name, name)) i = (i + 1) & (names->capacity - 1);
  return &names->slots[i];
}

size_t unfurl_names_find(const unfurl_names *names, const char *name) {
  if (!names->capacity) return SIZE_MAX;
  const unfurl_names_slot *slot = slot_of(names, name);
  return slot->name ? slot->number : SIZE_MAX;
}

static bool grow(unfurl_names *names) {
  unfurl_names wider = *names;
  wider.capacity = names->capacity ? 2 * names->capacity : FIRST_CAPACITY;
  wider.slots = unfurl_alloc_zeroed(names->context,
                                    unfurl_size_product(2, (const size_t[]){wider.capacity, sizeof *wider.slots}));
  if (!wider.slots) return false;
  for (size_t i = 0; i < names->capacity; i++)
    if (names->slots[i].name) *slot_of(&wider, names->slots[i].name) = names->slots[i];
  unfurl_context_free(names->context, names->slots, names->capacity * sizeof *names->slots);
  *names = wider;
  return true;
}

bool unfurl_names_add(unfurl_names *names, const char *name, size_t number) {
  if (2 * names->count >= names->capacity && !grow(names)) return false;
  *slot_of(names, name) = (unfurl_names_slot){.name = name, .number = number};
  names->count++;
  return true;
}

void unfurl_names_clear(unfurl_names *names) {
  unfurl_context_free(names->context, names->slots, names->capacity * sizeof *names->slots);
  names->slots = NULL;
  names->capacity = names->count = 0;
}
