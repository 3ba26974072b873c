/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/processors.h"

#if defined(__linux__)

#include <sched.h>

int unfurl_processor(void) {
  return sched_getcpu();
}

bool unfurl_processor_avoid(const atomic_int *taken, size_t count) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed)) return false;
  cpu_set_t left = allowed;
  for (size_t i = 0; i < count; i++) {
    const int processor = atomic_load(&taken[i]);
    if (processor >= 0 && processor < CPU_SETSIZE) CPU_CLR((size_t)processor, &left);
  }
  if (CPU_COUNT(&left) == 0 || sched_setaffinity(0, sizeof left, &left)) return false;
  return sched_setaffinity(0, sizeof allowed, &allowed) == 0;
}

#else

int unfurl_processor(void) {
  return -1;
}

bool unfurl_processor_avoid(const atomic_int *taken, size_t count) {
  (void)taken, (void)count;
  return false;
}

#endif
