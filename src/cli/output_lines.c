/* SPDX-License-Identifier: BSD-2-Clause */
/* The formats that have a line an image: text, CSV (RFC 4180, but with plain newlines) and JSON lines. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "fault.h"
#include "json_text.h"
#include "output.h"

/* The best classes of row `row`, in sink->top; how many. */
static size_t select_top(const output_sink *sink, const output_results *results, size_t row) {
  size_t count;
  const float *scores = output_scores(results, row, &count);
  return top_select(scores, count, sink->most, sink->top);
}

static const char *source_name(const output_results *results, size_t row) {
  return results->sources[results->origins[row].input];
}

static unfurl_status text_rows(output_sink *sink, const output_results *results, unfurl_error *error) {
  FILE *file = sink->file.stream;
  (void)error; /* output_rows looks whether it arrived */
  for (size_t row = 0; row < results->rows; row++) {
    const size_t count = select_top(sink, results, row);
    fprintf(file, "%s[%zu]:", source_name(results, row), results->origins[row].index);
    for (size_t i = 0; i < count; i++) {
      const char *label = labels_name(sink->labels, sink->top[i].index);
      fprintf(file, "%s %zu%s%s %.6g", i ? "," : "", sink->top[i].index, label ? " " : "", label ? label : "",
              (double)sink->top[i].score);
    }
    fputc('\n', file);
  }
  return UNFURL_OK;
}

/* A field with quotes around it where it needs them. */
static void print_field(FILE *file, const char *field) {
  if (!field[strcspn(field, ",\"\r\n")]) {
    fputs(field, file);
    return;
  }
  fputc('"', file);
  for (; *field; field++) {
    if (*field == '"') fputc('"', file);
    fputc(*field, file);
  }
  fputc('"', file);
}

/* The number of columns is settled by the first image: as many classes as are asked for and as it has. */
static void csv_header(output_sink *sink, const output_results *results) {
  FILE *file = sink->file.stream;
  size_t classes;
  output_scores(results, 0, &classes);
  sink->columns = classes < sink->most ? classes : sink->most;
  fputs("index,source", file);
  for (size_t i = 0; i < sink->columns; i++) {
    char number[24] = "";
    if (i > 0) snprintf(number, sizeof number, "%zu", i + 1);
    fprintf(file, ",class%s,label%s,score%s", number, number, number);
  }
  fputs("\n", file);
}

static unfurl_status csv_rows(output_sink *sink, const output_results *results, unfurl_error *error) {
  FILE *file = sink->file.stream;
  (void)error;
  if (!sink->begun) csv_header(sink, results);
  for (size_t row = 0; row < results->rows; row++) {
    const size_t count = select_top(sink, results, row);
    fprintf(file, "%zu,", results->origins[row].index);
    print_field(file, source_name(results, row));
    for (size_t i = 0; i < sink->columns; i++) {
      if (i >= count) {
        fputs(",,,", file);
        continue;
      }
      const char *label = labels_name(sink->labels, sink->top[i].index);
      fprintf(file, ",%zu,", sink->top[i].index);
      print_field(file, label ? label : "");
      fprintf(file, ",%.9g", (double)sink->top[i].score);
    }
    fputs("\n", file);
  }
  return UNFURL_OK;
}

/* class, label (if there is one) and score into `object`. */
static bool json_class(json_t *object, const label_list *labels, const top_class *top) {
  const char *label = labels_name(labels, top->index);
  bool good = json_object_set_new(object, "class", json_integer((json_int_t)top->index)) == 0;
  if (label) good = json_object_set_new(object, "label", json_text(label)) == 0 && good;
  return json_object_set_new(object, "score", json_number((double)top->score)) == 0 && good;
}

static json_t *json_row(const output_sink *sink, const output_results *results, size_t row) {
  json_t *object = json_object(), *list = json_array();
  const size_t count = select_top(sink, results, row);
  bool good = json_object_set_new(object, "index", json_integer((json_int_t)results->origins[row].index)) == 0;
  good = json_object_set_new(object, "source", json_text(source_name(results, row))) == 0 && good;
  if (count > 0) good = json_class(object, sink->labels, &sink->top[0]) && good;
  for (size_t i = 0; i < count; i++) {
    json_t *entry = json_object();
    good = json_class(entry, sink->labels, &sink->top[i]) && good;
    good = json_array_append_new(list, entry) == 0 && good;
  }
  good = json_object_set_new(object, "top", list) == 0 && good;
  if (good) return object;
  json_decref(object);
  return NULL;
}

static unfurl_status jsonl_rows(output_sink *sink, const output_results *results, unfurl_error *error) {
  for (size_t row = 0; row < results->rows; row++) {
    json_t *object = json_row(sink, results, row);
    if (!object) return fault_memory(error);
    const int failed = json_dumpf(object, sink->file.stream, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (failed) return fault_errno(error, "can't write it");
    fputc('\n', sink->file.stream);
  }
  return UNFURL_OK;
}

const output_format output_text = {.extension = "", .default_top = 1, .scores = true, .rows = text_rows};
const output_format output_csv = {.extension = ".csv", .default_top = 5, .scores = true, .rows = csv_rows};
const output_format output_jsonl = {.extension = ".jsonl", .default_top = 5, .scores = true, .rows = jsonl_rows};
