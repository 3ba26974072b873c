/* SPDX-License-Identifier: BSD-2-Clause */
/* The identity that the project is named after, step by step on the lecture's own numbers: a 32x32x3 image and six 5x5x3
 * filters. A chunk times a filter is the dot product of two unrolled 75-vectors, so one product of the 784x75 patch
 * matrix with the filters makes all six 28x28 activation maps. And the fully connected layer: the image stretched to
 * 3072 numbers, times a 10x3072 matrix. Small integers make all of it exact. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "unfurl/blas.h"
#include "unfurl/im2col.h"

enum { SIDE = 32, CHANNELS = 3, KERNEL = 5, FILTERS = 6, OUT = 28, PATCH = 75, ROWS = 784, MAPS = ROWS * FILTERS };
enum { STRETCHED = 3072, CLASSES = 10 };

static float image[SIDE][SIDE][CHANNELS];
static float filters[FILTERS][KERNEL][KERNEL][CHANNELS];
static float patches[ROWS][PATCH];

static unfurl_conv_desc lecture_desc(void) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.ih = desc.iw = SIDE, desc.ic = CHANNELS, desc.oc = FILTERS, desc.kh = desc.kw = KERNEL;
  return desc;
}

static void make_lecture(void) {
  fill_small(&image[0][0][0], SIDE * SIDE * CHANNELS, 10);
  fill_small(&filters[0][0][0][0], FILTERS * PATCH, 11);
  const unfurl_conv_desc desc = lecture_desc();
  unfurl_error error;
  cr_assert_eq(unfurl_im2col(&desc, &image[0][0][0], &patches[0][0], &error), UNFURL_OK, "%s", error.message);
}

/* The dot product as the lecture draws it: a cube laid on a cube. */
static float chunk_dot(size_t y, size_t x, size_t filter) {
  float sum = 0;
  for (size_t i = 0; i < KERNEL; i++)
    for (size_t j = 0; j < KERNEL; j++)
      for (size_t c = 0; c < CHANNELS; c++) sum += image[y + i][x + j][c] * filters[filter][i][j][c];
  return sum;
}

static float unrolled_dot(const float *a, const float *b) {
  float sum = 0;
  for (size_t i = 0; i < PATCH; i++) sum += a[i] * b[i];
  return sum;
}

Test(lecture, a_chunk_times_a_filter_is_a_dot_product_of_75_numbers) {
  make_lecture();
  for (size_t y = 0; y < OUT; y++)
    for (size_t x = 0; x < OUT; x++)
      for (size_t f = 0; f < FILTERS; f++)
        cr_assert_float_eq(chunk_dot(y, x, f), unrolled_dot(patches[y * OUT + x], &filters[f][0][0][0]), 0);
}

Test(lecture, the_patch_matrix_has_784_rows_of_75) {
  const unfurl_conv_desc desc = lecture_desc();
  size_t rows, cols;
  cr_assert_eq(unfurl_im2col_size(&desc, &rows, &cols, NULL), UNFURL_OK);
  cr_assert_eq(rows, ROWS);
  cr_assert_eq(cols, PATCH);
  int64_t oh, ow;
  cr_assert_eq(unfurl_conv_output_size(&desc, &oh, &ow, NULL), UNFURL_OK);
  cr_assert_eq(oh, OUT);
  cr_assert_eq(ow, OUT);
}

static void execute(const unfurl_context *context, const char *algo, float *maps) {
  unfurl_conv_desc desc = lecture_desc();
  unfurl_conv_plan *plan;
  unfurl_conv_weights *packed;
  unfurl_error error;
  desc.algo = algo;
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(unfurl_conv_weights_create(plan, &filters[0][0][0][0], NULL, &packed, &error), UNFURL_OK);
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = &image[0][0][0], args.weights = packed, args.dst = maps;
  cr_assert_eq(unfurl_conv_plan_execute(plan, &args, &error), UNFURL_OK, "%s", error.message);
  unfurl_conv_weights_destroy(&packed);
  unfurl_conv_plan_destroy(&plan);
}

Test(lecture, one_sgemm_makes_all_the_activation_maps) {
  static float product[ROWS][FILTERS], maps[ROWS][FILTERS];
  const unfurl_gemm shape = {
      .m = ROWS, .n = FILTERS, .k = PATCH, .lda = PATCH, .ldb = PATCH, .ldc = FILTERS, .transpose_b = true};
  const char *const algos[] = {NULL, "naive", "im2col"};
  unfurl_context *context;
  unfurl_error error;
  make_lecture();
  cr_assert_eq(unfurl_sgemm(&shape, &patches[0][0], &filters[0][0][0][0], &product[0][0], &error), UNFURL_OK);
  for (size_t p = 0; p < ROWS; p++)
    for (size_t f = 0; f < FILTERS; f++) cr_assert_float_eq(product[p][f], chunk_dot(p / OUT, p % OUT, f), 0);
  cr_assert_eq(unfurl_context_create(NULL, &context, &error), UNFURL_OK);
  for (size_t i = 0; i < sizeof algos / sizeof *algos; i++) {
    fill_nan(&maps[0][0], MAPS);
    execute(context, algos[i], &maps[0][0]);
    cr_assert_arr_eq(maps, product, sizeof maps, "%s", algos[i] ? algos[i] : "the planner's choice");
  }
  unfurl_context_destroy(&context);
}

Test(lecture, the_fully_connected_layer_is_one_sgemv) {
  static float stretched[STRETCHED], weights[CLASSES][STRETCHED], scores[CLASSES];
  unfurl_error error;
  make_lecture();
  fill_small(&weights[0][0], CLASSES * STRETCHED, 12);
  memcpy(stretched, image, sizeof stretched);
  fill_nan(scores, CLASSES);
  cr_assert_eq(unfurl_sgemv(CLASSES, STRETCHED, &weights[0][0], stretched, scores, &error), UNFURL_OK);
  for (size_t class = 0; class < CLASSES; class ++) {
    double expected = 0;
    for (size_t i = 0; i < STRETCHED; i++) expected += (double)weights[class][i] * (double)stretched[i];
    cr_assert_float_eq((double)scores[class], expected, 0, "class %zu", class);
  }
}

/* The same layer seen as a convolution whose kernel is the whole image. */
Test(lecture, the_fully_connected_layer_is_a_convolution_too) {
  static float weights[CLASSES][STRETCHED], scores[CLASSES], maps[CLASSES];
  unfurl_context *context;
  make_lecture();
  fill_small(&weights[0][0], CLASSES * STRETCHED, 12);
  cr_assert_eq(unfurl_sgemv(CLASSES, STRETCHED, &weights[0][0], &image[0][0][0], scores, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  unfurl_conv_desc desc = lecture_desc();
  desc.oc = CLASSES, desc.kh = desc.kw = SIDE, desc.weights_at_execute = true;
  unfurl_conv_plan *plan;
  unfurl_error error;
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, &error), UNFURL_OK, "%s", error.message);
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = &image[0][0][0], args.raw_weights = &weights[0][0], args.dst = maps;
  cr_assert_eq(unfurl_conv_plan_execute(plan, &args, &error), UNFURL_OK, "%s", error.message);
  cr_assert_arr_eq(maps, scores, sizeof scores);
  unfurl_conv_plan_destroy(&plan);
  unfurl_context_destroy(&context);
}
