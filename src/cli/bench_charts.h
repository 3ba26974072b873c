/* SPDX-License-Identifier: BSD-2-Clause */
/* The charts of a report: for each problem, a bar for each algorithm. */
#ifndef CLI_BENCH_CHARTS_H
#define CLI_BENCH_CHARTS_H

#include "bench_run.h"

typedef enum bench_chart { BENCH_CHART_GFLOPS, BENCH_CHART_TIME } bench_chart;

/* An <svg> element, which the caller frees. Statuses as gnuplot_run; IO_ERROR. */
unfurl_status bench_chart_draw(bench_chart chart, const bench_results *results, char **svg, unfurl_error *error);

#endif
