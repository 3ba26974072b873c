/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors of AVX2 and FMA, by the names that tile_body.h uses. Comparisons keep NaN: max(low, x) is x where x is NaN. */
#ifndef UNFURL_GEMM_SIMD_AVX2_H
#define UNFURL_GEMM_SIMD_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

enum { VEC_LANES = 8 };
typedef __m256 vec;

static inline vec vec_set(float x) {
  return _mm256_set1_ps(x);
}
static inline vec vec_broadcast(const float *p) {
  return _mm256_broadcast_ss(p);
}
static inline vec vec_load(const float *p) {
  return _mm256_loadu_ps(p);
}
static inline void vec_store(float *p, vec x) {
  _mm256_storeu_ps(p, x);
}
/* Past the caches; `p` is aligned. */
static inline void vec_stream(float *p, vec x) {
  _mm256_stream_ps(p, x);
}
static inline vec vec_fma(vec a, vec b, vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
/* The same where all 16 registers are in use: left to itself, the compiler reads a or b from memory with each multiply-add, and
 * moves sums about. */
static inline vec vec_fma_in_place(vec a, vec b, vec c) {
  __asm__("vfmadd231ps %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
  return c;
}
static inline vec vec_mul(vec a, vec b) {
  return _mm256_mul_ps(a, b);
}
static inline vec vec_add(vec a, vec b) {
  return _mm256_add_ps(a, b);
}
static inline vec vec_sub(vec a, vec b) {
  return _mm256_sub_ps(a, b);
}
static inline vec vec_at_least(vec x, vec low) {
  return _mm256_max_ps(low, x);
}
static inline vec vec_at_most(vec x, vec high) {
  return _mm256_min_ps(high, x);
}

/* In a register here, whatever the compiler would rather do before or later. */
#ifndef VEC_PIN
#define VEC_PIN(x) __asm__ volatile("" : "+x"(x))
#endif
static inline vec vec_div(vec a, vec b) {
  return _mm256_div_ps(a, b);
}
static inline vec vec_abs(vec x) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}
/* x with the sign of `sign`. */
static inline vec vec_copysign(vec x, vec sign) {
  return _mm256_or_ps(vec_abs(x), _mm256_and_ps(sign, _mm256_set1_ps(-0.0f)));
}
/* Where x < 0, negative; elsewhere, also where x is NaN, other. */
static inline vec vec_where_negative(vec x, vec negative, vec other) {
  return _mm256_blendv_ps(other, negative, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
}
/* x * 2^n, of which only the last step may round; n is integral, from -252 to 254, and 1 <= x < 4. */
static inline vec vec_scale(vec x, vec n) {
  const __m256i whole = _mm256_cvttps_epi32(n), half = _mm256_srai_epi32(whole, 1), bias = _mm256_set1_epi32(127);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  x = _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23)));
  return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23)));
}

/* The first `lanes` floats, zeros behind; nothing else is read. */
static inline vec vec_load_part(const float *p, size_t lanes) {
  static const int32_t masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_maskload_ps(p, _mm256_loadu_si256((const __m256i *)(const void *)(masks + 8 - lanes)));
}

/* Without a mask: some processors take dozens of operations for a store with one. */
static inline void vec_store_part(float *p, vec x, size_t lanes) {
  __m128 half = _mm256_castps256_ps128(x);
  if (lanes & 4) {
    _mm_storeu_ps(p, half);
    half = _mm256_extractf128_ps(x, 1);
    p += 4;
  }
  if (lanes & 2) {
    _mm_storel_pi((__m64 *)(void *)p, half);
    half = _mm_movehl_ps(half, half);
    p += 2;
  }
  if (lanes & 1) _mm_store_ss(p, half);
}

/* The first `floats` floats, again and again: 1, 2 or 4. */
#define VEC_MOST_REPEATED 4
static inline vec vec_repeat(const float *p, const size_t floats) {
  switch (floats) {
  case 1: return _mm256_broadcast_ss(p);
  case 2: return _mm256_castsi256_ps(_mm256_broadcastq_epi64(_mm_loadl_epi64((const void *)p)));
  default: return _mm256_broadcast_ps((const __m128 *)(const void *)p);
  }
}

/* Lane i is lane from[i] of x. */
static inline vec vec_permute(vec x, const int32_t *from) {
  return _mm256_permutevar8x32_ps(x, _mm256_loadu_si256((const __m256i *)(const void *)from));
}

#endif
