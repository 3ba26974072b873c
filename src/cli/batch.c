/* SPDX-License-Identifier: BSD-2-Clause */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "fault.h"

static const size_t most_bytes = (size_t)4 << 30; /* as much as a session takes by default */

void batch_init(batch_buffer *batch, size_t capacity) {
  *batch = (batch_buffer){.capacity = capacity};
}

bool batch_accepts(const batch_buffer *batch, const portion *part) {
  const unfurl_tensor *ours = &batch->tensor, *theirs = &part->shape;
  if (batch->count == 0) return true;
  if (ours->dtype != theirs->dtype || ours->rank != theirs->rank) return false;
  for (size_t i = 1; i < ours->rank; i++)
    if (ours->dims[i] != theirs->dims[i]) return false;
  return batch->count < most_bytes / batch->row_bytes;
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

static unfurl_status make_room(batch_runs *order, unfurl_error *error) {
  if (order->count < order->room) return UNFURL_OK;
  const size_t next = order->room ? order->room * 2 : 16;
  size_t size = sizeof *order->runs;
  batch_run *more = checked_mul(&size, next) ? realloc(order->runs, size) : NULL;
  if (!more) return fault_memory(error);
  order->runs = more;
  order->room = next;
  return UNFURL_OK;
}

/* A new run of `rows` rows behind the others, good if `failure` is NULL. */
static unfurl_status append(batch_runs *order, const batch_origin *origin, size_t rows, const char *failure,
                            unfurl_error *error) {
  const unfurl_status status = make_room(order, error);
  if (status != UNFURL_OK) return status;
  batch_run *run = &order->runs[order->count];
  *run = (batch_run){.number = origin->number, .index = origin->index, .rows = rows};
  run->source = strdup(origin->name);
  run->failure = failure ? strdup(failure) : NULL;
  if (!run->source || (failure && !run->failure)) {
    free(run->source);
    free(run->failure);
    return fault_memory(error);
  }
  order->count++;
  if (!failure) order->good += rows;
  return UNFURL_OK;
}

/* The same for good rows, which continue the last run if they can. */
static unfurl_status append_rows(batch_runs *order, const batch_origin *origin, size_t rows, unfurl_error *error) {
  batch_run *last = order->count ? &order->runs[order->count - 1] : NULL;
  if (!last || last->failure || last->number != origin->number || last->index + last->rows != origin->index)
    return append(order, origin, rows, NULL, error);
  last->rows += rows;
  order->good += rows;
  return UNFURL_OK;
}

unfurl_status batch_add(batch_buffer *batch, const portion *part, size_t from, const batch_origin *origin,
                        size_t *count, unfurl_error *error) {
  const size_t space = batch->capacity - batch->count, left = part->rows - from, fit = most_bytes / part->row_bytes;
  size_t rows = space < left ? space : left;
  if (fit > batch->count && rows > fit - batch->count) rows = fit - batch->count;
  *count = 0;
  if (batch->count == 0) {
    void *data = batch->tensor.data;
    batch->tensor = part->shape;
    batch->tensor.data = data;
    batch->row_bytes = part->row_bytes;
  }
  unfurl_status status = reserve(batch, batch->count + rows, error);
  if (status == UNFURL_OK) status = append_rows(&batch->order, origin, rows, error);
  if (status != UNFURL_OK) return status;
  memcpy((char *)batch->tensor.data + batch->count * batch->row_bytes, (char *)part->data + from * part->row_bytes,
         rows * part->row_bytes);
  batch->count += rows;
  *count = rows;
  return UNFURL_OK;
}

unfurl_status batch_fail(batch_buffer *batch, const batch_origin *origin, const char *message, bool aligned,
                         unfurl_error *error) {
  const unfurl_status status = append(&batch->order, origin, 1, message, error);
  if (status == UNFURL_OK) batch->order.runs[batch->order.count - 1].aligned = aligned;
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

batch_runs batch_take(batch_buffer *batch) {
  const batch_runs order = batch->order;
  batch->order = (batch_runs){0};
  batch->count = 0;
  return order;
}

unfurl_status batch_order_one(batch_runs *runs, const batch_origin *origin, size_t rows, unfurl_error *error) {
  *runs = (batch_runs){0};
  return append(runs, origin, rows, NULL, error);
}

unfurl_status batch_runs_fail(batch_runs *runs, const char *message, unfurl_error *error) {
  for (size_t i = 0; i < runs->count; i++) {
    batch_run *run = &runs->runs[i];
    if (run->failure) continue;
    run->failure = strdup(message);
    run->aligned = true;
    if (!run->failure) return fault_memory(error);
    runs->good -= run->rows;
  }
  return UNFURL_OK;
}

void batch_runs_free(batch_runs *runs) {
  for (size_t i = 0; i < runs->count; i++) {
    free(runs->runs[i].source);
    free(runs->runs[i].failure);
  }
  free(runs->runs);
  *runs = (batch_runs){0};
}

void batch_free(batch_buffer *batch) {
  batch_runs_free(&batch->order);
  free(batch->tensor.data);
  *batch = (batch_buffer){0};
}
