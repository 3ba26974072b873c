/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes that do not fit, regions, structs of other versions, and the plan that lays blocks over each other. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "graph/memory_plan.h"
#include "support.h"

Test(memory, products_at_the_edge) {
  static const struct {
    size_t a, b, product;
  } cases[] = {
      {0, 0, 0},
      {0, SIZE_MAX - 1, 0},
      {1, 7, 7},
      {SIZE_MAX / 2, 2, SIZE_MAX - 1},
      {SIZE_MAX / 2 + 1, 2, SIZE_MAX},
      {SIZE_MAX / 3, 3, SIZE_MAX}, /* SIZE_MAX is a multiple of 3, and itself means an overflow */
      {SIZE_MAX - 1, 1, SIZE_MAX - 1},
      {(size_t)1 << 32, (size_t)1 << 32, SIZE_MAX},
      {(size_t)1 << 32, ((size_t)1 << 32) - 1, SIZE_MAX - ((size_t)1 << 32) + 1},
      {SIZE_MAX, 1, SIZE_MAX},
      {SIZE_MAX, 0, SIZE_MAX}, /* an overflow stays one */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t total = cases[i].a;
    cr_assert_eq(unfurl_size_mul(&total, cases[i].b), cases[i].product != SIZE_MAX, "case %zu", i);
    cr_assert_eq(total, cases[i].product, "case %zu gives %zu", i, total);
  }
}

Test(memory, sums_at_the_edge) {
  static const struct {
    size_t a, b, sum;
  } cases[] = {
      {0, 0, 0},
      {SIZE_MAX - 1, 0, SIZE_MAX - 1},
      {SIZE_MAX - 2, 1, SIZE_MAX - 1},
      {SIZE_MAX - 1, 1, SIZE_MAX},
      {SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1, SIZE_MAX},
      {SIZE_MAX, 0, SIZE_MAX},
      {1, SIZE_MAX, SIZE_MAX},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t total = cases[i].a;
    cr_assert_eq(unfurl_size_add(&total, cases[i].b), cases[i].sum != SIZE_MAX, "case %zu", i);
    cr_assert_eq(total, cases[i].sum, "case %zu gives %zu", i, total);
  }
}

Test(memory, products_of_many) {
  cr_assert_eq(unfurl_size_product(0, NULL), 1);
  cr_assert_eq(unfurl_size_product(3, (const size_t[]){2, 3, 7}), 42);
  cr_assert_eq(unfurl_size_product(3, (const size_t[]){SIZE_MAX, SIZE_MAX, 0}), 0);
  cr_assert_eq(unfurl_size_product(3, (const size_t[]){(size_t)1 << 31, (size_t)1 << 31, 8}), SIZE_MAX);
  cr_assert_eq(unfurl_size_product(3, (const size_t[]){(size_t)1 << 31, (size_t)1 << 31, 2}), (size_t)1 << 63);
}

Test(memory, alignment) {
  cr_assert_eq(unfurl_size_align(0), 0);
  cr_assert_eq(unfurl_size_align(1), UNFURL_ALIGN);
  cr_assert_eq(unfurl_size_align(UNFURL_ALIGN), UNFURL_ALIGN);
  cr_assert_eq(unfurl_size_align(UNFURL_ALIGN + 1), 2 * UNFURL_ALIGN);
  cr_assert_eq(unfurl_size_align(SIZE_MAX - 2 * UNFURL_ALIGN), SIZE_MAX - 2 * UNFURL_ALIGN + 1);
  cr_assert_eq(unfurl_size_align(SIZE_MAX - 1), SIZE_MAX);
  cr_assert_eq(unfurl_size_align(SIZE_MAX), SIZE_MAX);
}

static unfurl_context *heap_context(heap *h) {
  const unfurl_context_options options = heap_options(h);
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  return context;
}

Test(memory, zeroed_blocks) {
  heap h = {0};
  unfurl_context *context = heap_context(&h);
  unsigned char *block = unfurl_alloc_zeroed(context, 1000);
  cr_assert_not_null(block);
  for (size_t i = 0; i < 1000; i++) cr_assert_eq(block[i], 0);
  unfurl_context_free(context, block, 1000);
  cr_assert_null(unfurl_alloc_zeroed(context, 0));
  cr_assert_null(unfurl_alloc_zeroed(context, SIZE_MAX));
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

/* A block of a region and the byte that it was filled with. */
typedef struct piece {
  unsigned char *data;
  size_t size;
} piece;

static bool still_filled(const piece *p, unsigned char with) {
  for (size_t i = 0; i < p->size; i++)
    if (p->data[i] != with) return false;
  return true;
}

Test(memory, region_blocks_do_not_overlap) {
  enum { PIECES = 600 };
  static const size_t sizes[] = {0, 1, 15, 16, 17, 100, 4095, 4096, 4097, 16384, 16320, 70000};
  static piece pieces[PIECES];
  heap h = {0};
  rng r = {1};
  unfurl_context *context = heap_context(&h);
  unfurl_region region;
  unfurl_region_init(&region, context);
  for (int round = 0; round < 3; round++) {
    size_t total = 0;
    for (size_t i = 0; i < PIECES; i++) {
      piece *p = &pieces[i];
      p->size = sizes[rng_below(&r, sizeof sizes / sizeof *sizes)];
      const bool is_aligned = i % 4 == 1;
      if (i % 97 == 1) cr_assert(unfurl_region_reserve(&region, 100000));
      p->data = is_aligned ? unfurl_region_alloc_aligned(&region, p->size)
                : i % 2    ? unfurl_region_alloc(&region, p->size)
                           : unfurl_region_alloc_zeroed(&region, p->size);
      cr_assert_not_null(p->data);
      cr_assert_eq((uintptr_t)p->data % (is_aligned || p->size >= 4096 ? UNFURL_ALIGN : 16), 0);
      if (i % 2 == 0) cr_assert(still_filled(p, 0), "block %zu is not zero", i);
      memset(p->data, (int)(i % 251), p->size);
      total += p->size;
    }
    for (size_t i = 0; i < PIECES; i++) cr_assert(still_filled(&pieces[i], (unsigned char)(i % 251)), "block %zu", i);
    cr_assert_geq(unfurl_region_bytes(&region), total);
    unfurl_region_clear(&region);
    cr_assert_eq(unfurl_region_bytes(&region), 0);
  }
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

Test(memory, region_reserved_blocks_lie_in_one_piece) {
  enum { BLOCKS = 10, SIZE = 100000 };
  heap h = {0};
  unfurl_context *context = heap_context(&h);
  unfurl_region region;
  unfurl_region_init(&region, context);
  cr_assert_eq(unfurl_region_room(&region), 0);
  cr_assert(unfurl_region_reserve(&region, BLOCKS * unfurl_size_align(SIZE)));
  cr_assert_eq(unfurl_region_room(&region), BLOCKS * unfurl_size_align(SIZE));
  const char *first = unfurl_region_alloc_aligned(&region, SIZE);
  for (size_t i = 1; i < BLOCKS; i++)
    cr_assert_eq((const char *)unfurl_region_alloc_aligned(&region, SIZE), first + i * unfurl_size_align(SIZE));
  const size_t bytes = unfurl_region_bytes(&region);
  cr_assert_lt(bytes, BLOCKS * SIZE + 4096);
  cr_assert_lt(unfurl_region_room(&region), UNFURL_ALIGN);
  cr_assert_not_null(unfurl_region_alloc_aligned(&region, SIZE)); /* one more has a piece of its own */
  cr_assert_geq(unfurl_region_bytes(&region), bytes + SIZE);
  heap_reset(&h, 1, true);
  cr_assert_not(unfurl_region_reserve(&region, SIZE));
  cr_assert_not(unfurl_region_reserve(&region, SIZE_MAX));
  unfurl_region_clear(&region);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

Test(memory, region_out_of_memory) {
  heap h = {0};
  unfurl_context *context = heap_context(&h);
  unfurl_region region;
  unfurl_region_init(&region, context);
  char *kept = unfurl_region_strdup(&region, "kept");
  heap_reset(&h, 1, true);
  cr_assert_null(unfurl_region_alloc(&region, 100000));
  cr_assert_null(unfurl_region_alloc(&region, SIZE_MAX));
  cr_assert_null(unfurl_region_alloc(&region, SIZE_MAX - 10));
  cr_assert_not_null(unfurl_region_alloc(&region, 100)); /* the first chunk has room */
  while (unfurl_region_alloc(&region, 1000)) {
  }
  cr_assert_null(unfurl_region_alloc_zeroed(&region, 1000));
  char long_text[2000];
  memset(long_text, 'x', sizeof long_text - 1);
  long_text[sizeof long_text - 1] = '\0';
  cr_assert_null(unfurl_region_strdup(&region, long_text));
  cr_assert_str_eq(kept, "kept");
  unfurl_region_clear(&region);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

typedef struct versioned {
  size_t size;
  size_t old_field, new_field;
} versioned;

Test(memory, structs_of_other_versions) {
  const size_t least = offsetof(versioned, new_field);
  versioned to = {.size = sizeof to, .old_field = 1, .new_field = 2}, from = {.old_field = 10, .new_field = 20};
  from.size = 0;
  cr_assert_not(unfurl_struct_read(&to, sizeof to, &from, least));
  from.size = least - 1;
  cr_assert_not(unfurl_struct_read(&to, sizeof to, &from, least));
  from.size = least + 4; /* half a field */
  cr_assert_not(unfurl_struct_read(&to, sizeof to, &from, least));
  from.size = 4104;
  cr_assert_not(unfurl_struct_read(&to, sizeof to, &from, least));
  cr_assert(to.old_field == 1 && to.new_field == 2);
  from.size = least;
  cr_assert(unfurl_struct_read(&to, sizeof to, &from, least));
  cr_assert(to.old_field == 10 && to.new_field == 2, "an older struct keeps our default");
  from.size = sizeof from;
  cr_assert(unfurl_struct_read(&to, sizeof to, &from, least));
  cr_assert(to.old_field == 10 && to.new_field == 20);
}

enum { MOST_BLOCKS = 60 };

static bool lives_meet(const unfurl_block *a, const unfurl_block *b) {
  return a->first <= b->last && b->first <= a->last;
}

static bool places_meet(const unfurl_block *a, const unfurl_block *b) {
  return a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

/* The most bytes that are alive in one step: no plan can do with less. */
static size_t most_alive(const unfurl_block *blocks, size_t count) {
  size_t most = 0;
  for (size_t i = 0; i < count; i++) {
    size_t alive = 0;
    for (size_t j = 0; j < count; j++)
      if (blocks[j].first <= blocks[i].first && blocks[i].first <= blocks[j].last)
        alive += unfurl_size_align(blocks[j].bytes);
    if (alive > most) most = alive;
  }
  return most;
}

static void check_plan(unfurl_block *blocks, size_t count) {
  size_t asked[MOST_BLOCKS], sum = 0;
  for (size_t i = 0; i < count; i++) asked[i] = blocks[i].bytes, sum += unfurl_size_align(blocks[i].bytes);
  const size_t least = most_alive(blocks, count);
  const size_t arena = unfurl_memory_plan(blocks, count);
  cr_assert_leq(arena, sum);
  cr_assert_geq(arena, least);
  for (size_t i = 0; i < count; i++) {
    cr_assert_eq(blocks[i].offset % UNFURL_ALIGN, 0);
    cr_assert_geq(blocks[i].bytes, asked[i]);
    cr_assert_leq(blocks[i].offset + blocks[i].bytes, arena);
    for (size_t j = 0; j < i; j++)
      cr_assert(!lives_meet(&blocks[i], &blocks[j]) || !places_meet(&blocks[i], &blocks[j]),
                "blocks %zu and %zu are alive together and overlap", j, i);
  }
}

Test(memory, plan_of_random_lives) {
  rng r = {7};
  for (int round = 0; round < 3000; round++) {
    unfurl_block blocks[MOST_BLOCKS] = {0};
    const size_t count = 1 + rng_below(&r, MOST_BLOCKS), longest = 1 + rng_below(&r, 12);
    size_t step = 0;
    for (size_t i = 0; i < count; i++) {
      step += rng_below(&r, 3);
      const size_t last = step + rng_below(&r, longest), bytes = rng_below(&r, 8) ? rng_below(&r, 5000) : 0;
      blocks[i] = (unfurl_block){.bytes = bytes, .first = step, .last = last};
    }
    check_plan(blocks, count);
  }
}

/* A chain needs no more than two neighbours at once. */
Test(memory, plan_of_a_chain_is_small) {
  unfurl_block blocks[MOST_BLOCKS] = {0};
  for (size_t i = 0; i < MOST_BLOCKS; i++) blocks[i] = (unfurl_block){.bytes = 1000, .first = i, .last = i + 1};
  cr_assert_eq(unfurl_memory_plan(blocks, MOST_BLOCKS), 2 * unfurl_size_align(1000));
}

Test(memory, plan_that_overflows) {
  unfurl_block blocks[2] = {{.bytes = SIZE_MAX / 2, .first = 0, .last = 1},
                            {.bytes = SIZE_MAX / 2 + 100, .first = 1, .last = 1}};
  cr_assert_eq(unfurl_memory_plan(blocks, 2), SIZE_MAX);
  unfurl_block one = {.bytes = SIZE_MAX - 1, .first = 0, .last = 0};
  cr_assert_eq(unfurl_memory_plan(&one, 1), SIZE_MAX);
  cr_assert_eq(unfurl_memory_plan(NULL, 0), 0);
}
