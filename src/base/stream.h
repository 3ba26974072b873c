/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies past the caches: for results much larger than a cache, which would otherwise be read before they are written. */
#ifndef UNFURL_BASE_STREAM_H
#define UNFURL_BASE_STREAM_H

#include <stddef.h>

#if defined(__SSE2__)

#include <xmmintrin.h>

/* memcpy of `count` floats. Other threads see them after unfurl_stream_end. */
static inline void unfurl_stream_copy(float *restrict to, const float *restrict from, size_t count) {
  size_t i = 0;
  for (; i < count && (size_t)(to + i) % sizeof(__m128); i++) to[i] = from[i];
  for (; i + 4 <= count; i += 4) _mm_stream_ps(to + i, _mm_loadu_ps(from + i));
  for (; i < count; i++) to[i] = from[i];
}

static inline void unfurl_stream_end(void) {
  _mm_sfence();
}

#else

#include <string.h>

static inline void unfurl_stream_copy(float *restrict to, const float *restrict from, size_t count) {
  memcpy(to, from, count * sizeof *to);
}

static inline void unfurl_stream_end(void) {}

#endif

#endif
