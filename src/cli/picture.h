/* SPDX-License-Identifier: BSD-2-Clause */
/* Small pictures in memory, to be shown on a terminal or written as PNG.
 *
 * Three bytes a pixel (red, green, blue), rows from the top without gaps. Drawing clips: what falls outside is left
 * out, so no caller has to count pixels.
 */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include <stddef.h>

#include "unfurl/status.h"

typedef struct picture_colour {
  unsigned char red, green, blue;
} picture_colour;

typedef struct picture {
  size_t width, height;
  picture_colour *pixels; /* [height][width] */
} picture;

_Static_assert(sizeof(picture_colour) == 3, "pixels are written to files as they lie in memory");

/* Allocates a picture of one colour. TOO_LARGE, OUT_OF_MEMORY; released by picture_free in any case. */
unfurl_status picture_init(picture *image, size_t width, size_t height, picture_colour colour, unfurl_error *error);
void picture_free(picture *image);

void picture_rectangle(picture *image, size_t x, size_t y, size_t width, size_t height, picture_colour colour);

/* Puts `small` at (x, y), each of its pixels as a square of `scale` pixels. */
void picture_paste(picture *image, size_t x, size_t y, const picture *small, size_t scale);

/* The mixture of two colours: all `from` at share 0, all `to` at 1; beyond that as there. */
picture_colour picture_mix(picture_colour from, picture_colour to, float share);

#endif
