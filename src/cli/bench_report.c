/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_report.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_charts.h"
#include "outfile.h"
#include "quantity.h"
#include "unfurl/blas.h"
#include "unfurl/cpu.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>unfurl bench</title>\n<style>\n"
    "body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 2em auto; max-width: 62em;\n"
    "       padding: 0 1em; }\n"
    "h2 { margin: 2em 0 .5em; font-size: 1.15em; }\n"
    "h3 { margin: 1.8em 0 .4em; font-size: 1em; font-weight: 600; }\n"
    "code { color: #555; font-size: .9em; font-weight: 400; overflow-wrap: anywhere; }\n"
    "table { border-collapse: collapse; font-variant-numeric: tabular-nums; }\n"
    "th, td { padding: .2em .8em; text-align: right; border-bottom: 1px solid #e4e4e4; }\n"
    "th { font-weight: 600; border-bottom-color: #999; }\n"
    "th:first-child, td:first-child { text-align: left; }\n"
    ".best td { background: #eaf5ee; }\n"
    ".chart { overflow-x: auto; }\n"
    "svg { min-width: 45em; height: auto; }\n"
    "p { color: #555; }\n"
    "</style>\n</head>\n<body>\n<h1>unfurl bench</h1>\n";

/* Names come from model files, and must stay text. */
static void put_text(FILE *file, const char *text) {
  for (; *text; text++) {
    if (*text == '<')
      fputs("&lt;", file);
    else if (*text == '&')
      fputs("&amp;", file);
    else
      fputc(*text == '\n' ? ' ' : *text, file);
  }
}

static void put_machine(FILE *file, const bench_results *results) {
  char date[32];
  const time_t now = time(NULL);
  const char *core = unfurl_blas_core();
  const size_t threads = results->network_count  ? results->networks[0].threads
                         : results->report_count ? results->reports[0].threads
                                                 : 1;
  strftime(date, sizeof date, "%Y-%m-%d %H:%M", localtime(&now));
  fprintf(file, "<p>%s. unfurl %s, %s%s%s, %s, %zu thread%s.</p>\n", date, unfurl_version(), unfurl_blas_name(),
          *core ? " core " : "", core, unfurl_isa_name(unfurl_cpu_isa()), threads, threads == 1 ? "" : "s");
}

static void put_networks(FILE *file, const bench_results *results) {
  if (results->network_count == 0) return;
  fputs("<h2>Networks, end to end</h2>\n<table>\n<tr><th>model</th><th>batch</th><th>min &micro;s</th>"
        "<th>median &micro;s</th><th>images/s</th><th>peak memory</th></tr>\n",
        file);
  for (size_t i = 0; i < results->network_count; i++) {
    const bench_network *result = &results->networks[i];
    char bytes[QUANTITY_SIZE];
    fputs("<tr><td>", file);
    put_text(file, result->model);
    fprintf(file, "</td><td>%zu</td><td>%.2f</td><td>%.2f</td><td>%.2f</td><td>%s</td></tr>\n", result->batch,
            result->min_us, result->median_us, result->images_per_s, quantity_bytes(result->peak_bytes, bytes));
  }
  fputs("</table>\n", file);
}

/* The fastest solver; sgemm is no whole convolution. */
static const measure_row *find_best(const measure_report *report) {
  const measure_row *best = NULL;
  for (size_t i = 0; i < report->count; i++) {
    const measure_row *row = &report->rows[i];
    if (strcmp(row->algo, "sgemm") != 0 && (!best || row->min_us < best->min_us)) best = row;
  }
  return best;
}

static void put_report(FILE *file, const measure_report *report) {
  const measure_row *best = find_best(report);
  fputs("<h3>", file);
  put_text(file, report->problem->name);
  fputs(" <code>", file);
  put_text(file, report->problem->text);
  fputs("</code></h3>\n<table>\n<tr><th>algorithm</th><th>min &micro;s</th><th>median &micro;s</th><th>GFLOP/s</th>"
        "<th>error</th><th>workspace</th><th>plan &micro;s</th></tr>\n",
        file);
  for (size_t i = 0; i < report->count; i++) {
    const measure_row *row = &report->rows[i];
    char bytes[QUANTITY_SIZE];
    const bool is_auto = strcmp(row->algo, "auto") == 0;
    fprintf(file,
            "<tr%s><td>%s%s%s%s</td><td>%.2f</td><td>%.2f</td><td>%.2f</td><td>%.1e</td><td>%s</td><td>%.2f</td>"
            "</tr>\n",
            row == best ? " class=\"best\"" : "", row->algo, is_auto ? " (" : "", is_auto ? report->picked : "",
            is_auto ? ")" : "", row->min_us, row->median_us, row->gflops, row->rel_l2_err,
            quantity_bytes(row->workspace_bytes, bytes), row->plan_us);
  }
  fputs("</table>\n", file);
}

static unfurl_status put_chart(FILE *file, bench_chart chart, const bench_results *results, unfurl_error *error) {
  char *svg;
  const unfurl_status status = bench_chart_draw(chart, results, &svg, error);
  if (status != UNFURL_OK) return status;
  fprintf(file, "<div class=\"chart\">\n%s</div>\n", svg);
  free(svg);
  return UNFURL_OK;
}

static unfurl_status put_problems(FILE *file, const bench_results *results, unfurl_error *error) {
  size_t rows = 0;
  for (size_t i = 0; i < results->report_count; i++) rows += results->reports[i].count;
  if (rows == 0) return UNFURL_OK;
  fputs("<h2>Convolutions</h2>\n<p>With bias and ReLU, verified against the naive loop. sgemm is the bare matrix "
        "product, without unrolling, bias and ReLU.</p>\n",
        file);
  unfurl_status status = put_chart(file, BENCH_CHART_GFLOPS, results, error);
  if (status == UNFURL_OK) status = put_chart(file, BENCH_CHART_TIME, results, error);
  for (size_t i = 0; i < results->report_count; i++)
    if (results->reports[i].count > 0) put_report(file, &results->reports[i]);
  return status;
}

unfurl_status bench_report_write(const char *path, const bench_results *results, unfurl_error *error) {
  outfile_handle out;
  unfurl_status status = outfile_open(&out, path, error);
  if (status == UNFURL_OK) {
    fputs(head, out.stream);
    put_machine(out.stream, results);
    put_networks(out.stream, results);
    status = put_problems(out.stream, results, error);
  }
  if (status == UNFURL_OK) {
    fputs("</body>\n</html>\n", out.stream);
    return outfile_commit(&out, error);
  }
  outfile_discard(&out);
  return status;
}
