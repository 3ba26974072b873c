/* SPDX-License-Identifier: BSD-2-Clause */
#include "sniff.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "regular_file.h"

static const struct {
  size_t size;
  const char *bytes;
  sniff_kind kind;
} magics[] = {
    {6, "\x93NUMPY", SNIFF_NPY},
    {4, "PK\x03\x04", SNIFF_NPZ},
    {4, "PK\x05\x06", SNIFF_NPZ}, /* without any member */
    {2, "\x1f\x8b", SNIFF_IDX},
    {3, "\0\0\x08", SNIFF_IDX}, /* the types of IDX; zeros alone are a file that was never filled */
    {3, "\0\0\x09", SNIFF_IDX},
    {3, "\0\0\x0b", SNIFF_IDX},
    {3, "\0\0\x0c", SNIFF_IDX},
    {3, "\0\0\x0d", SNIFF_IDX},
    {3, "\0\0\x0e", SNIFF_IDX},
    {8, "\x89PNG\r\n\x1a\n", SNIFF_IMAGE},
    {3, "\xff\xd8\xff", SNIFF_IMAGE},
};

static sniff_kind recognise(const char *bytes, size_t size) {
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
    if (size >= magics[i].size && memcmp(bytes, magics[i].bytes, magics[i].size) == 0) return magics[i].kind;
  return size == 0 ? SNIFF_EMPTY : SNIFF_UNKNOWN;
}

unfurl_status sniff_file(const char *path, sniff_kind *kind, unfurl_error *error) {
  char bytes[8];
  size_t size;
  int fd;
  *kind = SNIFF_UNKNOWN;
  unfurl_status status = regular_file_open(path, &fd, NULL, error);
  if (status != UNFURL_OK) return status;
  status = regular_file_read(fd, bytes, sizeof bytes, &size, error);
  close(fd);
  if (status == UNFURL_OK) *kind = recognise(bytes, size);
  return status;
}
