/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks through the steps as a first-fit allocator would: blocks that are alive stand in a list, ordered by offset, and
 * a new one goes into the lowest gap that holds it. */
#include "graph/memory_plan.h"

#include <stdint.h>

#include "base/memory.h"

static void drop_dead(unfurl_block **alive, size_t step) {
  while (*alive) {
    if ((*alive)->last < step)
      *alive = (*alive)->next;
    else
      alive = &(*alive)->next;
  }
}

static void place(unfurl_block **alive, unfurl_block *block) {
  size_t offset = 0;
  for (; *alive; alive = &(*alive)->next) {
    if ((*alive)->offset - offset >= block->bytes) break;
    offset = (*alive)->offset;
    unfurl_size_add(&offset, (*alive)->bytes);
  }
  block->offset = offset;
  block->next = *alive;
  *alive = block;
}

size_t unfurl_memory_plan(unfurl_block *blocks, size_t count) {
  unfurl_block *alive = NULL;
  size_t arena = 0;
  for (size_t i = 0; i < count; i++) {
    blocks[i].bytes = unfurl_size_align(blocks[i].bytes);
    drop_dead(&alive, blocks[i].first);
    place(&alive, &blocks[i]);
    size_t end = blocks[i].offset;
    if (!unfurl_size_add(&end, blocks[i].bytes)) return SIZE_MAX;
    if (end > arena) arena = end;
  }
  return arena;
}
