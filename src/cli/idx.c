/* SPDX-License-Identifier: BSD-2-Clause */
#include "idx.h"

#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checked.h"
#include "fault.h"
#include "regular_file.h"

static const struct {
  unsigned char code;
  const char *name;
} types[] = {{0x08, "unsigned byte"}, {0x09, "signed byte"}, {0x0b, "short"},
             {0x0c, "int"},           {0x0d, "float"},       {0x0e, "double"}};

/* gzread takes and gives int-sized counts; this reads any size. *got < size only at the end of the file. */
static unfurl_status read_bytes(idx_reader *reader, void *to, size_t size, size_t *got, unfurl_error *error) {
  const size_t most = 1 << 30;
  for (*got = 0; *got < size;) {
    const size_t left = size - *got;
    const int part = gzread(reader->file, (char *)to + *got, (unsigned)(left < most ? left : most));
    int code = Z_OK;
    const char *message = gzerror(reader->file, &code);
    if (part > 0) *got += (size_t)part;
    if (code == Z_ERRNO) return fault_errno(error, "can't read it");
    if (code == Z_BUF_ERROR) return fault_set(error, UNFURL_BAD_FILE, "is compressed data that ends early");
    if (code == Z_MEM_ERROR) return fault_memory(error);
    if (code != Z_OK && code != Z_STREAM_END)
      return fault_set(error, UNFURL_BAD_FILE, "is damaged compressed data (%s)", message);
    if (part <= 0) break;
  }
  return UNFURL_OK;
}

static unfurl_status check_magic(const unsigned char magic[4], unfurl_error *error) {
  const char *name = NULL;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i].code == magic[2]) name = types[i].name;
  if (magic[0] || magic[1] || !name) return fault_set(error, UNFURL_BAD_FILE, "is not an IDX file");
  if (magic[2] != 0x08)
    return fault_set(error, UNFURL_UNSUPPORTED, "is an IDX file of type %s; only unsigned bytes can be read", name);
  if (magic[3] != 1 && magic[3] != 3)
    return fault_set(error, UNFURL_UNSUPPORTED, "is an IDX file of %u dimensions; labels have 1, images 3", magic[3]);
  return UNFURL_OK;
}

static unfurl_status read_header(idx_reader *reader, unfurl_error *error) {
  unsigned char bytes[4 * (1 + IDX_MAX_RANK)];
  size_t got;
  unfurl_status status = read_bytes(reader, bytes, 4, &got, error);
  if (status == UNFURL_OK && got < 4) status = fault_set(error, UNFURL_BAD_FILE, "is not an IDX file");
  if (status == UNFURL_OK) status = check_magic(bytes, error);
  if (status != UNFURL_OK) return status;
  reader->rank = bytes[3];
  status = read_bytes(reader, bytes + 4, 4 * reader->rank, &got, error);
  if (status != UNFURL_OK) return status;
  if (got < 4 * reader->rank) return fault_set(error, UNFURL_BAD_FILE, "ends within its header");
  reader->row_bytes = 1;
  for (size_t i = 0; i < reader->rank; i++) {
    const unsigned char *dim = bytes + 4 + 4 * i;
    reader->dims[i] = (size_t)dim[0] << 24 | (size_t)dim[1] << 16 | (size_t)dim[2] << 8 | dim[3];
    if (i > 0 && !checked_mul(&reader->row_bytes, reader->dims[i])) reader->row_bytes = SIZE_MAX;
  }
  if (reader->row_bytes == 0) return fault_set(error, UNFURL_BAD_FILE, "holds images without pixels");
  if (reader->row_bytes > IDX_MAX_ROW)
    return fault_set(error, UNFURL_TOO_LARGE, "claims images of %zu x %zu pixels", reader->dims[1], reader->dims[2]);
  return UNFURL_OK;
}

/* After the last row: is there more? */
static unfurl_status check_end(idx_reader *reader, unfurl_error *error) {
  unsigned char byte;
  size_t got;
  const unfurl_status status = read_bytes(reader, &byte, 1, &got, error);
  if (status != UNFURL_OK || got == 0) return status;
  return fault_set(error, UNFURL_BAD_FILE, "goes on after its %zu rows", reader->dims[0]);
}

/* A plain file's length against its sizes. */
static unfurl_status check_length(const idx_reader *reader, size_t length, unfurl_error *error) {
  size_t expected = reader->dims[0];
  const bool fits = checked_mul(&expected, reader->row_bytes) && checked_add(&expected, 4 + 4 * reader->rank);
  if (fits && expected == length) return UNFURL_OK;
  return fault_set(error, UNFURL_BAD_FILE, "has %zu bytes where %zu rows of %zu were promised", length, reader->dims[0],
                   reader->row_bytes);
}

unfurl_status idx_open(idx_reader *reader, const char *path, unfurl_error *error) {
  struct stat info;
  int fd;
  *reader = (idx_reader){0};
  unfurl_status status = regular_file_open(path, &fd, &info, error);
  if (status != UNFURL_OK) return status;
  reader->file = gzdopen(fd, "rb");
  if (!reader->file) {
    close(fd);
    return fault_memory(error);
  }
  status = read_header(reader, error);
  if (status != UNFURL_OK) return status;
  if (gzdirect(reader->file))
    status = check_length(reader, (size_t)info.st_size, error);
  else if (reader->dims[0] == 0)
    status = check_end(reader, error);
  if (status == UNFURL_OK) reader->rows_left = reader->dims[0];
  return status;
}

unfurl_status idx_read(idx_reader *reader, size_t max_rows, unsigned char *rows, size_t *count, unfurl_error *error) {
  size_t got = 0, size = reader->row_bytes;
  const size_t wanted = max_rows < reader->rows_left ? max_rows : reader->rows_left;
  *count = 0;
  if (wanted == 0) return UNFURL_OK;
  if (!checked_mul(&size, wanted)) return fault_set(error, UNFURL_TOO_LARGE, "has rows that do not fit in memory");
  unfurl_status status = read_bytes(reader, rows, size, &got, error);
  *count = got / reader->row_bytes;
  reader->rows_left -= *count;
  if (status == UNFURL_OK && got < size)
    status = fault_set(error, UNFURL_BAD_FILE, "ends after %zu of %zu rows", reader->dims[0] - reader->rows_left,
                       reader->dims[0]);
  if (status == UNFURL_OK && reader->rows_left == 0) status = check_end(reader, error);
  return status;
}

void idx_close(idx_reader *reader) {
  if (reader->file) gzclose_r(reader->file);
  reader->file = NULL;
}
