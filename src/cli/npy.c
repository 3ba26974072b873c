/* SPDX-License-Identifier: BSD-2-Clause */
#include "npy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checked.h"
#include "fault.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, ".npy data is used as it lies in the file");

/* Reads exactly `size` bytes, or fails; *got is less than `size` only at the end of the file. */
static unfurl_status read_bytes(int fd, void *to, size_t size, size_t *got, unfurl_error *error) {
  for (*got = 0; *got < size;) {
    const ssize_t part = read(fd, (char *)to + *got, size - *got);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return fault_errno(error, "can't read it");
    if (part == 0) break;
    *got += (size_t)part;
  }
  return UNFURL_OK;
}

static unfurl_status read_text(npy_reader *reader, size_t size, unfurl_error *error) {
  size_t got;
  char *text = malloc(size + 1);
  if (!text) return fault_memory(error);
  unfurl_status status = read_bytes(reader->fd, text, size, &got, error);
  if (status == UNFURL_OK && got < size) status = fault_set(error, UNFURL_BAD_FILE, "ends within its header");
  if (status == UNFURL_OK) status = npy_header_parse(&reader->header, text, size, error);
  free(text);
  return status;
}

/* Reads the header of a file of `length` bytes. */
static unfurl_status read_header(npy_reader *reader, size_t length, unfurl_error *error) {
  unsigned char bytes[NPY_MAX_PREFIX];
  size_t got, prefix, text;
  unfurl_status status = read_bytes(reader->fd, bytes, sizeof bytes, &got, error);
  if (status == UNFURL_OK) status = npy_header_prefix(bytes, got, &prefix, &text, error);
  if (status != UNFURL_OK) return status;
  if (length < prefix || text > length - prefix) return fault_set(error, UNFURL_BAD_FILE, "ends within its header");
  if (lseek(reader->fd, (off_t)prefix, SEEK_SET) < 0) return fault_errno(error, "can't seek in it");
  status = read_text(reader, text, error);
  if (status != UNFURL_OK) return status;
  const size_t payload = length - prefix - text;
  if (payload == reader->header.data_bytes) return UNFURL_OK;
  return fault_set(error, UNFURL_BAD_FILE, "has %zu bytes of data where its header promises %zu", payload,
                   reader->header.data_bytes);
}

unfurl_status npy_open(npy_reader *reader, const char *path, unfurl_error *error) {
  struct stat info;
  *reader = (npy_reader){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (reader->fd < 0) return fault_errno(error, "can't open it");
  if (fstat(reader->fd, &info) != 0) return fault_errno(error, "can't examine it");
  if (!S_ISREG(info.st_mode)) return fault_set(error, UNFURL_IO_ERROR, "is not a regular file");
  const unfurl_status status = read_header(reader, (size_t)info.st_size, error);
  reader->rows_left = status == UNFURL_OK ? reader->header.rows : 0;
  return status;
}

unfurl_status npy_read(npy_reader *reader, size_t max_rows, void *rows, size_t *count, unfurl_error *error) {
  size_t got, size = reader->header.row_bytes;
  const size_t wanted = max_rows < reader->rows_left ? max_rows : reader->rows_left;
  *count = 0;
  if (!checked_mul(&size, wanted)) return fault_set(error, UNFURL_TOO_LARGE, "has rows that do not fit in memory");
  const unfurl_status status = read_bytes(reader->fd, rows, size, &got, error);
  if (status != UNFURL_OK) return status;
  if (got < size) return fault_set(error, UNFURL_BAD_FILE, "became shorter while it was read");
  for (size_t i = 0; reader->header.type == NPY_BOOL && i < size; i++)
    ((unsigned char *)rows)[i] = ((const unsigned char *)rows)[i] != 0;
  reader->rows_left -= wanted;
  *count = wanted;
  return UNFURL_OK;
}

void npy_close(npy_reader *reader) {
  if (reader->fd >= 0) close(reader->fd);
  reader->fd = -1;
}

unfurl_dtype npy_feed_dtype(npy_type type) {
  return type == NPY_I64 ? UNFURL_I64 : type == NPY_I32 ? UNFURL_I32 : type == NPY_BOOL ? UNFURL_BOOL : UNFURL_F32;
}

void npy_convert(npy_type type, const void *from, size_t count, void *to) {
  float *floats = to;
  if (type == NPY_F64)
    for (size_t i = 0; i < count; i++) floats[i] = (float)((const double *)from)[i];
  else if (type == NPY_U8)
    for (size_t i = 0; i < count; i++) floats[i] = ((const unsigned char *)from)[i];
  else if (to != from)
    memcpy(to, from, count * npy_type_size(type));
}
