/* SPDX-License-Identifier: BSD-2-Clause */
/* log, powers and softplus of floats: made in double precision and rounded once, by +, -, * and / alone, each of which
 * rounds the same everywhere (the C library's differ from processor to processor). Error: 0.51 units in the last place of
 * the exact value, or less; softplus 2 (test_logmath.c).
 */
#ifndef UNFURL_BASE_LOGMATH_H
#define UNFURL_BASE_LOGMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/vmath.h"

/* log x for 2^-1022 <= x < infinity: x = 2^k m with m near 1, log m = 2 atanh((m - 1) / (m + 1)), by its series. */
static inline double unfurl_log_of_normal(double x) {
  static const double coefficients[] = {1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1};
  const uint64_t below = UINT64_C(0x3fe6a09e00000000); /* about the square root of 1/2 */
  uint64_t bits;
  double m;
  memcpy(&bits, &x, sizeof bits);
  const int64_t k = (int64_t)(bits - below) >> 52;
  bits -= (uint64_t)k << 52;
  memcpy(&m, &bits, sizeof m);
  const double s = (m - 1) / (m + 1), square = s * s;
  double p = 1.0 / 17;
  for (int i = 0; i < 8; i++) p = p * square + coefficients[i];
  return (double)k * 0x1.62e42fefa39efp-1 + 2 * s * p;
}

/* e^t as a float, for any t but NaN. */
static inline float unfurl_exp_rounded(double t) {
  static const double coefficients[] = {1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120,
                                        1.0 / 24,      1.0 / 6,      0.5,         1,          1};
  const double inside = t > 100 ? 100 : t < -120 ? -120 : t, magic = 0x1.8p+52;
  const double n = (inside * 0x1.71547652b82fep+0 + magic) - magic;
  const double r = inside - n * 0x1.62e42fefa39efp-1;
  double p = 1.0 / 39916800;
  for (int i = 0; i < 11; i++) p = p * r + coefficients[i];
  const uint64_t bits = (uint64_t)((int64_t)n + 1023) << 52;
  double scale;
  memcpy(&scale, &bits, sizeof scale);
  return (float)(p * scale);
}

/* -infinity for 0, NaN for what is less. */
static inline float unfurl_logf(float x) {
  if (x > 0 && x < INFINITY) return (float)unfurl_log_of_normal((double)x);
  return x == 0 ? -INFINITY : x < 0 ? NAN : x;
}

/* x^y as C defines it. Where the result is exact whoever computes it, the C library may. */
static inline float unfurl_powf(float x, float y) {
  if (y == 2) return x * x;
  const float magnitude = fabsf(x);
  if (!(magnitude > 0 && magnitude < INFINITY) || !(fabsf(y) < INFINITY) || y == 0 || x == 1) return powf(x, y);
  if (x < 0 && y != truncf(y)) return NAN;
  const float power = unfurl_exp_rounded((double)y * unfurl_log_of_normal((double)magnitude));
  return x < 0 && fmodf(y, 2) != 0 ? -power : power;
}

/* log(1 + e^x) */
static inline float unfurl_softplusf(float x) {
  const float e = unfurl_expf(x < 0 ? x : -x, false);
  const float small = (float)unfurl_log_of_normal(1 + (double)e);
  return x != x ? x : x > 0 ? x + small : e < 0x1p-25f ? e : small;
}

#endif
