/* SPDX-License-Identifier: BSD-2-Clause */
/* .npy: every form of a header that NumPy writes is read, every other one is refused, and the writer's files come
 * back as they were. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli_file.h"
#include "npy.h"
#include "npy_writer.h"
#include "random.h"

enum { MAX_FILE = 1024 };

/* A file with this header text and `payload` bytes 0, 1, 2, ...; its size. */
static size_t build(unsigned char *file, unsigned major, const char *text, size_t payload) {
  const size_t length = strlen(text), prefix = major == 1 ? 10 : 12;
  memcpy(file, "\x93NUMPY", 6);
  file[6] = (unsigned char)major;
  file[7] = 0;
  memset(file + 8, 0, 4);
  file[8] = (unsigned char)(length & 0xff);
  file[9] = (unsigned char)(length >> 8);
  memcpy(file + prefix, text, length);
  for (size_t i = 0; i < payload; i++) file[prefix + length + i] = (unsigned char)i;
  return prefix + length + payload;
}

/* Opens a file of these bytes and closes it again. */
static unfurl_status check(const void *data, size_t size, npy_header *header, unfurl_error *error) {
  cli_file file = cli_file_make();
  npy_reader reader;
  cli_file_set(&file, data, size);
  *error = (unfurl_error){0};
  const unfurl_status status = npy_open(&reader, file.path, error);
  cr_assert_eq(status, error->status);
  *header = reader.header;
  npy_close(&reader);
  cli_file_close(&file);
  return status;
}

static unfurl_status check_text(const char *text, size_t payload, npy_header *header, unfurl_error *error) {
  unsigned char file[MAX_FILE];
  return check(file, build(file, 1, text, payload), header, error);
}

Test(npy, versions) {
  static const char text[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }      \n";
  unsigned char file[MAX_FILE];
  npy_header header;
  unfurl_error error;
  for (unsigned major = 0; major < 6; major++) {
    const size_t size = build(file, major, text, 24);
    const unfurl_status expected = major >= 1 && major <= 3 ? UNFURL_OK : UNFURL_UNSUPPORTED;
    cr_assert_eq(check(file, size, &header, &error), expected, "version %u: %s", major, error.message);
  }
  const size_t size = build(file, 1, text, 24);
  file[7] = 1;
  cr_assert_eq(check(file, size, &header, &error), UNFURL_UNSUPPORTED);
}

Test(npy, good_headers) {
  static const struct {
    const char *text;
    size_t payload, rank, rows, row_bytes;
    npy_type type;
  } cases[] = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24, 2, 2, 12, NPY_F32},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}\n", 24, 2, 2, 12, NPY_F32},
      {"{'descr':'<f4','fortran_order':False,'shape':(2,3,),}\n", 24, 2, 2, 12, NPY_F32},
      {"{ \t'shape' : ( 2 , 3 ) , \"descr\" : \"<f4\" , 'fortran_order' : False } \n", 24, 2, 2, 12, NPY_F32},
      {"{'fortran_order': False, 'shape': (2,), 'descr': '<f8'}\n", 16, 1, 2, 8, NPY_F64},
      {"{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n", 8, 0, 1, 8, NPY_I64},
      {"{'descr': '<i4', 'fortran_order': True, 'shape': (3,), }\n", 12, 1, 3, 4, NPY_I32},
      {"{'descr': '|u1', 'fortran_order': True, 'shape': (), }\n", 1, 0, 1, 1, NPY_U8},
      {"{'descr': '|b1', 'fortran_order': False, 'shape': (2, 1, 1, 1, 1, 1, 1, 2), }\n", 4, 8, 2, 2, NPY_BOOL},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }\n", 0, 2, 0, 12, NPY_F32},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 0), }\n", 0, 2, 3, 0, NPY_F32},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 0), }\n", 0, 2, 0, 0, NPY_F32},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    npy_header header;
    unfurl_error error;
    cr_assert_eq(check_text(cases[i].text, cases[i].payload, &header, &error), UNFURL_OK, "%s: %s", cases[i].text,
                 error.message);
    cr_assert_eq(header.type, cases[i].type);
    cr_assert_eq(header.rank, cases[i].rank);
    cr_assert_eq(header.rows, cases[i].rows);
    cr_assert_eq(header.row_bytes, cases[i].row_bytes);
    cr_assert_eq(header.data_bytes, cases[i].payload);
  }
}

Test(npy, bad_headers) {
  static const struct {
    const char *text;
    unfurl_status expected;
  } cases[] = {
      /* the dict */
      {"", UNFURL_BAD_FILE},
      {"\n", UNFURL_BAD_FILE},
      {"{}\n", UNFURL_BAD_FILE},
      {"{,}\n", UNFURL_BAD_FILE},
      {"'descr': '<f4', 'fortran_order': False, 'shape': (2,)\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\n\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\n ", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,),,}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}}\n", UNFURL_BAD_FILE},
      {"dict(descr='<f4', fortran_order=False, shape=(2,))\n", UNFURL_BAD_FILE},
      /* keys */
      {"{'descr': '<f4', 'fortran_order': False}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{'fortran_order': False, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}\n", UNFURL_BAD_FILE},
      {"{'descr ': '<f4', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{descr: '<f4', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{'descr\": '<f4', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{'d\\x65scr': '<f4', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{'descr' '<f4', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      /* descr */
      {"{'descr': <f4, 'fortran_order': False, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_UNSUPPORTED},
      {"{'descr': '|O', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_UNSUPPORTED},
      {"{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_UNSUPPORTED},
      {"{'descr': '<f2', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_UNSUPPORTED},
      {"{'descr': '<f4 ', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_UNSUPPORTED},
      {"{'descr': '<U8', 'fortran_order': False, 'shape': (2,)}\n", UNFURL_UNSUPPORTED},
      {"{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,)}\n", UNFURL_UNSUPPORTED},
      {"{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      /* fortran_order */
      {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': false, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': 'False', 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': Falsehood, 'shape': (2,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1)}\n", UNFURL_UNSUPPORTED},
      /* shape */
      {"{'descr': '<f4', 'fortran_order': False, 'shape': 2}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': [2]}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 1)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (+2,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (02,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2L,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2.0,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (0x2,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 2)}\n", UNFURL_UNSUPPORTED},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)}\n", UNFURL_TOO_LARGE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}\n", UNFURL_TOO_LARGE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}\n", UNFURL_TOO_LARGE},
      {"{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,)}\n", UNFURL_TOO_LARGE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}\n", UNFURL_TOO_LARGE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}\n", UNFURL_BAD_FILE},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387903,)}\n", UNFURL_BAD_FILE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    npy_header header;
    unfurl_error error;
    const unfurl_status status = check_text(cases[i].text, 8, &header, &error);
    cr_assert_eq(status, cases[i].expected, "case %zu, %s gave %d: %s", i, cases[i].text, (int)status, error.message);
    cr_assert_neq(error.message[0], '\0');
  }
}

Test(npy, header_is_bounded) {
  npy_header header;
  unfurl_error error;
  unsigned char file[12] = "\x93NUMPY\x02\x00\xff\xff\xff\xff";
  cr_assert_eq(check(file, sizeof file, &header, &error), UNFURL_TOO_LARGE);
  memcpy(file + 8, "\x00\x00\x01\x00", 4); /* 64 KiB exactly, but not there */
  cr_assert_eq(check(file, sizeof file, &header, &error), UNFURL_BAD_FILE);
}

Test(npy, truncated_at_every_byte) {
  static const char text[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
  unsigned char file[MAX_FILE];
  npy_header header;
  unfurl_error error;
  for (unsigned major = 1; major <= 3; major++) {
    const size_t size = build(file, major, text, 24);
    for (size_t part = 0; part < size; part++)
      cr_assert_eq(check(file, part, &header, &error), UNFURL_BAD_FILE, "%zu bytes: %s", part, error.message);
    cr_assert_eq(check(file, size, &header, &error), UNFURL_OK);
    cr_assert_eq(check(file, size + 1, &header, &error), UNFURL_BAD_FILE);
  }
}

Test(npy, not_a_file) {
  npy_reader reader;
  unfurl_error error;
  cr_assert_eq(npy_open(&reader, "/nowhere/at/all.npy", &error), UNFURL_IO_ERROR);
  npy_close(&reader);
  cr_assert_eq(npy_open(&reader, "/", &error), UNFURL_IO_ERROR);
  npy_close(&reader);
  cr_assert_eq(npy_open(&reader, "/dev/zero", &error), UNFURL_IO_ERROR);
  npy_close(&reader);
}

Test(npy, rows_come_in_slices) {
  unsigned char data[MAX_FILE], rows[20];
  const size_t size = build(data, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (5, 4), }\n", 20);
  cli_file file = cli_file_make();
  npy_reader reader;
  size_t count;
  cli_file_set(&file, data, size);
  cr_assert_eq(npy_open(&reader, file.path, NULL), UNFURL_OK);
  for (size_t row = 0; row < 5; row += count) {
    cr_assert_eq(npy_read(&reader, 2, rows, &count, NULL), UNFURL_OK);
    cr_assert_eq(count, row == 4 ? 1 : 2);
    for (size_t i = 0; i < 4 * count; i++) cr_assert_eq(rows[i], 4 * row + i);
  }
  cr_assert_eq(npy_read(&reader, 2, rows, &count, NULL), UNFURL_OK);
  cr_assert_eq(count, 0);
  npy_close(&reader);
  cli_file_close(&file);
}

Test(npy, bools_become_0_and_1) {
  unsigned char data[MAX_FILE], rows[4];
  const size_t size = build(data, 1, "{'descr': '|b1', 'fortran_order': False, 'shape': (4,), }\n", 4);
  cli_file file = cli_file_make();
  npy_reader reader;
  size_t count;
  cli_file_set(&file, data, size);
  cr_assert_eq(npy_open(&reader, file.path, NULL), UNFURL_OK);
  cr_assert_eq(npy_read(&reader, 4, rows, &count, NULL), UNFURL_OK);
  cr_assert_eq(memcmp(rows, "\0\1\1\1", 4), 0);
  npy_close(&reader);
  cli_file_close(&file);
}

Test(npy, conversion) {
  float floats[3];
  npy_convert(NPY_F64, (const double[]){0.1, -2, 1e300}, 3, floats);
  cr_assert(floats[0] == 0.1f && floats[1] == -2.0f && isinf(floats[2]));
  npy_convert(NPY_U8, (const unsigned char[]){0, 7, 255}, 3, floats);
  cr_assert(floats[0] == 0.0f && floats[1] == 7.0f && floats[2] == 255.0f);
  npy_convert(NPY_F32, (const float[]){1, 2, 3}, 3, floats);
  cr_assert(floats[0] == 1.0f && floats[2] == 3.0f);
  cr_assert_eq(npy_feed_dtype(NPY_U8), UNFURL_F32);
  cr_assert_eq(npy_feed_dtype(NPY_I64), UNFURL_I64);
}

/* Any file either fails, or has exactly the rows that it promises. */
static void read_everything(const cli_file *file) {
  npy_reader reader;
  unfurl_error error = {0};
  if (npy_open(&reader, file->path, &error) == UNFURL_OK) {
    size_t count, total = 0;
    unsigned char *rows = malloc(3 * reader.header.row_bytes + 1);
    cr_assert_not_null(rows);
    do {
      cr_assert_eq(npy_read(&reader, 3, rows, &count, &error), UNFURL_OK, "%s", error.message);
      total += count;
    } while (count > 0 && reader.header.row_bytes > 0);
    if (reader.header.row_bytes > 0) cr_assert_eq(total, reader.header.rows);
    free(rows);
  } else {
    cr_assert_neq(error.message[0], '\0');
  }
  npy_close(&reader);
}

Test(npy, mutations, .timeout = 60) {
  static const char text[] = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }          \n";
  static const char interesting[] = "0123456789,()'\"{}:<|\\ \n\x00\xff";
  unsigned char data[MAX_FILE];
  uint64_t state = 1;
  cli_file file = cli_file_make();
  for (size_t i = 0; i < 20000; i++) {
    size_t size = build(data, 1 + (unsigned)(i % 3), text, 24);
    for (uint64_t changes = 1 + random_next(&state) % 4; changes > 0; changes--) {
      const uint64_t bits = random_next(&state);
      data[bits % size] = bits & 0x10000 ? (unsigned char)interesting[(bits >> 20) % (sizeof interesting - 1)]
                                         : (unsigned char)(bits >> 24);
    }
    if (random_next(&state) % 8 == 0) size = random_next(&state) % (size + 1);
    cli_file_set(&file, data, size);
    read_everything(&file);
  }
  cli_file_close(&file);
}

/* Writes `batches` times `rows` rows of `shape` (all of its data), and opens the result. */
static void write_and_open(unfurl_tensor *tensor, size_t batches, size_t rows, cli_file *file, npy_reader *reader) {
  npy_writer writer;
  unfurl_error error;
  FILE *stream = fopen(file->path, "w");
  cr_assert_not_null(stream);
  cr_assert_eq(npy_writer_begin(&writer, stream, tensor, &error), UNFURL_OK, "%s", error.message);
  for (size_t i = 0; i < batches; i++)
    cr_assert_eq(npy_writer_rows(&writer, tensor, rows, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(npy_writer_end(&writer, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(writer.header_bytes % 64, 0);
  fclose(stream);
  cr_assert_eq(npy_open(reader, file->path, &error), UNFURL_OK, "%s", error.message);
}

Test(npy, writer_round_trip) {
  float values[12];
  for (size_t i = 0; i < 12; i++) values[i] = (float)i / 3;
  unfurl_tensor tensor;
  unfurl_tensor_init(&tensor, UNFURL_F32, 3, (const int64_t[]){2, 3, 2}, values);
  cli_file file = cli_file_make();
  npy_reader reader;
  size_t count;
  float rows[30];
  write_and_open(&tensor, 2, 2, &file, &reader);
  cr_assert_eq(reader.header.rank, 3);
  cr_assert_eq(reader.header.rows, 4);
  cr_assert_eq(reader.header.row_elements, 6);
  cr_assert_eq(npy_read(&reader, 4, rows, &count, NULL), UNFURL_OK);
  cr_assert_eq(memcmp(rows, values, sizeof values), 0);
  cr_assert_eq(memcmp(rows + 12, values, sizeof values), 0);
  npy_close(&reader);
  cli_file_close(&file);
}

Test(npy, writer_of_every_dtype_and_rank) {
  static const unfurl_dtype dtypes[] = {UNFURL_F32, UNFURL_I64, UNFURL_I32, UNFURL_BOOL};
  static const npy_type types[] = {NPY_F32, NPY_I64, NPY_I32, NPY_BOOL};
  int64_t data[4] = {0};
  for (size_t i = 0; i < 4; i++)
    for (size_t rank = 0; rank <= UNFURL_MAX_RANK; rank++) {
      unfurl_tensor tensor;
      unfurl_tensor_init(&tensor, dtypes[i], rank, (const int64_t[]){1, 1, 1, 1, 1, 1, 1, 1}, data);
      cli_file file = cli_file_make();
      npy_reader reader;
      write_and_open(&tensor, 1, 1, &file, &reader);
      cr_assert_eq(reader.header.type, types[i]);
      cr_assert_eq(reader.header.rank, rank);
      npy_close(&reader);
      cli_file_close(&file);
    }
}

Test(npy, writer_refuses_other_shapes) {
  float values[4] = {0};
  unfurl_tensor first, other;
  unfurl_tensor_init(&first, UNFURL_F32, 2, (const int64_t[]){1, 2}, values);
  unfurl_tensor_init(&other, UNFURL_F32, 2, (const int64_t[]){1, 3}, values);
  cli_file file = cli_file_make();
  npy_writer writer;
  FILE *stream = fopen(file.path, "w");
  cr_assert_eq(npy_writer_begin(&writer, stream, &first, NULL), UNFURL_OK);
  cr_assert_eq(npy_writer_rows(&writer, &first, 1, NULL), UNFURL_OK);
  cr_assert_eq(npy_writer_rows(&writer, &other, 1, NULL), UNFURL_INVALID_ARGUMENT);
  fclose(stream);
  cli_file_close(&file);
}
