/* SPDX-License-Identifier: BSD-2-Clause */
#include "textfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

enum { FIRST_SIZE = 4096, LARGEST = 64 << 20 };

/* Files that tell no size (pipes) are welcome, so the buffer grows with what has come. */
static unfurl_status read_all(FILE *file, char **text, size_t *size, unfurl_error *error) {
  size_t room = 0;
  for (*size = 0;;) {
    if (room - *size < 2) {
      room = room ? room * 2 : FIRST_SIZE;
      if (room > LARGEST) return fault_set(error, UNFURL_TOO_LARGE, "a text file of more than %d MiB", LARGEST >> 20);
      char *more = realloc(*text, room);
      if (!more) return fault_memory(error);
      *text = more;
    }
    const size_t got = fread(*text + *size, 1, room - *size - 1, file);
    *size += got;
    if (got == 0) break;
  }
  if (ferror(file)) return fault_errno(error, "can't read it");
  (*text)[*size] = '\0';
  return UNFURL_OK;
}

unfurl_status textfile_read(const char *path, char **text, unfurl_error *error) {
  *text = NULL;
  FILE *file = fopen(path, "re");
  if (!file) return fault_errno(error, "can't open it");
  size_t size;
  unfurl_status status = read_all(file, text, &size, error);
  fclose(file);
  if (status == UNFURL_OK && memchr(*text, '\0', size))
    status = fault_set(error, UNFURL_BAD_FILE, "is not a text file");
  if (status != UNFURL_OK) {
    free(*text);
    *text = NULL;
  }
  return status;
}

char *textfile_line(char **cursor) {
  char *line = *cursor;
  if (!*line) return NULL;
  char *end = line + strcspn(line, "\n");
  *cursor = *end ? end + 1 : end;
  *end = '\0';
  if (end > line && end[-1] == '\r') end[-1] = '\0';
  return line;
}
