/* SPDX-License-Identifier: BSD-2-Clause */
/* Captions in pictures: a font of small letters, digits and - , . : on a grid of 5 by 9 dots, of which two are below the
 * line. Other characters are blanks. */
#ifndef CLI_GLYPHS_H
#define CLI_GLYPHS_H

#include <stddef.h>

#include "picture.h"

enum { GLYPHS_HEIGHT = 9, GLYPHS_ADVANCE = 6 /* from one character to the next */ };

/* Writes `text` with its top left corner at (x, y), a dot as a square of `scale` pixels. */
void glyphs_write(picture *image, size_t x, size_t y, size_t scale, picture_colour colour, const char *text);

/* Pixels from the first dot to the last. */
size_t glyphs_width(const char *text, size_t scale);

#endif
