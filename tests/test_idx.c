/* SPDX-License-Identifier: BSD-2-Clause */
/* IDX: plain and compressed files are read alike, and no damage goes unnoticed. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cli_file.h"
#include "idx.h"
#include "random.h"

enum { MAX_FILE = 4096 };

static void put_size(unsigned char *at, uint32_t size) {
  for (int i = 0; i < 4; i++) at[i] = (unsigned char)(size >> (24 - 8 * i));
}

/* A file of `rank` sizes and `payload` bytes 0, 1, 2, ...; its size. */
static size_t build(unsigned char *file, unsigned char rank, const uint32_t *sizes, size_t payload) {
  memcpy(file, "\0\0\x08", 3);
  file[3] = rank;
  for (size_t i = 0; i < rank; i++) put_size(file + 4 + 4 * i, sizes[i]);
  for (size_t i = 0; i < payload; i++) file[4 + 4 * (size_t)rank + i] = (unsigned char)i;
  return 4 + 4 * (size_t)rank + payload;
}

static size_t compress_gzip(const unsigned char *data, size_t size, unsigned char *packed) {
  z_stream stream = {.next_in = (unsigned char *)(uintptr_t)data, .avail_in = (uInt)size, .next_out = packed};
  stream.avail_out = MAX_FILE;
  cr_assert_eq(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
  deflateEnd(&stream);
  return MAX_FILE - stream.avail_out;
}

/* Reads all of a file in slices of `slice` rows; *rows of them were good. */
static unfurl_status read_all(const cli_file *file, size_t slice, size_t *rows, unfurl_error *error) {
  idx_reader reader;
  *rows = 0;
  *error = (unfurl_error){0};
  unfurl_status status = idx_open(&reader, file->path, error);
  unsigned char *bytes = status == UNFURL_OK ? malloc(slice * reader.row_bytes) : NULL;
  size_t count = bytes ? 1 : 0;
  while (status == UNFURL_OK && count > 0) {
    status = idx_read(&reader, slice, bytes, &count, error);
    for (size_t i = 0; i < count * reader.row_bytes; i++)
      if (status == UNFURL_OK && *rows == 0) cr_assert_eq(bytes[i], (unsigned char)i);
    *rows += count;
  }
  if (status == UNFURL_OK) cr_assert_eq(*rows, reader.dims[0]);
  free(bytes);
  idx_close(&reader);
  cr_assert_eq(status, error->status);
  if (status != UNFURL_OK) cr_assert_neq(error->message[0], '\0');
  return status;
}

static unfurl_status check(const void *data, size_t size, size_t *rows, unfurl_error *error) {
  cli_file file = cli_file_make();
  cli_file_set(&file, data, size);
  const unfurl_status status = read_all(&file, 2, rows, error);
  cli_file_close(&file);
  return status;
}

Test(idx, images_and_labels_plain_and_compressed) {
  unsigned char data[MAX_FILE], packed[MAX_FILE];
  size_t rows;
  unfurl_error error;
  size_t size = build(data, 3, (const uint32_t[]){5, 3, 4}, 60);
  cr_assert_eq(check(data, size, &rows, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(rows, 5);
  cr_assert_eq(check(packed, compress_gzip(data, size, packed), &rows, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(rows, 5);
  size = build(data, 1, (const uint32_t[]){7}, 7);
  cr_assert_eq(check(data, size, &rows, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(rows, 7);
  cr_assert_eq(check(packed, compress_gzip(data, size, packed), &rows, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(rows, 7);
}

Test(idx, no_rows) {
  unsigned char data[MAX_FILE], packed[MAX_FILE];
  size_t rows;
  unfurl_error error;
  size_t size = build(data, 3, (const uint32_t[]){0, 3, 4}, 0);
  cr_assert_eq(check(data, size, &rows, &error), UNFURL_OK);
  cr_assert_eq(check(packed, compress_gzip(data, size, packed), &rows, &error), UNFURL_OK);
  size = build(data, 3, (const uint32_t[]){0, 3, 4}, 1);
  cr_assert_eq(check(data, size, &rows, &error), UNFURL_BAD_FILE);
  cr_assert_eq(check(packed, compress_gzip(data, size, packed), &rows, &error), UNFURL_BAD_FILE);
}

Test(idx, other_types_and_ranks) {
  unsigned char data[MAX_FILE];
  size_t rows;
  unfurl_error error;
  const size_t size = build(data, 3, (const uint32_t[]){1, 1, 1}, 1);
  for (unsigned type = 0; type < 256; type++) {
    data[2] = (unsigned char)type;
    const bool known = type == 9 || (type >= 0x0b && type <= 0x0e);
    const unfurl_status expected = type == 8 ? UNFURL_OK : known ? UNFURL_UNSUPPORTED : UNFURL_BAD_FILE;
    cr_assert_eq(check(data, size, &rows, &error), expected, "type %u: %s", type, error.message);
  }
  data[2] = 8;
  for (unsigned rank = 0; rank < 256; rank++) {
    data[3] = (unsigned char)rank;
    if (rank != 1 && rank != 3) cr_assert_eq(check(data, size, &rows, &error), UNFURL_UNSUPPORTED, "rank %u", rank);
  }
  data[3] = 3, data[0] = 1;
  cr_assert_eq(check(data, size, &rows, &error), UNFURL_BAD_FILE);
}

Test(idx, hostile_sizes) {
  static const uint32_t sizes[][3] = {
      {UINT32_MAX, UINT32_MAX, UINT32_MAX}, {1, UINT32_MAX, UINT32_MAX}, {UINT32_MAX, 1, 1}, {1, 0, 5}, {1, 5, 0},
      {INT32_MAX, INT32_MAX, INT32_MAX},    {1, 65536, 65536},           {2, 1, 1},          {0, 0, 0},
  };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    unsigned char data[MAX_FILE], packed[MAX_FILE];
    size_t rows;
    unfurl_error error;
    const size_t size = build(data, 3, sizes[i], 1);
    cr_assert_neq(check(data, size, &rows, &error), UNFURL_OK, "case %zu", i);
    cr_assert_neq(check(packed, compress_gzip(data, size, packed), &rows, &error), UNFURL_OK, "case %zu", i);
  }
}

Test(idx, truncated_at_every_byte) {
  unsigned char data[MAX_FILE], packed[MAX_FILE];
  size_t rows;
  unfurl_error error;
  const size_t size = build(data, 3, (const uint32_t[]){5, 3, 4}, 60);
  for (size_t part = 0; part < size; part++)
    cr_assert_eq(check(data, part, &rows, &error), UNFURL_BAD_FILE, "%zu bytes", part);
  cr_assert_eq(check(data, size + 1, &rows, &error), UNFURL_BAD_FILE);
  const size_t packed_size = compress_gzip(data, size, packed);
  for (size_t part = 0; part < packed_size; part++)
    cr_assert_eq(check(packed, part, &rows, &error), UNFURL_BAD_FILE, "%zu bytes", part);
  /* whole as compressed data, but short or long inside */
  for (size_t part = 0; part < size; part++)
    cr_assert_eq(check(packed, compress_gzip(data, part, packed), &rows, &error), UNFURL_BAD_FILE, "%zu bytes", part);
  cr_assert_eq(check(packed, compress_gzip(data, size + 1, packed), &rows, &error), UNFURL_BAD_FILE);
}

Test(idx, rows_before_the_damage_are_given) {
  unsigned char data[MAX_FILE], packed[MAX_FILE];
  size_t rows;
  unfurl_error error;
  build(data, 3, (const uint32_t[]){5, 3, 4}, 60);
  cr_assert_eq(check(packed, compress_gzip(data, 16 + 41, packed), &rows, &error), UNFURL_BAD_FILE);
  cr_assert_eq(rows, 3);
}

Test(idx, every_changed_byte_of_compressed_data_is_noticed_or_harmless) {
  unsigned char data[MAX_FILE], packed[MAX_FILE];
  size_t rows;
  unfurl_error error;
  const size_t size = build(data, 3, (const uint32_t[]){5, 3, 4}, 60);
  const size_t packed_size = compress_gzip(data, size, packed);
  for (size_t i = 10; i < packed_size; i++) { /* gzip's own header tells nothing about the data */
    packed[i] ^= 0x55;
    cr_assert_neq(check(packed, packed_size, &rows, &error), UNFURL_OK, "byte %zu", i);
    packed[i] ^= 0x55;
  }
}

Test(idx, not_a_file) {
  idx_reader reader;
  unfurl_error error;
  cr_assert_eq(idx_open(&reader, "/nowhere/at/all", &error), UNFURL_IO_ERROR);
  idx_close(&reader);
  cr_assert_neq(idx_open(&reader, "/", &error), UNFURL_OK);
  idx_close(&reader);
  cr_assert_eq(idx_open(&reader, "/dev/zero", &error), UNFURL_IO_ERROR);
  idx_close(&reader);
}

/* Any file either fails, or has exactly the rows that it promises. */
Test(idx, mutations, .timeout = 60) {
  unsigned char data[MAX_FILE], packed[MAX_FILE], changed[MAX_FILE];
  uint64_t state = 1;
  const size_t plain_size = build(data, 3, (const uint32_t[]){5, 3, 4}, 60);
  const size_t packed_size = compress_gzip(data, plain_size, packed);
  cli_file file = cli_file_make();
  for (size_t i = 0; i < 20000; i++) {
    const bool gzip = i % 2;
    size_t size = gzip ? packed_size : plain_size, rows;
    unfurl_error error;
    memcpy(changed, gzip ? packed : data, size);
    for (uint64_t changes = 1 + random_next(&state) % 3; changes > 0; changes--) {
      const uint64_t bits = random_next(&state);
      changed[bits % (gzip ? size : 16)] = (unsigned char)(bits >> 24);
    }
    if (random_next(&state) % 8 == 0) size = random_next(&state) % (size + 1);
    cli_file_set(&file, changed, size);
    read_all(&file, 3, &rows, &error);
  }
  cli_file_close(&file);
}
