/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <time.h>

#include "../bench/peak.h"
#include "base/memory.h"
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

static float src[96 << 10], weights[DEPTH * UNFURL_TILE_COLS_MAX];
static float dst[96 << 10];
static size_t src_at[TILES * MOST_ROWS], dst_at[TILES * MOST_ROWS];
static const unfurl_epilogue epilogue = {.activation = UNFURL_ACTIVATION_RELU};

/* One measurement: a kernel with its argument, or a loop that does nothing but multiply and add. */
typedef struct job {
  void (*run)(const unfurl_kernels *kernels, const void *argument);
  const unfurl_kernels *kernels;
  const void *argument;
  const peak_loop *peak;
  double operations;
} job;

/* run_<kernel>, which knows the type of its argument. */
#define RUN(kernel, type)                                                                                              \
  static void run_##kernel(const unfurl_kernels *kernels, const void *argument) {                                      \
    kernels->kernel((const type *)argument);                                                                           \
  }

RUN(tile, unfurl_tile)
RUN(depthwise, unfurl_depthwise)
RUN(grouped, unfurl_grouped)
RUN(planar, unfurl_planar)
RUN(winograd_input, unfurl_winograd_input)
RUN(winograd_output, unfurl_winograd_output)
RUN(winograd_taps, unfurl_winograd_taps)

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run(const job *j) {
  static volatile float kept;
  if (j->run)
    j->run(j->kernels, j->argument);
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

/* Full tiles of `rows` rows, 3 runs, rows of src 64 floats apart; evenly spaced, or listed. */
static void bench_tile(const kernel_variant *v, double peak, size_t rows, size_t cols, bool listed) {
  char what[40];
  for (size_t i = 0; i < TILES * rows; i++) src_at[i] = i * CHANNELS, dst_at[i] = i * cols;
  const unfurl_tile tile = {.src = src,
                            .src_at = listed ? src_at : NULL,
                            .run_rows = 1,
                            .run_cols = 3,
                            .run_length = DEPTH / 3,
                            .run_col_stride = DEPTH / 3,
                            .weights = weights,
                            .weights_col_stride = DEPTH / 3 * unfurl_round_up(cols, v->kernels->lanes),
                            .dst = dst,
                            .dst_at = listed ? dst_at : NULL,
                            .src_step = CHANNELS,
                            .dst_step = cols,
                            .tiles = TILES,
                            .rows = rows,
                            .cols = cols,
                            .epilogue = &epilogue};
  const double operations = 2.0 * TILES * DEPTH * (double)(rows * cols);
  const job j = {.run = run_tile, .kernels = v->kernels, .argument = &tile, .operations = operations};
  snprintf(what, sizeof what, "tile %zu x %zu%s", rows, cols, listed ? ", listed" : "");
  report(v, peak, what, &j);
}

static void bench_tiles(const kernel_variant *v, double peak, size_t cols) {
  bench_tile(v, peak, unfurl_kernels_rows(v->kernels, cols), cols, true);
  bench_tile(v, peak, unfurl_kernels_even_rows(v->kernels, cols, CHANNELS, CHANNELS), cols, false);
}

static void bench_depthwise(const kernel_variant *v, double peak, size_t taps, size_t step) {
  char what[40];
  const unfurl_depthwise_axis rows = {.in = (LINES - 1) * step + taps, .taps = taps, .step = step, .dilation = 1};
  const unfurl_depthwise_axis cols = {.in = WIDTH, .taps = taps, .step = step, .dilation = 1};
  const unfurl_depthwise d = {.src = src,
                              .lines = LINES,
                              .pixels = PIXELS,
                              .channels = CHANNELS,
                              .rows = rows,
                              .cols = cols,
                              .src_row = WIDTH * CHANNELS,
                              .src_col = CHANNELS,
                              .weights = weights,
                              .weights_tap = CHANNELS,
                              .dst = dst,
                              .dst_line = PIXELS * CHANNELS,
                              .dst_stride = CHANNELS,
                              .epilogue = &epilogue};
  const double operations = 2.0 * LINES * PIXELS * CHANNELS * (double)(taps * taps);
  const job j = {.run = run_depthwise, .kernels = v->kernels, .argument = &d, .operations = operations};
  snprintf(what, sizeof what, "depthwise %zux%zu, step %zu", taps, taps, step);
  report(v, peak, what, &j);
}

/* 3x3, groups of `elements` channels and filters, as many as fill a vector. */
static void bench_grouped(const kernel_variant *v, double peak, size_t elements) {
  const size_t lanes = v->kernels->lanes, together = lanes / elements, row = (PIXELS + 2) * lanes;
  int32_t order[UNFURL_TILE_COLS_MAX];
  char what[40];
  if (elements > lanes || together > UNFURL_GROUPED_TOGETHER(lanes)) return;
  for (size_t i = 0; i < lanes; i++) order[i] = (int32_t)(i % elements * together + i / elements);
  const unfurl_grouped g = {.src = src,
                            .together = together,
                            .lines = LINES,
                            .pixels = PIXELS,
                            .line_stride = row,
                            .pixel_stride = lanes,
                            .run_rows = 3,
                            .run_cols = 1,
                            .run_length = 3 * elements,
                            .run_row_stride = row,
                            .weights = weights,
                            .order = order,
                            .filters = lanes,
                            .dst = dst,
                            .dst_line = PIXELS * lanes,
                            .dst_stride = lanes,
                            .epilogue = &epilogue};
  const double operations = 2.0 * LINES * PIXELS * 9 * (double)(lanes * elements);
  const job j = {.run = run_grouped, .kernels = v->kernels, .argument = &g, .operations = operations};
  snprintf(what, sizeof what, "grouped 3x3 of %zu", elements);
  report(v, peak, what, &j);
}

/* The lecture's layer: six 5x5x3 filters on rows that are 32 pixels long. */
static void bench_planar(const kernel_variant *v, double peak) {
  enum { ROW = 32, TAPS = 5, IC = 3, OC = 6, OUT = 27 * ROW + 28, PLANE = ROW * ROW + UNFURL_PLANAR_SPARE };
  const unfurl_planar p = {.src = src,
                           .pixels = OUT,
                           .channels = IC,
                           .filters = OC,
                           .row_taps = TAPS,
                           .col_taps = TAPS,
                           .channel_stride = PLANE,
                           .row_stride = ROW,
                           .col_stride = 1,
                           .weights = weights,
                           .dst = dst,
                           .dst_stride = PLANE,
                           .epilogue = &epilogue};
  const job j = {
      .run = run_planar, .kernels = v->kernels, .argument = &p, .operations = 2.0 * OUT * TAPS * TAPS * IC * OC};
  report(v, peak, "planar 5x5, 3 -> 6", &j);
}

/* Winograd's kernels, whose operations are additions and multiplications. */
static void bench_winograd(const kernel_variant *v, double peak, size_t side, size_t m) {
  const size_t plane = CHANNELS + UNFURL_WINOGRAD_LANES;
  static const double spreads[] = {[4] = 4, [5] = 2, [6] = 23, [8] = 39},
                      gathers[] = {[2] = 4, [3] = 10, [4] = 13, [6] = 30};
  const double spread = spreads[side], gather = side == 6 && m == 2 ? 8 : gathers[m]; /* along an axis */
  char what[40];
  const unfurl_winograd_input in = {.side = side,
                                    .image = src,
                                    .row_stride = 6 * CHANNELS,
                                    .col_stride = CHANNELS,
                                    .rows = {0, side},
                                    .cols = {0, side},
                                    .channels = CHANNELS,
                                    .dst = dst,
                                    .plane = plane};
  const unfurl_winograd_output out = {.side = side,
                                      .m = m,
                                      .src = src,
                                      .plane = plane,
                                      .rows = m,
                                      .cols = m,
                                      .filters = CHANNELS,
                                      .dst = dst,
                                      .row_stride = m * CHANNELS,
                                      .col_stride = CHANNELS,
                                      .epilogue = &epilogue};
  const job spreading = {.run = run_winograd_input,
                         .kernels = v->kernels,
                         .argument = &in,
                         .operations = spread * 2 * (double)side * CHANNELS};
  const job gathering = {.run = run_winograd_output,
                         .kernels = v->kernels,
                         .argument = &out,
                         .operations = gather * (double)(side + m) * CHANNELS};
  snprintf(what, sizeof what, "Winograd input %zux%zu", side, side);
  if (side != 6 || m == 4) report(v, peak, what, &spreading);
  snprintf(what, sizeof what, "Winograd output %zu to %zu", side, m);
  report(v, peak, what, &gathering);
}

/* The products of four tiles; what transforming the filters takes is not counted. */
static void bench_taps(const kernel_variant *v, double peak) {
  enum { CHUNK = 16, SIDE = UNFURL_WINOGRAD_SIDE, ELEMENTS = 36 };
  const size_t lanes = v->kernels->lanes;
  const unfurl_winograd_taps t = {.src = src,
                                  .src_row = CHUNK * 6 * SIDE,
                                  .filters = weights,
                                  .channels = CHUNK,
                                  .dst = dst,
                                  .dst_plane = (SIDE + 1) * lanes,
                                  .dst_row = lanes,
                                  .adds = true,
                                  .ahead = weights};
  const job j = {.run = run_winograd_taps,
                 .kernels = v->kernels,
                 .argument = &t,
                 .operations = 2.0 * ELEMENTS * SIDE * CHUNK * (double)lanes};
  report(v, peak, "F(4x4) by taps", &j);
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
    for (size_t cols = v->kernels->cols; cols > 0; cols -= v->kernels->lanes) bench_tiles(v, peak, cols);
    bench_tiles(v, peak, v->kernels->cols - 1);
    for (size_t taps = 3; taps <= 7; taps += 2)
      for (size_t step = 1; step <= 2; step++) bench_depthwise(v, peak, taps, step);
    for (size_t elements = 2; elements <= 16; elements *= 2) bench_grouped(v, peak, elements);
    bench_planar(v, peak);
    static const size_t winograds[][2] = {{4, 2}, {5, 2}, {6, 2}, {6, 3}, {6, 4}, {8, 6}}; /* side, m */
    for (size_t w = 0; w < 6; w++) bench_winograd(v, peak, winograds[w][0], winograds[w][1]);
    bench_taps(v, peak);
  }
}
