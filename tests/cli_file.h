/* SPDX-License-Identifier: BSD-2-Clause */
/* A file in memory with a path, for readers that take paths: its content is set again and again at no cost. */
#ifndef TESTS_CLI_FILE_H
#define TESTS_CLI_FILE_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct cli_file {
  int fd;
  char path[32];
} cli_file;

static inline cli_file cli_file_make(void) {
  cli_file file = {.fd = memfd_create("cli_file", MFD_CLOEXEC)};
  if (file.fd < 0) abort();
  snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
  return file;
}

static inline void cli_file_set(const cli_file *file, const void *data, size_t size) {
  if (ftruncate(file->fd, (off_t)size) != 0) abort();
  if (size > 0 && pwrite(file->fd, data, size, 0) != (ssize_t)size) abort();
}

static inline void cli_file_close(cli_file *file) {
  close(file->fd);
}

#endif
