/* SPDX-License-Identifier: BSD-2-Clause */
#include "picture.h"

#include <stdlib.h>

#include "checked.h"
#include "fault.h"

unfurl_status picture_init(picture *image, size_t width, size_t height, picture_colour colour, unfurl_error *error) {
  size_t size = sizeof *image->pixels;
  *image = (picture){.width = width, .height = height};
  if (!checked_mul(&size, width) || !checked_mul(&size, height))
    return fault_set(error, UNFURL_TOO_LARGE, "a picture of %zu by %zu pixels is too large", width, height);
  image->pixels = malloc(size ? size : 1);
  if (!image->pixels) return fault_memory(error);
  picture_rectangle(image, 0, 0, width, height, colour);
  return UNFURL_OK;
}

void picture_free(picture *image) {
  free(image->pixels);
  *image = (picture){0};
}

static size_t lesser(size_t a, size_t b) {
  return a < b ? a : b;
}

void picture_rectangle(picture *image, size_t x, size_t y, size_t width, size_t height, picture_colour colour) {
  const size_t right = x < image->width ? x + lesser(width, image->width - x) : x;
  const size_t bottom = y < image->height ? y + lesser(height, image->height - y) : y;
  for (size_t row = y; row < bottom; row++)
    for (size_t column = x; column < right; column++) image->pixels[row * image->width + column] = colour;
}

void picture_paste(picture *image, size_t x, size_t y, const picture *small, size_t scale) {
  for (size_t row = 0; row < small->height; row++)
    for (size_t column = 0; column < small->width; column++)
      picture_rectangle(image, x + column * scale, y + row * scale, scale, scale,
                        small->pixels[row * small->width + column]);
}

static unsigned char mix_byte(unsigned char from, unsigned char to, float share) {
  return (unsigned char)((float)from + share * ((float)to - (float)from) + 0.5f);
}

picture_colour picture_mix(picture_colour from, picture_colour to, float share) {
  const float clipped = share > 0 ? share < 1 ? share : 1 : 0; /* NaN is 0 */
  return (picture_colour){mix_byte(from.red, to.red, clipped), mix_byte(from.green, to.green, clipped),
                          mix_byte(from.blue, to.blue, clipped)};
}
