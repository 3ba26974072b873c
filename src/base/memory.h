/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory: all allocation of the library goes through here, and so does all arithmetic on sizes.
 *
 * Blocks are aligned to UNFURL_ALIGN, the width of the widest vector and of a cache line. Sizes are multiplied and
 * added by the checked helpers only: a size that does not fit is an error before it is ever asked for.
 *
 * A region is memory that is released all at once: many small blocks that live as long as their owner.
 */
#ifndef UNFURL_BASE_MEMORY_H
#define UNFURL_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unfurl/context.h"

enum { UNFURL_ALIGN = 64 };

/* *total *= factor, *total += term; false, and *total is SIZE_MAX, when that overflows. SIZE_MAX stays SIZE_MAX. */
bool unfurl_size_mul(size_t *total, size_t factor);
bool unfurl_size_add(size_t *total, size_t term);

/* The product of `count` factors, SIZE_MAX when it overflows. */
size_t unfurl_size_product(size_t count, const size_t *factors);

/* `size` rounded up to a multiple of UNFURL_ALIGN; SIZE_MAX when that overflows. */
size_t unfurl_size_align(size_t size);

/* The greatest number that divides both; `a` where b is 0. */
size_t unfurl_size_common_divisor(size_t a, size_t b);

static inline size_t unfurl_smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Of sizes that are far from overflowing: those of tiles, panels and caches. */
static inline size_t unfurl_divide_up(size_t a, size_t b) {
  return (a + b - 1) / b;
}

static inline size_t unfurl_round_up(size_t a, size_t b) {
  return unfurl_divide_up(a, b) * b;
}

/* `size` bytes, set to zero; NULL when out of memory, or when size is 0 or SIZE_MAX (an overflow). */
void *unfurl_alloc_zeroed(const unfurl_context *context, size_t size);

/* Copies what a caller passed in a struct that begins with its size into one of ours: what the caller's version of the
 * struct does not have keeps the default that is in `to`. False if the size is smaller than `least` (that of the first
 * version) or not plausible. A new field must not lie in what was padding before. */
bool unfurl_struct_read(void *to, size_t size, const void *from, size_t least);

typedef struct unfurl_region {
  const unfurl_context *context;
  struct unfurl_region_chunk *chunks;
} unfurl_region;

void unfurl_region_init(unfurl_region *region, const unfurl_context *context);

/* `size` bytes aligned to 16 (blocks of a page or more, and _aligned: to UNFURL_ALIGN), not cleared; NULL when out of memory
 * or size is SIZE_MAX. A size of 0 gives a valid pointer. */
void *unfurl_region_alloc(unfurl_region *region, size_t size);
void *unfurl_region_alloc_aligned(unfurl_region *region, size_t size);

/* Room for the next blocks, `size` bytes of them with what aligning them takes, in one piece; false when out of memory. */
bool unfurl_region_reserve(unfurl_region *region, size_t size);

/* The most bytes that an aligned block can have without another piece. */
size_t unfurl_region_room(const unfurl_region *region);

/* unfurl_region_alloc, set to zero; and a copy of a string. */
void *unfurl_region_alloc_zeroed(unfurl_region *region, size_t size);
char *unfurl_region_strdup(unfurl_region *region, const char *string);

/* Bytes that the region has taken from the context. */
size_t unfurl_region_bytes(const unfurl_region *region);

/* Frees every block; the region can be used again. */
void unfurl_region_clear(unfurl_region *region);

#endif
