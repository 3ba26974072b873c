/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors of AVX-512 F, by the names that tile_body.h uses. Comparisons keep NaN: max(low, x) is x where x is NaN. */
#ifndef UNFURL_GEMM_SIMD_AVX512_H
#define UNFURL_GEMM_SIMD_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

enum { VEC_LANES = 16 };
typedef __m512 vec;

static inline vec vec_set(float x) {
  return _mm512_set1_ps(x);
}
/* Kept in a register: folded into the multiply-add it would be loaded once for each vector. */
static inline vec vec_broadcast(const float *p) {
  vec x = _mm512_set1_ps(*p);
  __asm__("" : "+v"(x));
  return x;
}
static inline vec vec_load(const float *p) {
  return _mm512_loadu_ps(p);
}
static inline void vec_store(float *p, vec x) {
  _mm512_storeu_ps(p, x);
}
/* Past the caches; `p` is aligned. */
static inline void vec_stream(float *p, vec x) {
  _mm512_stream_ps(p, x);
}
static inline vec vec_fma(vec a, vec b, vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
static inline vec vec_mul(vec a, vec b) {
  return _mm512_mul_ps(a, b);
}
static inline vec vec_add(vec a, vec b) {
  return _mm512_add_ps(a, b);
}
static inline vec vec_sub(vec a, vec b) {
  return _mm512_sub_ps(a, b);
}
static inline vec vec_at_least(vec x, vec low) {
  return _mm512_max_ps(low, x);
}
static inline vec vec_at_most(vec x, vec high) {
  return _mm512_min_ps(high, x);
}

/* In a register here, whatever the compiler would rather do before or later. */
#ifndef VEC_PIN
#define VEC_PIN(x) __asm__ volatile("" : "+v"(x))
#endif
static inline vec vec_div(vec a, vec b) {
  return _mm512_div_ps(a, b);
}
static inline vec vec_abs(vec x) {
  return _mm512_abs_ps(x);
}
/* x with the sign of `sign`. */
static inline vec vec_copysign(vec x, vec sign) {
  return _mm512_or_ps(_mm512_abs_ps(x), _mm512_and_ps(sign, _mm512_set1_ps(-0.0f)));
}
/* Where x < 0, negative; elsewhere, also where x is NaN, other. */
static inline vec vec_where_negative(vec x, vec negative, vec other) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), other, negative);
}
/* x * 2^n, of which only the last step may round; n is integral, from -252 to 254, and 1 <= x < 4. */
static inline vec vec_scale(vec x, vec n) {
  return _mm512_scalef_ps(x, n);
}

/* The first `lanes` floats, zeros behind; nothing else is read. */
static inline vec vec_load_part(const float *p, size_t lanes) {
  return _mm512_maskz_loadu_ps((__mmask16)((1u << lanes) - 1), p);
}

/* Masks cost nothing: these are used for whole vectors too. */
#define VEC_PARTS_ARE_FAST
static inline void vec_store_part(float *p, vec x, size_t lanes) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << lanes) - 1), x);
}

/* The first `floats` floats, again and again: 1, 2, 4 or 8. */
#define VEC_MOST_REPEATED 8
static inline vec vec_repeat(const float *p, const size_t floats) {
  switch (floats) {
  case 1: return _mm512_set1_ps(*p);
  case 2: return _mm512_castsi512_ps(_mm512_broadcastq_epi64(_mm_loadl_epi64((const void *)p)));
  case 4: return _mm512_broadcast_f32x4(_mm_loadu_ps(p));
  default: return _mm512_broadcast_f32x8(_mm256_loadu_ps(p));
  }
}

/* Lane i is lane from[i] of x. */
static inline vec vec_permute(vec x, const int32_t *from) {
  return _mm512_permutexvar_ps(_mm512_loadu_si512(from), x);
}

#endif
