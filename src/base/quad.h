/* SPDX-License-Identifier: BSD-2-Clause */
/* Four floats, as vectors of whatever the compiler has for them, and four of these turned. */
#ifndef UNFURL_BASE_QUAD_H
#define UNFURL_BASE_QUAD_H

#include <stddef.h>
#include <string.h>

enum { UNFURL_QUAD = 4 };

typedef float unfurl_quad __attribute__((vector_size(UNFURL_QUAD * sizeof(float))));

static inline unfurl_quad unfurl_quad_load(const float *from) {
  unfurl_quad x;
  memcpy(&x, from, sizeof x);
  return x;
}

/* The first `floats` of it, a constant. */
static inline void unfurl_quad_store(float *to, unfurl_quad x, const size_t floats) {
  memcpy(to, &x, (floats == 3 ? 2 : floats) * sizeof *to); /* three as such would go through memory */
  if (floats == 3) to[2] = x[2];
}

/* Four rows become columns. */
static inline void unfurl_quad_turn(unfurl_quad x[UNFURL_QUAD]) {
  const unfurl_quad low[] = {__builtin_shufflevector(x[0], x[1], 0, 4, 1, 5),
                             __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5)};
  const unfurl_quad high[] = {__builtin_shufflevector(x[0], x[1], 2, 6, 3, 7),
                              __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7)};
  x[0] = __builtin_shufflevector(low[0], low[1], 0, 1, 4, 5);
  x[1] = __builtin_shufflevector(low[0], low[1], 2, 3, 6, 7);
  x[2] = __builtin_shufflevector(high[0], high[1], 0, 1, 4, 5);
  x[3] = __builtin_shufflevector(high[0], high[1], 2, 3, 6, 7);
}

#endif
