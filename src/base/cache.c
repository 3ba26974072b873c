/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cache.h"

#include <stdatomic.h>
#include <unistd.h>

enum { USUAL = 512 << 10, LEAST = 256 << 10, MOST = 2 << 20 };

/* The system is asked once: on a virtual machine, an answer may take some microseconds. */
size_t unfurl_l2_bytes(void) {
  static atomic_size_t known;
  size_t bytes = atomic_load_explicit(&known, memory_order_relaxed);
  if (bytes) return bytes;
  long told = 0;
#ifdef _SC_LEVEL2_CACHE_SIZE
  told = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
  bytes = told <= 0 ? USUAL : told < LEAST ? LEAST : told > MOST ? MOST : (size_t)told;
  atomic_store_explicit(&known, bytes, memory_order_relaxed);
  return bytes;
}
