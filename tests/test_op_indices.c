/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators that read or write where indices point to, and those that find such indices: against their definitions, element
 * by element. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net_run.h"
#include "op_trial.h"
#include "support.h"

enum { MOST = 1 << 16, RANDOM = 150, RANK = 4 };

TestSuite(op_indices, .init = op_trial_open, .fini = op_trial_close);

/* A tensor of any type, with its elements, and as numbers. */
typedef struct typed {
  unfurl_tensor tensor;
  union {
    float f32[MOST];
    int64_t i64[MOST];
    int32_t i32[MOST];
    unsigned char bools[MOST];
  } data;
} typed;

static size_t count_of(const unfurl_tensor *t) {
  size_t count = 1;
  for (size_t i = 0; i < t->rank; i++) count *= (size_t)t->dims[i];
  return count;
}

static double get(const unfurl_tensor *t, size_t i) {
  switch (t->dtype) {
  case UNFURL_F32: return (double)((const float *)t->data)[i];
  case UNFURL_I64: return (double)((const int64_t *)t->data)[i];
  case UNFURL_I32: return ((const int32_t *)t->data)[i];
  default: return ((const unsigned char *)t->data)[i];
  }
}

static void put(typed *t, size_t i, double value) {
  switch (t->tensor.dtype) {
  case UNFURL_F32: t->data.f32[i] = (float)value; break;
  case UNFURL_I64: t->data.i64[i] = (int64_t)value; break;
  case UNFURL_I32: t->data.i32[i] = (int32_t)value; break;
  case UNFURL_BOOL: t->data.bools[i] = value != 0; break;
  }
}

static void make(typed *t, unfurl_dtype dtype, size_t rank, const int64_t *dims) {
  unfurl_tensor_init(&t->tensor, dtype, rank, dims, &t->data);
}

/* Small integers. */
static void fill(typed *t, rng *r) {
  for (size_t i = 0; i < count_of(&t->tensor); i++) put(t, i, (double)rng_below(r, 19) - 9);
}

/* Indices of `size` elements, also from the end. */
static void point(typed *t, rng *r, int64_t size) {
  for (size_t i = 0; i < count_of(&t->tensor); i++) put(t, i, (double)rng_below(r, 2 * (size_t)size) - (double)size);
}

/* The numbers of element `i` along each dimension, and back. */
static void unravel(const unfurl_tensor *t, size_t i, size_t at[UNFURL_MAX_RANK]) {
  for (size_t d = t->rank; d-- > 0; i /= (size_t)t->dims[d]) at[d] = i % (size_t)t->dims[d];
}

static size_t ravel(const unfurl_tensor *t, const size_t *at) {
  size_t i = 0;
  for (size_t d = 0; d < t->rank; d++) i = i * (size_t)t->dims[d] + at[d];
  return i;
}

static size_t from_front(double index, int64_t size) {
  return (size_t)(index < 0 ? index + (double)size : index);
}

static op_trial trial_of(const char *op, size_t count, const unfurl_tensor *inputs) {
  return (op_trial){.op = op, .opset = 18, .input_count = count, .inputs = inputs, .output_count = 1};
}

static typed x, indices, updates, want;

static void check_output(const op_trial *trial) {
  unfurl_tensor y[OP_TRIAL_OUTPUTS];
  op_trial_run(trial, y);
  cr_assert(y[0].rank == want.tensor.rank && y[0].dtype == want.tensor.dtype &&
                !memcmp(y[0].dims, want.tensor.dims, y[0].rank * sizeof *y[0].dims),
            "%s: the shape", trial->op);
  for (size_t i = 0; i < count_of(&y[0]); i++)
    cr_assert_eq(get(&y[0], i), get(&want.tensor, i), "%s: element %zu is %g, not %g", trial->op, i, get(&y[0], i),
                 get(&want.tensor, i));
  op_trial_free(trial, y);
}

static double combine(const char *how, double a, double b, unfurl_dtype dtype) {
  if (!strcmp(how, "add")) return a + b;
  if (!strcmp(how, "mul")) return dtype == UNFURL_F32 ? (double)((float)a * (float)b) : a * b;
  if (!strcmp(how, "max")) return fmax(a, b);
  return strcmp(how, "min") ? b : fmin(a, b);
}

static const char *const reductions[] = {"none", "add", "mul", "max", "min"};

/* Integers' products grow large: those of bool and of many are left out. */
static const char *reduction_for(rng *r, unfurl_dtype dtype) {
  return dtype == UNFURL_BOOL ? "none" : reductions[rng_below(r, 5)];
}

static void check_elements(rng *r) {
  const unfurl_dtype dtype = (unfurl_dtype)rng_below(r, 4), index_dtype = rng_below(r, 2) ? UNFURL_I64 : UNFURL_I32;
  const size_t rank = 1 + rng_below(r, RANK), dim = rng_below(r, rank);
  const int64_t axis = rng_below(r, 2) ? (int64_t)dim : (int64_t)dim - (int64_t)rank;
  const char *how = reduction_for(r, dtype);
  int64_t dims[RANK], smaller[RANK];
  size_t at[UNFURL_MAX_RANK];
  for (size_t i = 0; i < rank; i++)
    dims[i] = 1 + (int64_t)rng_below(r, 5), smaller[i] = 1 + (int64_t)rng_below(r, (size_t)dims[i]);
  smaller[dim] = 1 + (int64_t)rng_below(r, 7); /* as long as one likes along the axis */
  make(&x, dtype, rank, dims);
  make(&indices, index_dtype, rank, smaller);
  make(&updates, dtype, rank, smaller);
  fill(&x, r), fill(&updates, r), point(&indices, r, dims[dim]);
  const unfurl_attribute attributes[] = {attribute_int("axis", &axis), attribute_string("reduction", how)};

  make(&want, dtype, rank, smaller);
  for (size_t i = 0; i < count_of(&want.tensor); i++) {
    unravel(&want.tensor, i, at);
    at[dim] = from_front(get(&indices.tensor, i), dims[dim]);
    put(&want, i, get(&x.tensor, ravel(&x.tensor, at)));
  }
  unfurl_tensor inputs[] = {x.tensor, indices.tensor, updates.tensor};
  op_trial trial = trial_of("GatherElements", 2, inputs);
  trial.attribute_count = 1, trial.attributes = attributes;
  check_output(&trial);

  want = x, want.tensor.data = &want.data;
  for (size_t i = 0; i < count_of(&updates.tensor); i++) {
    unravel(&updates.tensor, i, at);
    at[dim] = from_front(get(&indices.tensor, i), dims[dim]);
    const size_t to = ravel(&x.tensor, at);
    put(&want, to, combine(how, get(&want.tensor, to), get(&updates.tensor, i), dtype));
  }
  trial = trial_of("ScatterElements", 3, inputs);
  trial.attribute_count = 2, trial.attributes = attributes;
  check_output(&trial);
}

Test(op_indices, elements_along_an_axis) {
  rng r = {1};
  for (size_t i = 0; i < RANDOM; i++) check_elements(&r);
}

/* Lines longer than a block of offsets. */
Test(op_indices, long_lines) {
  rng r = {2};
  make(&x, UNFURL_F32, 2, (const int64_t[]){3, 1000});
  make(&indices, UNFURL_I64, 2, (const int64_t[]){2, 1000});
  make(&want, UNFURL_F32, 2, (const int64_t[]){2, 1000});
  fill(&x, &r);
  for (int64_t axis = 0; axis < 2; axis++) {
    point(&indices, &r, axis ? 1000 : 3);
    for (size_t i = 0; i < 2000; i++) {
      const size_t at = from_front((double)indices.data.i64[i], axis ? 1000 : 3);
      want.data.f32[i] = x.data.f32[axis ? i / 1000 * 1000 + at : at * 1000 + i % 1000];
    }
    const unfurl_attribute attribute = attribute_int("axis", &axis);
    const unfurl_tensor inputs[] = {x.tensor, indices.tensor};
    op_trial trial = trial_of("GatherElements", 2, inputs);
    trial.attribute_count = 1, trial.attributes = &attribute;
    check_output(&trial);
  }
}

/* What is written twice has the last value, and NaN wins against all. */
Test(op_indices, updates_come_in_order) {
  static const char *const hows[] = {"none", "max", "add"};
  static const float results[] = {5, NAN, NAN};
  make(&x, UNFURL_F32, 1, (const int64_t[]){3});
  make(&indices, UNFURL_I64, 1, (const int64_t[]){3});
  make(&updates, UNFURL_F32, 1, (const int64_t[]){3});
  memcpy(x.data.f32, (const float[]){1, 2, 3}, 12);
  memcpy(updates.data.f32, (const float[]){7, NAN, 5}, 12);
  memcpy(indices.data.i64, (const int64_t[]){1, 1, -2}, 24);
  const unfurl_tensor inputs[] = {x.tensor, indices.tensor, updates.tensor};
  for (size_t i = 0; i < 3; i++) {
    const unfurl_attribute attribute = attribute_string("reduction", hows[i]);
    unfurl_tensor y[OP_TRIAL_OUTPUTS];
    op_trial trial = trial_of("ScatterElements", 3, inputs);
    trial.attribute_count = 1, trial.attributes = &attribute;
    op_trial_run(&trial, y);
    const float *got = y[0].data;
    cr_assert(got[0] == 1 && got[2] == 3 && (isnan(results[i]) ? isnan(got[1]) : got[1] == results[i]), "%s", hows[i]);
    op_trial_free(&trial, y);
  }
}

static void check_slices(rng *r) {
  const unfurl_dtype dtype = (unfurl_dtype)rng_below(r, 4);
  const size_t rank = 1 + rng_below(r, RANK), numbers = 1 + rng_below(r, rank);
  const size_t batch = rng_below(r, rank - numbers + 1), index_rank = batch + 1 + rng_below(r, 2);
  const int64_t given_batch = (int64_t)batch;
  const char *how = reduction_for(r, dtype);
  int64_t dims[RANK], index_dims[UNFURL_MAX_RANK], slices[UNFURL_MAX_RANK];
  size_t at[UNFURL_MAX_RANK], place[UNFURL_MAX_RANK], slice_rank = index_rank - 1;
  for (size_t i = 0; i < rank; i++) dims[i] = 1 + (int64_t)rng_below(r, 4);
  for (size_t i = 0; i < index_rank; i++) index_dims[i] = i < batch ? dims[i] : 1 + (int64_t)rng_below(r, 4);
  index_dims[index_rank - 1] = (int64_t)numbers;
  memcpy(slices, index_dims, sizeof slices);
  for (size_t i = batch + numbers; i < rank; i++) slices[slice_rank++] = dims[i];
  make(&x, dtype, rank, dims);
  make(&indices, rng_below(r, 2) ? UNFURL_I64 : UNFURL_I32, index_rank, index_dims);
  make(&updates, dtype, slice_rank, slices);
  make(&want, dtype, slice_rank, slices);
  fill(&x, r), fill(&updates, r);
  for (size_t i = 0; i < count_of(&indices.tensor); i++) {
    const size_t size = (size_t)dims[batch + i % numbers];
    put(&indices, i, (double)rng_below(r, 2 * size) - (double)size);
  }
  typed *scattered = malloc(sizeof *scattered);
  *scattered = x, scattered->tensor.data = &scattered->data;
  for (size_t i = 0; i < count_of(&want.tensor); i++) {
    unravel(&want.tensor, i, at);
    memcpy(place, at, sizeof place);
    for (size_t n = 0; n < numbers; n++) {
      size_t index_at[UNFURL_MAX_RANK];
      memcpy(index_at, at, sizeof index_at);
      index_at[index_rank - 1] = n;
      place[batch + n] = from_front(get(&indices.tensor, ravel(&indices.tensor, index_at)), dims[batch + n]);
    }
    for (size_t d = batch + numbers; d < rank; d++) place[d] = at[index_rank - 1 + d - batch - numbers];
    const size_t to = ravel(&x.tensor, place);
    put(&want, i, get(&x.tensor, to));
    put(scattered, to, combine(how, get(&scattered->tensor, to), get(&updates.tensor, i), dtype));
  }
  const unfurl_attribute batch_dims = attribute_int("batch_dims", &given_batch);
  const unfurl_attribute reduction = attribute_string("reduction", how);
  unfurl_tensor inputs[] = {x.tensor, indices.tensor, updates.tensor};
  op_trial trial = trial_of("GatherND", 2, inputs);
  trial.attribute_count = batch > 0, trial.attributes = &batch_dims;
  check_output(&trial);
  want = *scattered, want.tensor.data = &want.data;
  trial = trial_of("ScatterND", 3, inputs);
  trial.attribute_count = 1, trial.attributes = &reduction;
  if (batch == 0) check_output(&trial);
  free(scattered);
}

Test(op_indices, slices_at_places) {
  rng r = {3};
  for (size_t i = 0; i < 2 * RANDOM; i++) check_slices(&r);
}

/* Of 2x3 floats: one node with these indices. */
typedef struct refused {
  const char *op;
  unfurl_dtype dtype;
  size_t rank;
  int64_t dims[3], first, fill;
} refused;

static const refused hostile[] = {
    {"GatherElements", UNFURL_I64, 2, {2, 3}, 2, 0},
    {"GatherElements", UNFURL_I64, 2, {2, 3}, INT64_MIN, 0},
    {"GatherElements", UNFURL_I64, 2, {2, 3}, 0, -3},
    {"GatherElements", UNFURL_I64, 1, {3}, 0, 0},
    {"GatherElements", UNFURL_I64, 2, {2, 4}, 0, 0},
    {"GatherElements", UNFURL_F32, 2, {2, 3}, 0, 0},
    {"ScatterElements", UNFURL_I64, 2, {2, 3}, INT64_MAX, 0},
    {"ScatterElements", UNFURL_I64, 2, {3, 4}, 0, 0},
    {"GatherND", UNFURL_I64, 2, {1, 2}, 0, 3},
    {"GatherND", UNFURL_I64, 2, {1, 2}, 0, -4},
    {"GatherND", UNFURL_I64, 2, {1, 3}, 0, 0},
    {"GatherND", UNFURL_I64, 2, {1, 0}, 0, 0},
    {"GatherND", UNFURL_I64, 0, {0}, 0, 0},
    {"ScatterND", UNFURL_I64, 2, {1, 2}, 2, 0},
};

Test(op_indices, what_points_nowhere_is_refused) {
  rng r = {4};
  make(&x, UNFURL_F32, 2, (const int64_t[]){2, 3});
  fill(&x, &r);
  for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
    const refused *h = &hostile[i];
    const bool is_nd = !strcmp(h->op, "ScatterND");
    make(&indices, h->dtype, h->rank, h->dims);
    for (size_t j = 0; j < count_of(&indices.tensor); j++)
      if (h->dtype == UNFURL_I64) indices.data.i64[j] = j ? h->fill : h->first;
    make(&updates, UNFURL_F32, is_nd ? 1 : h->rank, h->dims);
    const unfurl_tensor inputs[] = {x.tensor, indices.tensor, updates.tensor};
    const op_trial trial = trial_of(h->op, h->op[0] == 'S' ? 3 : 2, inputs);
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "%s, number %zu", h->op, i);
  }
}

Test(op_indices, updates_that_do_not_fit_are_refused) {
  make(&x, UNFURL_F32, 2, (const int64_t[]){2, 3});
  make(&indices, UNFURL_I64, 2, (const int64_t[]){1, 1});
  indices.data.i64[0] = 0;
  make(&updates, UNFURL_F32, 2, (const int64_t[]){1, 3});
  unfurl_tensor inputs[] = {x.tensor, indices.tensor, updates.tensor};
  op_trial trial = trial_of("ScatterND", 3, inputs);
  cr_assert_eq(op_trial_status(&trial), UNFURL_OK);
  const unfurl_attribute attribute = attribute_string("reduction", "mean");
  trial.attribute_count = 1, trial.attributes = &attribute;
  cr_assert_eq(op_trial_status(&trial), UNFURL_UNSUPPORTED, "an unknown reduction");
  trial.attribute_count = 0;
  inputs[2].dtype = UNFURL_I32;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "updates of another type");
  inputs[2] = updates.tensor, inputs[2].dims[1] = 2;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "updates of another shape");
  const int64_t batch = 3;
  const unfurl_attribute batch_dims = attribute_int("batch_dims", &batch);
  trial = trial_of("GatherND", 2, inputs);
  trial.attribute_count = 1, trial.attributes = &batch_dims;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "a batch of three dimensions");
}

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
  op_trial trial = trial_of("TopK", 2, inputs);
  trial.attribute_count = 2, trial.attributes = attributes, trial.output_count = 2;
  op_trial_run(&trial, y);
  for (size_t d = dim + 1; d < 3; d++) inner *= (size_t)dims[d];
  cr_assert(y[0].dims[dim] == k && y[1].dims[dim] == k && y[1].dtype == UNFURL_I64 && y[0].dtype == dtype);
  for (size_t i = 0; i < count_of(&y[0]); i++) {
    const size_t place = i / inner % (size_t)k, first = i / inner / (size_t)k * length * inner + i % inner;
    const size_t found = (size_t)((const int64_t *)y[1].data)[i];
    size_t before = 0;
    cr_assert_lt(found, length);
    for (size_t j = 0; j < length; j++) line[j] = get(&x.tensor, first + j * inner);
    for (size_t j = 0; j < length; j++) before += comes_before(line, j, found, largest != 0);
    cr_assert_eq(before, place, "element %zu: %zu come before it", i, before);
    const double value = get(&y[0], i);
    cr_assert(isnan(line[found]) ? isnan(value) : value == line[found]);
  }
  op_trial_free(&trial, y);
}

Test(op_indices, the_best_of_each_line) {
  rng r = {5};
  for (size_t i = 0; i < RANDOM; i++) {
    const int64_t dims[] = {1 + (int64_t)rng_below(&r, 4), 1 + (int64_t)rng_below(&r, 30),
                            1 + (int64_t)rng_below(&r, 6)};
    const int64_t axis = (int64_t)rng_below(&r, 6) - 3, length = dims[(axis + 3) % 3];
    const unfurl_dtype dtype = (unfurl_dtype)rng_below(&r, 3);
    make(&x, dtype, 3, dims);
    fill(&x, &r);
    for (size_t j = 0; j < count_of(&x.tensor) && dtype == UNFURL_F32; j++)
      if (rng_below(&r, 12) == 0) x.data.f32[j] = (float[]){NAN, INFINITY, -INFINITY, -0.0f}[rng_below(&r, 4)];
    check_top(dtype, dims, axis, (int64_t)rng_below(&r, (size_t)length + 1), (int64_t)rng_below(&r, 2));
  }
  const int64_t dims[] = {2, 3000, 7};
  make(&x, UNFURL_F32, 3, dims);
  fill_real(x.data.f32, 42000, 1);
  check_top(UNFURL_F32, dims, 1, 20, 1);
  check_top(UNFURL_F32, dims, -2, 20, 0);
}

/* Values alone, wide integers, and k as an attribute. */
Test(op_indices, the_best_in_other_forms) {
  int64_t k = 2;
  unfurl_tensor number, y[OP_TRIAL_OUTPUTS];
  make(&x, UNFURL_I64, 1, (const int64_t[]){4});
  memcpy(x.data.i64, (const int64_t[]){INT64_MAX - 1, INT64_MIN, INT64_MAX, INT64_MIN + 1}, 32);
  unfurl_tensor_init(&number, UNFURL_I64, 1, (const int64_t[]){1}, &k);
  unfurl_tensor inputs[] = {x.tensor, number};
  op_trial trial = trial_of("TopK", 2, inputs);
  op_trial_run(&trial, y);
  cr_assert(((const int64_t *)y[0].data)[0] == INT64_MAX && ((const int64_t *)y[0].data)[1] == INT64_MAX - 1);
  op_trial_free(&trial, y);
  const unfurl_attribute attribute = attribute_int("k", &k);
  trial.opset = 9, trial.input_count = 1, trial.attribute_count = 1, trial.attributes = &attribute;
  op_trial_run(&trial, y);
  cr_assert_eq(y[0].dims[0], 2);
  op_trial_free(&trial, y);
  trial = trial_of("TopK", 1, inputs);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "no k");
  trial = trial_of("TopK", 2, inputs);
  for (size_t i = 0; i < 4; i++) {
    k = (const int64_t[]){5, -1, INT64_MAX, INT64_MIN}[i];
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "k = %lld", (long long)k);
  }
}

static void check_one_hot(unfurl_dtype index_dtype, unfurl_dtype dtype, int64_t axis) {
  rng r = {6};
  const int64_t dims[] = {2, 3, 4}, inserted = axis < 0 ? axis + 4 : axis;
  int64_t depth = 5, out[4];
  unfurl_tensor number;
  for (int64_t i = 0; i < 4; i++) out[i] = i == inserted ? depth : dims[i - (i > inserted)];
  make(&indices, index_dtype, 3, dims);
  make(&updates, dtype, 1, (const int64_t[]){2});
  make(&want, dtype, 4, out);
  put(&updates, 0, 1), put(&updates, 1, dtype == UNFURL_BOOL ? 0 : 7);
  for (size_t i = 0; i < 24; i++) put(&indices, i, (double)rng_below(&r, 14) - 7);
  if (index_dtype == UNFURL_F32) indices.data.f32[0] = NAN, indices.data.f32[1] = 2.5f, indices.data.f32[2] = 1e30f;
  for (size_t i = 0; i < count_of(&want.tensor); i++) {
    size_t at[UNFURL_MAX_RANK], from[3];
    unravel(&want.tensor, i, at);
    for (size_t d = 0; d < 3; d++) from[d] = at[d + (d >= (size_t)inserted)];
    const double index = trunc(get(&indices.tensor, ravel(&indices.tensor, from))), own = (double)at[inserted];
    put(&want, i, get(&updates.tensor, index == own || index + 5 == own));
  }
  unfurl_tensor_init(&number, UNFURL_I64, 0, dims, &depth);
  const unfurl_attribute attribute = attribute_int("axis", &axis);
  const unfurl_tensor inputs[] = {indices.tensor, number, updates.tensor};
  op_trial trial = trial_of("OneHot", 3, inputs);
  trial.attribute_count = axis != -1, trial.attributes = &attribute;
  check_output(&trial);
  for (size_t i = 0; i < 3; i++) {
    depth = (const int64_t[]){0, -1, INT64_MAX}[i];
    cr_assert_eq(op_trial_status(&trial), i < 2 ? UNFURL_INVALID_ARGUMENT : UNFURL_TOO_LARGE);
  }
}

Test(op_indices, one_in_a_row) {
  for (int64_t axis = -4; axis < 4; axis++)
    for (unfurl_dtype index = UNFURL_F32; index <= UNFURL_I32; index++)
      for (unfurl_dtype dtype = UNFURL_F32; dtype <= UNFURL_BOOL; dtype++) check_one_hot(index, dtype, axis);
}

/* A pool and its inverse, behind a convolution that changes nothing: only the largest of each window is left. */
Test(op_indices, unpooled_where_it_was) {
  static const float ones[] = {1, 1, 1};
  static float y[2 * 3 * 6 * 8];
  const int64_t dims[] = {2, 3, 6, 8}, group = 3, kernel[] = {2, 2};
  const unfurl_attribute groups = attribute_int("group", &group);
  const unfurl_attribute window[] = {attribute_ints("kernel_shape", 2, kernel), attribute_ints("strides", 2, kernel)};
  make(&x, UNFURL_F32, 4, dims);
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

Test(op_indices, unpooled_into_a_larger_image) {
  int64_t kernel[] = {2, 2}, shape[] = {1, 2, 5, 4};
  const unfurl_attribute window[] = {attribute_ints("kernel_shape", 2, kernel), attribute_ints("strides", 2, kernel)};
  unfurl_tensor list;
  make(&x, UNFURL_F32, 4, (const int64_t[]){1, 2, 2, 1});
  make(&indices, UNFURL_I64, 4, x.tensor.dims);
  make(&want, UNFURL_F32, 4, shape);
  memset(&want.data, 0, sizeof want.data);
  for (size_t i = 0; i < 4; i++) x.data.f32[i] = (float)i + 1, indices.data.i64[i] = (int64_t)(i * 4 + i % 2);
  /* Indices 0, 5, 8, 13 of two images of 4x2. */
  want.data.f32[0] = 1, want.data.f32[2 * 4 + 1] = 2, want.data.f32[20] = 3, want.data.f32[20 + 2 * 4 + 1] = 4;
  unfurl_tensor_init(&list, UNFURL_I64, 1, (const int64_t[]){4}, shape);
  unfurl_tensor inputs[] = {x.tensor, indices.tensor, list};
  op_trial trial = trial_of("MaxUnpool", 3, inputs);
  trial.attribute_count = 2, trial.attributes = window;
  check_output(&trial);
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
