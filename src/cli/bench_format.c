/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_format.h"

#include <jansson.h>
#include <string.h>

#include "json_text.h"
#include "quantity.h"

enum { MODEL = 60 };

/* The time of the naive loop in this report, 0 if it was not measured. */
static double naive_us(const measure_report *report) {
  for (size_t i = 0; i < report->count; i++)
    if (strcmp(report->rows[i].algo, "naive") == 0) return report->rows[i].min_us;
  return 0;
}

static bool md_network(FILE *file, const bench_network *result, bench_place place) {
  char name[MODEL + 1], bytes[QUANTITY_SIZE];
  fprintf(file, "%s**%s** end to end\n\n", place.index ? "\n" : "", quantity_name(result->model, MODEL, name));
  fprintf(file, "| %8s | %12s | %12s | %12s | %10s |\n", "batch", "min us", "median us", "images/s", "peak memory");
  fputs("|---------:|-------------:|-------------:|-------------:|------------:|\n", file);
  fprintf(file, "| %8zu | %12.2f | %12.2f | %12.2f | %11s |\n", result->batch, result->min_us, result->median_us,
          result->images_per_s, quantity_bytes(result->peak_bytes, bytes));
  return true;
}

/* A table a problem; columns are padded, so that it can be read as it is. */
static bool md_report(FILE *file, const measure_report *report, bench_place place) {
  const problem_spec *problem = report->problem;
  const double naive = naive_us(report);
  fprintf(file, "%s**%s**%s%s\n\n", place.index ? "\n" : "", *problem->name ? problem->name : problem->text,
          *problem->name ? " " : "", *problem->name ? problem->text : "");
  fprintf(file, "| %-18s | %12s | %12s | %8s | %9s | %9s | %10s | %12s |\n", "algorithm", "min us", "median us",
          "GFLOP/s", "vs naive", "error", "workspace", "plan us");
  fputs("|--------------------|-------------:|-------------:|---------:|----------:|----------:|-----------:|"
        "-------------:|\n",
        file);
  for (size_t i = 0; i < report->count; i++) {
    const measure_row *row = &report->rows[i];
    char algo[64], times[16] = "-", bytes[QUANTITY_SIZE];
    const bool planned = strcmp(row->algo, "auto") == 0;
    snprintf(algo, sizeof algo, "%s%s%s%s", row->algo, planned ? " (" : "", planned ? report->picked : "",
             planned ? ")" : "");
    if (naive > 0) snprintf(times, sizeof times, "%.2fx", naive / row->min_us);
    fprintf(file, "| %-18s | %12.2f | %12.2f | %8.2f | %9s | %9.2e | %10s | %12.2f |\n", algo, row->min_us,
            row->median_us, row->gflops, times, row->rel_l2_err, quantity_bytes(row->workspace_bytes, bytes),
            row->plan_us);
  }
  return true;
}

static json_t *json_row(const measure_report *report, const measure_row *row) {
  return json_pack("{s:o, s:s, s:s, s:I, s:s, s:f, s:f, s:f, s:o, s:I, s:f}", "problem",
                   json_text(report->problem->text), "algo", row->algo, "picked", report->picked, "threads",
                   (json_int_t)report->threads, "isa", report->isa, "min_us", row->min_us, "median_us", row->median_us,
                   "gflops", row->gflops, "rel_l2_err", json_number(row->rel_l2_err), "workspace_bytes",
                   (json_int_t)row->workspace_bytes, "plan_us", row->plan_us);
}

static json_t *json_network(const bench_network *result) {
  return json_pack("{s:o, s:I, s:I, s:f, s:f, s:f, s:I}", "model", json_text(result->model), "batch",
                   (json_int_t)result->batch, "threads", (json_int_t)result->threads, "min_us", result->min_us,
                   "median_us", result->median_us, "images_per_s", result->images_per_s, "peak_bytes",
                   (json_int_t)result->peak_bytes);
}

/* Takes `object`, which may be NULL: no memory. */
static bool print_object(FILE *file, json_t *object, const char *before, const char *after) {
  if (!object) return false;
  fputs(before, file);
  json_dumpf(object, file, JSON_REAL_PRECISION(9)); /* whether it arrives is seen when the stream is flushed */
  json_decref(object);
  fputs(after, file);
  return true;
}

static bool jsonl_network(FILE *file, const bench_network *result, bench_place place) {
  (void)place;
  return print_object(file, json_network(result), "", "\n");
}

static bool jsonl_report(FILE *file, const measure_report *report, bench_place place) {
  (void)place;
  for (size_t i = 0; i < report->count; i++)
    if (!print_object(file, json_row(report, &report->rows[i]), "", "\n")) return false;
  return true;
}

static void json_begin(FILE *file, bench_place place) {
  (void)place;
  fputc('[', file);
}

static bool json_one_network(FILE *file, const bench_network *result, bench_place place) {
  return print_object(file, json_network(result), place.index ? ",\n" : "\n", "");
}

static bool json_report(FILE *file, const measure_report *report, bench_place place) {
  for (size_t i = 0; i < report->count; i++)
    if (!print_object(file, json_row(report, &report->rows[i]), place.index + i ? ",\n" : "\n", "")) return false;
  return true;
}

static void json_end(FILE *file) {
  fputs("\n]\n", file);
}

/* With networks there are columns that only they have, and cells that stay empty. */
static void csv_begin(FILE *file, bench_place place) {
  fputs("problem,algo,picked,threads,isa,min_us,median_us,gflops,rel_l2_err,workspace_bytes,plan_us", file);
  fputs(place.networks ? ",model,batch,images_per_s,peak_bytes\n" : "\n", file);
}

static void csv_text(FILE *file, const char *text) {
  fputc('"', file);
  for (; *text; text++) fputs(*text == '"' ? "\"\"" : (char[]){*text, '\0'}, file);
  fputc('"', file);
}

static bool csv_network(FILE *file, const bench_network *result, bench_place place) {
  (void)place;
  fprintf(file, ",,,%zu,,%.9g,%.9g,,,,,", result->threads, result->min_us, result->median_us);
  csv_text(file, result->model);
  fprintf(file, ",%zu,%.9g,%zu\n", result->batch, result->images_per_s, result->peak_bytes);
  return true;
}

static bool csv_report(FILE *file, const measure_report *report, bench_place place) {
  for (size_t i = 0; i < report->count; i++) {
    const measure_row *row = &report->rows[i];
    csv_text(file, report->problem->text);
    fprintf(file, ",%s,%s,%zu,%s,%.9g,%.9g,%.9g,%.9g,%zu,%.9g", row->algo, report->picked, report->threads, report->isa,
            row->min_us, row->median_us, row->gflops, row->rel_l2_err, row->workspace_bytes, row->plan_us);
    fputs(place.networks ? ",,,,\n" : "\n", file);
  }
  return true;
}

static const bench_format formats[] = {
    {"md", NULL, md_network, md_report, NULL},
    {"jsonl", NULL, jsonl_network, jsonl_report, NULL},
    {"csv", csv_begin, csv_network, csv_report, NULL},
    {"json", json_begin, json_one_network, json_report, json_end},
};

const bench_format *bench_format_named(const char *name) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (strcmp(formats[i].name, name) == 0) return &formats[i];
  return NULL;
}

const char *bench_format_names(void) {
  return "md, jsonl, csv or json";
}
