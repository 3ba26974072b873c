/* SPDX-License-Identifier: BSD-2-Clause */
/* What the terminal on stdout can show, and small pictures on it.
 *
 * Colours only on a terminal, never with NO_COLOR set (https://no-color.org) or TERM=dumb. A character cell is about
 * twice as high as it is wide, so it shows two pixels, one above the other: an upper half block in the colour of one on
 * a background of the other; where the locale has no UTF-8, a blank in the colour between the two.
 *
 * Invariant: each line that is written ends with the terminal's own colours.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "picture.h"

typedef enum terminal_colours {
  TERMINAL_PLAIN = 0,  /* no escape sequences at all */
  TERMINAL_INDEXED,    /* 256 colours */
  TERMINAL_TRUE_COLOUR /* 24 bits */
} terminal_colours;

typedef struct terminal {
  FILE *file;
  terminal_colours colours;
  bool utf8;
} terminal;

/* Examines `file` and the environment (COLORTERM, TERM, NO_COLOR, LC_ALL, LC_CTYPE, LANG). */
terminal terminal_of(FILE *file);

/* A line of text, bold where that is possible. */
void terminal_heading(const terminal *screen, const char *text);

/* Draws pictures of equal height side by side, `indent` columns from the left and `gap` from each other. Nothing on a
 * plain terminal. */
void terminal_draw(const terminal *screen, const picture *const *pictures, size_t count, int indent, int gap);

#endif
