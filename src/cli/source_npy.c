/* SPDX-License-Identifier: BSD-2-Clause */
/* .npy files, and arrays in .npz files: fed raw. float64 and uint8 become float32, nothing else is changed. */
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "fault.h"
#include "npy.h"
#include "npz.h"
#include "source.h"

typedef struct npy_state {
  npz_archive archive; /* closed for a .npy file */
  npy_reader reader;
} npy_state;

static unfurl_status set_up(source_stream *source, const npy_header *header, unfurl_error *error) {
  if (header->rank == 0) return fault_set(error, UNFURL_INVALID_ARGUMENT, "is a scalar, without a batch dimension");
  source->rows = header->rows;
  unfurl_tensor_init(&source->shape, npy_feed_dtype(header->type), header->rank, header->dims, NULL);
  return source_check_shape(&source->shape, source->target, false, error);
}

static unfurl_status npy_source_open(source_stream *source, const char *path, unfurl_error *error) {
  npy_state *state = calloc(1, sizeof *state);
  if (!state) return fault_memory(error);
  source->state = state;
  const unfurl_status status = npy_open(&state->reader, path, error);
  return status == UNFURL_OK ? set_up(source, &state->reader.header, error) : status;
}

static unfurl_status npz_source_open(source_stream *source, const char *path, unfurl_error *error) {
  npy_state *state = calloc(1, sizeof *state);
  size_t index = 0;
  if (!state) return fault_memory(error);
  source->state = state;
  unfurl_status status = npz_open(&state->archive, path, error);
  if (status == UNFURL_OK) status = npz_choose(&state->archive, source->target->name, &index, error);
  if (status == UNFURL_OK) status = npz_member(&state->archive, index, &state->reader, error);
  return status == UNFURL_OK ? set_up(source, &state->reader.header, error) : status;
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
  npy_state *state = source->state;
  const npy_type type = state->reader.header.type;
  *count = 0;
  if (type == NPY_F64 || type == NPY_U8) return read_converted(&state->reader, max_rows, rows, count, error);
  return npy_read(&state->reader, max_rows, rows, count, error);
}

static void npy_source_close(source_stream *source) {
  npy_state *state = source->state;
  if (!state) return;
  npy_close(&state->reader);
  npz_close(&state->archive);
  free(state);
}

const source_reader source_npy = {.open = npy_source_open, .read = npy_source_read, .close = npy_source_close};
const source_reader source_npz = {.open = npz_source_open, .read = npy_source_read, .close = npy_source_close};
