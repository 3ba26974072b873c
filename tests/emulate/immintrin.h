/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for the compiler's <immintrin.h>: the intrinsics that gemm/simd_avx512.h uses, in plain C as Intel documents
 * them, so that the AVX-512 kernels run on machines that don't have it. One that is missing here does not compile. */
#ifndef UNFURL_TESTS_EMULATE_IMMINTRIN_H
#define UNFURL_TESTS_EMULATE_IMMINTRIN_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LANES_512 = 16 };

typedef struct __m512 {
  float lane[LANES_512];
} __m512;
typedef uint16_t __mmask16;

/* The barrier in vec_broadcast names a register that is not there; it computes nothing. */
#define __asm__(...)

static inline __m512 _mm512_set1_ps(float x) {
  __m512 y;
  for (size_t i = 0; i < LANES_512; i++) y.lane[i] = x;
  return y;
}

static inline __m512 _mm512_loadu_ps(const void *from) {
  __m512 y;
  memcpy(&y, from, sizeof y);
  return y;
}

static inline void _mm512_storeu_ps(void *to, __m512 x) {
  memcpy(to, &x, sizeof x);
}

typedef struct __m512i {
  int32_t lane[LANES_512];
} __m512i;

static inline __m512i _mm512_loadu_si512(const void *from) {
  __m512i y;
  memcpy(&y, from, sizeof y);
  return y;
}

static inline __m512 _mm512_castsi512_ps(__m512i x) {
  __m512 y;
  memcpy(&y, &x, sizeof y);
  return y;
}

typedef struct __m128 {
  float lane[4];
} __m128;
typedef struct __m128i {
  int32_t lane[4];
} __m128i;

/* The first half; zeros behind. */
static inline __m128i _mm_loadl_epi64(const void *from) {
  __m128i y = {{0}};
  memcpy(&y, from, sizeof y / 2);
  return y;
}

static inline __m512i _mm512_broadcastq_epi64(__m128i x) {
  __m512i y;
  for (size_t i = 0; i < LANES_512; i++) y.lane[i] = x.lane[i % 2];
  return y;
}

static inline __m128 _mm_loadu_ps(const void *from) {
  __m128 y;
  memcpy(&y, from, sizeof y);
  return y;
}

static inline __m512 repeated_512(const float *from, size_t lanes) {
  __m512 y;
  for (size_t i = 0; i < LANES_512; i++) y.lane[i] = from[i % lanes];
  return y;
}

static inline __m512 _mm512_broadcast_f32x4(__m128 x) {
  return repeated_512(x.lane, 4);
}

typedef struct __m256 {
  float lane[8];
} __m256;

static inline __m256 _mm256_loadu_ps(const void *from) {
  __m256 y;
  memcpy(&y, from, sizeof y);
  return y;
}

static inline __m512 _mm512_broadcast_f32x8(__m256 x) {
  return repeated_512(x.lane, 8);
}

/* Of each index, the lowest four bits count. */
static inline __m512 _mm512_permutexvar_ps(__m512i index, __m512 x) {
  __m512 y;
  for (size_t i = 0; i < LANES_512; i++) y.lane[i] = x.lane[index.lane[i] & 15];
  return y;
}

/* Aligned, as the instruction wants it. */
static inline void _mm512_stream_ps(void *to, __m512 x) {
  if ((uintptr_t)to % sizeof x != 0) __builtin_trap();
  memcpy(to, &x, sizeof x);
}

/* Lanes whose bit of the mask is 0 are not written. */
static inline void _mm512_mask_storeu_ps(void *to, __mmask16 mask, __m512 x) {
  for (size_t i = 0; i < LANES_512; i++)
    if (mask >> i & 1) memcpy((char *)to + i * sizeof(float), &x.lane[i], sizeof(float));
}

/* Lanes whose bit of the mask is 0 are 0, and not read. */
static inline __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const void *from) {
  __m512 y;
  for (size_t i = 0; i < LANES_512; i++) {
    y.lane[i] = 0;
    if (mask >> i & 1) memcpy(&y.lane[i], (const char *)from + i * sizeof(float), sizeof(float));
  }
  return y;
}

static inline __m512 _mm512_add_ps(__m512 a, __m512 b) {
  for (size_t i = 0; i < LANES_512; i++) a.lane[i] += b.lane[i];
  return a;
}

static inline __m512 _mm512_mul_ps(__m512 a, __m512 b) {
  for (size_t i = 0; i < LANES_512; i++) a.lane[i] *= b.lane[i];
  return a;
}

static inline __m512 _mm512_sub_ps(__m512 a, __m512 b) {
  for (size_t i = 0; i < LANES_512; i++) a.lane[i] -= b.lane[i];
  return a;
}

/* a * b + c, rounded once. */
static inline __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  for (size_t i = 0; i < LANES_512; i++) c.lane[i] = fmaf(a.lane[i], b.lane[i], c.lane[i]);
  return c;
}

/* Where one is NaN, or both are zeros of any sign: the second operand. */
static inline __m512 _mm512_max_ps(__m512 a, __m512 b) {
  for (size_t i = 0; i < LANES_512; i++) b.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
  return b;
}

static inline __m512 _mm512_min_ps(__m512 a, __m512 b) {
  for (size_t i = 0; i < LANES_512; i++) b.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i];
  return b;
}

static inline __m512 _mm512_div_ps(__m512 a, __m512 b) {
  for (size_t i = 0; i < LANES_512; i++) a.lane[i] /= b.lane[i];
  return a;
}

static inline __m512 _mm512_setzero_ps(void) {
  return _mm512_set1_ps(0);
}

/* The predicate of comparisons that is used: less, and false where one is NaN. */
enum { _CMP_LT_OQ = 0x11 };

static inline __mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int predicate) {
  uint32_t mask = 0;
  if (predicate != _CMP_LT_OQ) __builtin_trap();
  for (size_t i = 0; i < LANES_512; i++)
    if (a.lane[i] < b.lane[i]) mask |= 1u << i;
  return (__mmask16)mask;
}

/* b where the mask's bit is 1. */
static inline __m512 _mm512_mask_blend_ps(__mmask16 mask, __m512 a, __m512 b) {
  for (size_t i = 0; i < LANES_512; i++)
    if (mask >> i & 1) a.lane[i] = b.lane[i];
  return a;
}

static inline __m512i bits_of_512(__m512 x) {
  __m512i y;
  memcpy(&y, &x, sizeof y);
  return y;
}

static inline __m512 _mm512_and_ps(__m512 a, __m512 b) {
  __m512i x = bits_of_512(a), y = bits_of_512(b);
  for (size_t i = 0; i < LANES_512; i++) x.lane[i] &= y.lane[i];
  return _mm512_castsi512_ps(x);
}

static inline __m512 _mm512_or_ps(__m512 a, __m512 b) {
  __m512i x = bits_of_512(a), y = bits_of_512(b);
  for (size_t i = 0; i < LANES_512; i++) x.lane[i] |= y.lane[i];
  return _mm512_castsi512_ps(x);
}

static inline __m512 _mm512_abs_ps(__m512 a) {
  __m512i x = bits_of_512(a);
  for (size_t i = 0; i < LANES_512; i++) x.lane[i] &= INT32_MAX;
  return _mm512_castsi512_ps(x);
}

/* a * 2^b, rounded once, b rounded down. */
static inline __m512 _mm512_scalef_ps(__m512 a, __m512 b) {
  for (size_t i = 0; i < LANES_512; i++)
    a.lane[i] = b.lane[i] != b.lane[i] ? b.lane[i] : ldexpf(a.lane[i], (int)floorf(b.lane[i]));
  return a;
}

#endif
