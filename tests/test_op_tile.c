/* SPDX-License-Identifier: BSD-2-Clause */
/* Tile, Range, CumSum and Trilu as nodes of a network, against their definitions. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net_run.h"
#include "op_trial.h"
#include "typed.h"

enum { MOST = 1 << 18, RANDOM = 100 };

TestSuite(op_tile, .init = op_trial_open, .fini = op_trial_close);

static float floats[MOST];
static int64_t wide[MOST];
static int32_t narrow[MOST];
static unsigned char flags[MOST];

/* Numbered elements of that type. */
static void *elements(unfurl_dtype dtype, size_t count) {
  for (size_t i = 0; i < count; i++)
    floats[i] = (float)i, wide[i] = (int64_t)i, narrow[i] = (int32_t)i, flags[i] = i % 2;
  return dtype == UNFURL_F32   ? (void *)floats
         : dtype == UNFURL_I64 ? (void *)wide
         : dtype == UNFURL_I32 ? (void *)narrow
                               : (void *)flags;
}

static size_t count_of(size_t rank, const int64_t *dims) {
  size_t count = 1;
  for (size_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  return count;
}

static void check_tile(unfurl_dtype dtype, size_t rank, const int64_t *dims, int64_t *repeats) {
  unfurl_tensor inputs[2], y[OP_TRIAL_OUTPUTS];
  const size_t size = unfurl_dtype_size(dtype);
  const char *x = elements(dtype, count_of(rank, dims));
  unfurl_tensor_init(&inputs[0], dtype, rank, dims, (void *)(uintptr_t)x);
  unfurl_tensor_init(&inputs[1], UNFURL_I64, 1, (const int64_t[]){(int64_t)rank}, repeats);
  const op_trial trial = op_trial_of("Tile", 2, inputs);
  op_trial_run(&trial, y);
  if (rank > 1 && repeats[0] == 1) op_trial_images(&trial, y);
  for (size_t i = 0; i < rank; i++) cr_assert_eq(y[0].dims[i], dims[i] * repeats[i]);
  for (size_t i = 0; i < typed_count(&y[0]); i++) {
    size_t from = 0, stride = 1, at = i;
    for (size_t d = rank; d-- > 0; at /= (size_t)y[0].dims[d], stride *= (size_t)dims[d])
      from += at % (size_t)y[0].dims[d] % (size_t)dims[d] * stride;
    cr_assert(!memcmp((const char *)y[0].data + i * size, x + from * size, size), "element %zu", i);
  }
  op_trial_free(&trial, y);
}

Test(op_tile, any_dimension_is_repeated) {
  rng r = {1};
  for (size_t i = 0; i < RANDOM; i++) {
    int64_t dims[8], repeats[8];
    const size_t rank = 1 + rng_below(&r, 5);
    for (size_t d = 0; d < rank; d++)
      dims[d] = 1 + (int64_t)rng_below(&r, 4), repeats[d] = rng_below(&r, 2) ? 1 : 1 + (int64_t)rng_below(&r, 3);
    check_tile((unfurl_dtype)rng_below(&r, 4), rank, dims, repeats);
  }
  check_tile(UNFURL_F32, 8, (const int64_t[]){2, 2, 2, 2, 2, 2, 2, 2}, (int64_t[]){2, 2, 1, 2, 2, 2, 2, 2});
  check_tile(UNFURL_F32, 4, (const int64_t[]){1, 3, 40, 50}, (int64_t[]){2, 2, 2, 3});
  check_tile(UNFURL_I64, 3, (const int64_t[]){2, 3, 4}, (int64_t[]){1, 0, 2});
  check_tile(UNFURL_F32, 2, (const int64_t[]){2, 0}, (int64_t[]){3, 2});
}

static unfurl_status tile_status(unfurl_dtype dtype, size_t count, int64_t *repeats) {
  unfurl_tensor inputs[2];
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 2, (const int64_t[]){2, 3}, elements(UNFURL_F32, 6));
  unfurl_tensor_init(&inputs[1], dtype, 1, (const int64_t[]){(int64_t)count}, repeats);
  const op_trial trial = op_trial_of("Tile", 2, inputs);
  return op_trial_status(&trial);
}

Test(op_tile, hostile_repeats_are_refused) {
  cr_assert_eq(tile_status(UNFURL_I64, 2, (int64_t[]){1, -1}), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(tile_status(UNFURL_I64, 2, (int64_t[]){INT64_MAX, 1}), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(tile_status(UNFURL_I64, 2, (int64_t[]){INT64_MAX / 4, 8}), UNFURL_TOO_LARGE);
  cr_assert_eq(tile_status(UNFURL_I64, 3, (int64_t[]){1, 1, 1}), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(tile_status(UNFURL_I32, 2, (int64_t[]){1, 1}), UNFURL_INVALID_ARGUMENT);
}

/* Beside a dimension of 0, others may be of any size. */
Test(op_tile, huge_and_empty) {
  int64_t dims[] = {0, 4, INT64_MAX};
  unfurl_tensor inputs[2], want;
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 1, (const int64_t[]){1}, elements(UNFURL_F32, 1));
  unfurl_tensor_init(&inputs[1], UNFURL_I64, 1, (const int64_t[]){3}, dims);
  unfurl_tensor_init(&want, UNFURL_F32, 3, dims, NULL);
  const op_trial trial = op_trial_of("Expand", 2, inputs);
  op_trial_check(&trial, &want);
}

/* One Range whose start is fed. */
static unfurl_status range_of(unfurl_dtype dtype, void *numbers, unfurl_tensor y[OP_TRIAL_OUTPUTS]) {
  unfurl_tensor inputs[3];
  const size_t size = unfurl_dtype_size(dtype);
  for (size_t i = 0; i < 3; i++) unfurl_tensor_init(&inputs[i], dtype, 0, wide, (char *)numbers + i * size);
  const op_trial trial = op_trial_of("Range", 3, inputs);
  if (y) op_trial_run(&trial, y);
  return y ? UNFURL_OK : op_trial_status(&trial);
}

static void check_range(int64_t start, int64_t limit, int64_t delta, size_t count) {
  const op_trial trial = {.output_count = 1};
  unfurl_tensor y[OP_TRIAL_OUTPUTS];
  range_of(UNFURL_I64, (int64_t[]){start, limit, delta}, y);
  cr_assert_eq(y[0].dims[0], (int64_t)count, "%lld instead of %zu", (long long)y[0].dims[0], count);
  for (size_t i = 0; i < count; i++)
    cr_assert_eq(((const int64_t *)y[0].data)[i], (int64_t)((uint64_t)start + i * (uint64_t)delta));
  op_trial_free(&trial, y);
  if (start != (int32_t)start || limit != (int32_t)limit || delta != (int32_t)delta) return;
  range_of(UNFURL_I32, (int32_t[]){(int32_t)start, (int32_t)limit, (int32_t)delta}, y);
  cr_assert_eq(y[0].dims[0], (int64_t)count);
  for (size_t i = 0; i < count; i++) cr_assert_eq(((const int32_t *)y[0].data)[i], start + (int64_t)i * delta);
  op_trial_free(&trial, y);
  if (llabs(start) > 1 << 20 || llabs(limit) > 1 << 20) return;
  range_of(UNFURL_F32, (float[]){(float)start, (float)limit, (float)delta}, y);
  cr_assert_eq(y[0].dims[0], (int64_t)count);
  for (size_t i = 0; i < count; i++) cr_assert_eq(((const float *)y[0].data)[i], (float)(start + (int64_t)i * delta));
  op_trial_free(&trial, y);
}

Test(op_tile, ranges) {
  check_range(0, 10, 1, 10);
  check_range(3, 10, 4, 2);
  check_range(3, 11, 4, 2);
  check_range(3, 12, 4, 3);
  check_range(10, 0, -3, 4);
  check_range(10, 1, -3, 3);
  check_range(0, 10, -1, 0);
  check_range(5, 5, 1, 0);
  check_range(10, 0, 1, 0);
  check_range(INT64_MIN, INT64_MAX, INT64_MAX, 3);
  check_range(INT64_MAX, INT64_MIN, INT64_MIN, 2);
  check_range(INT32_MAX, INT32_MIN, INT32_MIN, 2);
}

Test(op_tile, ranges_of_floats) {
  const op_trial trial = {.output_count = 1};
  unfurl_tensor y[OP_TRIAL_OUTPUTS];
  range_of(UNFURL_F32, (float[]){0.5f, 2.1f, 0.25f}, y);
  cr_assert_eq(y[0].dims[0], 7);
  for (size_t i = 0; i < 7; i++) cr_assert_eq(((const float *)y[0].data)[i], 0.5f + 0.25f * (float)i);
  op_trial_free(&trial, y);
}

Test(op_tile, ranges_without_end_are_refused) {
  cr_assert_eq(range_of(UNFURL_I64, (int64_t[]){0, 10, 0}, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(range_of(UNFURL_I64, (int64_t[]){INT64_MIN, INT64_MAX, 1}, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(range_of(UNFURL_I64, (int64_t[]){0, INT64_MAX, 1}, NULL), UNFURL_TOO_LARGE);
  cr_assert_eq(range_of(UNFURL_I32, (int32_t[]){0, 10, 0}, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(range_of(UNFURL_F32, (float[]){0, 10, 0}, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(range_of(UNFURL_F32, (float[]){0, -10, 0}, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(range_of(UNFURL_F32, (float[]){0, NAN, 1}, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(range_of(UNFURL_F32, (float[]){0, INFINITY, 1}, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(range_of(UNFURL_F32, (float[]){0, 1e30f, 1}, NULL), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(range_of(UNFURL_BOOL, (unsigned char[]){0, 1, 1}, NULL), UNFURL_INVALID_ARGUMENT);
}

static void check_cumsum(unfurl_dtype dtype, const int64_t dims[4], int64_t axis, int64_t exclusive, int64_t reverse) {
  const unfurl_attribute attributes[] = {attribute_int("exclusive", &exclusive), attribute_int("reverse", &reverse)};
  const size_t count = count_of(4, dims), dim = (size_t)(axis < 0 ? axis + 4 : axis);
  size_t stride = 1;
  unfurl_tensor inputs[2], y[OP_TRIAL_OUTPUTS];
  int32_t narrow_axis = (int32_t)axis;
  void *x = elements(dtype, count);
  unfurl_tensor_init(&inputs[0], dtype, 4, dims, x);
  unfurl_tensor_init(&inputs[1], exclusive ? UNFURL_I64 : UNFURL_I32, 0, dims,
                     exclusive ? (void *)&axis : &narrow_axis);
  op_trial trial = op_trial_of("CumSum", 2, inputs);
  trial.attribute_count = 2, trial.attributes = attributes;
  op_trial_run(&trial, y);
  for (size_t d = dim + 1; d < 4; d++) stride *= (size_t)dims[d];
  for (size_t i = 0; i < count; i++) {
    const size_t length = (size_t)dims[dim], at = i / stride % length, first = i - at * stride;
    double sum = 0;
    for (size_t j = 0; j < length; j++)
      if ((j == at && !exclusive) || (reverse ? j > at : j < at)) sum += typed_get(&inputs[0], first + j * stride);
    cr_assert_eq(typed_get(&y[0], i), sum, "axis %lld: element %zu", (long long)axis, i);
  }
  op_trial_free(&trial, y);
}

Test(op_tile, sums_so_far) {
  for (unfurl_dtype dtype = UNFURL_F32; dtype <= UNFURL_I32; dtype++)
    for (int64_t axis = -4; axis < 4; axis++)
      for (int64_t form = 0; form < 4; form++) {
        check_cumsum(dtype, (const int64_t[]){2, 3, 4, 5}, axis, form % 2, form / 2);
        check_cumsum(dtype, (const int64_t[]){3, 1, 0, 2}, axis, form % 2, form / 2);
      }
  check_cumsum(UNFURL_F32, (const int64_t[]){30, 2, 20, 50}, 2, 0, 0);
}

Test(op_tile, sums_of_integers_wrap_around) {
  static int64_t x[] = {INT64_MAX, 1, 1};
  int64_t axis = 0;
  unfurl_tensor inputs[2], y[OP_TRIAL_OUTPUTS];
  unfurl_tensor_init(&inputs[0], UNFURL_I64, 1, (const int64_t[]){3}, x);
  unfurl_tensor_init(&inputs[1], UNFURL_I64, 0, x, &axis);
  op_trial trial = op_trial_of("CumSum", 2, inputs);
  op_trial_run(&trial, y);
  cr_assert_eq(((const int64_t *)y[0].data)[2], INT64_MIN + 1);
  op_trial_free(&trial, y);
  axis = 1;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "an axis that is not there");
  axis = INT64_MIN;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "an axis that is not there");
  unfurl_tensor_init(&inputs[0], UNFURL_BOOL, 1, (const int64_t[]){3}, flags);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "sums of bool");
}

static void check_triangle(unfurl_dtype dtype, size_t rank, const int64_t *dims, int64_t upper, int64_t k) {
  const unfurl_attribute attribute = attribute_int("upper", &upper);
  const size_t count = count_of(rank, dims), size = unfurl_dtype_size(dtype);
  const size_t rows = (size_t)dims[rank - 2], cols = (size_t)dims[rank - 1];
  static const char zero[8];
  unfurl_tensor inputs[2], y[OP_TRIAL_OUTPUTS];
  const char *x = elements(dtype, count);
  unfurl_tensor_init(&inputs[0], dtype, rank, dims, (void *)(uintptr_t)x);
  unfurl_tensor_init(&inputs[1], UNFURL_I64, 0, dims, &k);
  op_trial trial = op_trial_of("Trilu", k ? 2 : 1, inputs);
  trial.opset = 14, trial.attribute_count = !upper, trial.attributes = &attribute;
  op_trial_run(&trial, y);
  for (size_t i = 0; i < count; i++) {
    const double above = (double)(i % cols) - (double)(i / cols % rows) - (double)k;
    const char *want = (upper ? above >= 0 : above <= 0) ? x + i * size : zero;
    cr_assert(!memcmp((const char *)y[0].data + i * size, want, size), "k = %lld: element %zu", (long long)k, i);
  }
  op_trial_free(&trial, y);
}

Test(op_tile, triangles) {
  static const int64_t diagonals[] = {0, 1, -1, 2, -3, 5, -5, 100, -100, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < sizeof diagonals / sizeof *diagonals; i++)
    for (int64_t upper = 0; upper < 2; upper++) {
      check_triangle(UNFURL_F32, 4, (const int64_t[]){2, 3, 4, 5}, upper, diagonals[i]);
      check_triangle(UNFURL_I64, 2, (const int64_t[]){5, 3}, upper, diagonals[i]);
      check_triangle(UNFURL_BOOL, 3, (const int64_t[]){2, 1, 6}, upper, diagonals[i]);
      check_triangle(UNFURL_I32, 3, (const int64_t[]){2, 0, 6}, upper, diagonals[i]);
    }
  unfurl_tensor input;
  unfurl_tensor_init(&input, UNFURL_F32, 1, (const int64_t[]){3}, floats);
  const op_trial trial = op_trial_of("Trilu", 1, &input);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "a triangle of a vector");
}

/* The grid of cells as YOLO's head makes it, folded when the shapes are known: a Range for each axis, tiled. */
Test(op_tile, grids_follow_from_shapes) {
  static float x[24], y[12];
  static const int64_t zero = 0, one = 1, row[] = {1, -1}, axis[] = {2}, next[] = {3}, once[] = {1};
  unfurl_tensor input, scalar;
  unfurl_tensor_init(&input, UNFURL_F32, 4, (const int64_t[]){1, 2, 3, 4}, x);
  unfurl_tensor_init(&scalar, UNFURL_I64, 0, &zero, (void *)(uintptr_t)&zero);
  unfurl_context *context = net_context(1);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, input.dims);
  net_integers(&n, "2", 1, axis);
  net_integers(&n, "3", 1, next);
  net_integers(&n, "1", 1, once);
  net_integers(&n, "row", 2, row);
  if (!n.status) n.status = unfurl_model_add_constant(n.model, "zero", &scalar, &n.error);
  scalar.data = (void *)(uintptr_t)&one;
  if (!n.status) n.status = unfurl_model_add_constant(n.model, "one", &scalar, &n.error);
  const int64_t to = 1;
  const unfurl_attribute cast = attribute_int("to", &to), join = attribute_int("axis", &zero);
  net_node(&n, "Shape", "x", "shape");
  net_node(&n, "Gather", "shape 2", "h");
  net_node(&n, "Gather", "shape 3", "w");
  net_node(&n, "Range", "zero w one", "columns");
  net_node(&n, "Reshape", "columns row", "line");
  net_node_with(&n, "Concat", "h 1", "repeats", 1, &join);
  net_node(&n, "Tile", "line repeats", "grid");
  net_node_with(&n, "Cast", "grid", "y", 1, &cast);
  net_run(&n, &input, 1, 12, y);
  for (size_t i = 0; i < 12; i++) cr_assert_eq(y[i], (float)(i % 4));
  unfurl_context_destroy(&context);
}
