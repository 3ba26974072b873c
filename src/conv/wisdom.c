/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/wisdom.h"

#include <string.h>

#include "base/context.h"
#include "base/memory.h"
#include "conv/wisdom_line.h"
#include "unfurl/wisdom.h"

enum { FIRST_CAPACITY = 16 };

/* The block of the notes. Full at UNFURL_WISDOM_MOST, it is a ring: entry `oldest` is replaced next. */
typedef struct wisdom_table {
  size_t count, capacity, oldest;
  unfurl_wisdom_entry entries[];
} wisdom_table;

static wisdom_table *lock_table(const unfurl_context *context) {
  unfurl_notes *notes = unfurl_context_notes(context);
  pthread_mutex_lock(&notes->lock);
  return notes->block;
}

static void unlock_table(const unfurl_context *context) {
  pthread_mutex_unlock(&unfurl_context_notes(context)->lock);
}

static unfurl_wisdom_entry *find(wisdom_table *table, const unfurl_wisdom_entry *wanted) {
  for (size_t i = 0; table && i < table->count; i++)
    if (unfurl_wisdom_same_key(&table->entries[i], wanted)) return &table->entries[i];
  return NULL;
}

/* The table with room for `count` more entries, or for as many as it may have; NULL, and as it was, without memory. */
static wisdom_table *reserve(const unfurl_context *context, size_t count) {
  unfurl_notes *notes = unfurl_context_notes(context);
  wisdom_table *table = notes->block;
  size_t capacity = table ? table->capacity : FIRST_CAPACITY;
  const size_t needed = table ? table->count + count : count;
  while (capacity < needed && capacity < UNFURL_WISDOM_MOST) capacity *= 2;
  if (table && capacity == table->capacity) return table;
  const size_t bytes = sizeof *table + capacity * sizeof *table->entries;
  wisdom_table *larger = unfurl_alloc_zeroed(context, bytes);
  if (!larger) return NULL;
  if (table) memcpy(larger, table, notes->bytes);
  larger->capacity = capacity;
  unfurl_context_free(context, table, notes->bytes);
  notes->block = larger;
  notes->bytes = bytes;
  return larger;
}

/* Where the next new entry goes: there is room, or the oldest gives its place. */
static unfurl_wisdom_entry *next_place(wisdom_table *table) {
  if (table->count < table->capacity) return &table->entries[table->count++];
  unfurl_wisdom_entry *place = &table->entries[table->oldest];
  table->oldest = (table->oldest + 1) % table->capacity;
  return place;
}

static unfurl_wisdom_entry entry_of(const unfurl_conv_desc *desc) {
  unfurl_wisdom_entry entry = {.isa = unfurl_cpu_isa()};
  unfurl_wisdom_set_key(&entry, desc);
  return entry;
}

bool unfurl_wisdom_find(const unfurl_context *context, const unfurl_conv_desc *desc, unfurl_wisdom_found *found) {
  const unfurl_wisdom_entry wanted = entry_of(desc);
  const unfurl_wisdom_entry *entry = find(lock_table(context), &wanted);
  if (entry) *found = entry->found;
  unlock_table(context);
  return entry != NULL;
}

void unfurl_wisdom_remember(const unfurl_context *context, const unfurl_conv_desc *desc,
                            const unfurl_wisdom_found *found) {
  unfurl_wisdom_entry entry = entry_of(desc);
  entry.found = *found;
  wisdom_table *table = lock_table(context);
  if (!find(table, &entry) && (table = reserve(context, 1))) *next_place(table) = entry;
  unlock_table(context);
}

bool unfurl_wisdom_merge(const unfurl_context *context, const unfurl_wisdom_entry *entries, size_t count) {
  lock_table(context);
  wisdom_table *table = reserve(context, count);
  for (size_t i = 0; table && i < count; i++) {
    unfurl_wisdom_entry *known = find(table, &entries[i]);
    *(known ? known : next_place(table)) = entries[i];
  }
  unlock_table(context);
  return table != NULL;
}

void unfurl_wisdom_visit(const unfurl_context *context, void (*visit)(void *user, const unfurl_wisdom_entry *entry),
                         void *user) {
  const unfurl_isa isa = unfurl_cpu_isa();
  const wisdom_table *table = lock_table(context);
  for (size_t i = 0; table && i < table->count; i++) {
    const unfurl_wisdom_entry *entry = &table->entries[(table->oldest + i) % table->count];
    if (entry->isa == isa) visit(user, entry);
  }
  unlock_table(context);
}

static void count_entry(void *user, const unfurl_wisdom_entry *entry) {
  (void)entry;
  ++*(size_t *)user;
}

size_t unfurl_wisdom_count(const unfurl_context *context) {
  size_t count = 0;
  if (context) unfurl_wisdom_visit(context, count_entry, &count);
  return count;
}

void unfurl_wisdom_forget(unfurl_context *context) {
  if (!context) return;
  unfurl_notes *notes = unfurl_context_notes(context);
  lock_table(context);
  unfurl_context_free(context, notes->block, notes->bytes);
  notes->block = NULL;
  notes->bytes = 0;
  unlock_table(context);
}
