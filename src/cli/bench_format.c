/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_format.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "json_text.h"

/* The time of the naive loop in this report, 0 if it was not measured. */
static double naive_us(const measure_report *report) {
  for (size_t i = 0; i < report->count; i++)
    if (strcmp(report->rows[i].algo, "naive") == 0) return report->rows[i].min_us;
  return 0;
}

/* "12.3 MiB" */
static const char *bytes_text(size_t bytes, char text[16]) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
  double value = (double)bytes;
  size_t unit = 0;
  for (; value >= 1024 && unit < 3; unit++) value /= 1024;
  snprintf(text, 16, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text;
}

/* A table a problem; columns are padded, so that it can be read as it is. */
static bool md_report(FILE *file, const measure_report *report, size_t index) {
  const problem_spec *problem = report->problem;
  const double naive = naive_us(report);
  fprintf(file, "%s**%s**%s%s\n\n", index ? "\n" : "", *problem->name ? problem->name : problem->text,
          *problem->name ? " " : "", *problem->name ? problem->text : "");
  fprintf(file, "| %-18s | %12s | %12s | %8s | %9s | %9s | %10s | %12s |\n", "algorithm", "min us", "median us",
          "GFLOP/s", "vs naive", "error", "workspace", "plan us");
  fputs("|--------------------|-------------:|-------------:|---------:|----------:|----------:|-----------:|"
        "-------------:|\n",
        file);
  for (size_t i = 0; i < report->count; i++) {
    const measure_row *row = &report->rows[i];
    char algo[64], times[16] = "-", bytes[16];
    const bool planned = strcmp(row->algo, "auto") == 0;
    snprintf(algo, sizeof algo, "%s%s%s%s", row->algo, planned ? " (" : "", planned ? report->picked : "",
             planned ? ")" : "");
    if (naive > 0) snprintf(times, sizeof times, "%.2fx", naive / row->min_us);
    fprintf(file, "| %-18s | %12.2f | %12.2f | %8.2f | %9s | %9.2e | %10s | %12.2f |\n", algo, row->min_us,
            row->median_us, row->gflops, times, row->rel_l2_err, bytes_text(row->workspace_bytes, bytes), row->plan_us);
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

/* An object a row. The separators stand before the first, before each further one, and after each. */
static bool print_objects(FILE *file, const measure_report *report, const char *const separators[3]) {
  for (size_t i = 0; i < report->count; i++) {
    json_t *object = json_row(report, &report->rows[i]);
    if (!object) return false;
    fputs(separators[i > 0], file);
    json_dumpf(object, file, JSON_REAL_PRECISION(9)); /* whether it arrives is seen when the stream is flushed */
    json_decref(object);
    fputs(separators[2], file);
  }
  return true;
}

static bool jsonl_report(FILE *file, const measure_report *report, size_t index) {
  (void)index;
  return print_objects(file, report, (const char *const[]){"", "", "\n"});
}

static void json_begin(FILE *file) {
  fputc('[', file);
}

static bool json_report(FILE *file, const measure_report *report, size_t index) {
  return print_objects(file, report, (const char *const[]){index ? ",\n" : "\n", ",\n", ""});
}

static void json_end(FILE *file) {
  fputs("\n]\n", file);
}

static void csv_begin(FILE *file) {
  fputs("problem,algo,picked,threads,isa,min_us,median_us,gflops,rel_l2_err,workspace_bytes,plan_us\n", file);
}

static bool csv_report(FILE *file, const measure_report *report, size_t index) {
  (void)index;
  for (size_t i = 0; i < report->count; i++) {
    const measure_row *row = &report->rows[i];
    fputc('"', file);
    for (const char *at = report->problem->text; *at; at++) fputs(*at == '"' ? "\"\"" : (char[]){*at, '\0'}, file);
    fprintf(file, "\",%s,%s,%zu,%s,%.9g,%.9g,%.9g,%.9g,%zu,%.9g\n", row->algo, report->picked, report->threads,
            report->isa, row->min_us, row->median_us, row->gflops, row->rel_l2_err, row->workspace_bytes, row->plan_us);
  }
  return true;
}

static const bench_format formats[] = {
    {"md", NULL, md_report, NULL},
    {"jsonl", NULL, jsonl_report, NULL},
    {"csv", csv_begin, csv_report, NULL},
    {"json", json_begin, json_report, json_end},
};

const bench_format *bench_format_named(const char *name) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (strcmp(formats[i].name, name) == 0) return &formats[i];
  return NULL;
}

const char *bench_format_names(void) {
  return "md, jsonl, csv or json";
}
