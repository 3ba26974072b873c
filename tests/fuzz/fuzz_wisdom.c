/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer target: any bytes as wisdom, and (an odd first byte) as the entries of wisdom that is well sealed otherwise.
 * What is refused leaves nothing behind; what is taken comes out again as the same text. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conv/wisdom_text.h"
#include "unfurl/wisdom.h"

enum { SIZE = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Head of this context, the data, checksum; returns the length. */
static size_t seal(const unfurl_context *context, const uint8_t *data, size_t size, char *text) {
  unfurl_wisdom_export(context, text, SIZE);
  char *const end = strstr(text, "checksum ");
  if (!end || size > SIZE / 2) abort();
  memcpy(end, data, size);
  const size_t length = (size_t)(end - text) + size;
  const uint64_t sum = unfurl_wisdom_checksum(UNFURL_WISDOM_NO_SUM, text, length);
  return length + (size_t)sprintf(text + length, "checksum %016" PRIx64 "\n", sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static unfurl_context *context;
  static char text[SIZE], again[SIZE];
  if (!context && unfurl_context_create(NULL, &context, NULL) != UNFURL_OK) abort();
  if (size > SIZE / 2) return 0;
  unfurl_wisdom_forget(context);
  const bool sealed = size > 0 && data[0] % 2;
  const size_t length = sealed ? seal(context, data + 1, size - 1, text) : size;
  if (!sealed) memcpy(text, data, size);
  if (unfurl_wisdom_import(context, text, length, NULL) != UNFURL_OK) {
    if (unfurl_wisdom_count(context) > 0) abort();
  } else if (unfurl_wisdom_export(context, again, SIZE) != length || memcmp(again, text, length) != 0) {
    abort();
  }
  return 0;
}
