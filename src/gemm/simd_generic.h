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

/* The first `lanes` floats, zeros behind; nothing else is read. */
static inline vec vec_load_part(const float *p, size_t lanes) {
  vec x = {0};
  for (size_t i = 0; i < lanes; i++) x[i] = p[i];
  return x;
}

static inline void vec_store_part(float *p, vec x, size_t lanes) {
  memcpy(p, &x, lanes * sizeof *p);
}

/* Lane i is lane from[i] of x. */
static inline vec vec_permute(vec x, const int32_t *from) {
  vec y;
  for (size_t i = 0; i < VEC_LANES; i++) y[i] = x[from[i]];
  return y;
}

#endif
