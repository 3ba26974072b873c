/* SPDX-License-Identifier: BSD-2-Clause */
/* exp, sigmoid and tanh of our own: the C library's differ from version to version, and these must give the same bits
 * on every machine. Only +, -, * and /, each rounded once, in a fixed order; loops over them vectorise.
 *
 * Error against double precision: exp within 1 unit in the last place, tanh within 2, sigmoid within 3 (test_vmath.c).
 */
#ifndef UNFURL_BASE_VMATH_H
#define UNFURL_BASE_VMATH_H

#include <stdint.h>
#include <string.h>

/* 2^n for -126 <= n <= 127. */
static inline float unfurl_power_of_two(int32_t n) {
  const uint32_t bits = (uint32_t)(n + 127) << 23;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* e^x = 2^n e^r with r = x - n ln 2 in [-ln2/2, ln2/2]; e^r by a polynomial fitted for least relative error. The
 * result is made in two steps of 2^(n/2), so that it passes through the denormals to 0 and overflows to infinity. */
static inline float unfurl_expf(float x) {
  const float inside = x > 104.0f ? 104.0f : x < -104.0f ? -104.0f : x == x ? x : 0.0f;
  const float shifted = inside * 0x1.715476p+0f + 0x1.8p+23f; /* adding 1.5 * 2^23 rounds to an integer */
  const float n = shifted - 0x1.8p+23f;
  const float r = (inside - n * 0x1.62ep-1f) - n * 0x1.0bfbe8p-15f; /* ln 2 in two parts, the first of 11 bits */
  float p = 0x1.9f0896p-13f;
  p = p * r + 0x1.6d8d06p-10f;
  p = p * r + 0x1.11127p-7f;
  p = p * r + 0x1.55548ep-5f;
  p = p * r + 0x1.555554p-3f;
  p = p * r + 0x1p-1f;
  p = p * (r * r) + r;
  const int32_t whole = (int32_t)n, half = whole >> 1;
  const float result = (1.0f + p) * unfurl_power_of_two(half) * unfurl_power_of_two(whole - half);
  return x == x ? result : x;
}

/* 1 / y for 1 <= y <= 2, faster than a division: the quadratic polynomial whose relative error, 1/99, is the least, and two
 * steps of Newton's. The second adds what is missing, so that 1 gives 1. */
static inline float unfurl_reciprocalf(float y) {
  float r = (y * 0x1.4afd6ap-2f - 0x1.745d18p+0f) * y + 0x1.0f83e0p+1f; /* 32/99, 144/99, 210/99 */
  r = r * (2.0f - y * r);
  return r + r * (1.0f - y * r);
}

/* 1 / (1 + e^-x), from e^-|x| so that nothing overflows. */
static inline float unfurl_sigmoidf(float x) {
  const float e = unfurl_expf(x < 0 ? x : -x);
  const float result = (x < 0 ? e : 1.0f) * unfurl_reciprocalf(1.0f + e);
  return x == x ? result : x;
}

/* tanh x = 1 - 2 / (e^2x + 1); near 0, where that cancels, x + x^3 p(x^2). */
static inline float unfurl_tanhf(float x) {
  const float magnitude = x < 0 ? -x : x;
  const float large = 1.0f - 2.0f / (unfurl_expf(2.0f * magnitude) + 1.0f);
  const float s = magnitude * magnitude;
  float p = -0x1.75e444p-8f;
  p = p * s + 0x1.522c1ap-6f;
  p = p * s + -0x1.b83e12p-5f;
  p = p * s + 0x1.11073cp-3f;
  p = p * s + -0x1.555534p-2f;
  const float small = magnitude + magnitude * s * p;
  const float result = magnitude < 0.625f ? small : large;
  return x < 0 ? -result : x == 0 ? x : x == x ? result : x;
}

#endif
