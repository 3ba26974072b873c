/* SPDX-License-Identifier: BSD-2-Clause */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Is the environment variable set, and not empty? */
static bool is_set(const char *name) {
  const char *value = getenv(name);
  return value && *value;
}

static terminal_colours find_colours(FILE *file) {
  const char *kind = getenv("TERM"), *depth = getenv("COLORTERM");
  if (isatty(fileno(file)) != 1 || is_set("NO_COLOR") || !kind || !*kind || strcmp(kind, "dumb") == 0)
    return TERMINAL_PLAIN;
  const bool full = depth && (strcmp(depth, "truecolor") == 0 || strcmp(depth, "24bit") == 0);
  return full ? TERMINAL_TRUE_COLOUR : TERMINAL_INDEXED;
}

/* The first of these variables that is set names the locale. */
static bool find_utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!is_set(names[i])) continue;
    const char *locale = getenv(names[i]);
    return strcasestr(locale, "utf-8") || strcasestr(locale, "utf8");
  }
  return false;
}

terminal terminal_of(FILE *file) {
  return (terminal){.file = file, .colours = find_colours(file), .utf8 = find_utf8()};
}

void terminal_heading(const terminal *screen, const char *text) {
  const bool bold = screen->colours != TERMINAL_PLAIN;
  fprintf(screen->file, "%s%s%s\n", bold ? "\033[1m" : "", text, bold ? "\033[0m" : "");
}

/* The 256 colours are 16 of the terminal's own, a cube with these six levels on each side, and 24 greys from 8 in
 * steps of 10. */
static const int levels[6] = {0, 95, 135, 175, 215, 255};

static int nearest_level(int value) {
  int best = 0;
  for (int i = 1; i < 6; i++)
    if (abs(levels[i] - value) < abs(levels[best] - value)) best = i;
  return best;
}

static int squared_distance(picture_colour colour, int red, int green, int blue) {
  const int r = colour.red - red, g = colour.green - green, b = colour.blue - blue;
  return r * r + g * g + b * b;
}

static int nearest_index(picture_colour colour) {
  const int r = nearest_level(colour.red), g = nearest_level(colour.green), b = nearest_level(colour.blue);
  const int mean = (colour.red + colour.green + colour.blue) / 3;
  int step = (mean - 8 + 5) / 10;
  if (step < 0) step = 0;
  if (step > 23) step = 23;
  const int grey = 8 + 10 * step;
  const bool cube =
      squared_distance(colour, levels[r], levels[g], levels[b]) <= squared_distance(colour, grey, grey, grey);
  return cube ? 16 + 36 * r + 6 * g + b : 232 + step;
}

/* `plane` is 38 for the foreground, 48 for the background. */
static void set_colour(const terminal *screen, int plane, picture_colour colour) {
  if (screen->colours == TERMINAL_TRUE_COLOUR)
    fprintf(screen->file, "\033[%d;2;%d;%d;%dm", plane, colour.red, colour.green, colour.blue);
  else
    fprintf(screen->file, "\033[%d;5;%dm", plane, nearest_index(colour));
}

static void draw_cell(const terminal *screen, picture_colour upper, picture_colour lower) {
  if (screen->utf8) {
    set_colour(screen, 38, upper);
    set_colour(screen, 48, lower);
    fputs("\xe2\x96\x80", screen->file); /* U+2580, upper half block */
  } else {
    set_colour(screen, 48, picture_mix(upper, lower, 0.5f));
    fputc(' ', screen->file);
  }
}

void terminal_draw(const terminal *screen, const picture *const *pictures, size_t count, int indent, int gap) {
  if (screen->colours == TERMINAL_PLAIN) return;
  for (size_t row = 0; row < pictures[0]->height; row += 2) {
    for (size_t i = 0; i < count; i++) {
      const picture *image = pictures[i];
      fprintf(screen->file, "%*s", i ? gap : indent, "");
      const picture_colour *upper = image->pixels + row * image->width;
      const picture_colour *lower = row + 1 < image->height ? upper + image->width : upper;
      for (size_t x = 0; x < image->width; x++) draw_cell(screen, upper[x], lower[x]);
      fputs("\033[0m", screen->file);
    }
    fputc('\n', screen->file);
  }
}
