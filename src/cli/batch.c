/* SPDX-License-Identifier: BSD-2-Clause */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "fault.h"

static const size_t most_bytes = (size_t)4 << 30; /* as much as a session takes by default */

unfurl_status batch_init(batch_buffer *batch, size_t capacity, unfurl_error *error) {
  *batch = (batch_buffer){.capacity = capacity, .origins = calloc(capacity, sizeof *batch->origins)};
  return batch->origins ? UNFURL_OK : fault_memory(error);
}

bool batch_accepts(const batch_buffer *batch, const source_stream *source) {
  const unfurl_tensor *ours = &batch->tensor, *theirs = &source->shape;
  if (batch->count == 0) return true;
  if (ours->dtype != theirs->dtype || ours->rank != theirs->rank) return false;
  for (size_t i = 1; i < ours->rank; i++)
    if (ours->dims[i] != theirs->dims[i]) return false;
  return true;
}

/* Room for `rows` rows. */
static unfurl_status reserve(batch_buffer *batch, size_t rows, unfurl_error *error) {
  size_t size = batch->row_bytes;
  if (!checked_mul(&size, rows) || size > most_bytes)
    return fault_set(error, UNFURL_TOO_LARGE, "%zu images at once need more than %zu GiB; a smaller --batch may help",
                     rows, most_bytes >> 30);
  if (size <= batch->room) return UNFURL_OK;
  void *more = realloc(batch->tensor.data, size);
  if (!more) return fault_memory(error);
  batch->tensor.data = more;
  batch->room = size;
  return UNFURL_OK;
}

unfurl_status batch_read(batch_buffer *batch, source_stream *source, batch_origin first, size_t *count,
                         unfurl_error *error) {
  const size_t space = batch->capacity - batch->count, left = source->rows - first.index;
  const size_t wanted = space < left ? space : left;
  *count = 0;
  if (batch->count == 0) {
    void *data = batch->tensor.data;
    batch->tensor = source->shape;
    batch->tensor.data = data;
    batch->row_bytes = source->row_bytes;
  }
  unfurl_status status = reserve(batch, batch->count + wanted, error);
  if (status != UNFURL_OK) return status;
  char *end = (char *)batch->tensor.data + batch->count * batch->row_bytes;
  status = source_read(source, wanted, end, count, error);
  for (size_t i = 0; i < *count; i++)
    batch->origins[batch->count++] = (batch_origin){.input = first.input, .index = first.index + i};
  return status;
}

unfurl_status batch_tensor(batch_buffer *batch, bool full, unfurl_tensor *tensor, unfurl_error *error) {
  const size_t rows = full ? batch->capacity : batch->count;
  const unfurl_status status = reserve(batch, rows, error);
  if (status != UNFURL_OK) return status;
  memset((char *)batch->tensor.data + batch->count * batch->row_bytes, 0, (rows - batch->count) * batch->row_bytes);
  *tensor = batch->tensor;
  tensor->dims[0] = (int64_t)rows;
  return UNFURL_OK;
}

void batch_free(batch_buffer *batch) {
  free(batch->origins);
  free(batch->tensor.data);
  *batch = (batch_buffer){0};
}
