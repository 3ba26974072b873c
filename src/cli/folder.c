/* SPDX-License-Identifier: BSD-2-Clause */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checked.h"
#include "fault.h"

bool folder_is_image(const char *name) {
  static const char *const endings[] = {".png", ".jpg", ".jpeg"};
  const size_t length = strlen(name);
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    const size_t tail = strlen(endings[i]);
    if (length >= tail && strcasecmp(name + length - tail, endings[i]) == 0) return true;
  }
  return false;
}

static bool is_folder(int folder, const struct dirent *entry) {
  struct stat info;
  if (entry->d_type == DT_DIR) return true;
  if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) return false;
  return fstatat(folder, entry->d_name, &info, 0) == 0 && S_ISDIR(info.st_mode);
}

static void free_listing(folder_listing *listing) {
  for (size_t i = listing->at; i < listing->count; i++) free(listing->names[i]);
  free(listing->names);
  free(listing->path);
}

static unfurl_status add_name(folder_listing *listing, size_t *room, const char *name, bool folder,
                              unfurl_error *error) {
  if (listing->count == *room) {
    const size_t next = *room ? *room * 2 : 64;
    size_t size = sizeof *listing->names;
    char **more = checked_mul(&size, next) ? realloc(listing->names, size) : NULL;
    if (!more) return fault_memory(error);
    listing->names = more;
    *room = next;
  }
  char *copy;
  if (asprintf(&copy, "%s%s", name, folder ? "/" : "") < 0) return fault_memory(error);
  listing->names[listing->count++] = copy;
  return UNFURL_OK;
}

static unfurl_status read_names(folder_listing *listing, DIR *folder, unfurl_error *error) {
  size_t room = 0;
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir(folder);
    if (!entry) return errno ? fault_errno(error, "can't read it") : UNFURL_OK;
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
    const bool inner = is_folder(dirfd(folder), entry);
    if (!inner && !folder_is_image(name)) continue;
    const unfurl_status status = add_name(listing, &room, name, inner, error);
    if (status != UNFURL_OK) return status;
  }
}

/* With the slash at the end of folders this is the order of whole paths. */
static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static unfurl_status list_folder(folder_listing *listing, const char *path, unfurl_error *error) {
  struct stat info;
  const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = fd < 0 ? NULL : fdopendir(fd);
  if (!folder) {
    const unfurl_status status = fault_errno(error, "can't open it");
    if (fd >= 0) close(fd);
    return status;
  }
  unfurl_status status = fstat(fd, &info) == 0 ? UNFURL_OK : fault_errno(error, "can't examine it");
  if (status == UNFURL_OK) status = read_names(listing, folder, error);
  closedir(folder);
  if (status != UNFURL_OK) return status;
  listing->device = info.st_dev;
  listing->inode = info.st_ino;
  if (listing->count > 0) qsort(listing->names, listing->count, sizeof *listing->names, compare_names);
  return UNFURL_OK;
}

/* Is it one of those that we are in? */
static bool leads_back(const folder_walk *walk, const folder_listing *listing) {
  for (size_t i = 0; i < walk->depth; i++)
    if (walk->stack[i].device == listing->device && walk->stack[i].inode == listing->inode) return true;
  return false;
}

/* Goes into the folder `path`, which ends in a slash and is the walk's from here on. */
static unfurl_status enter(folder_walk *walk, char *path, unfurl_error *error) {
  folder_listing listing = {.path = path};
  unfurl_status status = UNFURL_OK;
  if (walk->depth == FOLDER_DEPTH)
    status = fault_set(error, UNFURL_UNSUPPORTED, "is more than %d folders deep", FOLDER_DEPTH);
  else
    status = list_folder(&listing, path, error);
  if (status == UNFURL_OK && !leads_back(walk, &listing))
    walk->stack[walk->depth++] = listing;
  else
    free_listing(&listing);
  return status;
}

unfurl_status folder_open(folder_walk *walk, const char *path, unfurl_error *error) {
  char *slashed;
  const size_t length = strlen(path);
  walk->depth = walk->files = 0;
  if (asprintf(&slashed, "%s%s", path, length > 0 && path[length - 1] == '/' ? "" : "/") < 0)
    return fault_memory(error);
  return enter(walk, slashed, error);
}

/* A folder's name as messages have it: without the slash. */
static char *bare_name(const char *path) {
  const size_t length = strlen(path);
  return strndup(path, length > 1 ? length - 1 : length);
}

/* The folder on top of the stack is through; the last one says whether there was anything. */
static folder_event leave(folder_walk *walk, char **path, unfurl_error *error) {
  folder_listing *top = &walk->stack[--walk->depth];
  folder_event event = FOLDER_END;
  if (walk->depth == 0 && walk->files == 0) {
    fault_set(error, UNFURL_BAD_FILE, "holds no images (.png, .jpg, .jpeg)");
    *path = bare_name(top->path);
    event = FOLDER_FAILED;
  }
  free_listing(top);
  return event;
}

folder_event folder_next(folder_walk *walk, char **path, unfurl_error *error) {
  *path = NULL;
  while (walk->depth > 0) {
    folder_listing *top = &walk->stack[walk->depth - 1];
    if (top->at == top->count) {
      if (leave(walk, path, error) == FOLDER_FAILED) return FOLDER_FAILED;
      continue;
    }
    char *name = top->names[top->at++];
    const bool folder = name[strlen(name) - 1] == '/';
    if (asprintf(path, "%s%s", top->path, name) < 0) *path = NULL;
    free(name);
    if (!folder || !*path) {
      walk->files++;
      return FOLDER_FILE;
    }
    char *inner = *path;
    *path = bare_name(inner);
    if (enter(walk, inner, error) == UNFURL_OK) {
      free(*path);
      continue;
    }
    walk->files++; /* it may have had some */
    return FOLDER_FAILED;
  }
  *path = NULL;
  return FOLDER_END;
}

void folder_close(folder_walk *walk) {
  while (walk->depth > 0) free_listing(&walk->stack[--walk->depth]);
}
