/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *json_text(const char *text) {
  json_t *string = json_string(text);
  if (string) return string;
  char *ascii = strdup(text);
  if (!ascii) return NULL;
  for (char *at = ascii; *at; at++)
    if (*at & 0x80) *at = '?';
  string = json_string(ascii);
  free(ascii);
  return string;
}

json_t *json_number(double number) {
  return isfinite(number) ? json_real(number) : json_null();
}
