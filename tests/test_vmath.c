/* SPDX-License-Identifier: BSD-2-Clause */
/* exp, sigmoid, tanh, erf and GELU of base/vmath.h against the C library's in double, over a stride of all float bits, and
 * at the places where such functions break. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/vmath.h"

/* A prime, so that all exponents and signs meet all kinds of mantissas: 4.2 million floats. */
enum { STRIDE = 1009 };

static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* Distance in units in the last place of the exact value; infinity stands for 2^128. */
static double ulps(float got, double exact) {
  const double value = isinf(got) ? copysign(0x1p128, (double)got) : (double)got;
  int exponent;
  frexp(exact, &exponent);
  const int last = exponent - 24 < -149 ? -149 : exponent > 128 ? 104 : exponent - 24;
  const double limited = fabs(exact) > 0x1p128 ? copysign(0x1p128, exact) : exact;
  return fabs(value - limited) / ldexp(1, last);
}

typedef float f32_fn(float x, bool fused);
typedef double f64_fn(double);

/* Products rounded before they are added, and not. */
#define EACH_FORM for (int fused = 0; fused <= 1; fused++)

static double exact_sigmoid(double x) {
  return 1 / (1 + exp(-x));
}

static void check_all(f32_fn *ours, bool fused, f64_fn *exact, double bound) {
  double worst = 0;
  float where = 0;
  for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE) {
    const float x = float_of((uint32_t)bits), y = ours(x, fused);
    if (isnan(x)) {
      cr_assert(isnan(y), "NaN %08x gives %a", (unsigned)bits, (double)y);
      continue;
    }
    const double error = ulps(y, exact((double)x));
    if (!(error <= worst)) worst = error, where = x;
  }
  cr_log_info("largest error: %.3f ulp at %a", worst, (double)where);
  cr_assert_leq(worst, bound, "%.3f ulp at %a", worst, (double)where);
}

Test(vmath, exp_within_1_ulp) {
  EACH_FORM check_all(unfurl_expf, fused, exp, 1);
}

Test(vmath, sigmoid_within_3_ulp) {
  EACH_FORM check_all(unfurl_sigmoidf, fused, exact_sigmoid, 3);
}

Test(vmath, tanh_within_2_ulp) {
  EACH_FORM check_all(unfurl_tanhf, fused, tanh, 2);
}

Test(vmath, erf_within_2_ulp) {
  EACH_FORM check_all(unfurl_erff, fused, erf, 2);
}

/* What cancels far below 0 is small, and so is the error. */
Test(vmath, gelu_within_2e_7_of_the_argument) {
  EACH_FORM for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE) {
    const float x = float_of((uint32_t)bits), y = unfurl_geluf(x, fused);
    const double exact = 0.5 * (double)x * erfc(-(double)x / sqrt(2));
    if (isnan(x) || x == -INFINITY)
      cr_assert(isnan(y));
    else if (isinf(x))
      cr_assert_eq(y, x);
    else
      cr_assert_leq(fabs((double)y - exact), 1e-44 + 2e-7 * fmin(fabs((double)x), fmax(fabs(exact), 1)), "%a",
                    (double)x);
  }
}

Test(vmath, special_values) {
  EACH_FORM {
    cr_assert_eq(bits_of(unfurl_expf(0.0f, fused)), bits_of(1.0f));
    cr_assert_eq(bits_of(unfurl_expf(-0.0f, fused)), bits_of(1.0f));
    cr_assert_eq(bits_of(unfurl_expf(INFINITY, fused)), bits_of(INFINITY));
    cr_assert_eq(bits_of(unfurl_expf(-INFINITY, fused)), bits_of(0.0f));
    cr_assert_eq(bits_of(unfurl_sigmoidf(0.0f, fused)), bits_of(0.5f));
    cr_assert_eq(bits_of(unfurl_sigmoidf(INFINITY, fused)), bits_of(1.0f));
    cr_assert_eq(bits_of(unfurl_sigmoidf(-INFINITY, fused)), bits_of(0.0f));
    cr_assert_eq(bits_of(unfurl_tanhf(0.0f, fused)), bits_of(0.0f));
    cr_assert_eq(bits_of(unfurl_tanhf(-0.0f, fused)), bits_of(-0.0f));
    cr_assert_eq(bits_of(unfurl_tanhf(INFINITY, fused)), bits_of(1.0f));
    cr_assert_eq(bits_of(unfurl_tanhf(-INFINITY, fused)), bits_of(-1.0f));
    cr_assert_eq(bits_of(unfurl_erff(-0.0f, fused)), bits_of(-0.0f));
    cr_assert_eq(bits_of(unfurl_erff(INFINITY, fused)), bits_of(1.0f));
    cr_assert_eq(bits_of(unfurl_erff(-INFINITY, fused)), bits_of(-1.0f));
    static const uint32_t nans[] = {0x7fc00000, 0xffc00000, 0x7f800001, 0x7fffffff, 0xff812345};
    for (size_t i = 0; i < sizeof nans / sizeof *nans; i++) {
      cr_assert(isnan(unfurl_expf(float_of(nans[i]), fused)));
      cr_assert(isnan(unfurl_sigmoidf(float_of(nans[i]), fused)));
      cr_assert(isnan(unfurl_tanhf(float_of(nans[i]), fused)));
      cr_assert(isnan(unfurl_erff(float_of(nans[i]), fused)));
    }
  }
}

/* Denormal arguments: exp is 1, sigmoid one half, tanh the argument itself. */
Test(vmath, denormal_arguments) {
  EACH_FORM {
    for (uint32_t bits = 1; bits < 0x00800000; bits += 997)
      for (uint32_t sign = 0; sign <= 1; sign++) {
        const float x = float_of(bits | sign << 31);
        cr_assert_eq(bits_of(unfurl_expf(x, fused)), bits_of(1.0f));
        cr_assert_eq(bits_of(unfurl_sigmoidf(x, fused)), bits_of(0.5f));
        cr_assert_eq(bits_of(unfurl_tanhf(x, fused)), bits_of(x));
      }
  }
}

/* exp goes to 0 through the denormals, one float after another, and to infinity where it must. */
Test(vmath, exp_at_the_ends_of_its_range) {
  EACH_FORM {
    for (float x = -87.0f; x > -105.0f; x = nextafterf(x, -INFINITY))
      cr_assert_leq(ulps(unfurl_expf(x, fused), exp((double)x)), 1, "%a", (double)x);
    for (float x = 88.0f; x < 89.0f; x = nextafterf(x, INFINITY))
      cr_assert_leq(ulps(unfurl_expf(x, fused), exp((double)x)), 1, "%a", (double)x);
    cr_assert_eq(unfurl_expf(-104.5f, fused), 0);
    cr_assert_gt(unfurl_expf(-103.0f, fused), 0);
    cr_assert(isinf(unfurl_expf(89.0f, fused)));
  }
}

/* No step down where one formula takes over from another, nor where tanh becomes 1. */
static void check_monotone(f32_fn *f, bool fused, float from, float to) {
  float before = f(from, fused);
  for (float x = nextafterf(from, to); x < to; x = nextafterf(x, to)) {
    const float now = f(x, fused);
    cr_assert_geq(now, before, "it falls at %a", (double)x);
    before = now;
  }
}

Test(vmath, tanh_rises_at_its_seams) {
  EACH_FORM {
    check_monotone(unfurl_tanhf, fused, 0.62499f, 0.625f);
    cr_assert_geq(unfurl_tanhf(0.625f, fused), unfurl_tanhf(nextafterf(0.625f, 0), fused));
    check_monotone(unfurl_tanhf, fused, 8.9f, 9.2f);
    cr_assert_eq(bits_of(unfurl_tanhf(9.2f, fused)), bits_of(1.0f));
  }
}

Test(vmath, tanh_is_odd_and_never_over_1) {
  EACH_FORM {
    for (uint64_t bits = 0; bits <= 0x7f800000; bits += STRIDE) {
      const float x = float_of((uint32_t)bits), y = unfurl_tanhf(x, fused);
      cr_assert_leq(y, 1);
      cr_assert_eq(bits_of(unfurl_tanhf(-x, fused)), bits_of(-y), "%a", (double)x);
    }
  }
}

Test(vmath, sigmoid_stays_between_0_and_1) {
  EACH_FORM {
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE) {
      const float y = unfurl_sigmoidf(float_of((uint32_t)bits), fused);
      cr_assert(isnan(y) || (y >= 0 && y <= 1));
    }
  }
}
