/* SPDX-License-Identifier: BSD-2-Clause */
#include "glyphs.h"

#include <string.h>

enum { WIDTH = 5 };

/* Each row is five bits, the leftmost dot the highest. */
static const struct {
  char character;
  unsigned char rows[GLYPHS_HEIGHT];
} font[] = {
    {'a', {0, 0, 14, 1, 15, 17, 15, 0, 0}},    {'b', {16, 16, 22, 25, 17, 17, 30, 0, 0}},
    {'c', {0, 0, 14, 16, 16, 17, 14, 0, 0}},   {'d', {1, 1, 13, 19, 17, 17, 15, 0, 0}},
    {'e', {0, 0, 14, 17, 31, 16, 14, 0, 0}},   {'f', {6, 9, 8, 28, 8, 8, 8, 0, 0}},
    {'g', {0, 0, 15, 17, 17, 17, 15, 1, 14}},  {'h', {16, 16, 22, 25, 17, 17, 17, 0, 0}},
    {'i', {4, 0, 12, 4, 4, 4, 14, 0, 0}},      {'j', {2, 0, 6, 2, 2, 2, 2, 18, 12}},
    {'k', {16, 16, 18, 20, 24, 20, 18, 0, 0}}, {'l', {12, 4, 4, 4, 4, 4, 14, 0, 0}},
    {'m', {0, 0, 26, 21, 21, 21, 21, 0, 0}},   {'n', {0, 0, 22, 25, 17, 17, 17, 0, 0}},
    {'o', {0, 0, 14, 17, 17, 17, 14, 0, 0}},   {'p', {0, 0, 30, 17, 17, 17, 30, 16, 16}},
    {'q', {0, 0, 15, 17, 17, 17, 15, 1, 1}},   {'r', {0, 0, 22, 25, 16, 16, 16, 0, 0}},
    {'s', {0, 0, 15, 16, 14, 1, 30, 0, 0}},    {'t', {8, 8, 28, 8, 8, 9, 6, 0, 0}},
    {'u', {0, 0, 17, 17, 17, 19, 13, 0, 0}},   {'v', {0, 0, 17, 17, 17, 10, 4, 0, 0}},
    {'w', {0, 0, 17, 17, 21, 21, 10, 0, 0}},   {'x', {0, 0, 17, 10, 4, 10, 17, 0, 0}},
    {'y', {0, 0, 17, 17, 17, 15, 1, 1, 14}},   {'z', {0, 0, 31, 2, 4, 8, 31, 0, 0}},
    {'0', {14, 17, 19, 21, 25, 17, 14, 0, 0}}, {'1', {4, 12, 4, 4, 4, 4, 14, 0, 0}},
    {'2', {14, 17, 1, 2, 4, 8, 31, 0, 0}},     {'3', {31, 2, 4, 2, 1, 17, 14, 0, 0}},
    {'4', {2, 6, 10, 18, 31, 2, 2, 0, 0}},     {'5', {31, 16, 30, 1, 1, 17, 14, 0, 0}},
    {'6', {6, 8, 16, 30, 17, 17, 14, 0, 0}},   {'7', {31, 1, 2, 4, 8, 8, 8, 0, 0}},
    {'8', {14, 17, 17, 14, 17, 17, 14, 0, 0}}, {'9', {14, 17, 17, 15, 1, 2, 12, 0, 0}},
    {'-', {0, 0, 0, 31, 0, 0, 0, 0, 0}},       {',', {0, 0, 0, 0, 0, 12, 12, 4, 8}},
    {'.', {0, 0, 0, 0, 0, 12, 12, 0, 0}},      {':', {0, 0, 12, 12, 0, 12, 12, 0, 0}},
};

static const unsigned char *find_rows(char character) {
  for (size_t i = 0; i < sizeof font / sizeof *font; i++)
    if (font[i].character == character) return font[i].rows;
  return NULL;
}

void glyphs_write(picture *image, size_t x, size_t y, size_t scale, picture_colour colour, const char *text) {
  for (; *text; text++, x += GLYPHS_ADVANCE * scale) {
    const unsigned char *rows = find_rows(*text);
    for (size_t row = 0; rows && row < GLYPHS_HEIGHT; row++)
      for (size_t dot = 0; dot < WIDTH; dot++)
        if (rows[row] >> (WIDTH - 1 - dot) & 1)
          picture_rectangle(image, x + dot * scale, y + row * scale, scale, scale, colour);
  }
}

size_t glyphs_width(const char *text, size_t scale) {
  const size_t length = strlen(text);
  return length ? (length * GLYPHS_ADVANCE - (GLYPHS_ADVANCE - WIDTH)) * scale : 0;
}
