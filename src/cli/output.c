/* SPDX-License-Identifier: BSD-2-Clause */
#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "checked.h"
#include "fault.h"

static const output_format *const formats[] = {&output_npy, &output_npz, &output_csv, &output_jsonl};

static bool ends_with(const char *text, const char *end) {
  const size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

const output_format *output_format_for(const char *path) {
  struct stat info;
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (ends_with(path, formats[i]->extension)) return formats[i];
  if (strcmp(path, "-") == 0 || strncmp(path, "/dev/", 5) == 0) return &output_text;
  return stat(path, &info) == 0 && !S_ISREG(info.st_mode) ? &output_text : NULL;
}

unfurl_status output_open(output_sink *sink, const output_format *format, const char *path, size_t top,
                          unfurl_error *error) {
  size_t size = sizeof *sink->top;
  *sink = (output_sink){.format = format, .most = top ? top : format->default_top};
  if (sink->most == 0) sink->most = 1;
  if (!checked_mul(&size, sink->most) || !(sink->top = malloc(size))) return fault_memory(error);
  const unfurl_status status = outfile_open(&sink->file, path ? path : "-", error);
  if (status == UNFURL_OK && format->seekable && fseek(sink->file.stream, 0, SEEK_CUR) != 0)
    return fault_set(error, UNFURL_IO_ERROR, "a %s file can't be written to a pipe", format->extension);
  return status;
}

unfurl_status output_rows(output_sink *sink, const output_results *results, unfurl_error *error) {
  const unfurl_tensor *first = results->count ? &results->tensors[0] : NULL;
  if (first && sink->format->scores && first->dtype != UNFURL_F32)
    return fault_set(error, UNFURL_UNSUPPORTED,
                     "output '%.100s' holds %s, which are no scores; -o FILE.npy can take it", results->names[0],
                     unfurl_dtype_name(first->dtype));
  const unfurl_status status = sink->format->rows(sink, results, error);
  return status == UNFURL_OK ? outfile_flush(&sink->file, error) : status;
}

unfurl_status output_commit(output_sink *sink, unfurl_error *error) {
  unfurl_status status = UNFURL_OK;
  if (sink->format->end) status = sink->format->end(sink, error);
  if (sink->written && status == UNFURL_OK) status = outfile_commit(&sink->file, error);
  output_discard(sink);
  return status;
}

static void close_array(output_array *array) {
  if (array->file && array->name) fclose(array->file);
  free(array->name);
}

void output_discard(output_sink *sink) {
  for (size_t i = 0; sink->arrays && i < sink->array_count; i++) close_array(&sink->arrays[i]);
  free(sink->arrays);
  sink->arrays = NULL;
  if (sink->held) fclose(sink->held);
  sink->held = NULL;
  outfile_discard(&sink->file);
  free(sink->top);
  sink->top = NULL;
}

const float *output_scores(const output_results *results, size_t row, size_t *count) {
  const unfurl_tensor *tensor = &results->tensors[0];
  *count = 1;
  for (size_t i = 1; i < tensor->rank; i++) *count *= (size_t)tensor->dims[i];
  return (const float *)tensor->data + row * *count;
}
