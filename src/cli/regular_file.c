/* SPDX-License-Identifier: BSD-2-Clause */
#include "regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fault.h"

static unfurl_status check_regular(const struct stat *info, unfurl_error *error) {
  if (S_ISREG(info->st_mode)) return UNFURL_OK;
  return fault_set(error, UNFURL_IO_ERROR, S_ISDIR(info->st_mode) ? "is a folder" : "is not a regular file");
}

unfurl_status regular_file_open(const char *path, int *fd, struct stat *info, unfurl_error *error) {
  struct stat own;
  if (!info) info = &own;
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (*fd < 0) return fault_errno(error, "can't open it");
  const unfurl_status status =
      fstat(*fd, info) == 0 ? check_regular(info, error) : fault_errno(error, "can't examine it");
  if (status == UNFURL_OK) return UNFURL_OK;
  close(*fd);
  *fd = -1;
  return status;
}

unfurl_status regular_file_read(int fd, void *to, size_t size, size_t *got, unfurl_error *error) {
  for (*got = 0; *got < size;) {
    const ssize_t part = read(fd, (char *)to + *got, size - *got);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return fault_errno(error, "can't read it");
    if (part == 0) break;
    *got += (size_t)part;
  }
  return UNFURL_OK;
}
