/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors and arguments that mean nothing: always an error status and a message that names what is wrong, never a
 * crash, never a large allocation. */
#include <criterion/criterion.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "conv_case.h"
#include "unfurl/im2col.h"

/* Every number of the descriptor; `word` is what a message about it must contain. */
typedef struct field {
  const char *word;
  size_t offset;
  bool zero_is_fine;
} field;

static const field FIELDS[] = {
    {"batch", offsetof(unfurl_conv_desc, batch), false},
    {"ic", offsetof(unfurl_conv_desc, ic), false},
    {"ih", offsetof(unfurl_conv_desc, ih), false},
    {"iw", offsetof(unfurl_conv_desc, iw), false},
    {"oc", offsetof(unfurl_conv_desc, oc), false},
    {"kh", offsetof(unfurl_conv_desc, kh), false},
    {"kw", offsetof(unfurl_conv_desc, kw), false},
    {"stride_h", offsetof(unfurl_conv_desc, stride_h), false},
    {"stride_w", offsetof(unfurl_conv_desc, stride_w), false},
    {"dilation_h", offsetof(unfurl_conv_desc, dilation_h), false},
    {"dilation_w", offsetof(unfurl_conv_desc, dilation_w), false},
    {"groups", offsetof(unfurl_conv_desc, groups), false},
    {"pad_top", offsetof(unfurl_conv_desc, pad_top), true},
    {"pad_left", offsetof(unfurl_conv_desc, pad_left), true},
    {"pad_bottom", offsetof(unfurl_conv_desc, pad_bottom), true},
    {"pad_right", offsetof(unfurl_conv_desc, pad_right), true},
    {"output_pad_h", offsetof(unfurl_conv_desc, output_pad_h), true},
    {"output_pad_w", offsetof(unfurl_conv_desc, output_pad_w), true},
};
enum { FIELD_COUNT = sizeof FIELDS / sizeof *FIELDS };

static const int64_t EXTREMES[] = {0,
                                   -1,
                                   INT64_MIN,
                                   (INT64_C(1) << 31) - 1,
                                   INT64_C(1) << 31,
                                   (INT64_C(1) << 31) + 1,
                                   INT64_C(1) << 32,
                                   INT64_C(1) << 62,
                                   INT64_MAX};
enum { EXTREME_COUNT = sizeof EXTREMES / sizeof *EXTREMES };

static unfurl_conv_desc plain_desc(void) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.ih = desc.iw = 8, desc.ic = 3, desc.oc = 4, desc.kh = desc.kw = 3;
  return desc;
}

static void set_field(unfurl_conv_desc *desc, const field *f, int64_t value) {
  memcpy((char *)desc + f->offset, &value, sizeof value);
}

/* Asserts that all that takes a descriptor refuses this one, in the same words; returns the status. */
static unfurl_status check_refused(const unfurl_context *context, const unfurl_conv_desc *desc, const char *word) {
  unfurl_conv_plan *plan = (unfurl_conv_plan *)(uintptr_t)1;
  unfurl_error error = {0}, other = {0};
  int64_t oh, ow;
  size_t rows, cols;
  float number = 0;
  const unfurl_status status = unfurl_conv_plan_create(context, desc, &plan, &error);
  cr_assert_neq(status, UNFURL_OK, "%s: accepted", word);
  cr_assert_eq(error.status, status);
  cr_assert_null(plan);
  cr_assert(strstr(error.message, word), "\"%s\" does not name %s", error.message, word);
  cr_assert_eq(unfurl_conv_plan_create(context, desc, &plan, NULL), status);
  cr_assert_eq(unfurl_conv_output_size(desc, &oh, &ow, &other), status);
  cr_assert_str_eq(other.message, error.message);
  cr_assert_eq(unfurl_im2col_size(desc, &rows, &cols, &other), status);
  cr_assert_str_eq(other.message, error.message);
  cr_assert_eq(unfurl_im2col(desc, &number, &number, &other), status);
  cr_assert_str_eq(other.message, error.message);
  return status;
}

Test(conv_errors, extremes_of_every_field) {
  unfurl_context *context = make_context(1);
  for (size_t f = 0; f < FIELD_COUNT; f++)
    for (size_t e = 0; e < EXTREME_COUNT; e++) {
      if (EXTREMES[e] == 0 && FIELDS[f].zero_is_fine) continue;
      unfurl_conv_desc desc = plain_desc();
      set_field(&desc, &FIELDS[f], EXTREMES[e]);
      const unfurl_status status = check_refused(context, &desc, FIELDS[f].word);
      cr_assert(status == UNFURL_INVALID_ARGUMENT || status == UNFURL_TOO_LARGE, "%s", FIELDS[f].word);
    }
  unfurl_context_destroy(&context);
}

/* Two fields at once, of plain and transposed convolutions: anything but a crash; what is accepted is consistent. True if it
 * was. */
static bool check_any(const unfurl_context *context, const unfurl_conv_desc *desc) {
  unfurl_conv_plan *plan;
  unfurl_error error;
  int64_t oh = 0, ow = 0;
  const unfurl_status status = unfurl_conv_plan_create(context, desc, &plan, &error);
  if (status == UNFURL_OK) {
    cr_assert_eq(unfurl_conv_output_size(desc, &oh, &ow, NULL), UNFURL_OK);
    cr_assert_gt(oh, 0);
    cr_assert_gt(ow, 0);
    cr_assert_eq(error.message[0], '\0');
    unfurl_conv_plan_workspace_size(plan, 1);
    unfurl_conv_plan_workspace_size(plan, SIZE_MAX);
    cr_assert_gt(unfurl_conv_plan_print(plan, NULL, 0), 0);
  } else {
    cr_assert_null(plan);
    cr_assert_neq(error.message[0], '\0');
  }
  unfurl_conv_plan_destroy(&plan);
  return status == UNFURL_OK;
}

/* The time is limited: planning may not walk through what it plans. */
Test(conv_errors, pairs_of_fields_never_crash, .timeout = 60) {
  static const int64_t values[] = {0, 1, 2, 7, 1 << 15, (1 << 20) + 1, 1 << 29, 1 << 30, (1 << 30) + 1, INT64_MAX};
  enum { VALUES = sizeof values / sizeof *values };
  heap h = {0};
  const unfurl_context_options options = heap_options(&h);
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  for (size_t f = 0; f < FIELD_COUNT; f++)
    for (size_t g = 0; g < f; g++)
      for (size_t v = 0; v < (size_t)VALUES * VALUES * 2; v++) {
        unfurl_conv_desc desc = plain_desc();
        desc.transposed = v % 2;
        set_field(&desc, &FIELDS[f], values[v / 2 % VALUES]);
        set_field(&desc, &FIELDS[g], values[v / 2 / VALUES]);
        check_any(context, &desc);
      }
  cr_assert_lt(atomic_load(&h.peak_bytes), (size_t)1 << 20, "a plan took %zu bytes", atomic_load(&h.peak_bytes));
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

/* Numbers of all magnitudes in all fields at once: most descriptors are refused, some are legal and enormous. */
static unfurl_conv_desc random_desc(rng *r) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  for (size_t f = 0; f < FIELD_COUNT; f++) {
    if (rng_below(r, 2)) continue;
    const uint64_t bits = rng_below(r, 3) ? rng_below(r, 8) : rng_below(r, 32);
    const int64_t power = INT64_C(1) << bits;
    set_field(&desc, &FIELDS[f], power - (int64_t)(rng_below(r, 2) && FIELDS[f].zero_is_fine));
  }
  desc.transposed = rng_below(r, 4) == 0;
  desc.src_layout = (unfurl_layout)rng_below(r, 2), desc.dst_layout = (unfurl_layout)rng_below(r, 2);
  desc.algo = unfurl_conv_algo_name(rng_below(r, unfurl_conv_algo_count() + 1));
  return desc;
}

Test(conv_errors, random_descriptors_never_crash, .timeout = 60) {
  rng r = {1};
  size_t accepted = 0;
  unfurl_context *context = make_context(2);
  for (int i = 0; i < 100000; i++) {
    const unfurl_conv_desc desc = random_desc(&r);
    accepted += check_any(context, &desc);
  }
  cr_log_info("%zu of 100000 descriptors were accepted", accepted);
  cr_assert_gt(accepted, 2000);
  unfurl_context_destroy(&context);
}

/* Large, legal and hopeless to execute: planning must not touch memory of that size. */
Test(conv_errors, huge_but_legal_sizes_allocate_nothing_large, .timeout = 60) {
  heap h = {0};
  const unfurl_context_options options = heap_options(&h);
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  unfurl_conv_desc desc = plain_desc();
  desc.ih = desc.iw = 1 << 20, desc.ic = 1 << 10, desc.batch = 1 << 8;
  for (size_t algo = 0; algo <= unfurl_conv_algo_count(); algo++) {
    desc.algo = unfurl_conv_algo_name(algo);
    check_any(context, &desc);
    desc.weights_at_execute = true;
    check_any(context, &desc);
  }
  cr_assert_lt(atomic_load(&h.peak_bytes), (size_t)1 << 20);
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

Test(conv_errors, products_that_overflow) {
  unfurl_context *context = make_context(1);
  const int64_t large = INT64_C(1) << 30;
  unfurl_conv_desc src = plain_desc(), dst = plain_desc(), weights = plain_desc();
  src.ih = src.iw = large;
  src.batch = large;
  cr_assert_eq(check_refused(context, &src, "src"), UNFURL_TOO_LARGE);
  dst.pad_top = dst.pad_left = large, dst.oc = large;
  cr_assert_eq(check_refused(context, &dst, "dst"), UNFURL_TOO_LARGE);
  weights.kh = weights.kw = weights.pad_top = weights.pad_left = large, weights.oc = large;
  cr_assert_eq(check_refused(context, &weights, "weights"), UNFURL_TOO_LARGE);
  unfurl_context_destroy(&context);
}

/* src, dst and weights fit; the patch matrix does not. */
Test(conv_errors, patch_matrix_that_overflows) {
  unfurl_conv_desc desc = plain_desc();
  unfurl_error error;
  size_t rows, cols;
  float number = 0;
  desc.ih = desc.iw = 1 << 20, desc.kh = desc.kw = 1 << 10, desc.batch = 1 << 16, desc.ic = 1, desc.oc = 1;
  int64_t oh, ow;
  cr_assert_eq(unfurl_conv_output_size(&desc, &oh, &ow, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(unfurl_im2col_size(&desc, &rows, &cols, &error), UNFURL_TOO_LARGE);
  cr_assert(strstr(error.message, "patch matrix"), "%s", error.message);
  cr_assert_eq(unfurl_im2col(&desc, &number, &number, &error), UNFURL_TOO_LARGE);
}

Test(conv_errors, groups_that_do_not_divide) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = plain_desc();
  desc.ic = 6, desc.oc = 4, desc.groups = 4;
  cr_assert_eq(check_refused(context, &desc, "groups"), UNFURL_INVALID_ARGUMENT);
  desc.groups = 3;
  cr_assert_eq(check_refused(context, &desc, "groups"), UNFURL_INVALID_ARGUMENT);
  desc.groups = 12;
  cr_assert_eq(check_refused(context, &desc, "groups"), UNFURL_INVALID_ARGUMENT);
  unfurl_context_destroy(&context);
}

Test(conv_errors, no_output_pixel) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc tall = plain_desc(), wide = plain_desc(), dilated = plain_desc(), cropped = plain_desc();
  tall.kh = 9;
  cr_assert_eq(check_refused(context, &tall, "kh"), UNFURL_INVALID_ARGUMENT);
  wide.kw = 9;
  cr_assert_eq(check_refused(context, &wide, "kw"), UNFURL_INVALID_ARGUMENT);
  dilated.dilation_w = 4;
  cr_assert_eq(check_refused(context, &dilated, "dilation"), UNFURL_INVALID_ARGUMENT);
  cropped.transposed = true, cropped.pad_top = cropped.pad_bottom = 5;
  cr_assert_eq(check_refused(context, &cropped, "ih"), UNFURL_INVALID_ARGUMENT);
  unfurl_context_destroy(&context);
}

Test(conv_errors, output_padding) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = plain_desc();
  desc.output_pad_h = 1;
  cr_assert_eq(check_refused(context, &desc, "output padding"), UNFURL_INVALID_ARGUMENT);
  desc.transposed = true;
  cr_assert_eq(check_refused(context, &desc, "output padding"), UNFURL_INVALID_ARGUMENT);
  desc.stride_h = 2, desc.output_pad_h = 2;
  cr_assert_eq(check_refused(context, &desc, "output padding"), UNFURL_INVALID_ARGUMENT);
  unfurl_context_destroy(&context);
}

Test(conv_errors, values_that_no_enum_has) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = plain_desc();
  desc.dtype = UNFURL_I64;
  cr_assert_eq(check_refused(context, &desc, "f32"), UNFURL_UNSUPPORTED);
  desc = plain_desc(), desc.dtype = (unfurl_dtype)77;
  cr_assert_eq(check_refused(context, &desc, "f32"), UNFURL_UNSUPPORTED);
  desc = plain_desc(), desc.activation = (unfurl_activation)(UNFURL_ACTIVATION_GELU + 1);
  cr_assert_eq(check_refused(context, &desc, "activation"), UNFURL_INVALID_ARGUMENT);
  desc = plain_desc(), desc.activation = (unfurl_activation)-1;
  cr_assert_eq(check_refused(context, &desc, "activation"), UNFURL_INVALID_ARGUMENT);
  desc = plain_desc(), desc.src_layout = (unfurl_layout)2;
  cr_assert_eq(check_refused(context, &desc, "layout"), UNFURL_INVALID_ARGUMENT);
  desc = plain_desc(), desc.dst_layout = (unfurl_layout)-1;
  cr_assert_eq(check_refused(context, &desc, "layout"), UNFURL_INVALID_ARGUMENT);
  desc = plain_desc(), desc.weights_layout = (unfurl_layout)9;
  cr_assert_eq(check_refused(context, &desc, "layout"), UNFURL_INVALID_ARGUMENT);
  desc = plain_desc(), desc.tolerance = -1;
  cr_assert_eq(check_refused(context, &desc, "tolerance"), UNFURL_INVALID_ARGUMENT);
  desc = plain_desc(), desc.tolerance = NAN;
  cr_assert_eq(check_refused(context, &desc, "tolerance"), UNFURL_INVALID_ARGUMENT);
  unfurl_context_destroy(&context);
}

Test(conv_errors, structs_that_were_not_initialised) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = plain_desc();
  desc.size = 0;
  cr_assert_eq(check_refused(context, &desc, "descriptor"), UNFURL_INVALID_ARGUMENT);
  desc.size = sizeof desc - 1;
  cr_assert_eq(check_refused(context, &desc, "descriptor"), UNFURL_INVALID_ARGUMENT);
  desc.size = SIZE_MAX;
  cr_assert_eq(check_refused(context, &desc, "descriptor"), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(check_refused(context, NULL, "descriptor"), UNFURL_INVALID_ARGUMENT);
  unfurl_context_destroy(&context);
}

/* A struct of a later version is longer; what this version does not know is not looked at. */
Test(conv_errors, a_longer_descriptor_is_read) {
  unfurl_context *context = make_context(1);
  struct {
    unfurl_conv_desc desc;
    char more[256];
  } later;
  memset(&later, 0xff, sizeof later);
  later.desc = plain_desc();
  later.desc.size = sizeof later;
  unfurl_conv_plan *plan;
  unfurl_error error;
  cr_assert_eq(unfurl_conv_plan_create(context, &later.desc, &plan, &error), UNFURL_OK, "%s", error.message);
  unfurl_conv_plan_destroy(&plan);
  unfurl_context_destroy(&context);
}

Test(conv_errors, solvers_that_do_not_exist_or_apply) {
  unfurl_context *context = make_context(1);
  unfurl_conv_desc desc = plain_desc();
  unfurl_conv_plan *plan;
  unfurl_error error;
  desc.algo = "no such solver";
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, &error), UNFURL_UNSUPPORTED);
  cr_assert(strstr(error.message, "no such solver"), "%s", error.message);
  desc.algo = "im2col", desc.transposed = true;
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, &error), UNFURL_UNSUPPORTED);
  cr_assert(strstr(error.message, "im2col"), "%s", error.message);
  cr_assert_null(plan);
  desc.algo = "", desc.transposed = false;
  cr_assert_eq(unfurl_conv_plan_create(context, &desc, &plan, &error), UNFURL_UNSUPPORTED);
  unfurl_context_destroy(&context);
}
