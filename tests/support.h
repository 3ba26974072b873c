/* SPDX-License-Identifier: BSD-2-Clause */
/* What all tests stand on: reproducible data, buffers that notice a write beside them, and an allocator that counts,
 * checks and fails. It knows no test framework, so that plain programs can use it too. */
#ifndef UNFURL_TESTS_SUPPORT_H
#define UNFURL_TESTS_SUPPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unfurl/context.h"

/* splitmix64 (G. Steele, D. Lea, C. Flood, 2014): equal seeds give equal numbers, everywhere. */
typedef struct rng {
  uint64_t state;
} rng;

uint64_t rng_next(rng *r);

/* 0..limit-1; limit >= 1. */
size_t rng_below(rng *r, size_t limit);

/* Integers in -4..4: every sum of their products that the tests make is exact in f32, in any order. */
void fill_small(float *floats, size_t count, uint64_t seed);

/* Signed numbers in -1..1 with full mantissas. */
void fill_real(float *floats, size_t count, uint64_t seed);

/* NaN of a bit pattern that no computation makes. */
void fill_nan(float *floats, size_t count);

/* Every element is still, or none is any more, as fill_nan left it. */
bool all_untouched(const float *floats, size_t count);
bool all_touched(const float *floats, size_t count);

/* Floats between two zones of that NaN, and filled with it; aligned to 64. */
typedef struct guarded {
  float *data;
  size_t count;
  void *block;
} guarded;

guarded guarded_alloc(size_t count);
bool guarded_intact(const guarded *buffer);
void guarded_free(guarded *buffer);

/* Bytes that end where (or, `before`: begin where) a page begins that can't be accessed: reads are noticed too. */
typedef struct fenced {
  void *data;
  void *mapping;
  size_t mapped;
} fenced;

fenced fenced_alloc(size_t bytes, bool before);
void fenced_free(fenced *buffer);

/* An allocator for contexts. It remembers the size of each block and compares it with the one given back. */
typedef struct heap {
  atomic_size_t calls;      /* allocations asked for since heap_reset */
  atomic_size_t blocks;     /* alive */
  atomic_size_t bytes;      /* alive */
  atomic_size_t peak_bytes; /* most that were alive since heap_reset */
  atomic_size_t mistakes;   /* wrong sizes, blocks that are not ours, odd alignments */
  size_t fail_at;           /* the call that fails, counted from 1; 0: none */
  bool fail_from_there_on;
} heap;

/* Counts from 0 again and sets what fails; blocks that are alive stay. */
void heap_reset(heap *h, size_t fail_at, bool from_there_on);

/* No block is left and no mistake was made. */
bool heap_is_clean(const heap *h);

/* Options whose allocator is the heap. */
unfurl_context_options heap_options(heap *h);

/* The control word of floating point (MXCSR, FPCR), exception flags included; 0 where there is none. */
uint64_t float_control(void);
void set_float_control(uint64_t word);

/* The bits that a caller may have set: denormals taken as zero, on input and on output. */
uint64_t float_control_flush_bits(void);

#endif
