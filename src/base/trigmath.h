/* SPDX-License-Identifier: BSD-2-Clause */
/* sin and cos of floats: made in double precision and rounded once, by +, - and * alone, for the same bits everywhere.
 * Error: 0.51 units in the last place of the exact value, or less (test_trigmath.c).
 */
#ifndef UNFURL_BASE_TRIGMATH_H
#define UNFURL_BASE_TRIGMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* An angle as quarter * pi/2 + rest, with the rest in [-pi/4, pi/4]; whole turns are left out. */
typedef struct unfurl_angle {
  unsigned quarter; /* modulo 4 */
  double rest;
} unfurl_angle;

/* 32 bits of 2/pi, from the one of weight 2^(31 - at) on. */
static inline uint64_t unfurl_bits_of_two_over_pi(uint32_t at) {
  static const uint32_t words[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                   0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
  const uint64_t both = (uint64_t)words[at / 32] << 32 | words[at / 32 + 1];
  return both << at % 32 >> 32;
}

/* For 2^20 <= x < infinity: x = m 2^k with an integer m, times the 96 bits of 2/pi that do not only make whole turns. That
 * leaves 62 bits behind the point, and no float is nearer than about 2^-30 to a multiple of pi/2. */
static inline unfurl_angle unfurl_angle_of_large(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint64_t m = (bits & 0x7fffff) | 0x800000;
  const uint32_t at = (bits >> 23) - 120;
  const uint64_t high = unfurl_bits_of_two_over_pi(at) << 32 | unfurl_bits_of_two_over_pi(at + 32);
  const uint64_t quarters = m * high + (m * unfurl_bits_of_two_over_pi(at + 64) >> 32); /* in units of 2^-62 */
  const uint64_t nearest = (quarters + (UINT64_C(1) << 61)) >> 62;
  return (unfurl_angle){(unsigned)nearest, (double)(int64_t)(quarters - (nearest << 62)) * 0x1.921fb54442d18p-62};
}

/* Of 0 <= x < infinity. pi/2 in two parts, the first of 33 bits, so that its multiples are exact. */
static inline unfurl_angle unfurl_angle_of(float x) {
  if (x >= 0x1p20f) return unfurl_angle_of_large(x);
  const double magic = 0x1.8p+52, n = ((double)x * 0x1.45f306dc9c883p-1 + magic) - magic; /* rounds to an integer */
  return (unfurl_angle){(unsigned)n % 4, ((double)x - n * 0x1.921fb544p+0) - n * 0x1.0b4611a626331p-34};
}

/* The sine of an angle, by the series of sine or cosine. */
static inline float unfurl_sin_of(unfurl_angle angle) {
  static const double sine[] = {-1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1};
  static const double cosine[] = {-1.0 / 3628800, 1.0 / 40320, -1.0 / 720, 1.0 / 24, -0.5, 1};
  const double square = angle.rest * angle.rest, *coefficients = angle.quarter % 2 ? cosine : sine;
  double p = angle.quarter % 2 ? 1.0 / 479001600 : 1.0 / 6227020800;
  for (int i = 0; i < 6; i++) p = p * square + coefficients[i];
  const double value = angle.quarter % 2 ? p : p * angle.rest;
  return (float)(angle.quarter & 2 ? -value : value);
}

static inline float unfurl_sinf(float x) {
  const float magnitude = fabsf(x);
  if (!(magnitude < INFINITY) || x == 0) return x == 0 ? x : NAN;
  const float sine = unfurl_sin_of(unfurl_angle_of(magnitude));
  return x < 0 ? -sine : sine;
}

static inline float unfurl_cosf(float x) {
  const float magnitude = fabsf(x);
  if (!(magnitude < INFINITY)) return NAN;
  const unfurl_angle angle = unfurl_angle_of(magnitude);
  return unfurl_sin_of((unfurl_angle){angle.quarter + 1, angle.rest});
}

#endif
