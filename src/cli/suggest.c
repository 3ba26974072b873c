/* SPDX-License-Identifier: BSD-2-Clause */
#include "suggest.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = 32 };

/* Levenshtein's distance, one row of the table at a time: row[j] is the distance of a's first i characters from b's
 * first j. */
static size_t edit_distance(const char *a, const char *b) {
  const size_t length = strlen(b);
  size_t row[LONGEST + 1];
  for (size_t j = 0; j <= length; j++) row[j] = j;
  for (size_t i = 0; a[i]; i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < length; j++) {
      size_t best = diagonal + (a[i] != b[j]);
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j + 1] + 1 < best) best = row[j + 1] + 1;
      diagonal = row[j + 1];
      row[j + 1] = best;
    }
  }
  return row[length];
}

const char *suggest_closest(const char *word, const char *const *names, size_t count) {
  const char *closest = NULL;
  if (strlen(word) > LONGEST) return NULL;
  size_t least = strlen(word) / 3 + 2; /* a third of the letters may be wrong, and one more */
  for (size_t i = 0; i < count; i++) {
    if (strlen(names[i]) > LONGEST) continue;
    const size_t distance = edit_distance(word, names[i]);
    if (distance >= least) continue;
    least = distance;
    closest = names[i];
  }
  return closest;
}

const char *suggest_text(const char *name, char *buffer, size_t size) {
  if (name)
    snprintf(buffer, size, "; did you mean '%s'?", name);
  else
    buffer[0] = '\0';
  return buffer;
}
