/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_charts.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "gnuplot.h"

enum { ALGOS = 32, LABEL = 32, BAR = 16, SPACE = 24, FRAME = 120, LEAST_WIDTH = 720 };

static const struct {
  const char *name, *axis, *scale;
} charts[] = {
    [BENCH_CHART_GFLOPS] = {"gflops", "GFLOP/s (shortest time)", "set yrange [0:*]\n"},
    [BENCH_CHART_TIME] = {"time", "median time, us", "set logscale y\nset format y '10^{%T}'\n"},
};

/* Colours that can be told apart by colour-blind eyes (M. Okabe, K. Ito). */
static const char *const colours[] = {"#999999", "#e69f00", "#56b4e9", "#009e73",
                                      "#0072b2", "#d55e00", "#cc79a7", "#222222"};

/* The algorithms of all reports, in the order in which they appear first. */
static size_t list_algos(const bench_results *results, const char *algos[ALGOS]) {
  size_t count = 0;
  for (size_t r = 0; r < results->report_count; r++)
    for (size_t i = 0; i < results->reports[r].count; i++) {
      const char *algo = results->reports[r].rows[i].algo;
      size_t at = 0;
      while (at < count && strcmp(algos[at], algo) != 0) at++;
      if (at == count && count < ALGOS) algos[count++] = algo;
    }
  return count;
}

static const measure_row *find_row(const measure_report *report, const char *algo) {
  for (size_t i = 0; i < report->count; i++)
    if (strcmp(report->rows[i].algo, algo) == 0) return &report->rows[i];
  return NULL;
}

/* Names come from model files: only what means nothing to gnuplot is left of them. */
static void put_label(FILE *script, const problem_spec *problem) {
  static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._:-";
  const char *text = *problem->name ? problem->name : problem->text;
  const size_t length = strlen(text);
  if (length > LABEL) text += length - LABEL; /* the end tells more than the beginning */
  fputc('"', script);
  for (; *text; text++) fputc(strchr(harmless, *text) ? *text : '_', script);
  fputc('"', script);
}

static void put_data(FILE *script, bench_chart chart, const bench_results *results, const char *const *algos,
                     size_t count) {
  fputs("$data << EOD\n", script);
  for (size_t r = 0; r < results->report_count; r++) {
    const measure_report *report = &results->reports[r];
    if (report->count == 0) continue;
    put_label(script, report->problem);
    for (size_t i = 0; i < count; i++) {
      const measure_row *row = find_row(report, algos[i]);
      if (row)
        fprintf(script, " %.9g", chart == BENCH_CHART_TIME ? row->median_us : row->gflops);
      else
        fputs(" -", script);
    }
    fputc('\n', script);
  }
  fputs("EOD\n", script);
}

static void put_script(FILE *script, bench_chart chart, const bench_results *results) {
  const char *algos[ALGOS];
  const size_t count = list_algos(results, algos);
  const size_t wanted = FRAME + results->report_count * (count * BAR + SPACE);
  fprintf(script, "set terminal svg size %zu,440 dynamic font 'sans-serif,12' name '%s'\n",
          wanted > LEAST_WIDTH ? wanted : LEAST_WIDTH, charts[chart].name);
  fprintf(script, "set ylabel '%s'\n%s", charts[chart].axis, charts[chart].scale);
  fputs("set datafile missing '-'\n"
        "set style data histograms\nset style histogram clustered gap 1\nset style fill solid noborder\n"
        "set boxwidth 0.9\nset grid y lc rgb '#dddddd'\nset border 3 lc rgb '#888888'\nset tics nomirror out\n"
        "set xtics rotate by -30 noenhanced\nset key outside top center horizontal noenhanced\n",
        script);
  put_data(script, chart, results, algos, count);
  for (size_t i = 0; i < count; i++)
    fprintf(script, "%s $data using %zu:xtic(1) title '%s' lc rgb '%s'", i ? "," : "plot", i + 2, algos[i],
            colours[i % (sizeof colours / sizeof *colours)]);
  fputc('\n', script);
}

unfurl_status bench_chart_draw(bench_chart chart, const bench_results *results, char **svg, unfurl_error *error) {
  size_t size;
  *svg = NULL;
  FILE *script = tmpfile();
  if (!script) return fault_errno(error, "can't make a temporary file");
  put_script(script, chart, results);
  const unfurl_status status = gnuplot_run(script, svg, &size, error);
  fclose(script);
  if (status != UNFURL_OK) return status;
  const char *begin = strstr(*svg, "<svg"); /* the XML declaration before it does not belong in HTML */
  if (!begin) {
    free(*svg);
    *svg = NULL;
    return fault_set(error, UNFURL_IO_ERROR, "gnuplot drew no chart");
  }
  memmove(*svg, begin, strlen(begin) + 1);
  return UNFURL_OK;
}
