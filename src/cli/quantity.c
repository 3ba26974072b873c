/* SPDX-License-Identifier: BSD-2-Clause */
#include "quantity.h"

#include <stdio.h>
#include <string.h>

const char *quantity_bytes(size_t bytes, char text[QUANTITY_SIZE]) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
  double value = (double)bytes;
  size_t unit = 0;
  for (; value >= 1024 && unit < 3; unit++) value /= 1024;
  snprintf(text, QUANTITY_SIZE, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text;
}

const char *quantity_count(double count, char text[QUANTITY_SIZE]) {
  static const char *const units[] = {"", " k", " M", " G", " T"};
  size_t unit = 0;
  for (; count >= 1000 && unit < 4; unit++) count /= 1000;
  snprintf(text, QUANTITY_SIZE, unit ? "%.1f%s" : "%.0f%s", count, units[unit]);
  if (count == 0) strcpy(text, "-");
  return text;
}

const char *quantity_name(const char *text, size_t most, char *buffer) {
  static const char dots[] = "...";
  size_t length = 0;
  for (; text[length] && length < most; length++) {
    const unsigned char byte = (unsigned char)text[length];
    buffer[length] = byte == '\n' ? ' ' : byte < ' ' || byte > '~' || byte == '|' ? '?' : (char)byte;
  }
  buffer[length] = '\0';
  if (text[length] && most >= sizeof dots) memcpy(buffer + most - strlen(dots), dots, strlen(dots));
  return buffer;
}
