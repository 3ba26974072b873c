/* SPDX-License-Identifier: BSD-2-Clause */
#include "colour.h"

#include <string.h>

/* ITU-R 601-2 in 16-bit fixed point; the weights add up to 1. */
enum { RED = 19595, GREEN = 38470, BLUE = 7471, HALF = 1 << 15 };

static unsigned char grey(unsigned red, unsigned green, unsigned blue) {
  return (unsigned char)((RED * red + GREEN * green + BLUE * blue + HALF) >> 16);
}

static void rgb_to_grey(unsigned char *to, const unsigned char *from, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = grey(from[3 * i], from[3 * i + 1], from[3 * i + 2]);
}

/* From the end on, because three bytes may land on others that are still to be read. */
static void grey_to_rgb(unsigned char *to, const unsigned char *from, size_t count) {
  for (size_t i = count; i-- > 0;) {
    const unsigned char value = from[i];
    to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = value;
  }
}

/* Inverted samples: 255 is no ink. The product is rounded where Pillow rounds it: on what is taken away. */
static unsigned char ink(unsigned sample, unsigned black) {
  const unsigned taken = black * (255 - sample);
  return (unsigned char)(black - (taken + 127) / 255);
}

static void cmyk_to_rgb(unsigned char *to, const unsigned char *from, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const unsigned black = from[4 * i + 3];
    for (size_t c = 0; c < 3; c++) to[3 * i + c] = ink(from[4 * i + c], black);
  }
}

void colour_convert(unsigned char *to, size_t to_channels, const unsigned char *from, size_t from_channels,
                    size_t count) {
  if (from_channels == 4) {
    cmyk_to_rgb(to, from, count);
    if (to_channels == 1) rgb_to_grey(to, to, count);
  } else if (from_channels == to_channels) {
    if (to != from) memcpy(to, from, count * to_channels);
  } else if (to_channels == 1) {
    rgb_to_grey(to, from, count);
  } else {
    grey_to_rgb(to, from, count);
  }
}
