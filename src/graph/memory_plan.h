/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory plan: blocks of known size and life get offsets in one arena, overlaid where their lives do not meet. */
#ifndef UNFURL_GRAPH_MEMORY_PLAN_H
#define UNFURL_GRAPH_MEMORY_PLAN_H

#include <stddef.h>

/* One block, alive in the steps first..last. The plan sets offset, a multiple of UNFURL_ALIGN. */
typedef struct unfurl_block {
  size_t bytes, first, last;
  size_t offset;
  struct unfurl_block *next; /* used by the plan */
} unfurl_block;

/* Places the blocks, which are in the order of their first steps; returns the arena's size, SIZE_MAX if it overflows. */
size_t unfurl_memory_plan(unfurl_block *blocks, size_t count);

#endif
