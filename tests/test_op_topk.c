/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators that find indices (TopK, MaxPool), or put elements at them among others (OneHot, MaxUnpool), against their
 * definitions. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "net_run.h"
#include "op_trial.h"
#include "typed.h"

enum { RANDOM = 150 };

TestSuite(op_topk, .init = op_trial_open, .fini = op_trial_close);

static typed x, indices, updates, want;

/* Whether element `a` of a line comes before `b`: NaN is the largest, of equals the first comes first. */
static bool comes_before(const double *line, size_t a, size_t b, bool largest) {
  const double p = line[a], q = line[b];
  if (isnan(p) || isnan(q)) return isnan(p) && isnan(q) ? a < b : isnan(p) == largest;
  return p == q ? a < b : largest ? p > q : p < q;
}

static void check_top(unfurl_dtype dtype, const int64_t dims[3], int64_t axis, int64_t k, int64_t largest) {
  const unfurl_attribute attributes[] = {attribute_int("largest", &largest), attribute_int("axis", &axis)};
  const size_t dim = (size_t)(axis < 0 ? axis + 3 : axis), length = (size_t)dims[dim];
  size_t inner = 1;
  double line[4000];
  unfurl_tensor shape, y[OP_TRIAL_OUTPUTS];
  unfurl_tensor_init(&shape, UNFURL_I64, 1, (const int64_t[]){1}, &k);
  const unfurl_tensor inputs[] = {x.tensor, shape};
  op_trial trial = op_trial_of("TopK", 2, inputs);
  trial.attribute_count = 2, trial.attributes = attributes, trial.output_count = 2;
  op_trial_run(&trial, y);
  for (size_t d = dim + 1; d < 3; d++) inner *= (size_t)dims[d];
  cr_assert(y[0].dims[dim] == k && y[1].dims[dim] == k && y[1].dtype == UNFURL_I64 && y[0].dtype == dtype);
  for (size_t i = 0; i < typed_count(&y[0]); i++) {
    const size_t place = i / inner % (size_t)k, first = i / inner / (size_t)k * length * inner + i % inner;
    const size_t found = (size_t)((const int64_t *)y[1].data)[i];
    size_t before = 0;
    cr_assert_lt(found, length);
    for (size_t j = 0; j < length; j++) line[j] = typed_get(&x.tensor, first + j * inner);
    for (size_t j = 0; j < length; j++) before += comes_before(line, j, found, largest != 0);
    cr_assert_eq(before, place, "element %zu: %zu come before it", i, before);
    const double value = typed_get(&y[0], i);
    cr_assert(isnan(line[found]) ? isnan(value) : value == line[found]);
  }
  op_trial_free(&trial, y);
}

Test(op_topk, the_best_of_each_line) {
  rng r = {5};
  for (size_t i = 0; i < RANDOM; i++) {
    const int64_t dims[] = {1 + (int64_t)rng_below(&r, 4), 1 + (int64_t)rng_below(&r, 30),
                            1 + (int64_t)rng_below(&r, 6)};
    const int64_t axis = (int64_t)rng_below(&r, 6) - 3, length = dims[(axis + 3) % 3];
    const unfurl_dtype dtype = (unfurl_dtype)rng_below(&r, 3);
    typed_make(&x, dtype, 3, dims);
    typed_fill(&x, &r);
    for (size_t j = 0; j < typed_count(&x.tensor) && dtype == UNFURL_F32; j++)
      if (rng_below(&r, 12) == 0) x.data.f32[j] = (float[]){NAN, INFINITY, -INFINITY, -0.0f}[rng_below(&r, 4)];
    check_top(dtype, dims, axis, (int64_t)rng_below(&r, (size_t)length + 1), (int64_t)rng_below(&r, 2));
  }
  const int64_t dims[] = {2, 3000, 7};
  typed_make(&x, UNFURL_F32, 3, dims);
  fill_real(x.data.f32, 42000, 1);
  check_top(UNFURL_F32, dims, 1, 20, 1);
  check_top(UNFURL_F32, dims, -2, 20, 0);
}

/* Values alone, wide integers, and k as an attribute. */
Test(op_topk, the_best_in_other_forms) {
  int64_t k = 2;
  unfurl_tensor number, y[OP_TRIAL_OUTPUTS];
  typed_make(&x, UNFURL_I64, 1, (const int64_t[]){4});
  memcpy(x.data.i64, (const int64_t[]){INT64_MAX - 1, INT64_MIN, INT64_MAX, INT64_MIN + 1}, 32);
  unfurl_tensor_init(&number, UNFURL_I64, 1, (const int64_t[]){1}, &k);
  unfurl_tensor inputs[] = {x.tensor, number};
  op_trial trial = op_trial_of("TopK", 2, inputs);
  op_trial_run(&trial, y);
  cr_assert(((const int64_t *)y[0].data)[0] == INT64_MAX && ((const int64_t *)y[0].data)[1] == INT64_MAX - 1);
  op_trial_free(&trial, y);
  const unfurl_attribute attribute = attribute_int("k", &k);
  trial.opset = 9, trial.input_count = 1, trial.attribute_count = 1, trial.attributes = &attribute;
  op_trial_run(&trial, y);
  cr_assert_eq(y[0].dims[0], 2);
  op_trial_free(&trial, y);
  trial = op_trial_of("TopK", 1, inputs);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "no k");
  trial = op_trial_of("TopK", 2, inputs);
  for (size_t i = 0; i < 4; i++) {
    k = (const int64_t[]){5, -1, INT64_MAX, INT64_MIN}[i];
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "k = %lld", (long long)k);
  }
}

/* Lines of which nothing is wanted, and no lines. */
Test(op_topk, the_best_of_nothing) {
  int64_t k = 0;
  unfurl_tensor number;
  unfurl_tensor_init(&number, UNFURL_I64, 1, (const int64_t[]){1}, &k);
  for (size_t i = 0; i < 2; i++) {
    typed_make(&x, UNFURL_F32, 3, (const int64_t[]){i ? 0 : 2, 4, i ? 3 : 0});
    typed_make(&want, UNFURL_F32, 3, (const int64_t[]){i ? 0 : 2, 4, 0});
    const unfurl_tensor inputs[] = {x.tensor, number};
    const op_trial trial = op_trial_of("TopK", 2, inputs);
    op_trial_check(&trial, &want.tensor);
  }
}

static void check_one_hot(unfurl_dtype index_dtype, unfurl_dtype dtype, int64_t axis) {
  rng r = {6};
  const int64_t dims[] = {2, 3, 4}, inserted = axis < 0 ? axis + 4 : axis;
  int64_t depth = 5, out[4];
  unfurl_tensor number;
  for (int64_t i = 0; i < 4; i++) out[i] = i == inserted ? depth : dims[i - (i > inserted)];
  typed_make(&indices, index_dtype, 3, dims);
  typed_make(&updates, dtype, 1, (const int64_t[]){2});
  typed_make(&want, dtype, 4, out);
  typed_put(&updates, 0, 1), typed_put(&updates, 1, dtype == UNFURL_BOOL ? 0 : 7);
  for (size_t i = 0; i < 24; i++) typed_put(&indices, i, (double)rng_below(&r, 14) - 7);
  if (index_dtype == UNFURL_F32) indices.data.f32[0] = NAN, indices.data.f32[1] = 2.5f, indices.data.f32[2] = 1e30f;
  for (size_t i = 0; i < typed_count(&want.tensor); i++) {
    size_t at[UNFURL_MAX_RANK], from[3];
    typed_unravel(&want.tensor, i, at);
    for (size_t d = 0; d < 3; d++) from[d] = at[d + (d >= (size_t)inserted)];
    const double index = trunc(typed_get(&indices.tensor, typed_ravel(&indices.tensor, from))),
                 own = (double)at[inserted];
    typed_put(&want, i, typed_get(&updates.tensor, index == own || index + 5 == own));
  }
  unfurl_tensor_init(&number, UNFURL_I64, 0, dims, &depth);
  const unfurl_attribute attribute = attribute_int("axis", &axis);
  const unfurl_tensor inputs[] = {indices.tensor, number, updates.tensor};
  op_trial trial = op_trial_of("OneHot", 3, inputs);
  trial.attribute_count = axis != -1, trial.attributes = &attribute;
  op_trial_check(&trial, &want.tensor);
  for (size_t i = 0; i < 3; i++) {
    depth = (const int64_t[]){0, -1, INT64_MAX}[i];
    cr_assert_eq(op_trial_status(&trial), i < 2 ? UNFURL_INVALID_ARGUMENT : UNFURL_TOO_LARGE);
  }
}

Test(op_topk, none_in_no_rows) {
  int64_t depth = 3;
  unfurl_tensor number;
  unfurl_tensor_init(&number, UNFURL_I64, 0, &depth, &depth);
  typed_make(&indices, UNFURL_I64, 1, (const int64_t[]){0});
  typed_make(&updates, UNFURL_F32, 1, (const int64_t[]){2});
  typed_make(&want, UNFURL_F32, 2, (const int64_t[]){0, 3});
  const unfurl_tensor inputs[] = {indices.tensor, number, updates.tensor};
  const op_trial trial = op_trial_of("OneHot", 3, inputs);
  op_trial_check(&trial, &want.tensor);
}

Test(op_topk, one_in_a_row) {
  for (int64_t axis = -4; axis < 4; axis++)
    for (unfurl_dtype index = UNFURL_F32; index <= UNFURL_I32; index++)
      for (unfurl_dtype dtype = UNFURL_F32; dtype <= UNFURL_BOOL; dtype++) check_one_hot(index, dtype, axis);
}

/* A pool and its inverse, behind a convolution that changes nothing: only the largest of each window is left. */
Test(op_topk, unpooled_where_it_was) {
  static const float ones[] = {1, 1, 1};
  static float y[2 * 3 * 6 * 8];
  const int64_t dims[] = {2, 3, 6, 8}, group = 3, kernel[] = {2, 2};
  const unfurl_attribute groups = attribute_int("group", &group);
  const unfurl_attribute window[] = {attribute_ints("kernel_shape", 2, kernel), attribute_ints("strides", 2, kernel)};
  typed_make(&x, UNFURL_F32, 4, dims);
  fill_real(x.data.f32, 288, 7);
  unfurl_context *context = net_context(2);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, dims);
  net_constant(&n, "w", 4, (const int64_t[]){3, 1, 1, 1}, ones);
  net_node_with(&n, "Conv", "x w", "c", 1, &groups);
  net_node_with(&n, "MaxPool", "c", "p i", 2, window);
  net_node_with(&n, "MaxUnpool", "p i", "y", 2, window);
  net_run(&n, &x.tensor, 1, 288, y);
  for (size_t i = 0; i < 288; i++) {
    const size_t corner = i / 16 * 16 + i % 8 / 2 * 2;
    const float *at = x.data.f32 + corner, largest = fmaxf(fmaxf(at[0], at[1]), fmaxf(at[8], at[9]));
    cr_assert_eq(y[i], x.data.f32[i] == largest ? largest : 0, "element %zu", i);
  }
  unfurl_context_destroy(&context);
}

Test(op_topk, unpooled_into_a_larger_image) {
  int64_t kernel[] = {2, 2}, shape[] = {1, 2, 5, 4};
  const unfurl_attribute window[] = {attribute_ints("kernel_shape", 2, kernel), attribute_ints("strides", 2, kernel)};
  unfurl_tensor list;
  typed_make(&x, UNFURL_F32, 4, (const int64_t[]){1, 2, 2, 1});
  typed_make(&indices, UNFURL_I64, 4, x.tensor.dims);
  typed_make(&want, UNFURL_F32, 4, shape);
  memset(&want.data, 0, sizeof want.data);
  for (size_t i = 0; i < 4; i++) x.data.f32[i] = (float)i + 1, indices.data.i64[i] = (int64_t)(i * 4 + i % 2);
  /* Indices 0, 5, 8, 13 of two images of 4x2. */
  want.data.f32[0] = 1, want.data.f32[2 * 4 + 1] = 2, want.data.f32[20] = 3, want.data.f32[20 + 2 * 4 + 1] = 4;
  unfurl_tensor_init(&list, UNFURL_I64, 1, (const int64_t[]){4}, shape);
  unfurl_tensor inputs[] = {x.tensor, indices.tensor, list};
  op_trial trial = op_trial_of("MaxUnpool", 3, inputs);
  trial.attribute_count = 2, trial.attributes = window;
  op_trial_check(&trial, &want.tensor);
  for (size_t i = 0; i < 4; i++) {
    indices.data.i64[3] = (const int64_t[]){16, -1, INT64_MAX, INT64_MIN}[i];
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "index %lld", (long long)indices.data.i64[3]);
  }
  indices.data.i64[3] = 0;
  shape[2] = 3;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "a smaller image");
  shape[2] = 5, shape[1] = 3;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "another channel");
  trial.attribute_count = 0;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "no kernel");
}
