/* SPDX-License-Identifier: BSD-2-Clause */
/* Wisdom in a file. It is written beside, synced and renamed; a symbolic link stays one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "conv/wisdom_text.h"
#include "unfurl/wisdom.h"

enum { MOST_NAMES = 100 };

static unfurl_status fail_file(unfurl_error *error, const char *path, const char *what) {
  return unfurl_fail(error, UNFURL_IO_ERROR, "%.300s: %s: %m", path, what);
}

static bool write_all(int file, const char *text, size_t length) {
  while (length > 0) {
    const ssize_t written = write(file, text, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text += written;
    length -= (size_t)written;
  }
  return true;
}

/* Creates a file of a name that nobody has; -1, and errno. */
static int create_beside(const char *path, char temporary[PATH_MAX]) {
  for (unsigned i = 0; i < MOST_NAMES; i++) {
    const int length = snprintf(temporary, PATH_MAX, "%s.%ld-%u.tmp", path, (long)getpid(), i);
    if (length < 0 || length >= PATH_MAX) {
      errno = ENAMETOOLONG;
      return -1;
    }
    const int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0 || errno != EEXIST) return file;
  }
  return -1;
}

static unfurl_status replace_file(const char *path, const char *text, size_t length, unfurl_error *error) {
  char temporary[PATH_MAX];
  const int file = create_beside(path, temporary);
  if (file < 0) return fail_file(error, path, "can't write there");
  bool done = write_all(file, text, length) && fsync(file) == 0;
  int number = errno;
  if (close(file) != 0 && done) done = false, number = errno;
  if (done && rename(temporary, path) != 0) done = false, number = errno;
  if (done) return UNFURL_OK;
  unlink(temporary);
  errno = number;
  return fail_file(error, path, "can't write it");
}

/* All wisdom, and how long it is; NULL without memory. Freed with size + 1. */
static char *export_all(const unfurl_context *context, size_t *size) {
  for (size_t needed = unfurl_wisdom_export(context, NULL, 0);;) {
    char *text = unfurl_context_alloc(context, needed + 1);
    if (!text) return NULL;
    *size = unfurl_wisdom_export(context, text, needed + 1);
    if (*size == needed) return text;
    unfurl_context_free(context, text, needed + 1); /* another thread has changed it meanwhile */
    needed = *size;
  }
}

unfurl_status unfurl_wisdom_save(const unfurl_context *context, const char *path, unfurl_error *error) {
  struct stat info;
  char real[PATH_MAX];
  if (!context || !path) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
    return unfurl_fail(error, UNFURL_IO_ERROR, "%.300s: it is no regular file", path);
  size_t size;
  char *text = export_all(context, &size);
  if (!text) return unfurl_fail_memory(error, "wisdom");
  const unfurl_status status = replace_file(realpath(path, real) ? real : path, text, size, error);
  unfurl_context_free(context, text, size + 1);
  return status ? status : unfurl_succeed(error);
}

/* Reads until the end, or until the buffer is full; false, and errno. */
static bool read_all(int file, char *buffer, size_t size, size_t *length) {
  for (*length = 0; *length < size;) {
    const ssize_t got = read(file, buffer + *length, size - *length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    *length += (size_t)got;
  }
  return true;
}

static unfurl_status load(unfurl_context *context, int file, const char *path, unfurl_error *error) {
  struct stat info;
  size_t length;
  if (fstat(file, &info) != 0) return fail_file(error, path, "can't read it");
  if (!S_ISREG(info.st_mode)) return unfurl_fail(error, UNFURL_IO_ERROR, "%.300s: it is no regular file", path);
  if (info.st_size > UNFURL_WISDOM_TEXT_MOST)
    return unfurl_fail(error, UNFURL_TOO_LARGE, "%.300s: it is too long to be wisdom", path);
  const size_t size = (size_t)info.st_size + 1; /* one that grows meanwhile has no checksum where it is cut */
  char *text = unfurl_context_alloc(context, size);
  if (!text) return unfurl_fail_memory(error, "wisdom");
  unfurl_error why = {0};
  unfurl_status status = read_all(file, text, size, &length) ? unfurl_wisdom_import(context, text, length, &why)
                                                             : fail_file(error, path, "can't read it");
  if (why.status) status = unfurl_fail(error, why.status, "%.300s: %.200s", path, why.message);
  unfurl_context_free(context, text, size);
  return status;
}

unfurl_status unfurl_wisdom_load(unfurl_context *context, const char *path, unfurl_error *error) {
  if (!context || !path) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe that nobody writes to must not hold us */
  if (file < 0) return fail_file(error, path, "can't open it");
  const unfurl_status status = load(context, file, path, error);
  close(file);
  return status ? status : unfurl_succeed(error);
}
