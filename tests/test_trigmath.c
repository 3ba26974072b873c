/* SPDX-License-Identifier: BSD-2-Clause */
/* sin and cos of base/trigmath.h against the C library's in double, over a stride of all float bits. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/trigmath.h"

enum { STRIDE = 1009 }; /* a prime, so that all exponents meet all kinds of mantissas */

static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static double ulps(float got, double exact) {
  int exponent;
  frexp(exact, &exponent);
  return fabs((double)got - exact) / ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
}

static void check(float x) {
  cr_assert_leq(ulps(unfurl_sinf(x), sin((double)x)), 0.51, "sin %a", (double)x);
  cr_assert_leq(ulps(unfurl_cosf(x), cos((double)x)), 0.51, "cos %a", (double)x);
}

Test(trigmath, sin_and_cos_are_rounded_once) {
  for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE)
    if (isfinite(float_of((uint32_t)bits))) check(float_of((uint32_t)bits));
}

/* Where quarters meet, up to the largest floats, and where the way to reduce an angle changes. */
Test(trigmath, next_to_multiples_of_a_quarter) {
  for (double quarters = 0.5; quarters < 1e38; quarters = quarters < 4000 ? quarters + 0.5 : floor(quarters * 1.01)) {
    const float x = (float)(quarters * 1.5707963267948966);
    check(x), check(nextafterf(x, 0)), check(nextafterf(x, INFINITY));
  }
  check(0x1p20f), check(nextafterf(0x1p20f, 0)), check(0x1.fffffep+127f);
}

Test(trigmath, special_values) {
  cr_assert(unfurl_sinf(0) == 0 && !signbit(unfurl_sinf(0)) && signbit(unfurl_sinf(-0.0f)));
  cr_assert(unfurl_cosf(0) == 1 && unfurl_cosf(-0.0f) == 1);
  cr_assert(isnan(unfurl_sinf(INFINITY)) && isnan(unfurl_sinf(-INFINITY)) && isnan(unfurl_sinf(NAN)));
  cr_assert(isnan(unfurl_cosf(INFINITY)) && isnan(unfurl_cosf(-INFINITY)) && isnan(unfurl_cosf(NAN)));
  cr_assert(unfurl_sinf(0x1p-149f) == 0x1p-149f);
}
