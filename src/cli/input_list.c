/* SPDX-License-Identifier: BSD-2-Clause */
#include "input_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "halt.h"

enum { MAX_LINE = 64 * 1024 };

void input_list_init(input_list *list, char *const *inputs, size_t input_count, const char *const *lists,
                     size_t list_count) {
  memset(list, 0, sizeof *list);
  list->inputs = inputs;
  list->input_count = input_count;
  list->lists = lists;
  list->list_count = list_count;
  list->reader.fd = -1;
}

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* `name` as an item; a folder becomes what is in it, so that there may be no item yet (false). */
static bool take_name(input_list *list, char *name, bool stdin_too, input_item *item) {
  item->name = name;
  item->is_stdin = stdin_too && name && strcmp(name, "-") == 0;
  if (!name) {
    fault_memory(&item->error);
    return true;
  }
  if (item->is_stdin || !is_folder(name)) return true;
  if (folder_open(&list->walk, name, &item->error) != UNFURL_OK) return true;
  free(name);
  item->name = NULL;
  return false;
}

static bool next_in_folder(input_list *list, input_item *item) {
  const folder_event event = folder_next(&list->walk, &item->name, &item->error);
  if (event == FOLDER_FILE && !item->name) fault_memory(&item->error);
  return event != FOLDER_END;
}

static void close_reader(input_reader *reader) {
  if (reader->fd > STDIN_FILENO) close(reader->fd);
  free(reader->buffer);
  *reader = (input_reader){.fd = -1};
}

static unfurl_status open_reader(input_reader *reader, const char *path, unfurl_error *error) {
  reader->buffer = malloc(MAX_LINE);
  if (!reader->buffer) return fault_memory(error);
  reader->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  return reader->fd < 0 ? fault_errno(error, "can't open it") : UNFURL_OK;
}

/* Reads on behind what is left in the buffer, which moves to its front. *got is 0 at the end. */
static unfurl_status read_on(input_reader *reader, size_t *got, unfurl_error *error) {
  const size_t left = reader->filled - reader->at;
  memmove(reader->buffer, reader->buffer + reader->at, left);
  reader->at = 0;
  reader->filled = left;
  if (left == MAX_LINE)
    return fault_set(error, UNFURL_BAD_FILE, "line %zu is longer than %d bytes", reader->line + 1, MAX_LINE);
  const ssize_t part = halt_read(reader->fd, reader->buffer + left, MAX_LINE - left);
  if (part < 0) return fault_errno(error, "can't read it");
  reader->filled += (size_t)part;
  *got = (size_t)part;
  return UNFURL_OK;
}

static unfurl_status cut_line(input_reader *reader, size_t length, char **line, unfurl_error *error) {
  const char *start = reader->buffer + reader->at;
  reader->at += length;
  reader->line++;
  if (memchr(start, '\0', length))
    return fault_set(error, UNFURL_BAD_FILE, "is not a text file (line %zu)", reader->line);
  while (length > 0 && (start[length - 1] == '\n' || start[length - 1] == '\r')) length--;
  *line = strndup(start, length);
  return *line ? UNFURL_OK : fault_memory(error);
}

/* The next line, without its end, is the caller's; NULL after the last. */
static unfurl_status read_line(input_reader *reader, char **line, unfurl_error *error) {
  *line = NULL;
  for (size_t got = 1;;) {
    const char *start = reader->buffer + reader->at;
    const size_t left = reader->filled - reader->at;
    const char *end = memchr(start, '\n', left);
    if (end || (got == 0 && left > 0)) return cut_line(reader, end ? (size_t)(end - start) + 1 : left, line, error);
    if (got == 0) return UNFURL_OK;
    const unfurl_status status = read_on(reader, &got, error);
    if (status != UNFURL_OK) return status;
  }
}

/* The list itself failed: it is the item, and there are no more lines. */
static bool fail_list(input_list *list, input_item *item) {
  close_reader(&list->reader);
  item->name = strdup(list->lists[list->list - 1]);
  return true;
}

static bool next_in_list(input_list *list, input_item *item) {
  char *line;
  while (list->reader.fd >= 0) {
    if (read_line(&list->reader, &line, &item->error) != UNFURL_OK) return fail_list(list, item);
    if (!line) {
      close_reader(&list->reader);
    } else if (!*line) {
      free(line);
    } else if (take_name(list, line, false, item) || next_in_folder(list, item)) {
      return true;
    }
  }
  return false;
}

bool input_list_next(input_list *list, input_item *item) {
  *item = list->again;
  list->again = (input_item){0};
  if (item->name) return true;
  if (next_in_folder(list, item) || next_in_list(list, item)) return true;
  while (list->input < list->input_count) {
    char *name = strdup(list->inputs[list->input++]);
    if (take_name(list, name, true, item) || next_in_folder(list, item)) return true;
  }
  while (list->list < list->list_count) {
    const char *path = list->lists[list->list++];
    if (open_reader(&list->reader, path, &item->error) != UNFURL_OK) return fail_list(list, item);
    if (next_in_list(list, item)) return true;
  }
  return false;
}

void input_list_put_back(input_list *list, const input_item *item) {
  list->again = *item;
}

bool input_list_repeatable(const input_list *list) {
  struct stat info;
  for (size_t i = 0; i < list->list_count; i++)
    if (stat(list->lists[i], &info) != 0 || !S_ISREG(info.st_mode)) return false;
  return true;
}

void input_item_free(input_item *item) {
  free(item->name);
  item->name = NULL;
}

void input_list_free(input_list *list) {
  folder_close(&list->walk);
  close_reader(&list->reader);
  input_item_free(&list->again);
}
