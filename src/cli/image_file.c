/* SPDX-License-Identifier: BSD-2-Clause */
#include "image_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "regular_file.h"

unfurl_status image_file_open(image_file *file, const char *path, unfurl_error *error) {
  file->ended = false;
  file->failed = 0;
  file->at = file->filled = 0;
  return regular_file_open(path, &file->fd, NULL, error);
}

bool image_file_fill(image_file *file) {
  ssize_t got;
  do got = read(file->fd, file->buffer, sizeof file->buffer);
  while (got < 0 && errno == EINTR);
  if (got < 0) file->failed = errno;
  if (got == 0) file->ended = true;
  file->at = 0;
  file->filled = got > 0 ? (size_t)got : 0;
  return got > 0;
}

bool image_file_read(image_file *file, void *to, size_t size) {
  unsigned char *next = to;
  while (size > 0) {
    if (file->at == file->filled && !image_file_fill(file)) return false;
    const size_t left = file->filled - file->at, part = left < size ? left : size;
    memcpy(next, file->buffer + file->at, part);
    file->at += part;
    next += part;
    size -= part;
  }
  return true;
}

unfurl_status image_file_blame(const image_file *file, const char *format, const char *message, unfurl_error *error) {
  if (file->failed) {
    errno = file->failed;
    return fault_errno(error, "can't read it");
  }
  if (file->ended) return fault_set(error, UNFURL_BAD_FILE, "is %s data that ends early", format);
  return fault_set(error, UNFURL_BAD_FILE, "is damaged %s data (%.200s)", format, message);
}

void image_file_close(image_file *file) {
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
}
