/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors of AArch64 Advanced SIMD, by the names that tile_body.h uses. */
#ifndef UNFURL_GEMM_SIMD_NEON_H
#define UNFURL_GEMM_SIMD_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

enum { VEC_LANES = 4 };
typedef float32x4_t vec;

static inline vec vec_set(float x) {
  return vdupq_n_f32(x);
}
static inline vec vec_broadcast(const float *p) {
  return vld1q_dup_f32(p);
}
static inline vec vec_load(const float *p) {
  return vld1q_f32(p);
}
static inline void vec_store(float *p, vec x) {
  vst1q_f32(p, x);
}
/* There is no store past the caches for single vectors. */
static inline void vec_stream(float *p, vec x) {
  vec_store(p, x);
}
static inline vec vec_fma(vec a, vec b, vec c) {
  return vfmaq_f32(c, a, b);
}
static inline vec vec_mul(vec a, vec b) {
  return vmulq_f32(a, b);
}
static inline vec vec_add(vec a, vec b) {
  return vaddq_f32(a, b);
}
static inline vec vec_sub(vec a, vec b) {
  return vsubq_f32(a, b);
}
/* vmaxq would turn -0 into +0. */
static inline vec vec_at_least(vec x, vec low) {
  return vbslq_f32(vcltq_f32(x, low), low, x);
}
static inline vec vec_at_most(vec x, vec high) {
  return vbslq_f32(vcgtq_f32(x, high), high, x);
}

/* In a register here, whatever the compiler would rather do before or later. */
#define VEC_PIN(x) __asm__ volatile("" : "+w"(x))
static inline vec vec_div(vec a, vec b) {
  return vdivq_f32(a, b);
}
static inline vec vec_abs(vec x) {
  return vabsq_f32(x);
}
/* x with the sign of `sign`. */
static inline vec vec_copysign(vec x, vec sign) {
  return vbslq_f32(vdupq_n_u32(0x80000000u), sign, x);
}
/* Where x < 0, negative; elsewhere, also where x is NaN, other. */
static inline vec vec_where_negative(vec x, vec negative, vec other) {
  return vbslq_f32(vcltzq_f32(x), negative, other);
}
/* x * 2^n, of which only the last step may round; n is integral, from -252 to 254, and 1 <= x < 4. */
static inline vec vec_scale(vec x, vec n) {
  const int32x4_t whole = vcvtq_s32_f32(n), half = vshrq_n_s32(whole, 1), bias = vdupq_n_s32(127);
  const int32x4_t rest = vsubq_s32(whole, half);
  x = vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23)));
  return vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23)));
}

/* The first `lanes` floats, zeros behind; nothing else is read. */
static inline vec vec_load_part(const float *p, size_t lanes) {
  float all[VEC_LANES] = {0};
  for (size_t i = 0; i < lanes; i++) all[i] = p[i];
  return vld1q_f32(all);
}

static inline void vec_store_part(float *p, vec x, size_t lanes) {
  float all[VEC_LANES];
  vst1q_f32(all, x);
  for (size_t i = 0; i < lanes; i++) p[i] = all[i];
}

/* The first `floats` floats, again and again: 1 or 2. */
#define VEC_MOST_REPEATED 2
static inline vec vec_repeat(const float *p, const size_t floats) {
  if (floats == 1) return vld1q_dup_f32(p);
  const float32x2_t pair = vld1_f32(p);
  return vcombine_f32(pair, pair);
}

/* Lane i is lane from[i] of x. */
static inline vec vec_permute(vec x, const int32_t *from) {
  float all[VEC_LANES], some[VEC_LANES];
  vst1q_f32(all, x);
  for (size_t i = 0; i < VEC_LANES; i++) some[i] = all[from[i]];
  return vld1q_f32(some);
}

#endif
