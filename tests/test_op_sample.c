/* SPDX-License-Identifier: BSD-2-Clause */
/* GridSample and RoiAlign against loops over their definitions, in double. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "net.h"
#include "op_trial.h"
#include "support.h"

enum { BATCH = 2, CHANNELS = 5, ROWS = 6, COLS = 7, OUT_ROWS = 9, OUT_COLS = 8, PIXELS = OUT_ROWS * OUT_COLS };

TestSuite(op_sample, .init = op_trial_open, .fini = op_trial_close);

static float x[BATCH * CHANNELS * ROWS * COLS], grid[BATCH * PIXELS * 2];

typedef struct grid_case {
  const char *mode, *padding;
  int64_t align;
} grid_case;

/* Mirrored once and again, until it is between the ends. */
static double mirror(double at, double low, double high) {
  if (low == high) return low;
  while (at < low || at > high) at = at < low ? 2 * low - at : 2 * high - at;
  return at;
}

static double padded(const grid_case *c, double at, int size) {
  if (!strcmp(c->padding, "zeros")) return at;
  if (!strcmp(c->padding, "reflection")) at = c->align ? mirror(at, 0, size - 1) : mirror(at, -0.5, size - 0.5);
  return fmin(fmax(at, 0), size - 1);
}

static double pixel(const grid_case *c, const float *plane, double row, double col) {
  row = padded(c, row, ROWS), col = padded(c, col, COLS);
  if (row < 0 || row > ROWS - 1 || col < 0 || col > COLS - 1) return 0;
  return (double)plane[(size_t)row * COLS + (size_t)col];
}

/* What a pixel that far away weighs. */
static double kernel(const char *mode, double distance) {
  const double d = fabs(distance), a = -0.75;
  if (!strcmp(mode, "bilinear")) return d < 1 ? 1 - d : 0;
  return d < 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : d < 2 ? a * (d * d * d - 5 * d * d + 8 * d - 4) : 0;
}

static double sampled(const grid_case *c, const float *plane, const float *place) {
  double at[2], sum = 0;
  for (int axis = 0; axis < 2; axis++) {
    const int size = axis ? ROWS : COLS;
    const double p = (double)place[axis];
    at[axis] = c->align ? (p + 1) / 2 * (size - 1) : ((p + 1) * size - 1) / 2;
    if (strcmp(c->mode, "bicubic") != 0) at[axis] = padded(c, at[axis], size);
  }
  if (!strcmp(c->mode, "nearest")) return pixel(c, plane, rint(at[1]), rint(at[0]));
  for (int i = -2; i <= 2; i++)
    for (int j = -2; j <= 2; j++) {
      const double row = floor(at[1]) + i, col = floor(at[0]) + j;
      sum += kernel(c->mode, at[1] - row) * kernel(c->mode, at[0] - col) * pixel(c, plane, row, col);
    }
  return sum;
}

static void check_grid(const grid_case *c) {
  const unfurl_attribute attributes[] = {attribute_string("mode", c->mode),
                                         attribute_string("padding_mode", c->padding),
                                         attribute_int("align_corners", &c->align)};
  unfurl_tensor inputs[2], y[OP_TRIAL_OUTPUTS];
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 4, (const int64_t[]){BATCH, CHANNELS, ROWS, COLS}, x);
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 4, (const int64_t[]){BATCH, OUT_ROWS, OUT_COLS, 2}, grid);
  op_trial trial = op_trial_of("GridSample", 2, inputs);
  trial.attribute_count = 3, trial.attributes = attributes;
  op_trial_run(&trial, y);
  cr_assert(y[0].dims[1] == CHANNELS && y[0].dims[2] == OUT_ROWS && y[0].dims[3] == OUT_COLS);
  for (size_t i = 0; i < BATCH * CHANNELS * PIXELS; i++) {
    const size_t plane = i / PIXELS, image = plane / CHANNELS;
    const double wanted = sampled(c, x + plane * ROWS * COLS, grid + (image * PIXELS + i % PIXELS) * 2);
    cr_assert_float_eq((double)((const float *)y[0].data)[i], wanted, 2e-4, "%s, %s, %d: element %zu", c->mode,
                       c->padding, (int)c->align, i);
  }
  op_trial_free(&trial, y);
}

Test(op_sample, grids_in_every_mode) {
  static const char *const modes[] = {"bilinear", "nearest", "bicubic"};
  static const char *const paddings[] = {"zeros", "border", "reflection"};
  fill_real(x, sizeof x / sizeof *x, 1);
  for (size_t far = 0; far < 2; far++) { /* within the image and around it, or as far as reflections go */
    fill_real(grid, sizeof grid / sizeof *grid, 2);
    for (size_t i = 0; i < sizeof grid / sizeof *grid; i++) grid[i] *= far ? 20 : 1.6f;
    for (size_t i = 0; i < 18; i++) check_grid(&(grid_case){modes[i / 6], paddings[i / 2 % 3], (int64_t)i % 2});
  }
}

/* Places that are no numbers, or beyond all: never a read outside. */
Test(op_sample, places_from_nowhere) {
  static const char *const modes[] = {"bilinear", "nearest", "bicubic"};
  static const char *const paddings[] = {"zeros", "border", "reflection"};
  static const float places[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e9f, -1e20f, 1.0000001f};
  unfurl_tensor inputs[2], y[OP_TRIAL_OUTPUTS];
  for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = 1;
  for (size_t i = 0; i < sizeof grid / sizeof *grid; i++) grid[i] = i % 2 ? 0 : places[i / 2 % 8];
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 4, (const int64_t[]){BATCH, CHANNELS, ROWS, COLS}, x);
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 4, (const int64_t[]){BATCH, OUT_ROWS, OUT_COLS, 2}, grid);
  for (size_t i = 0; i < 18; i++) {
    const int64_t align = i % 2;
    const unfurl_attribute attributes[] = {attribute_string("mode", modes[i / 6]),
                                           attribute_string("padding_mode", paddings[i / 2 % 3]),
                                           attribute_int("align_corners", &align)};
    op_trial trial = op_trial_of("GridSample", 2, inputs);
    trial.attribute_count = 3, trial.attributes = attributes;
    op_trial_run(&trial, y);
    for (size_t p = 0; p < PIXELS; p++) {
      const float got = ((const float *)y[0].data)[p];
      if (p % 8 == 0) cr_assert(isnan(got), "NaN gives %g", (double)got);
      if (p % 8 == 5 || p % 8 == 6)
        cr_assert_float_eq((double)got, i / 2 % 3 ? 1 : 0, 1e-5, "%s, %s: %g", modes[i / 6], paddings[i / 2 % 3],
                           (double)got);
    }
    op_trial_free(&trial, y);
  }
}

typedef struct roi_case {
  int64_t opset, ratio, rows, cols;
  bool output_half_pixel;
  float scale;
} roi_case;

static double blended(const float *plane, double row, double col) {
  if (!(row >= -1 && row <= ROWS && col >= -1 && col <= COLS)) return 0;
  row = fmin(fmax(row, 0), ROWS - 1), col = fmin(fmax(col, 0), COLS - 1);
  double sum = 0;
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < COLS; j++)
      sum += kernel("bilinear", row - i) * kernel("bilinear", col - j) * (double)plane[i * COLS + j];
  return sum;
}

static double bin_of(const roi_case *c, const float *plane, const float *region, int64_t row, int64_t col) {
  const bool half_pixel = c->opset >= 16 && !c->output_half_pixel;
  const double offset = half_pixel ? 0.5 : 0, scale = (double)c->scale;
  const double left = (double)region[0] * scale - offset, top = (double)region[1] * scale - offset;
  double width = (double)region[2] * scale - offset - left, height = (double)region[3] * scale - offset - top;
  if (!half_pixel) width = fmax(width, 1), height = fmax(height, 1);
  width /= (double)c->cols, height /= (double)c->rows;
  const int64_t down = c->ratio ? c->ratio : (int64_t)ceil(height), across = c->ratio ? c->ratio : (int64_t)ceil(width);
  double sum = 0;
  for (int64_t i = 0; i < down; i++)
    for (int64_t j = 0; j < across; j++)
      sum += blended(plane, top + ((double)row + ((double)i + 0.5) / (double)down) * height,
                     left + ((double)col + ((double)j + 0.5) / (double)across) * width);
  return sum / fmax(1, (double)(down * across));
}

enum { REGIONS = 8 };

/* Inside, across edges, outside, tiny, the wrong way round, and far larger than the image. */
static const float regions[REGIONS][4] = {
    {0, 0, 6, 5},     {1.3f, 0.7f, 4.9f, 3.1f}, {-3, -2, 3, 2}, {4, 3, 12, 11},
    {20, 20, 30, 30}, {2, 2, 2.2f, 2.1f},       {5, 4, 2, 1},   {-300.3f, -500.7f, 900.1f, 400.4f}};

static void check_regions(const roi_case *c) {
  const unfurl_attribute attributes[] = {
      attribute_int("output_height", &c->rows), attribute_int("output_width", &c->cols),
      attribute_int("sampling_ratio", &c->ratio), attribute_float("spatial_scale", &c->scale),
      attribute_string("coordinate_transformation_mode", "output_half_pixel")};
  int64_t images[REGIONS] = {0, 1, 0, 1, 0, 1, 0, 1};
  unfurl_tensor inputs[3], y[OP_TRIAL_OUTPUTS];
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 4, (const int64_t[]){BATCH, CHANNELS, ROWS, COLS}, x);
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 2, (const int64_t[]){REGIONS, 4}, (void *)(uintptr_t)regions);
  unfurl_tensor_init(&inputs[2], UNFURL_I64, 1, (const int64_t[]){REGIONS}, images);
  op_trial trial = op_trial_of("RoiAlign", 3, inputs);
  trial.opset = c->opset, trial.attribute_count = c->output_half_pixel ? 5 : 4, trial.attributes = attributes;
  op_trial_run(&trial, y);
  const float *got = y[0].data;
  for (size_t r = 0; r < REGIONS; r++)
    for (size_t channel = 0; channel < CHANNELS; channel++)
      for (int64_t row = 0; row < c->rows; row++)
        for (int64_t col = 0; col < c->cols; col++, got++) {
          const float *plane = x + ((size_t)images[r] * CHANNELS + channel) * ROWS * COLS;
          cr_assert_float_eq((double)*got, bin_of(c, plane, regions[r], row, col), 1e-5,
                             "opset %d, ratio %d, %d x %d: region %zu, bin %d, %d: %g", (int)c->opset, (int)c->ratio,
                             (int)c->rows, (int)c->cols, r, (int)row, (int)col, (double)*got);
        }
  op_trial_free(&trial, y);
}

Test(op_sample, regions_are_means_of_samples) {
  fill_real(x, sizeof x / sizeof *x, 3);
  for (int64_t ratio = 0; ratio < 4; ratio++)
    for (size_t form = 0; form < 3; form++) {
      check_regions(&(roi_case){form ? 16 : 10, ratio, 3, 2, form == 2, 1});
      check_regions(&(roi_case){form ? 16 : 10, ratio, 1, 7, form == 2, 0.625f});
    }
}

/* Of such regions, none takes long: samples beyond the image are not looked for one by one. */
Test(op_sample, regions_from_nowhere, .timeout = 20) {
  static float hostile[][4] = {
      {NAN, 0, 1, 1},        {0, 0, INFINITY, 1}, {-1e30f, -1e30f, 1e30f, 1e30f}, {-1e17f, 0, 1e17f, 1e17f},
      {3e38f, 0, -3e38f, 1}, {-1e9f, -1e9f, 5, 5}};
  int64_t images[] = {0, 1, 0, 1, 0, 1}, bins = 2;
  unfurl_tensor inputs[3], y[OP_TRIAL_OUTPUTS];
  const unfurl_attribute attributes[] = {attribute_int("output_height", &bins), attribute_int("output_width", &bins)};
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 4, (const int64_t[]){BATCH, CHANNELS, ROWS, COLS}, x);
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 2, (const int64_t[]){6, 4}, hostile);
  unfurl_tensor_init(&inputs[2], UNFURL_I64, 1, (const int64_t[]){6}, images);
  op_trial trial = op_trial_of("RoiAlign", 3, inputs);
  trial.attribute_count = 2, trial.attributes = attributes;
  op_trial_run(&trial, y);
  for (size_t i = 0; i < 6 * CHANNELS * 4; i++)
    cr_assert_eq(!!isnan(((const float *)y[0].data)[i]), i < 2 * CHANNELS * 4, "element %zu", i);
  op_trial_free(&trial, y);
  for (size_t i = 0; i < 3; i++) {
    images[5] = (const int64_t[]){-1, BATCH, INT64_MAX}[i];
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "image %lld", (long long)images[5]);
  }
  images[5] = 0, bins = 0;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "no bins");
  bins = INT64_MAX / 2;
  cr_assert_eq(op_trial_status(&trial), UNFURL_TOO_LARGE, "more bins than memory has");
}

Test(op_sample, what_does_not_fit_is_refused) {
  unfurl_tensor inputs[3];
  const unfurl_attribute maximum = attribute_string("mode", "max");
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 4, (const int64_t[]){BATCH, CHANNELS, ROWS, COLS}, x);
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 4, (const int64_t[]){1, 2, 2, 2}, grid);
  op_trial trial = op_trial_of("GridSample", 2, inputs);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "a grid for one image of two");
  inputs[1].dims[0] = 2, inputs[1].dims[3] = 3;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "a grid of volumes");
  inputs[1].dims[3] = 2, trial.attribute_count = 1, trial.attributes = &maximum;
  cr_assert_eq(op_trial_status(&trial), UNFURL_UNSUPPORTED, "an unknown mode");
  inputs[0].dims[2] = 0, trial.attribute_count = 0;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "an image without pixels");
  inputs[0].dims[2] = ROWS;
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 2, (const int64_t[]){2, 4}, grid);
  unfurl_tensor_init(&inputs[2], UNFURL_I64, 1, (const int64_t[]){3}, grid);
  trial = op_trial_of("RoiAlign", 3, inputs);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "two regions of three images");
  inputs[2].dims[0] = 2, inputs[2].dtype = UNFURL_F32;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "images that are no numbers");
  inputs[2].dtype = UNFURL_I64, trial.attribute_count = 1, trial.attributes = &maximum;
  cr_assert_eq(op_trial_status(&trial), UNFURL_UNSUPPORTED, "the largest sample");
}
