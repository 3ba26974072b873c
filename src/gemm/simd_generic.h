/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors as arrays that the compiler may vectorise, by the names that tile_body.h uses. vec_fma is left to the file
 * that includes this: it is what portable and baseline differ in. */
#ifndef UNFURL_GEMM_SIMD_GENERIC_H
#define UNFURL_GEMM_SIMD_GENERIC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { VEC_LANES = 4 };
typedef float vec __attribute__((vector_size(4 * VEC_LANES)));
typedef int32_t vec_bits __attribute__((vector_size(4 * VEC_LANES)));

static inline vec vec_set(float x) {
  return (vec){x, x, x, x};
}
static inline vec vec_broadcast(const float *p) {
  return vec_set(*p);
}
static inline vec vec_load(const float *p) {
  vec x;
  memcpy(&x, p, sizeof x);
  return x;
}
static inline void vec_store(float *p, vec x) {
  memcpy(p, &x, sizeof x);
}
static inline void vec_stream(float *p, vec x) {
  vec_store(p, x);
}
static inline vec vec_mul(vec a, vec b) {
  return a * b;
}
static inline vec vec_add(vec a, vec b) {
  return a + b;
}
static inline vec vec_sub(vec a, vec b) {
  return a - b;
}
static inline vec vec_at_least(vec x, vec low) {
  for (size_t i = 0; i < VEC_LANES; i++) x[i] = x[i] < low[i] ? low[i] : x[i];
  return x;
}
static inline vec vec_at_most(vec x, vec high) {
  for (size_t i = 0; i < VEC_LANES; i++) x[i] = x[i] > high[i] ? high[i] : x[i];
  return x;
}

/* What other instruction sets do in a certain order. */
#define VEC_PIN(x) ((void)(x))
static inline vec vec_div(vec a, vec b) {
  return a / b;
}
static inline vec vec_where(vec_bits mask, vec a, vec b) {
  return (vec)((mask & (vec_bits)a) | (~mask & (vec_bits)b));
}
static inline vec vec_abs(vec x) {
  return (vec)((vec_bits)x & INT32_MAX);
}
/* x with the sign of `sign`. */
static inline vec vec_copysign(vec x, vec sign) {
  return vec_where((vec_bits){0} + INT32_MIN, sign, x);
}
/* Where x < 0, negative; elsewhere, also where x is NaN, other. */
static inline vec vec_where_negative(vec x, vec negative, vec other) {
  return vec_where(x < 0, negative, other);
}
/* x * 2^n, of which only the last step may round; n is integral, from -252 to 254, and 1 <= x < 4. */
static inline vec vec_scale(vec x, vec n) {
  const vec_bits whole = __builtin_convertvector(n, vec_bits), half = whole >> 1;
  return x * (vec)((half + 127) << 23) * (vec)((whole - half + 127) << 23);
}

/* The first `lanes` floats, zeros behind; nothing else is read. */
static inline vec vec_load_part(const float *p, size_t lanes) {
  vec x = {0};
  for (size_t i = 0; i < lanes; i++) x[i] = p[i];
  return x;
}

static inline void vec_store_part(float *p, vec x, size_t lanes) {
  memcpy(p, &x, lanes * sizeof *p);
}

/* The first `floats` floats, again and again: 1 or 2. */
#define VEC_MOST_REPEATED 2
static inline vec vec_repeat(const float *p, const size_t floats) {
  return floats == 1 ? vec_set(*p) : (vec){p[0], p[1], p[0], p[1]};
}

/* Lane i is lane from[i] of x. */
static inline vec vec_permute(vec x, const int32_t *from) {
  vec y;
  for (size_t i = 0; i < VEC_LANES; i++) y[i] = x[from[i]];
  return y;
}

#endif
