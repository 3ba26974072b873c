/* SPDX-License-Identifier: BSD-2-Clause */
/* The formats that have a line an image: text, CSV (RFC 4180, but with plain newlines) and JSON lines. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "json_text.h"
#include "output.h"
#include "spool.h"

/* One image: its place, and its row in the results unless it failed. */
typedef struct line {
  const batch_run *run;
  size_t index; /* in its file */
  size_t row;
} line;

typedef unfurl_status line_writer(output_sink *sink, const output_results *results, const line *at,
                                  unfurl_error *error);

/* Calls good or failed for every image, in order. */
static unfurl_status write_lines(output_sink *sink, const output_results *results, line_writer *good,
                                 line_writer *failed, unfurl_error *error) {
  const batch_runs *order = results->order;
  size_t row = 0;
  for (size_t i = 0; i < order->count; i++) {
    line at = {.run = &order->runs[i], .index = order->runs[i].index};
    for (size_t left = at.run->rows; left > 0; left--, at.index++) {
      if (!at.run->failure) at.row = row++;
      const unfurl_status status = (at.run->failure ? failed : good)(sink, results, &at, error);
      if (status != UNFURL_OK) return status;
    }
  }
  return UNFURL_OK;
}

/* The best classes of row `row`, in sink->top; how many. */
static size_t select_top(const output_sink *sink, const output_results *results, size_t row) {
  size_t count;
  const float *scores = output_scores(results, row, &count);
  return top_select(scores, count, sink->most, sink->top);
}

static unfurl_status text_good(output_sink *sink, const output_results *results, const line *at, unfurl_error *error) {
  FILE *file = sink->file.stream;
  const size_t count = select_top(sink, results, at->row);
  (void)error; /* output_rows looks whether it arrived */
  fprintf(file, "%s[%zu]:", at->run->source, at->index);
  for (size_t i = 0; i < count; i++) {
    const char *label = labels_name(sink->labels, sink->top[i].index);
    fprintf(file, "%s %zu%s%s %.6g", i ? "," : "", sink->top[i].index, label ? " " : "", label ? label : "",
            (double)sink->top[i].score);
  }
  fputc('\n', file);
  sink->written = true;
  return UNFURL_OK;
}

/* It was named on stderr, which is on the same terminal. */
static unfurl_status text_failed(output_sink *sink, const output_results *results, const line *at,
                                 unfurl_error *error) {
  (void)sink, (void)results, (void)at, (void)error;
  return UNFURL_OK;
}

static unfurl_status text_rows(output_sink *sink, const output_results *results, unfurl_error *error) {
  return write_lines(sink, results, text_good, text_failed, error);
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

static void csv_failure(output_sink *sink, const char *index, const char *source, const char *failure) {
  FILE *file = sink->file.stream;
  fprintf(file, "%s,", index);
  print_field(file, source);
  for (size_t i = 0; i < sink->columns; i++) fputs(",,,", file);
  fputc(',', file);
  print_field(file, failure);
  fputc('\n', file);
}

/* Writes the failures that were held back. */
static unfurl_status csv_replay(output_sink *sink, unfurl_error *error) {
  char *fields[3] = {NULL, NULL, NULL};
  size_t rooms[3] = {0, 0, 0};
  bool more = fseeko(sink->held, 0, SEEK_SET) == 0;
  while (more) {
    for (size_t i = 0; more && i < 3; i++) more = getdelim(&fields[i], &rooms[i], '\0', sink->held) > 0;
    if (more) csv_failure(sink, fields[0], fields[1], fields[2]);
  }
  const bool failed = ferror(sink->held) || !feof(sink->held);
  for (size_t i = 0; i < 3; i++) free(fields[i]);
  fclose(sink->held);
  sink->held = NULL;
  return failed ? fault_errno(error, "can't read a temporary file") : UNFURL_OK;
}

/* The number of columns is settled by the first good image: as many classes as are asked for and as it has. Failures
 * that came before it are held back until then. */
static unfurl_status csv_header(output_sink *sink, size_t classes, unfurl_error *error) {
  FILE *file = sink->file.stream;
  sink->columns = classes < sink->most ? classes : sink->most;
  fputs("index,source", file);
  for (size_t i = 0; i < sink->columns; i++) {
    char number[24] = "";
    if (i > 0) snprintf(number, sizeof number, "%zu", i + 1);
    fprintf(file, ",class%s,label%s,score%s", number, number, number);
  }
  fputs(",error\n", file);
  sink->header = sink->written = true;
  return sink->held ? csv_replay(sink, error) : UNFURL_OK;
}

static unfurl_status csv_good(output_sink *sink, const output_results *results, const line *at, unfurl_error *error) {
  FILE *file = sink->file.stream;
  const size_t count = select_top(sink, results, at->row);
  (void)error;
  fprintf(file, "%zu,", at->index);
  print_field(file, at->run->source);
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
  fputs(",\n", file);
  return UNFURL_OK;
}

static unfurl_status csv_failed(output_sink *sink, const output_results *results, const line *at, unfurl_error *error) {
  char index[24];
  (void)results;
  snprintf(index, sizeof index, "%zu", at->index);
  if (sink->header) {
    csv_failure(sink, index, at->run->source, at->run->failure);
    return UNFURL_OK;
  }
  if (!sink->held) {
    const unfurl_status status = spool_open(sink->file.path, &sink->held, error);
    if (status != UNFURL_OK) return status;
  }
  const char *const fields[] = {index, at->run->source, at->run->failure};
  for (size_t i = 0; i < 3; i++)
    if (fwrite(fields[i], strlen(fields[i]) + 1, 1, sink->held) != 1) return fault_errno(error, "can't write it");
  return UNFURL_OK;
}

static unfurl_status csv_rows(output_sink *sink, const output_results *results, unfurl_error *error) {
  size_t classes;
  unfurl_status status = UNFURL_OK;
  if (results->count > 0 && !sink->header) {
    output_scores(results, 0, &classes);
    status = csv_header(sink, classes, error);
  }
  return status == UNFURL_OK ? write_lines(sink, results, csv_good, csv_failed, error) : status;
}

/* Nothing was good: the failures make a table without classes. */
static unfurl_status csv_end(output_sink *sink, unfurl_error *error) {
  return sink->held ? csv_header(sink, 0, error) : UNFURL_OK;
}

/* class, label (if there is one) and score into `object`. */
static bool json_class(json_t *object, const label_list *labels, const top_class *top) {
  const char *label = labels_name(labels, top->index);
  bool good = json_object_set_new(object, "class", json_integer((json_int_t)top->index)) == 0;
  if (label) good = json_object_set_new(object, "label", json_text(label)) == 0 && good;
  return json_object_set_new(object, "score", json_number((double)top->score)) == 0 && good;
}

static json_t *json_place(const line *at) {
  json_t *object = json_object();
  bool good = json_object_set_new(object, "index", json_integer((json_int_t)at->index)) == 0;
  good = json_object_set_new(object, "source", json_text(at->run->source)) == 0 && good;
  if (good) return object;
  json_decref(object);
  return NULL;
}

/* Writes and frees `object`; NULL: there was no memory for it. */
static unfurl_status json_line(output_sink *sink, json_t *object, unfurl_error *error) {
  if (!object) return fault_memory(error);
  const int failed = json_dumpf(object, sink->file.stream, JSON_COMPACT | JSON_REAL_PRECISION(9));
  json_decref(object);
  if (failed) return fault_errno(error, "can't write it");
  fputc('\n', sink->file.stream);
  sink->written = true;
  return UNFURL_OK;
}

static unfurl_status jsonl_good(output_sink *sink, const output_results *results, const line *at, unfurl_error *error) {
  json_t *object = json_place(at), *list = json_array();
  const size_t count = select_top(sink, results, at->row);
  bool good = count == 0 || json_class(object, sink->labels, &sink->top[0]);
  for (size_t i = 0; i < count; i++) {
    json_t *entry = json_object();
    good = json_class(entry, sink->labels, &sink->top[i]) && good;
    good = json_array_append_new(list, entry) == 0 && good;
  }
  good = json_object_set_new(object, "top", list) == 0 && good;
  if (good) return json_line(sink, object, error);
  json_decref(object);
  return fault_memory(error);
}

static unfurl_status jsonl_failed(output_sink *sink, const output_results *results, const line *at,
                                  unfurl_error *error) {
  json_t *object = json_place(at);
  (void)results;
  if (json_object_set_new(object, "error", json_text(at->run->failure)) == 0) return json_line(sink, object, error);
  json_decref(object);
  return fault_memory(error);
}

static unfurl_status jsonl_rows(output_sink *sink, const output_results *results, unfurl_error *error) {
  return write_lines(sink, results, jsonl_good, jsonl_failed, error);
}

const output_format output_text = {.extension = "", .default_top = 1, .outputs = 1, .scores = true, .rows = text_rows};
const output_format output_csv = {
    .extension = ".csv", .default_top = 5, .outputs = 1, .scores = true, .rows = csv_rows, .end = csv_end};
const output_format output_jsonl = {
    .extension = ".jsonl", .default_top = 5, .outputs = 1, .scores = true, .rows = jsonl_rows};
