/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command line asks for, file by file: the INPUTs in order, then the lines of each --list.
 *
 * An INPUT or line that is a folder stands for the image files in it (folder.h), and the INPUT "-" for what comes on
 * stdin. The list is walked, not made: it may be longer than memory.
 */
#ifndef CLI_INPUT_LIST_H
#define CLI_INPUT_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "folder.h"
#include "unfurl/status.h"

typedef struct input_item {
  char *name;         /* as given, or as found; owned by whoever holds the item. NULL: out of memory */
  bool is_stdin;      /* "-": the file has another path */
  size_t skip;        /* rows at its beginning that are not wanted */
  unfurl_error error; /* status not UNFURL_OK: there is no file to open */
} input_item;

typedef struct input_reader {
  int fd; /* -1: closed */
  char *buffer;
  size_t at, filled, room;
  size_t line;
} input_reader;

typedef struct input_list {
  char *const *inputs; /* [input_count] */
  size_t input_count;
  const char *const *lists; /* [list_count]: paths of files with a path a line, or "-" */
  size_t list_count;
  size_t input, list; /* the next ones */
  folder_walk walk;
  input_reader reader;
  input_item again; /* an item that was put back; name NULL: none */
} input_list;

/* The arrays must outlive the list. Released by input_list_free. */
void input_list_init(input_list *list, char *const *inputs, size_t input_count, const char *const *lists,
                     size_t list_count);

/* The next item, or false at the end. What can't be read (a folder, a list) is an item too. */
bool input_list_next(input_list *list, input_item *item);

/* Puts the last item back; it comes next, and is the list's. */
void input_list_put_back(input_list *list, const input_item *item);

/* Can it be walked a second time? Not if a list comes through a pipe. */
bool input_list_repeatable(const input_list *list);

void input_item_free(input_item *item);
void input_list_free(input_list *list);

#endif
