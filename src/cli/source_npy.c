/* SPDX-License-Identifier: BSD-2-Clause */
/* .npy files: fed raw. float64 and uint8 become float32, nothing else is changed. */
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "fault.h"
#include "npy.h"
#include "source.h"

static unfurl_status npy_source_open(source_stream *source, const char *path, unfurl_error *error) {
  npy_reader *reader = malloc(sizeof *reader);
  if (!reader) return fault_memory(error);
  source->state = reader;
  const unfurl_status status = npy_open(reader, path, error);
  if (status != UNFURL_OK) return status;
  const npy_header *header = &reader->header;
  if (header->rank == 0) return fault_set(error, UNFURL_INVALID_ARGUMENT, "is a scalar, without a batch dimension");
  source->rows = header->rows;
  unfurl_tensor_init(&source->shape, npy_feed_dtype(header->type), header->rank, header->dims, NULL);
  return source_check_shape(&source->shape, source->target, false, error);
}

/* Elements of another size than the model's are read into memory of their own first. */
static unfurl_status read_converted(npy_reader *reader, size_t max_rows, void *rows, size_t *count,
                                    unfurl_error *error) {
  size_t size = reader->header.row_bytes;
  const size_t wanted = max_rows < reader->rows_left ? max_rows : reader->rows_left;
  void *raw = checked_mul(&size, wanted) ? malloc(size ? size : 1) : NULL;
  if (!raw) return fault_memory(error);
  const unfurl_status status = npy_read(reader, wanted, raw, count, error);
  npy_convert(reader->header.type, raw, *count * reader->header.row_elements, rows);
  free(raw);
  return status;
}

static unfurl_status npy_source_read(source_stream *source, size_t max_rows, void *rows, size_t *count,
                                     unfurl_error *error) {
  npy_reader *reader = source->state;
  *count = 0;
  if (reader->header.type == NPY_F64 || reader->header.type == NPY_U8)
    return read_converted(reader, max_rows, rows, count, error);
  return npy_read(reader, max_rows, rows, count, error);
}

static void npy_source_close(source_stream *source) {
  if (source->state) npy_close(source->state);
  free(source->state);
}

const source_reader source_npy = {.open = npy_source_open, .read = npy_source_read, .close = npy_source_close};
