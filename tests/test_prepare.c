/* SPDX-License-Identifier: BSD-2-Clause */
/* From pixels to the model's numbers: values, sizes, resampling. (long_pillow.py compares with Pillow itself.) */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fit.h"
#include "prepare.h"
#include "random.h"
#include "resample.h"

static void set(prepare_recipe *recipe, prepare_key key, const char *value) {
  unfurl_error error;
  cr_assert_eq(prepare_set(recipe, key, value, &error), UNFURL_OK, "%s", error.message);
}

/* Frameworks divide by 255 in float. However 1/255 is written, as long as it is written out, the floats are the same. */
Test(prepare, one_255th_is_division_by_255) {
  static const char *const spellings[] = {"0.00392156862745098", "0.003921568627450980392", "3.92156862745098e-3"};
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
    prepare_recipe recipe;
    prepare_init(&recipe);
    set(&recipe, PREPARE_SCALE, spellings[i]);
    cr_assert_eq(prepare_channels(&recipe, 3, NULL), UNFURL_OK);
    for (size_t c = 0; c < 3; c++)
      for (int pixel = 0; pixel < 256; pixel++)
        cr_assert_eq(recipe.table[c][pixel], (float)pixel / 255.0f, "%s: %d", spellings[i], pixel);
  }
}

Test(prepare, mean_and_std_are_rounded_once) {
  prepare_recipe recipe;
  prepare_init(&recipe);
  set(&recipe, PREPARE_SCALE, "0.00392156862745098");
  set(&recipe, PREPARE_MEAN, "0.485,0.456,0.406");
  set(&recipe, PREPARE_STD, "0.229,0.224,0.225");
  cr_assert_eq(prepare_channels(&recipe, 3, NULL), UNFURL_OK);
  static const double mean[] = {0.485, 0.456, 0.406}, std[] = {0.229, 0.224, 0.225};
  for (size_t c = 0; c < 3; c++)
    for (int pixel = 0; pixel < 256; pixel++)
      cr_assert_eq(recipe.table[c][pixel], (float)((pixel * 0.00392156862745098 - mean[c]) / std[c]));
  cr_assert_eq(prepare_channels(&recipe, 1, NULL), UNFURL_INVALID_ARGUMENT);
}

/* The definition, in double, with a rounding after each direction. */
static double weight(resample_filter filter, double x) {
  x = fabs(x);
  if (filter == RESAMPLE_BILINEAR) return x < 1 ? 1 - x : 0;
  return x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

/* to[count] of from[n], the elements of each `step` apart. */
static void resize_line(resample_filter filter, const double *from, size_t n, double *to, size_t count,
                        size_t from_step, size_t to_step) {
  const double scale = (double)n / (double)count, stretch = scale > 1 ? scale : 1;
  for (size_t i = 0; i < count; i++) {
    double sum = 0, total = 0;
    for (size_t p = 0; p < n; p++) {
      const double w = weight(filter, ((double)p + 0.5 - ((double)i + 0.5) * scale) / stretch);
      sum += w * from[p * from_step];
      total += w;
    }
    const double value = n == count ? from[i * from_step] : floor(sum / total + 0.5);
    to[i * to_step] = value < 0 ? 0 : value > 255 ? 255 : value;
  }
}

/* The greatest difference between fit_apply and the definition for one pair of sizes, in grey levels. */
static double compare(resample_filter filter, const fit_sizes *s, uint64_t *state) {
  fit_plan plan;
  unfurl_error error;
  const size_t channels = s->channels, pixels = s->ih * s->iw * channels;
  unsigned char *image = malloc(pixels);
  double *first = malloc(pixels * sizeof *first), *second = malloc(s->ih * s->ow * channels * sizeof *second);
  double *third = malloc(s->oh * s->ow * channels * sizeof *third);
  cr_assert(image && first && second && third);
  for (size_t i = 0; i < pixels; i++)
    first[i] = image[i] = (unsigned char)(random_next(state) % 3 ? random_next(state) : i);
  cr_assert_eq(fit_plan_init(&plan, FIT_STRETCH, filter, s, &error), UNFURL_OK, "%s", error.message);
  const unsigned char *got = fit_apply(&plan, image);
  for (size_t c = 0; c < channels; c++) {
    for (size_t y = 0; y < s->ih; y++)
      resize_line(filter, first + y * s->iw * channels + c, s->iw, second + y * s->ow * channels + c, s->ow, channels,
                  channels);
    for (size_t x = 0; x < s->ow; x++)
      resize_line(filter, second + x * channels + c, s->ih, third + x * channels + c, s->oh, s->ow * channels,
                  s->ow * channels);
  }
  double worst = 0;
  for (size_t i = 0; i < s->oh * s->ow * channels; i++) worst = fmax(worst, fabs(third[i] - got[i]));
  fit_plan_free(&plan);
  free(image), free(first), free(second), free(third);
  return worst;
}

Test(prepare, resampling_is_what_it_is_defined_as) {
  static const size_t sides[] = {1, 2, 3, 7, 16, 17, 31, 64, 100};
  enum { SIDES = sizeof sides / sizeof *sides };
  uint64_t state = 1;
  for (size_t i = 0; i < 1500; i++) {
    const fit_sizes sizes = {.channels = i % 2 ? 1 : 3,
                             .ih = sides[random_next(&state) % SIDES],
                             .iw = sides[random_next(&state) % SIDES],
                             .oh = sides[random_next(&state) % SIDES],
                             .ow = sides[random_next(&state) % SIDES]};
    const resample_filter filter = i % 4 < 2 ? RESAMPLE_BILINEAR : RESAMPLE_BICUBIC;
    cr_assert_leq(compare(filter, &sizes, &state), 1, "%zux%zu to %zux%zu, filter %d", sizes.iw, sizes.ih, sizes.ow,
                  sizes.oh, filter);
  }
}

static void check_fit(fit_mode mode, fit_sizes s, size_t h, size_t w, size_t top, size_t left) {
  fit_plan plan;
  s.channels = 1;
  cr_assert_eq(fit_plan_init(&plan, mode, RESAMPLE_BILINEAR, &s, NULL), UNFURL_OK);
  cr_assert(plan.h == h && plan.w == w && plan.top == top && plan.left == left,
            "mode %d, %zux%zu to %zux%zu: %zux%zu at %zu, %zu", mode, s.iw, s.ih, s.ow, s.oh, plan.w, plan.h, plan.left,
            plan.top);
  fit_plan_free(&plan);
}

Test(prepare, where_pixels_go) {
  check_fit(FIT_STRETCH, (fit_sizes){.ih = 3, .iw = 9, .oh = 5, .ow = 6}, 5, 6, 0, 0);
  check_fit(FIT_CROP, (fit_sizes){.ih = 3, .iw = 9, .oh = 5, .ow = 6}, 5, 6, 0, 0);
  check_fit(FIT_PAD, (fit_sizes){.ih = 28, .iw = 28, .oh = 32, .ow = 32}, 28, 28, 2, 2); /* never enlarged */
  check_fit(FIT_PAD, (fit_sizes){.ih = 27, .iw = 28, .oh = 32, .ow = 32}, 27, 28, 2, 2);
  check_fit(FIT_PAD, (fit_sizes){.ih = 375, .iw = 500, .oh = 224, .ow = 224}, 168, 224, 28, 0);
  check_fit(FIT_PAD, (fit_sizes){.ih = 500, .iw = 375, .oh = 224, .ow = 224}, 224, 168, 0, 28);
  check_fit(FIT_PAD, (fit_sizes){.ih = 1, .iw = 9000, .oh = 32, .ow = 32}, 1, 32, 15, 0);
  check_fit(FIT_PAD, (fit_sizes){.ih = 64, .iw = 20, .oh = 32, .ow = 32}, 32, 10, 0, 11);
}

/* The part that crop computes is the part that it would cut out of the whole. */
Test(prepare, crop_is_a_part_of_the_whole) {
  uint64_t state = 7;
  for (size_t i = 0; i < 300; i++) {
    const fit_sizes s = {.channels = 3,
                         .ih = 1 + random_next(&state) % 60,
                         .iw = 1 + random_next(&state) % 60,
                         .oh = 1 + random_next(&state) % 20,
                         .ow = 1 + random_next(&state) % 20};
    fit_sizes whole = s;
    const bool wide = s.iw * s.oh > s.ih * s.ow;
    if (wide)
      whole.ow = s.iw * s.oh / s.ih;
    else
      whole.oh = s.ih * s.ow / s.iw;
    unsigned char *image = malloc(s.ih * s.iw * 3);
    cr_assert(image);
    for (size_t p = 0; p < s.ih * s.iw * 3; p++) image[p] = (unsigned char)random_next(&state);
    fit_plan part, all;
    cr_assert_eq(fit_plan_init(&part, FIT_CROP, RESAMPLE_BICUBIC, &s, NULL), UNFURL_OK);
    cr_assert_eq(fit_plan_init(&all, FIT_STRETCH, RESAMPLE_BICUBIC, &whole, NULL), UNFURL_OK);
    /* halves of a pixel go to the even side, as Python's round has it */
    const size_t top = (size_t)nearbyint((double)(whole.oh - s.oh) / 2),
                 left = (size_t)nearbyint((double)(whole.ow - s.ow) / 2);
    const unsigned char *got = fit_apply(&part, image), *expected = fit_apply(&all, image);
    for (size_t y = 0; y < s.oh; y++)
      cr_assert_arr_eq(got + y * s.ow * 3, expected + ((top + y) * whole.ow + left) * 3, s.ow * 3);
    fit_plan_free(&part);
    fit_plan_free(&all);
    free(image);
  }
}

Test(prepare, sizes_that_are_refused) {
  static const fit_sizes refused[] = {
      {.channels = 1, .ih = SIZE_MAX, .iw = 2, .oh = 1, .ow = 1},
      {.channels = 1, .ih = 1, .iw = 1, .oh = SIZE_MAX, .ow = SIZE_MAX},
      {.channels = 1, .ih = 1, .iw = 1, .oh = 1 << 20, .ow = 1 << 20},
      {.channels = 1, .ih = 0, .iw = 1, .oh = 1, .ow = 1},
      {.channels = 1, .ih = 1, .iw = 1, .oh = 1, .ow = 0},
      {.channels = 3, .ih = 80000000, .iw = 1, .oh = 224, .ow = 224}, /* 50 GB between the two directions */
      {.channels = 3, .ih = 1, .iw = 80000000, .oh = 224, .ow = 224},
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    for (fit_mode mode = FIT_STRETCH; mode <= FIT_PAD; mode++) {
      fit_plan plan;
      unfurl_error error = {0};
      const unfurl_status status = fit_plan_init(&plan, mode, RESAMPLE_BICUBIC, &refused[i], &error);
      if (i < 5 || mode == FIT_STRETCH) cr_assert_neq(status, UNFURL_OK, "%zu, mode %d", i, mode);
      fit_plan_free(&plan);
    }
}
