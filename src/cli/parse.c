/* SPDX-License-Identifier: BSD-2-Clause */
#include "parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"

bool parse_size(const char *text, size_t least, size_t most, size_t *value) {
  size_t number = 0;
  if (!*text) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return false;
    if (!checked_mul(&number, 10) || !checked_add(&number, (size_t)(*text - '0'))) return false;
  }
  if (number < least || number > most) return false;
  *value = number;
  return true;
}

/* strtod also takes "nan", "infinity" and hexadecimal; these characters leave only decimal numbers. */
static const char decimal[] = "0123456789+-.eE \t";

bool parse_real(const char *text, double *value) {
  if (text[strspn(text, decimal)]) return false;
  char *end;
  const double number = strtod(text, &end);
  if (end == text || end[strspn(end, " \t")] || !isfinite(number)) return false;
  *value = number;
  return true;
}

bool parse_reals(const char *text, size_t most, double *values, size_t *count) {
  for (size_t i = 0; i < most; i++) {
    char piece[64];
    const size_t length = strcspn(text, ",");
    if (length >= sizeof piece) return false;
    memcpy(piece, text, length);
    piece[length] = '\0';
    if (!parse_real(piece, &values[i])) return false;
    *count = i + 1;
    if (!text[length]) return true;
    text += length + 1;
  }
  return false;
}
