/* SPDX-License-Identifier: BSD-2-Clause */
#include "npy_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "checked.h"
#include "fault.h"
#include "npy_header.h"

enum { PREFIX = 10, ALIGN = 64, MAX_HEADER = 4 * ALIGN };

static bool type_of(unfurl_dtype dtype, npy_type *type) {
  switch (dtype) {
  case UNFURL_F32: *type = NPY_F32; return true;
  case UNFURL_I64: *type = NPY_I64; return true;
  case UNFURL_I32: *type = NPY_I32; return true;
  case UNFURL_BOOL: *type = NPY_BOOL; return true;
  }
  return false;
}

/* The dict of `shape`, with `rows` in the place of dims[0]; its length. MAX_HEADER has room for eight dimensions of 19
 * digits. */
static size_t print_dict(const unfurl_tensor *shape, int64_t rows, char text[MAX_HEADER]) {
  npy_type type = NPY_F32;
  type_of(shape->dtype, &type);
  int length = snprintf(text, MAX_HEADER, "{'descr': '%s', 'fortran_order': False, 'shape': (", npy_type_descr(type));
  for (size_t i = 0; i < shape->rank; i++)
    length +=
        snprintf(text + length, (size_t)(MAX_HEADER - length), "%s%" PRId64, i ? ", " : "", i ? shape->dims[i] : rows);
  length += snprintf(text + length, (size_t)(MAX_HEADER - length), "%s), }", shape->rank == 1 ? "," : "");
  return (size_t)length;
}

static unfurl_status write_header(npy_writer *writer, unfurl_error *error) {
  char text[MAX_HEADER];
  unsigned char bytes[MAX_HEADER + ALIGN];
  const size_t total = (size_t)writer->header_bytes, size = total - PREFIX;
  memcpy(bytes, "\x93NUMPY\x01\x00", 8);
  bytes[8] = (unsigned char)(size & 0xff);
  bytes[9] = (unsigned char)(size >> 8);
  const size_t length = print_dict(&writer->shape, writer->shape.dims[0], text);
  memcpy(bytes + PREFIX, text, length);
  memset(bytes + PREFIX + length, ' ', size - length);
  bytes[total - 1] = '\n';
  return fwrite(bytes, 1, total, writer->file) == total ? UNFURL_OK : fault_errno(error, "can't write it");
}

unfurl_status npy_writer_begin(npy_writer *writer, FILE *file, const unfurl_tensor *shape, unfurl_error *error) {
  npy_type type;
  char text[MAX_HEADER];
  *writer = (npy_writer){.file = file, .shape = *shape};
  if (shape->rank > UNFURL_MAX_RANK || !type_of(shape->dtype, &type))
    return fault_set(error, UNFURL_UNSUPPORTED, "values of this type can't be written as .npy");
  writer->shape.data = NULL;
  writer->shape.dims[0] = 0;
  writer->row_bytes = npy_type_size(type);
  for (size_t i = 1; i < shape->rank; i++)
    if (!checked_mul(&writer->row_bytes, (size_t)shape->dims[i]))
      return fault_set(error, UNFURL_TOO_LARGE, "rows are too large to be written");
  const size_t longest = PREFIX + print_dict(shape, INT64_MAX, text) + 1;
  writer->header_bytes = (long)((longest + ALIGN - 1) / ALIGN * ALIGN);
  return write_header(writer, error);
}

unfurl_status npy_writer_rows(npy_writer *writer, const unfurl_tensor *tensor, size_t rows, unfurl_error *error) {
  bool same = tensor->rank == writer->shape.rank && tensor->dtype == writer->shape.dtype;
  for (size_t i = 1; same && i < tensor->rank; i++) same = tensor->dims[i] == writer->shape.dims[i];
  if (!same)
    return fault_set(error, UNFURL_INVALID_ARGUMENT, "results of different shapes do not fit in one .npy file");
  if (fwrite(tensor->data, writer->row_bytes, rows, writer->file) != rows && writer->row_bytes > 0)
    return fault_errno(error, "can't write it");
  writer->shape.dims[0] += (int64_t)rows;
  return UNFURL_OK;
}

unfurl_status npy_writer_blank(npy_writer *writer, size_t rows, unfurl_error *error) {
  const float number = NAN;
  const int64_t long_integer = INT64_MIN;
  const int32_t integer = INT32_MIN;
  const void *const blanks[] = {
      [UNFURL_F32] = &number, [UNFURL_I64] = &long_integer, [UNFURL_I32] = &integer, [UNFURL_BOOL] = ""};
  const size_t size = unfurl_dtype_size(writer->shape.dtype);
  for (size_t row = 0; row < rows; row++)
    for (size_t i = 0; i < writer->row_bytes; i += size)
      if (fwrite(blanks[writer->shape.dtype], size, 1, writer->file) != 1) return fault_errno(error, "can't write it");
  writer->shape.dims[0] += (int64_t)rows;
  return UNFURL_OK;
}

unfurl_status npy_writer_end(npy_writer *writer, unfurl_error *error) {
  if (fseek(writer->file, 0, SEEK_SET) != 0) return fault_errno(error, "can't rewind it");
  const unfurl_status status = write_header(writer, error);
  if (status != UNFURL_OK) return status;
  return fseek(writer->file, 0, SEEK_END) == 0 ? UNFURL_OK : fault_errno(error, "can't write it");
}
