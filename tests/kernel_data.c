/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel_data.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char current[200];

void kernel_case_begin(const char *variant) {
  snprintf(current, sizeof current, "%s: ", variant);
}

void kernel_case_says(const char *format, ...) {
  const size_t length = strlen(current);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(current + length, sizeof current - length, format, arguments);
  va_end(arguments);
}

static void report_fault(int number) {
  static const char says[] = "FAILED: a read or write outside of its buffer: ";
  (void)!write(STDERR_FILENO, says, sizeof says - 1);
  (void)!write(STDERR_FILENO, current, strlen(current));
  (void)!write(STDERR_FILENO, "\n", 1);
  signal(number, SIG_DFL);
}

static fenced fences[2][PLACES]; /* with the page behind, and before */

void fences_make(void) {
  for (size_t side = 0; side < 2; side++)
    for (size_t p = 0; p < PLACES; p++) fences[side][p] = fenced_alloc(BUFFER_BYTES, side);
  signal(SIGSEGV, report_fault);
  signal(SIGBUS, report_fault);
}

void fences_free(void) {
  for (size_t side = 0; side < 2; side++)
    for (size_t p = 0; p < PLACES; p++) fenced_free(&fences[side][p]);
}

void *put(place p, size_t bytes, bool before) {
  if (bytes > BUFFER_BYTES) abort();
  char *data = fences[before][p].data;
  return before ? data : data + BUFFER_BYTES - bytes;
}

/* --- Data --- */

static float any_bits(rng *r) {
  const uint32_t bits = (uint32_t)rng_next(r);
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static float special(rng *r) {
  static const float numbers[] = {0.0F,          -0.0F,       0x1p-149F,
                                  -0x1p-149F,    0x1.8p-127F, -0x1p-126F,
                                  0x1.fffffep0F, -0x1p-24F,   0x1.fffffep+127F,
                                  -0x1.8p+127F,  INFINITY,    -INFINITY,
                                  NAN,           1.0F,        -1.0F};
  return numbers[rng_below(r, sizeof numbers / sizeof *numbers)];
}

typedef enum data_kind { INTEGERS, SIGNED, WITH_SPECIALS, TINY, HUGE_NUMBERS, ANY_BITS, DATA_KINDS } data_kind;

static float number(rng *r, data_kind kind) {
  float x = (float)((double)(int64_t)rng_next(r) * 0x1p-63);
  switch (kind) {
  case INTEGERS: return (float)rng_below(r, 9) - 4;
  case WITH_SPECIALS: return rng_below(r, 24) ? x : special(r);
  case TINY: return ldexpf(x, -60 - (int)rng_below(r, 25));
  case HUGE_NUMBERS: return ldexpf(x, 50 + (int)rng_below(r, 30));
  case ANY_BITS: return any_bits(r);
  default: return x;
  }
}

void fill(rng *r, place p, size_t count) {
  const data_kind kind = (data_kind)rng_below(r, DATA_KINDS);
  float *a = put(p, count * sizeof *a, false), *b = put(p, count * sizeof *b, true);
  for (size_t i = 0; i < count; i++) a[i] = number(r, kind);
  if (count > 0) memcpy(b, a, count * sizeof *b);
}

size_t some(rng *r, const size_t *from, size_t count) {
  return from[rng_below(r, count)];
}

epilogue_choice choose_epilogue(rng *r) {
  static const float bounds[][2] = {{-0.5F, 1}, {-0.0F, 0.0F}, {0.0F, 6}, {-INFINITY, 0x1p-130F}, {2, 1}};
  epilogue_choice c = {.bias = rng_below(r, 2), .residual = rng_below(r, 2)};
  c.epilogue.activation = (unfurl_activation)rng_below(r, UNFURL_ACTIVATION_GELU + 1);
  const float *bound = bounds[rng_below(r, sizeof bounds / sizeof *bounds)];
  c.epilogue.alpha = bound[0], c.epilogue.beta = bound[1];
  return c;
}

unfurl_epilogue place_epilogue(const epilogue_choice *c, size_t cols, size_t dst_count, bool before) {
  unfurl_epilogue e = c->epilogue;
  if (c->bias) e.bias = put(BIAS, cols * sizeof(float), before);
  if (c->residual) e.residual = put(RESIDUAL, dst_count * sizeof(float), before);
  return e;
}

/* --- Comparison --- */

static bool same(float actual, float expected) {
  if (all_untouched(&expected, 1)) return all_untouched(&actual, 1);
  if (isnan(expected)) return isnan(actual) && !all_untouched(&actual, 1);
  return memcmp(&actual, &expected, sizeof actual) == 0;
}

float *expect(float *dst, size_t count) {
  static float expected[BUFFER_BYTES / sizeof(float)];
  fill_nan(dst, count);
  fill_nan(expected, count);
  return expected;
}

bool compare(const float *dst, const float *expected, size_t count) {
  static size_t told;
  for (size_t i = 0; i < count; i++) {
    if (same(dst[i], expected[i])) continue;
    if (told++ < 20)
      fprintf(stderr, "FAILED: %s: dst[%zu] is %a, not %a\n", current, i, (double)dst[i], (double)expected[i]);
    return false;
  }
  return true;
}
