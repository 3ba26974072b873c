/* SPDX-License-Identifier: BSD-2-Clause */
/* The results of `unfurl bench` as one HTML file that needs nothing beside it: tables, and charts as SVG (gnuplot). */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "bench_run.h"

/* Writes `path`. IO_ERROR, OUT_OF_MEMORY, UNSUPPORTED (no gnuplot). */
unfurl_status bench_report_write(const char *path, const bench_results *results, unfurl_error *error);

#endif
