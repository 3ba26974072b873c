/* SPDX-License-Identifier: BSD-2-Clause */
#include "sniff.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"

static const struct {
  size_t size;
  const char *bytes;
  sniff_kind kind;
} magics[] = {
    {6, "\x93NUMPY", SNIFF_NPY},
    {2, "\x1f\x8b", SNIFF_IDX},
    {2, "\0\0", SNIFF_IDX},
};

/* The first bytes of an open file; *size of them. */
static unfurl_status read_start(int fd, char bytes[8], size_t *size, unfurl_error *error) {
  struct stat info;
  if (fstat(fd, &info) != 0) return fault_errno(error, "can't examine it");
  if (S_ISDIR(info.st_mode)) return fault_set(error, UNFURL_IO_ERROR, "is a folder");
  if (!S_ISREG(info.st_mode)) return fault_set(error, UNFURL_IO_ERROR, "is not a regular file");
  const ssize_t got = pread(fd, bytes, 8, 0);
  if (got < 0) return fault_errno(error, "can't read it");
  *size = (size_t)got;
  return UNFURL_OK;
}

unfurl_status sniff_file(const char *path, sniff_kind *kind, unfurl_error *error) {
  char bytes[8];
  size_t size = 0;
  *kind = SNIFF_UNKNOWN;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO without a writer must not hang us */
  if (fd < 0) return fault_errno(error, "can't open it");
  const unfurl_status status = read_start(fd, bytes, &size, error);
  close(fd);
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
    if (size < magics[i].size || memcmp(bytes, magics[i].bytes, magics[i].size) != 0) continue;
    *kind = magics[i].kind;
    break;
  }
  return status;
}
