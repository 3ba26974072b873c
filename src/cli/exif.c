/* SPDX-License-Identifier: BSD-2-Clause */
#include "exif.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { HEADER = 8, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };

typedef struct tiff {
  const unsigned char *bytes;
  size_t size;
  bool big_endian;
} tiff;

/* `width` bytes at `at` as a number; the caller knows that they are there. */
static uint32_t number(const tiff *file, size_t at, size_t width) {
  uint32_t value = 0;
  for (size_t i = 0; i < width; i++) value = value << 8 | file->bytes[at + (file->big_endian ? i : width - 1 - i)];
  return value;
}

unsigned exif_orientation(const unsigned char *bytes, size_t size) {
  if (size < HEADER) return 1;
  const tiff file = {.bytes = bytes, .size = size, .big_endian = bytes[0] == 'M'};
  if (memcmp(bytes, file.big_endian ? "MM" : "II", 2) != 0 || number(&file, 2, 2) != 42) return 1;
  const size_t table = number(&file, 4, 4);
  if (table > size - 2) return 1;
  const size_t entries = number(&file, table, 2), room = (size - table - 2) / ENTRY;
  for (size_t i = 0; i < entries && i < room; i++) {
    const size_t entry = table + 2 + i * ENTRY;
    if (number(&file, entry, 2) != TAG_ORIENTATION) continue;
    const unsigned value = number(&file, entry + 8, 2);
    const bool valid = number(&file, entry + 2, 2) == TYPE_SHORT && number(&file, entry + 4, 4) == 1;
    return valid && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
