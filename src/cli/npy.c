/* SPDX-License-Identifier: BSD-2-Clause */
#include "npy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checked.h"
#include "fault.h"
#include "regular_file.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, ".npy data is used as it lies in the file");

static unfurl_status read_bytes(npy_reader *reader, void *to, size_t size, size_t *got, unfurl_error *error) {
  return reader->stream.read(reader->stream.user, to, size, got, error);
}

/* Reads the text of `size` bytes, of which the first `have` have been read already. */
static unfurl_status read_text(npy_reader *reader, const unsigned char *start, size_t have, size_t size,
                               unfurl_error *error) {
  size_t got;
  char *text = malloc(size + have);
  if (!text) return fault_memory(error);
  memcpy(text, start, have);
  unfurl_status status = read_bytes(reader, text + have, size - have, &got, error);
  if (status == UNFURL_OK && got < size - have) status = fault_set(error, UNFURL_BAD_FILE, "ends within its header");
  if (status == UNFURL_OK) status = npy_header_parse(&reader->header, text, size, error);
  free(text);
  return status;
}

static unfurl_status read_header(npy_reader *reader, unfurl_error *error) {
  unsigned char bytes[NPY_MAX_PREFIX];
  size_t got, prefix, text;
  const size_t length = reader->stream.length;
  unfurl_status status = read_bytes(reader, bytes, sizeof bytes, &got, error);
  if (status == UNFURL_OK) status = npy_header_prefix(bytes, got, &prefix, &text, error);
  if (status != UNFURL_OK) return status;
  if (length < prefix || text > length - prefix || text < got - prefix)
    return fault_set(error, UNFURL_BAD_FILE, "ends within its header");
  status = read_text(reader, bytes + prefix, got - prefix, text, error);
  if (status != UNFURL_OK) return status;
  const size_t payload = length - prefix - text;
  if (payload == reader->header.data_bytes) return UNFURL_OK;
  return fault_set(error, UNFURL_BAD_FILE, "has %zu bytes of data where its header promises %zu", payload,
                   reader->header.data_bytes);
}

void npy_init(npy_reader *reader) {
  *reader = (npy_reader){0};
}

unfurl_status npy_open_stream(npy_reader *reader, const npy_stream *stream, unfurl_error *error) {
  *reader = (npy_reader){.stream = *stream};
  const unfurl_status status = read_header(reader, error);
  reader->rows_left = status == UNFURL_OK ? reader->header.rows : 0;
  return status;
}

static unfurl_status file_read(void *user, void *to, size_t size, size_t *got, unfurl_error *error) {
  return regular_file_read((int)(intptr_t)user, to, size, got, error);
}

static void file_close(void *user) {
  close((int)(intptr_t)user);
}

unfurl_status npy_open(npy_reader *reader, const char *path, unfurl_error *error) {
  struct stat info;
  int fd;
  npy_init(reader);
  const unfurl_status status = regular_file_open(path, &fd, &info, error);
  if (status != UNFURL_OK) return status;
  const npy_stream stream = {
      .read = file_read, .close = file_close, .user = (void *)(intptr_t)fd, .length = (size_t)info.st_size};
  return npy_open_stream(reader, &stream, error);
}

unfurl_status npy_read(npy_reader *reader, size_t max_rows, void *rows, size_t *count, unfurl_error *error) {
  size_t got, size = reader->header.row_bytes;
  const size_t wanted = max_rows < reader->rows_left ? max_rows : reader->rows_left;
  *count = 0;
  if (!checked_mul(&size, wanted)) return fault_set(error, UNFURL_TOO_LARGE, "has rows that do not fit in memory");
  const unfurl_status status = read_bytes(reader, rows, size, &got, error);
  if (status != UNFURL_OK) return status;
  if (got < size) return fault_set(error, UNFURL_BAD_FILE, "became shorter while it was read");
  for (size_t i = 0; reader->header.type == NPY_BOOL && i < size; i++)
    ((unsigned char *)rows)[i] = ((const unsigned char *)rows)[i] != 0;
  reader->rows_left -= wanted;
  *count = wanted;
  return UNFURL_OK;
}

void npy_close(npy_reader *reader) {
  if (reader->stream.read) reader->stream.close(reader->stream.user);
  reader->stream.read = NULL;
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
