/* SPDX-License-Identifier: BSD-2-Clause */
/* What a kernel that reads an image in place brings into L2 while it works: what is read, and what is written, after it. Without,
 * an image that L2 does not hold is waited for, pixel after pixel, as its channels are done one vector at a time.
 */
#ifndef UNFURL_GEMM_COMING_H
#define UNFURL_GEMM_COMING_H

#include <stddef.h>

typedef struct unfurl_coming {
  const float *src;
  float *dst;
  size_t src_floats, dst_floats; /* 0: nothing */
} unfurl_coming;

/* A part of it, in steps of so many lines. */
typedef struct unfurl_bringing {
  const char *at;
  size_t lines, gap; /* bytes from line to line, at most a line's */
} unfurl_bringing;

static inline unfurl_bringing unfurl_bringing_in(const float *from, size_t floats, size_t steps) {
  enum { LINE = 64 };
  if (floats == 0) return (unfurl_bringing){0};
  const size_t a_step = floats * sizeof *from / steps, lines = a_step / LINE + 1;
  return (unfurl_bringing){(const char *)from, lines, a_step / lines};
}

/* A step. */
static inline void unfurl_bring(unfurl_bringing *src, unfurl_bringing *dst) {
  for (size_t i = src->lines; i > 0; i--, src->at += src->gap) __builtin_prefetch(src->at, 0, 2);
  for (size_t i = dst->lines; i > 0; i--, dst->at += dst->gap) __builtin_prefetch(dst->at, 1, 2);
}

#endif
