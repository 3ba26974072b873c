/* SPDX-License-Identifier: BSD-2-Clause */
/* The image files in a folder and in the folders inside it, in the bytewise order of their paths.
 *
 * An image file is one whose name ends in .png, .jpg or .jpeg, in any case. Symbolic links are followed, except to a
 * folder that the walk is inside of already. Only the names of one chain of folders are in memory at a time, and no
 * folder stays open.
 */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "unfurl/status.h"

enum { FOLDER_DEPTH = 128 };

/* The names in one folder. */
typedef struct folder_listing {
  char *path;   /* ends in a slash */
  char **names; /* [count], sorted; those of folders end in a slash */
  size_t count, at;
  dev_t device;
  ino_t inode;
} folder_listing;

typedef struct folder_walk {
  folder_listing stack[FOLDER_DEPTH];
  size_t depth; /* 0: at the end */
  size_t files; /* found so far */
} folder_walk;

typedef enum folder_event {
  FOLDER_END = 0,
  FOLDER_FILE,  /* a file */
  FOLDER_FAILED /* a folder that can't be read, or that has no images at all */
} folder_event;

/* Does this name end as an image's? */
bool folder_is_image(const char *name);

/* Begins a walk. IO_ERROR, OUT_OF_MEMORY. Released by folder_close, also after an error. */
unfurl_status folder_open(folder_walk *walk, const char *path, unfurl_error *error);

/* What comes next. *path is the caller's then (NULL: out of memory), `error` is filled after FOLDER_FAILED. */
folder_event folder_next(folder_walk *walk, char **path, unfurl_error *error);

void folder_close(folder_walk *walk);

#endif
