/* SPDX-License-Identifier: BSD-2-Clause */
/* The formats that keep outputs as arrays: .npy has the first, .npz all of them.
 *
 * Rows of several arrays come interleaved, and a zip archive wants one whole member after the other; so the arrays of
 * a .npz file are written to temporary files beside it, and put together at the end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "npz_writer.h"
#include "output.h"
#include "spool.h"

static unfurl_status begin_array(output_sink *sink, const output_results *results, size_t index, unfurl_error *error) {
  output_array *array = &sink->arrays[index];
  unfurl_status status = UNFURL_OK;
  if (sink->format == &output_npz) {
    array->name = strdup(results->names[index]);
    status = array->name ? spool_open(sink->file.path, &array->file, error) : fault_memory(error);
  } else {
    array->file = sink->file.stream;
  }
  if (status != UNFURL_OK) return status;
  status = npy_writer_begin(&array->writer, array->file, &results->tensors[index], error);
  return status == UNFURL_OK ? npy_writer_blank(&array->writer, sink->held_rows, error) : status;
}

/* The first good rows say what arrays there are, and what their rows look like. */
static unfurl_status begin_arrays(output_sink *sink, const output_results *results, unfurl_error *error) {
  sink->array_count = results->count;
  sink->arrays = calloc(results->count, sizeof *sink->arrays);
  if (!sink->arrays) return fault_memory(error);
  sink->written = true;
  unfurl_status status = UNFURL_OK;
  for (size_t i = 0; status == UNFURL_OK && i < results->count; i++) status = begin_array(sink, results, i, error);
  return status;
}

/* `rows` rows of `tensor` from row `first` on. */
static unfurl_status add_good(npy_writer *writer, const unfurl_tensor *tensor, size_t first, size_t rows,
                              unfurl_error *error) {
  unfurl_tensor part = *tensor;
  part.data = (char *)tensor->data + first * writer->row_bytes;
  return npy_writer_rows(writer, &part, rows, error);
}

/* A row stands for an image, so files of which nobody knows how many images they were have none. */
static size_t blank_rows(const batch_run *failed) {
  return failed->aligned ? failed->rows : 0;
}

/* Good rows and blank ones, in order. Where all is one run of the model, each output has as many rows as it has. */
static unfurl_status add_rows(npy_writer *writer, const output_results *results, size_t index, unfurl_error *error) {
  const batch_runs *order = results->order;
  const unfurl_tensor *tensor = results->count ? &results->tensors[index] : NULL;
  if (results->whole) return add_good(writer, tensor, 0, tensor->rank ? (size_t)tensor->dims[0] : 1, error);
  unfurl_status status = UNFURL_OK;
  for (size_t i = 0, row = 0; status == UNFURL_OK && i < order->count; i++) {
    const batch_run *run = &order->runs[i];
    if (run->failure) {
      status = npy_writer_blank(writer, blank_rows(run), error);
    } else {
      status = add_good(writer, tensor, row, run->rows, error);
      row += run->rows;
    }
  }
  return status;
}

static unfurl_status array_rows(output_sink *sink, const output_results *results, unfurl_error *error) {
  unfurl_status status = UNFURL_OK;
  if (!sink->arrays && results->count == 0) {
    for (size_t i = 0; i < results->order->count; i++) sink->held_rows += blank_rows(&results->order->runs[i]);
    return UNFURL_OK;
  }
  if (!sink->arrays) status = begin_arrays(sink, results, error);
  for (size_t i = 0; status == UNFURL_OK && i < sink->array_count; i++) {
    status = add_rows(&sink->arrays[i].writer, results, i, error);
    if (status == UNFURL_OK && fflush(sink->arrays[i].file) != 0) status = fault_errno(error, "can't write it");
  }
  return status;
}

static unfurl_status end_arrays(output_sink *sink, unfurl_error *error) {
  unfurl_status status = UNFURL_OK;
  for (size_t i = 0; sink->arrays && status == UNFURL_OK && i < sink->array_count; i++)
    status = npy_writer_end(&sink->arrays[i].writer, error);
  return status;
}

static unfurl_status end_npz(output_sink *sink, unfurl_error *error) {
  unfurl_status status = end_arrays(sink, error);
  if (status != UNFURL_OK || !sink->arrays) return status;
  npz_part *parts = calloc(sink->array_count, sizeof *parts);
  if (!parts) return fault_memory(error);
  for (size_t i = 0; i < sink->array_count; i++) {
    parts[i] = (npz_part){.name = sink->arrays[i].name, .file = sink->arrays[i].file};
    sink->arrays[i].file = NULL;
  }
  status = npz_write(sink->file.stream, parts, sink->array_count, error);
  free(parts);
  return status;
}

const output_format output_npy = {
    .extension = ".npy", .outputs = 1, .seekable = true, .rows = array_rows, .end = end_arrays};
const output_format output_npz = {
    .extension = ".npz", .outputs = SIZE_MAX, .seekable = true, .rows = array_rows, .end = end_npz};
