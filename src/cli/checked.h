/* SPDX-License-Identifier: BSD-2-Clause */
/* Size arithmetic that can't wrap around: every product of sizes in the program goes through here. */
#ifndef CLI_CHECKED_H
#define CLI_CHECKED_H

#include <stdbool.h>
#include <stddef.h>

/* *total *= factor; false, with *total unspecified, if that overflows. */
static inline bool checked_mul(size_t *total, size_t factor) {
  return !__builtin_mul_overflow(*total, factor, total);
}

/* *total += term; the same. */
static inline bool checked_add(size_t *total, size_t term) {
  return !__builtin_add_overflow(*total, term, total);
}

#endif
