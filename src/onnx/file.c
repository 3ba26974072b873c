/* SPDX-License-Identifier: BSD-2-Clause */
#include "onnx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "onnx/fail.h"

/* Reads `size` bytes: a read may be interrupted, or give less than was asked for. */
static unfurl_status read_all(int fd, unsigned char *to, size_t size, unfurl_error *error) {
  while (size > 0) {
    const ssize_t got = read(fd, to, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unfurl_onnx_fail(error, UNFURL_IO_ERROR, "it can't be read: %m");
    if (got == 0) return unfurl_onnx_fail(error, UNFURL_IO_ERROR, "it became shorter while it was read");
    to += got;
    size -= (size_t)got;
  }
  return UNFURL_OK;
}

static unfurl_status read_open(const unfurl_context *context, int fd, unfurl_onnx_file *file, unfurl_error *error) {
  struct stat info;
  if (fstat(fd, &info) != 0) return unfurl_onnx_fail(error, UNFURL_IO_ERROR, "it can't be read: %m");
  if (!S_ISREG(info.st_mode)) return unfurl_onnx_fail(error, UNFURL_IO_ERROR, "it is not a regular file");
  if (info.st_size > INT32_MAX) return unfurl_onnx_fail(error, UNFURL_TOO_LARGE, "ONNX files end at 2 GiB");
  if (info.st_size <= 0) return UNFURL_OK;
  const size_t size = (size_t)info.st_size;
  file->data = unfurl_context_alloc(context, size);
  if (!file->data) return unfurl_onnx_fail(error, UNFURL_OUT_OF_MEMORY, "out of memory for %zu bytes", size);
  file->size = size;
  return read_all(fd, file->data, size, error);
}

unfurl_status unfurl_onnx_file_read(const unfurl_context *context, const char *path, unfurl_onnx_file *file,
                                    unfurl_error *error) {
  *file = (unfurl_onnx_file){0};
  int fd;
  do fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return unfurl_onnx_fail(error, UNFURL_IO_ERROR, "it can't be opened: %m");
  const unfurl_status status = read_open(context, fd, file, error);
  close(fd);
  return status;
}

void unfurl_onnx_file_clear(const unfurl_context *context, unfurl_onnx_file *file) {
  unfurl_context_free(context, file->data, file->size);
  *file = (unfurl_onnx_file){0};
}
