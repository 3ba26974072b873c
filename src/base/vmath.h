/* SPDX-License-Identifier: BSD-2-Clause */
/* exp, sigmoid, tanh, erf and GELU of our own: the C library's differ from version to version, and these must give the
 * same bits on every machine. Only +, - and *, each rounded once, in a fixed order; loops over them vectorise. `fused`:
 * what is multiplied and added is rounded once for both, as gemm/activate.h asks for; slow where the processor can't.
 *
 * Error against double precision: exp within 1 unit in the last place, tanh and erf within 2, sigmoid within 3
 * (test_vmath.c).
 */
#ifndef UNFURL_BASE_VMATH_H
#define UNFURL_BASE_VMATH_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* a * b + c */
static inline float unfurl_multiply_add(float a, float b, float c, bool fused) {
  return fused ? fmaf(a, b, c) : a * b + c;
}

/* 2^n for -126 <= n <= 127. */
static inline float unfurl_power_of_two(int32_t n) {
  const uint32_t bits = (uint32_t)(n + 127) << 23;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* e^x = 2^n e^r with r = x - n ln 2 in [-ln2/2, ln2/2]; e^r by a polynomial fitted for least relative error, 6e-9. The
 * result is made in two steps of 2^(n/2), so that it passes through the denormals to 0 and overflows to infinity. */
static inline float unfurl_expf(float x, bool fused) {
  static const float coefficients[] = {0x1.123e04p-7f, 0x1.55589ap-5f, 0x1.555494p-3f, 0x1.fffffcp-2f};
  const float magic = 0x1.8p+23f; /* adding 1.5 * 2^23 rounds to an integer */
  const float inside = x > 104.0f ? 104.0f : x < -104.0f ? -104.0f : x == x ? x : 0.0f;
  const float n = unfurl_multiply_add(inside, 0x1.715476p+0f, magic, fused) - magic;
  float r = unfurl_multiply_add(n, -0x1.62ep-1f, inside, fused); /* ln 2 in two parts, the first of 11 bits */
  r = unfurl_multiply_add(n, -0x1.0bfbe8p-15f, r, fused);
  float p = 0x1.6adc26p-10f;
  for (int i = 0; i < 4; i++) p = unfurl_multiply_add(p, r, coefficients[i], fused);
  p = unfurl_multiply_add(p, r * r, r, fused) + 1.0f;
  const int32_t whole = (int32_t)n, half = whole >> 1;
  const float result = p * unfurl_power_of_two(half) * unfurl_power_of_two(whole - half);
  return x == x ? result : x;
}

/* -1 / y for -2 <= y <= -1, faster than a division: the quadratic polynomial whose relative error, 1/99, is the least,
 * and two steps of Newton's. The second adds what is missing, so that -1 gives 1. */
static inline float unfurl_negative_reciprocalf(float y, bool fused) {
  float r = unfurl_multiply_add(y, 0x1.4afd6ap-2f, 0x1.745d18p+0f, fused); /* 32/99, 144/99, 210/99 */
  r = unfurl_multiply_add(r, y, 0x1.0f83e0p+1f, fused);
  r = r * unfurl_multiply_add(y, r, 2, fused);
  return unfurl_multiply_add(r, unfurl_multiply_add(y, r, 1, fused), r, fused);
}

/* 1 / (1 + e^-x), from e^-|x| so that nothing overflows. */
static inline float unfurl_sigmoidf(float x, bool fused) {
  const float e = unfurl_expf(x < 0 ? x : -x, fused);
  const float result = (x < 0 ? e : 1.0f) * unfurl_negative_reciprocalf(-1.0f - e, fused);
  return x == x ? result : x;
}

/* tanh |x| = 1 - 2 e / (1 + e) with e = e^-2|x|; near 0, where that cancels, x + x^3 p(x^2). */
static inline float unfurl_tanhf(float x, bool fused) {
  static const float coefficients[] = {0x1.522c1ap-6f, -0x1.b83e12p-5f, 0x1.11073cp-3f, -0x1.555534p-2f};
  const float magnitude = x < 0 ? -x : x, e = unfurl_expf(-2.0f * magnitude, fused);
  const float large = unfurl_multiply_add(-2.0f * e, unfurl_negative_reciprocalf(-1.0f - e, fused), 1, fused);
  const float s = magnitude * magnitude;
  float p = -0x1.75e444p-8f;
  for (int i = 0; i < 4; i++) p = unfurl_multiply_add(p, s, coefficients[i], fused);
  const float small = unfurl_multiply_add(magnitude * s, p, magnitude, fused);
  const float result = magnitude < 0.625f ? small : large;
  return x < 0 ? -result : x == 0 ? x : x == x ? result : x;
}

/* Below 0.9, x + x p(x^2), with a relative error of 1e-8; above, 1 - e^q(x), of 2e-9; polynomials by least squares. */
static inline float unfurl_erff(float x, bool fused) {
  static const float near[] = {-0x1.ad2dacp-11f, 0x1.551b3ep-8f,  -0x1.b8171cp-6f,
                               0x1.ce2e70p-4f,   -0x1.812744p-2f, 0x1.06eba8p-3f};
  static const float far[] = {-0x1.92232ep-9f, 0x1.6dbe48p-6f,  -0x1.aa8038p-4f,
                              -0x1.462060p-1f, -0x1.20b798p+0f, -0x1.5bc68ep-13f};
  const float magnitude = x < 0 ? -x : x, s = magnitude * magnitude, end = magnitude < 4.0f ? magnitude : 4.0f;
  float p = 0x1.66bd58p-14f, q = 0x1.a06344p-13f;
  for (int i = 0; i < 6; i++) p = unfurl_multiply_add(p, s, near[i], fused);
  for (int i = 0; i < 6; i++) q = unfurl_multiply_add(q, end, far[i], fused);
  const float small = unfurl_multiply_add(magnitude, p, magnitude, fused), large = 1.0f - unfurl_expf(q, fused);
  const float result = magnitude < 0.9f ? small : large;
  return x < 0 ? -result : x == 0 ? x : x == x ? result : x;
}

/* x * (1 + erf(x / sqrt 2)) / 2. Far below 0, where that cancels, it has an error of up to 2e-7, and ends at 0. */
static inline float unfurl_geluf(float x, bool fused) {
  const float half = 0.5f * x;
  return unfurl_multiply_add(half, unfurl_erff(x * 0x1.6a09e6p-1f, fused), half, fused);
}

#endif
