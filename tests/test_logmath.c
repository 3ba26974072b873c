/* SPDX-License-Identifier: BSD-2-Clause */
/* log, powers and softplus of base/logmath.h against the C library's in double. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/logmath.h"
#include "support.h"

enum { STRIDE = 1009, POWERS = 2000000 }; /* a prime, so that all exponents meet all kinds of mantissas */

static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static bool same_bits(float a, float b) {
  return !memcmp(&a, &b, sizeof a);
}

/* Distance from the exact value, in units in the last place of the float next to it; infinity stands for 2^128. */
static double ulps(float got, double exact) {
  const double value = isinf(got) ? copysign(0x1p128, (double)got) : (double)got;
  const double limited = fabs(exact) > 0x1p128 ? copysign(0x1p128, exact) : exact;
  int exponent;
  frexp(exact, &exponent);
  const int last = exponent - 24 < -149 ? -149 : exponent > 128 ? 104 : exponent - 24;
  return fabs(value - limited) / ldexp(1, last);
}

Test(logmath, log_is_rounded_once) {
  for (uint64_t bits = 1; bits < 0x7f800000; bits += STRIDE) {
    const float x = float_of((uint32_t)bits);
    cr_assert_leq(ulps(unfurl_logf(x), log((double)x)), 0.51, "%a", (double)x);
  }
  for (float x = 0.999f; x < 1.001f; x = nextafterf(x, 2))
    cr_assert_leq(ulps(unfurl_logf(x), log((double)x)), 0.51, "%a", (double)x);
}

static double exact_softplus(double x) {
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

Test(logmath, softplus_within_2_ulp) {
  for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE) {
    const float x = float_of((uint32_t)bits), y = unfurl_softplusf(x);
    if (isnan(x))
      cr_assert(isnan(y));
    else
      cr_assert_leq(ulps(y, exact_softplus((double)x)), 2, "%a", (double)x);
  }
}

/* Bases near 1 with large exponents are the hardest; others overflow, or vanish through the denormals. */
Test(logmath, powers_are_rounded_once) {
  rng r = {7};
  for (size_t i = 0; i < POWERS; i++) {
    const float near = 1 + ldexpf((float)rng_next(&r) * 0x1p-64f - 0.5f, -(int)rng_below(&r, 12));
    const float any = float_of((uint32_t)rng_next(&r) & 0x7fffffff), base = i % 2 ? near : any;
    const float x = i % 5 ? base : -base,
                large = ldexpf(2 * ((float)rng_next(&r) * 0x1p-64f) - 1, (int)rng_below(&r, 14));
    const float y = i % 3 ? large : (float)((int)rng_below(&r, 41) - 20);
    if (isnan(x)) continue;
    const float got = unfurl_powf(x, y);
    const double exact = pow((double)x, (double)y);
    if (isnan(exact))
      cr_assert(isnan(got), "%a ^ %a", (double)x, (double)y);
    else
      cr_assert_leq(ulps(got, exact), 0.51, "%a ^ %a = %a", (double)x, (double)y, (double)got);
  }
}

Test(logmath, special_values) {
  static const float values[] = {0,     -0.0f, 1,        -1,        2,   -2,    3,         -3,         0.5f,
                                 -0.5f, 1.5f,  INFINITY, -INFINITY, NAN, 1e38f, 0x1p-149f, -0x1p-149f, -7.5f};
  const size_t count = sizeof values / sizeof *values;
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++) {
      const float got = unfurl_powf(values[i], values[j]), exact = (float)pow((double)values[i], (double)values[j]);
      cr_assert(isnan(exact) ? isnan(got) : same_bits(got, exact), "%a ^ %a = %a", (double)values[i], (double)values[j],
                (double)got);
    }
  cr_assert(same_bits(unfurl_logf(0), -INFINITY) && same_bits(unfurl_logf(-0.0f), -INFINITY));
  cr_assert(isnan(unfurl_logf(-1)) && isnan(unfurl_logf(NAN)) && isnan(unfurl_logf(-INFINITY)));
  cr_assert(same_bits(unfurl_logf(INFINITY), INFINITY) && same_bits(unfurl_logf(1), 0));
  cr_assert(same_bits(unfurl_softplusf(INFINITY), INFINITY) && same_bits(unfurl_softplusf(-INFINITY), 0));
}
