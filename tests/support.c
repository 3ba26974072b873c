/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint64_t rng_next(rng *r) {
  uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

size_t rng_below(rng *r, size_t limit) {
  return (size_t)(rng_next(r) % limit);
}

void fill_small(float *floats, size_t count, uint64_t seed) {
  rng r = {seed};
  for (size_t i = 0; i < count; i++) floats[i] = (float)rng_below(&r, 9) - 4;
}

void fill_real(float *floats, size_t count, uint64_t seed) {
  rng r = {seed};
  for (size_t i = 0; i < count; i++) floats[i] = (float)((double)(int64_t)rng_next(&r) * 0x1p-63);
}

static const uint32_t NAN_BITS = 0x7fd5a5a5;

void fill_nan(float *floats, size_t count) {
  for (size_t i = 0; i < count; i++) memcpy(&floats[i], &NAN_BITS, sizeof NAN_BITS);
}

bool all_untouched(const float *floats, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (memcmp(&floats[i], &NAN_BITS, sizeof NAN_BITS) != 0) return false;
  return true;
}

bool all_touched(const float *floats, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (memcmp(&floats[i], &NAN_BITS, sizeof NAN_BITS) == 0) return false;
  return true;
}

enum { GUARD = 64 /* floats on either side */ };

guarded guarded_alloc(size_t count) {
  const size_t all = count + 2 * GUARD;
  void *block = NULL;
  if (posix_memalign(&block, 64, all * sizeof(float)) != 0) abort();
  fill_nan(block, all);
  return (guarded){.data = (float *)block + GUARD, .count = count, .block = block};
}

bool guarded_intact(const guarded *buffer) {
  return all_untouched(buffer->block, GUARD) && all_untouched(buffer->data + buffer->count, GUARD);
}

void guarded_free(guarded *buffer) {
  free(buffer->block);
  *buffer = (guarded){0};
}

fenced fenced_alloc(size_t bytes, bool before) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t usable = (bytes + page - 1) / page * page;
  fenced f = {.mapped = usable + page};
  f.mapping = mmap(NULL, f.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (f.mapping == MAP_FAILED) abort();
  char *start = f.mapping;
  if (mprotect(before ? start : start + usable, page, PROT_NONE) != 0) abort();
  f.data = before ? start + page : start + usable - bytes;
  return f;
}

void fenced_free(fenced *buffer) {
  munmap(buffer->mapping, buffer->mapped);
  *buffer = (fenced){0};
}

/* Stands right before each block of a heap. */
typedef struct heap_header {
  uint64_t mark;
  heap *owner;
  size_t size;
  void *start;
} heap_header;

static const uint64_t MARK_ALIVE = UINT64_C(0x756e6675726c2121);

static void note_peak(heap *h, size_t bytes) {
  size_t peak = atomic_load(&h->peak_bytes);
  while (bytes > peak && !atomic_compare_exchange_weak(&h->peak_bytes, &peak, bytes)) {
  }
}

/* More than any machine that runs tests has; asked for it, malloc may only stop the program (AddressSanitizer). */
static const size_t MOST_BYTES = (size_t)1 << 40;

static void *heap_alloc(void *user, size_t size, size_t align) {
  heap *h = user;
  const size_t call = atomic_fetch_add(&h->calls, 1) + 1;
  if (size == 0 || align == 0 || (align & (align - 1)) != 0) atomic_fetch_add(&h->mistakes, 1);
  if (h->fail_at && (call == h->fail_at || (h->fail_from_there_on && call > h->fail_at))) return NULL;
  const size_t room = align > sizeof(heap_header) ? align : sizeof(heap_header);
  void *start = NULL;
  if (size > MOST_BYTES || posix_memalign(&start, align > 16 ? align : 16, room + size) != 0) return NULL;
  char *block = (char *)start + room;
  memset(block, 0xa5, size);
  const heap_header header = {.mark = MARK_ALIVE, .owner = h, .size = size, .start = start};
  memcpy(block - sizeof header, &header, sizeof header);
  atomic_fetch_add(&h->blocks, 1);
  note_peak(h, atomic_fetch_add(&h->bytes, size) + size);
  return block;
}

static void heap_free(void *user, void *ptr, size_t size) {
  heap *h = user;
  heap_header header;
  memcpy(&header, (char *)ptr - sizeof header, sizeof header);
  if (header.mark != MARK_ALIVE || header.owner != h || header.size != size) {
    atomic_fetch_add(&h->mistakes, 1);
    return;
  }
  memset((char *)ptr - sizeof header, 0, sizeof header);
  atomic_fetch_sub(&h->blocks, 1);
  atomic_fetch_sub(&h->bytes, size);
  free(header.start);
}

void heap_reset(heap *h, size_t fail_at, bool from_there_on) {
  atomic_store(&h->calls, 0);
  atomic_store(&h->mistakes, 0);
  atomic_store(&h->peak_bytes, atomic_load(&h->bytes));
  h->fail_at = fail_at;
  h->fail_from_there_on = from_there_on;
}

bool heap_is_clean(const heap *h) {
  return atomic_load(&h->blocks) == 0 && atomic_load(&h->bytes) == 0 && atomic_load(&h->mistakes) == 0;
}

unfurl_context_options heap_options(heap *h) {
  unfurl_context_options options;
  unfurl_context_options_init(&options);
  options.alloc = heap_alloc;
  options.free = heap_free;
  options.alloc_user = h;
  return options;
}

#if defined(__x86_64__)

uint64_t float_control(void) {
  return __builtin_ia32_stmxcsr();
}

void set_float_control(uint64_t word) {
  __builtin_ia32_ldmxcsr((unsigned)word);
}

uint64_t float_control_flush_bits(void) {
  return 0x8040;
}

#elif defined(__aarch64__)

uint64_t float_control(void) {
  uint64_t word;
  __asm__ volatile("mrs %0, fpcr" : "=r"(word));
  return word;
}

void set_float_control(uint64_t word) {
  __asm__ volatile("msr fpcr, %0" ::"r"(word));
}

uint64_t float_control_flush_bits(void) {
  return 1 << 24;
}

#else

uint64_t float_control(void) {
  return 0;
}

void set_float_control(uint64_t word) {
  (void)word;
}

uint64_t float_control_flush_bits(void) {
  return 0;
}

#endif
