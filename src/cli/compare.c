/* SPDX-License-Identifier: BSD-2-Clause */
#include "compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool same_kind(const unfurl_tensor *got, const unfurl_tensor *expected, char *why, size_t size) {
  if (got->dtype != expected->dtype) {
    snprintf(why, size, "it is %s, not %s", unfurl_dtype_name(got->dtype), unfurl_dtype_name(expected->dtype));
    return false;
  }
  if (got->rank != expected->rank) {
    snprintf(why, size, "it has rank %zu, not %zu", got->rank, expected->rank);
    return false;
  }
  for (size_t i = 0; i < got->rank; i++)
    if (got->dims[i] != expected->dims[i]) {
      snprintf(why, size, "dimension %zu is %lld, not %lld", i, (long long)got->dims[i], (long long)expected->dims[i]);
      return false;
    }
  return true;
}

static bool is_close(double got, double expected, const compare_tolerance *tolerance) {
  if (isnan(expected) || isnan(got)) return isnan(expected) && isnan(got);
  if (isinf(expected) || isinf(got)) return got == expected;
  return fabs(got - expected) <= tolerance->atol + tolerance->rtol * fabs(expected);
}

static bool same_floats(const unfurl_tensor *got, const unfurl_tensor *expected, size_t count,
                        const compare_tolerance *tolerance, char *why, size_t size) {
  const float *g = got->data, *e = expected->data;
  for (size_t i = 0; i < count; i++)
    if (!is_close((double)g[i], (double)e[i], tolerance)) {
      snprintf(why, size, "element %zu of %zu is %.9g, not %.9g", i, count, (double)g[i], (double)e[i]);
      return false;
    }
  return true;
}

static bool same_bytes(const unfurl_tensor *got, const unfurl_tensor *expected, size_t count, char *why, size_t size) {
  const size_t width = unfurl_dtype_size(got->dtype);
  const char *g = got->data, *e = expected->data;
  for (size_t i = 0; i < count; i++)
    if (memcmp(g + i * width, e + i * width, width)) {
      snprintf(why, size, "element %zu of %zu differs", i, count);
      return false;
    }
  return true;
}

bool compare_tensors(const unfurl_tensor *got, const unfurl_tensor *expected, const compare_tolerance *tolerance,
                     char *why, size_t size) {
  size_t count;
  if (!same_kind(got, expected, why, size)) return false;
  if (unfurl_tensor_elements(got, &count, NULL) != UNFURL_OK) return false;
  if (got->dtype == UNFURL_F32) return same_floats(got, expected, count, tolerance, why, size);
  return same_bytes(got, expected, count, why, size);
}
