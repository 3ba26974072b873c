/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <time.h>

#include "../bench/peak.h"
#include "kernel_variants.h"
#include "support.h"

enum {
  DEPTH = 192,
  TILES = 8,
  CHANNELS = 64,
  PIXELS = 14,
  LINES = 2,
  WIDTH = 2 * PIXELS + 5,
  MOST_ROWS = UNFURL_TILE_ROWS_MAX
};

static float src[7 * WIDTH * CHANNELS], weights[DEPTH * UNFURL_TILE_COLS_MAX];
static float dst[TILES * MOST_ROWS * UNFURL_TILE_COLS_MAX + LINES * PIXELS * CHANNELS];
static size_t src_at[TILES * MOST_ROWS], dst_at[TILES * MOST_ROWS];
static const unfurl_epilogue epilogue = {.activation = UNFURL_ACTIVATION_RELU};

/* One measurement: a kernel and its argument, or a loop that does nothing but multiply and add. */
typedef struct job {
  const unfurl_kernels *kernels;
  const unfurl_tile *tile;
  const unfurl_depthwise *depthwise;
  const peak_loop *peak;
  double operations;
} job;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run(const job *j) {
  static volatile float kept;
  if (j->tile)
    j->kernels->tile(j->tile);
  else if (j->depthwise)
    j->kernels->depthwise(j->depthwise);
  else
    kept = j->peak->run(1000, kept * 0);
}

/* The shortest of many runs, in half a second. */
static double gflops(const job *j) {
  enum { TOGETHER = 16 };
  double least = 0;
  for (const double begin = now(); now() < begin + 0.5;) {
    const double start = now();
    for (int i = 0; i < TOGETHER; i++) run(j);
    const double seconds = (now() - start) / TOGETHER;
    if (least == 0 || seconds < least) least = seconds;
  }
  return 1e-9 * j->operations / least;
}

static void report(const kernel_variant *v, double peak, const char *what, const job *j) {
  const double speed = gflops(j);
  printf("%-18s %-24s %8.1f", v->name, what, speed);
  if (peak > 0) printf(" %7.0f %%", 100 * speed / peak);
  printf("\n");
}

static double peak_of(unfurl_isa isa) {
  for (size_t i = 0; i < peak_loop_count; i++)
    if (peak_loops[i].isa == isa)
      return gflops(&(job){.peak = &peak_loops[i], .operations = 1000 * peak_loops[i].operations});
  return 0;
}

/* Full tiles of `rows` rows, 3 runs, rows of src 64 floats apart. */
static void bench_tile(const kernel_variant *v, double peak, size_t rows, size_t cols) {
  char what[40];
  for (size_t i = 0; i < TILES * rows; i++) src_at[i] = i % 32 * CHANNELS, dst_at[i] = i * cols;
  const unfurl_tile tile = {.src = src,
                            .src_at = src_at,
                            .run_rows = 1,
                            .run_cols = 3,
                            .run_length = DEPTH / 3,
                            .run_col_stride = DEPTH / 3,
                            .weights = weights,
                            .weights_col_stride = DEPTH / 3 * v->kernels->cols,
                            .dst = dst,
                            .dst_at = dst_at,
                            .tiles = TILES,
                            .rows = rows,
                            .cols = cols,
                            .epilogue = &epilogue};
  const job j = {.kernels = v->kernels, .tile = &tile, .operations = 2.0 * TILES * DEPTH * (double)(rows * cols)};
  snprintf(what, sizeof what, "tile %zu x %zu", rows, cols);
  report(v, peak, what, &j);
}

static void bench_depthwise(const kernel_variant *v, double peak, size_t taps, size_t step) {
  char what[40];
  const unfurl_depthwise d = {.src = src,
                              .lines = LINES,
                              .line_stride = step * WIDTH * CHANNELS,
                              .dst_line = PIXELS * CHANNELS,
                              .pixels = PIXELS,
                              .channels = CHANNELS,
                              .row_taps = taps,
                              .col_taps = taps,
                              .pixel_stride = step * CHANNELS,
                              .row_stride = WIDTH * CHANNELS,
                              .col_stride = CHANNELS,
                              .weights = weights,
                              .weights_row = taps * CHANNELS,
                              .weights_col = CHANNELS,
                              .dst = dst,
                              .dst_stride = CHANNELS,
                              .epilogue = &epilogue};
  const job j = {
      .kernels = v->kernels, .depthwise = &d, .operations = 2.0 * LINES * PIXELS * CHANNELS * (double)(taps * taps)};
  snprintf(what, sizeof what, "depthwise %zux%zu, step %zu", taps, taps, step);
  report(v, peak, what, &j);
}

void kernel_bench(void) {
  fill_real(src, sizeof src / sizeof *src, 1);
  fill_real(weights, sizeof weights / sizeof *weights, 2);
  printf("%-18s %-24s %8s %9s\n", "kernels", "", "GFLOP/s", "of peak");
  for (size_t i = 0; i < kernel_variant_count; i++) {
    const kernel_variant *v = &kernel_variants[i];
    const char *missing = v->is_emulated ? "its speed says nothing" : kernel_variant_missing(v);
    if (missing) {
      printf("skipped: %s: %s\n", v->name, missing);
      continue;
    }
    const double peak = peak_of(v->kernels->isa);
    if (peak > 0) printf("%-18s %-24s %8.1f\n", v->name, "peak of one core", peak);
    for (size_t cols = v->kernels->cols; cols > 0; cols -= v->kernels->lanes)
      bench_tile(v, peak, unfurl_kernels_rows(v->kernels, cols), cols);
    bench_tile(v, peak, unfurl_kernels_rows(v->kernels, v->kernels->cols), v->kernels->cols - 1);
    for (size_t taps = 3; taps <= 5; taps += 2)
      for (size_t step = 1; step <= 2; step++) bench_depthwise(v, peak, taps, step);
  }
}
