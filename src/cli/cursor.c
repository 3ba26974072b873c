/* SPDX-License-Identifier: BSD-2-Clause */
#include "cursor.h"

#include <stdlib.h>

#include "checked.h"
#include "fault.h"
#include "sniff.h"
#include "spool.h"

/* One row may be as large as all that a session takes by default; several rows are no larger together than a slice. */
static const size_t most_bytes = (size_t)4 << 30, slice_bytes = (size_t)64 << 20;

/* How many of `rows` rows are read at once; at least one. */
static size_t slice_rows(const cursor *reader, size_t rows) {
  const size_t fit = slice_bytes / reader->source.row_bytes;
  if (rows > reader->most_rows) rows = reader->most_rows;
  if (rows > fit) rows = fit;
  return rows ? rows : 1;
}

/* Has neither rows nor an owner. */
static portion no_memory = {.error = {UNFURL_OUT_OF_MEMORY, "out of memory"}};

static unfurl_status open_item(cursor *reader, const input_item *item, unfurl_error *error) {
  char copy[32];
  unfurl_status status = item->error.status;
  if (status != UNFURL_OK) {
    if (error) *error = item->error;
    return status;
  }
  if (item->is_stdin) status = spool_stdin(copy, error);
  if (status != UNFURL_OK) return status;
  return source_open(&reader->source, item->is_stdin ? copy : item->name, &reader->target, error);
}

/* Rows that are not wanted go where the wanted ones will. */
static unfurl_status discard(cursor *reader, size_t rows, size_t *gone, unfurl_error *error) {
  size_t size = reader->source.row_bytes, count = 1;
  const size_t slice = slice_rows(reader, rows);
  *gone = 0;
  if (rows == 0) return UNFURL_OK;
  void *data = checked_mul(&size, slice) && size <= most_bytes ? malloc(size) : NULL;
  unfurl_status status = data ? UNFURL_OK : fault_memory(error);
  while (status == UNFURL_OK && *gone < rows && count > 0) {
    const size_t left = rows - *gone;
    status = source_read(&reader->source, left < slice ? left : slice, data, &count, error);
    *gone += count;
  }
  free(data);
  return status;
}

void cursor_begin(cursor *reader) {
  reader->open = reader->ended = false;
  reader->index = 0;
  reader->source = (source_stream){0};
}

static unfurl_status allocate(cursor *reader, portion *part, size_t rows, unfurl_error *error) {
  size_t size = reader->source.row_bytes;
  if (!checked_mul(&size, rows) || size > most_bytes)
    return fault_set(error, UNFURL_TOO_LARGE, "needs more than %zu GiB for one row", most_bytes >> 30);
  if (reader->reserve && !reader->reserve(reader->reserve_user, size))
    return fault_set(error, UNFURL_IO_ERROR, "was not read: the run was stopped");
  part->held = size;
  part->data = malloc(size);
  return part->data ? UNFURL_OK : fault_memory(error);
}

static unfurl_status read_part(cursor *reader, portion *part, unfurl_error *error) {
  const size_t rows = slice_rows(reader, reader->source.rows - reader->index);
  part->shape = reader->source.shape;
  part->row_bytes = reader->source.row_bytes;
  part->first = reader->index;
  unfurl_status status = allocate(reader, part, rows, error);
  if (status == UNFURL_OK) status = source_read(&reader->source, rows, part->data, &part->rows, error);
  reader->index += part->rows;
  if (status == UNFURL_OK && part->rows == 0) status = fault_set(error, UNFURL_BAD_FILE, "ends early");
  return status;
}

/* Opens the item and leaves out what is to be left out. */
static unfurl_status start(cursor *reader, const input_item *item, unfurl_error *error) {
  reader->open = true;
  unfurl_status status = open_item(reader, item, error);
  if (status == UNFURL_OK) status = discard(reader, item->skip, &reader->index, error);
  return status;
}

/* A file that is called an image and has given nothing was meant to be one, whatever its first bytes look like. */
static bool is_one_image(const cursor *reader, const input_item *item) {
  const source_reader *kind = reader->source.reader;
  return !kind || kind == &source_image || (reader->index == 0 && item->name && folder_is_image(item->name));
}

portion *cursor_next(cursor *reader, const input_item *item) {
  if (reader->ended || (reader->open && reader->index == reader->source.rows)) return NULL;
  portion *part = calloc(1, sizeof *part);
  if (!part) {
    reader->ended = true;
    return &no_memory;
  }
  unfurl_status status = UNFURL_OK;
  if (!reader->open) status = start(reader, item, &part->error);
  part->first = reader->index;
  if (status == UNFURL_OK) status = read_part(reader, part, &part->error);
  part->error.status = status;
  part->one_image = is_one_image(reader, item);
  reader->ended = status != UNFURL_OK;
  return part;
}

void cursor_end(cursor *reader) {
  source_close(&reader->source);
}

size_t cursor_pass(cursor *reader, input_item *item, size_t most) {
  sniff_kind kind = SNIFF_UNKNOWN;
  if (item->error.status == UNFURL_OK && !item->is_stdin) sniff_file(item->name, &kind, NULL);
  if (!item->is_stdin && (kind == SNIFF_UNKNOWN || kind == SNIFF_EMPTY || kind == SNIFF_IMAGE)) return 1;
  size_t gone = 0;
  cursor_begin(reader);
  unfurl_status status = open_item(reader, item, NULL);
  const size_t rows = reader->source.rows;
  if (status == UNFURL_OK) status = discard(reader, rows < most ? rows : most, &gone, NULL);
  cursor_end(reader);
  if (status != UNFURL_OK && gone < most) return gone + 1;
  item->skip = status != UNFURL_OK || gone < rows ? gone : 0;
  return gone;
}

void portion_free(portion *part) {
  if (!part || part == &no_memory) return;
  free(part->data);
  free(part);
}
