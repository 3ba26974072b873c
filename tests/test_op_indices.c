/* SPDX-License-Identifier: BSD-2-Clause */
/* Operators that read or write where indices point to, against their definitions, element by element. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "op_trial.h"
#include "typed.h"

enum { RANDOM = 150, RANK = 4 };

TestSuite(op_indices, .init = op_trial_open, .fini = op_trial_close);

/* Indices of `size` elements, also from the end. */
static void point(typed *t, rng *r, int64_t size) {
  for (size_t i = 0; i < typed_count(&t->tensor); i++)
    typed_put(t, i, (double)rng_below(r, 2 * (size_t)size) - (double)size);
}

static size_t from_front(double index, int64_t size) {
  return (size_t)(index < 0 ? index + (double)size : index);
}

static typed x, indices, updates, want;

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
  typed_make(&x, dtype, rank, dims);
  typed_make(&indices, index_dtype, rank, smaller);
  typed_make(&updates, dtype, rank, smaller);
  typed_fill(&x, r), typed_fill(&updates, r), point(&indices, r, dims[dim]);
  const unfurl_attribute attributes[] = {attribute_int("axis", &axis), attribute_string("reduction", how)};

  typed_make(&want, dtype, rank, smaller);
  for (size_t i = 0; i < typed_count(&want.tensor); i++) {
    typed_unravel(&want.tensor, i, at);
    at[dim] = from_front(typed_get(&indices.tensor, i), dims[dim]);
    typed_put(&want, i, typed_get(&x.tensor, typed_ravel(&x.tensor, at)));
  }
  unfurl_tensor inputs[] = {x.tensor, indices.tensor, updates.tensor};
  op_trial trial = op_trial_of("GatherElements", 2, inputs);
  trial.attribute_count = 1, trial.attributes = attributes;
  op_trial_check(&trial, &want.tensor);

  typed_copy(&want, &x);
  for (size_t i = 0; i < typed_count(&updates.tensor); i++) {
    typed_unravel(&updates.tensor, i, at);
    at[dim] = from_front(typed_get(&indices.tensor, i), dims[dim]);
    const size_t to = typed_ravel(&x.tensor, at);
    typed_put(&want, to, combine(how, typed_get(&want.tensor, to), typed_get(&updates.tensor, i), dtype));
  }
  trial = op_trial_of("ScatterElements", 3, inputs);
  trial.attribute_count = 2, trial.attributes = attributes;
  op_trial_check(&trial, &want.tensor);
}

Test(op_indices, elements_along_an_axis) {
  rng r = {1};
  for (size_t i = 0; i < RANDOM; i++) check_elements(&r);
}

/* Lines longer than a block of offsets. */
Test(op_indices, long_lines) {
  rng r = {2};
  typed_make(&x, UNFURL_F32, 2, (const int64_t[]){3, 1000});
  typed_make(&indices, UNFURL_I64, 2, (const int64_t[]){2, 1000});
  typed_make(&want, UNFURL_F32, 2, (const int64_t[]){2, 1000});
  typed_fill(&x, &r);
  for (int64_t axis = 0; axis < 2; axis++) {
    point(&indices, &r, axis ? 1000 : 3);
    for (size_t i = 0; i < 2000; i++) {
      const size_t at = from_front((double)indices.data.i64[i], axis ? 1000 : 3);
      want.data.f32[i] = x.data.f32[axis ? i / 1000 * 1000 + at : at * 1000 + i % 1000];
    }
    const unfurl_attribute attribute = attribute_int("axis", &axis);
    const unfurl_tensor inputs[] = {x.tensor, indices.tensor};
    op_trial trial = op_trial_of("GatherElements", 2, inputs);
    trial.attribute_count = 1, trial.attributes = &attribute;
    op_trial_check(&trial, &want.tensor);
  }
}

/* What is written twice has the last value, and NaN wins against all. */
Test(op_indices, updates_come_in_order) {
  static const char *const hows[] = {"none", "max", "add"};
  static const float results[] = {5, NAN, NAN};
  typed_make(&x, UNFURL_F32, 1, (const int64_t[]){3});
  typed_make(&indices, UNFURL_I64, 1, (const int64_t[]){3});
  typed_make(&updates, UNFURL_F32, 1, (const int64_t[]){3});
  memcpy(x.data.f32, (const float[]){1, 2, 3}, 12);
  memcpy(updates.data.f32, (const float[]){7, NAN, 5}, 12);
  memcpy(indices.data.i64, (const int64_t[]){1, 1, -2}, 24);
  const unfurl_tensor inputs[] = {x.tensor, indices.tensor, updates.tensor};
  for (size_t i = 0; i < 3; i++) {
    const unfurl_attribute attribute = attribute_string("reduction", hows[i]);
    unfurl_tensor y[OP_TRIAL_OUTPUTS];
    op_trial trial = op_trial_of("ScatterElements", 3, inputs);
    trial.attribute_count = 1, trial.attributes = &attribute;
    op_trial_run(&trial, y);
    const float *got = y[0].data;
    cr_assert(got[0] == 1 && got[2] == 3 && (isnan(results[i]) ? isnan(got[1]) : got[1] == results[i]), "%s", hows[i]);
    op_trial_free(&trial, y);
  }
}

/* Of x, the element that element `at` of all slices is; `index_rank` numbers of `at` say which place, and which number of it. */
static size_t element_of_slice(const size_t *at, size_t batch, size_t numbers, size_t index_rank) {
  size_t place[UNFURL_MAX_RANK], index_at[UNFURL_MAX_RANK];
  memcpy(place, at, sizeof place);
  memcpy(index_at, at, sizeof index_at);
  for (size_t n = 0; n < numbers; n++) {
    index_at[index_rank - 1] = n;
    const double index = typed_get(&indices.tensor, typed_ravel(&indices.tensor, index_at));
    place[batch + n] = from_front(index, x.tensor.dims[batch + n]);
  }
  for (size_t d = batch + numbers; d < x.tensor.rank; d++) place[d] = at[index_rank - 1 + d - batch - numbers];
  return typed_ravel(&x.tensor, place);
}

static void check_slices(rng *r) {
  const unfurl_dtype dtype = (unfurl_dtype)rng_below(r, 4);
  const size_t rank = 1 + rng_below(r, RANK), numbers = 1 + rng_below(r, rank);
  const size_t batch = rng_below(r, rank - numbers + 1), index_rank = batch + 1 + rng_below(r, 2);
  const int64_t given_batch = (int64_t)batch;
  const char *how = reduction_for(r, dtype);
  int64_t dims[RANK], index_dims[UNFURL_MAX_RANK], slices[UNFURL_MAX_RANK];
  size_t at[UNFURL_MAX_RANK] = {0}, slice_rank = index_rank - 1;
  for (size_t i = 0; i < rank; i++) dims[i] = 1 + (int64_t)rng_below(r, 4);
  for (size_t i = 0; i < index_rank; i++) index_dims[i] = i < batch ? dims[i] : 1 + (int64_t)rng_below(r, 4);
  index_dims[index_rank - 1] = (int64_t)numbers;
  memcpy(slices, index_dims, sizeof slices);
  for (size_t i = batch + numbers; i < rank; i++) slices[slice_rank++] = dims[i];
  typed_make(&x, dtype, rank, dims);
  typed_make(&indices, rng_below(r, 2) ? UNFURL_I64 : UNFURL_I32, index_rank, index_dims);
  typed_make(&updates, dtype, slice_rank, slices);
  typed_make(&want, dtype, slice_rank, slices);
  typed_fill(&x, r), typed_fill(&updates, r);
  for (size_t i = 0; i < typed_count(&indices.tensor); i++) {
    const size_t size = (size_t)dims[batch + i % numbers];
    typed_put(&indices, i, (double)rng_below(r, 2 * size) - (double)size);
  }
  typed *scattered = malloc(sizeof *scattered);
  typed_copy(scattered, &x);
  for (size_t i = 0; i < typed_count(&want.tensor); i++) {
    typed_unravel(&want.tensor, i, at);
    const size_t to = element_of_slice(at, batch, numbers, index_rank);
    typed_put(&want, i, typed_get(&x.tensor, to));
    typed_put(scattered, to, combine(how, typed_get(&scattered->tensor, to), typed_get(&updates.tensor, i), dtype));
  }
  const unfurl_attribute batch_dims = attribute_int("batch_dims", &given_batch);
  const unfurl_attribute reduction = attribute_string("reduction", how);
  unfurl_tensor inputs[] = {x.tensor, indices.tensor, updates.tensor};
  op_trial trial = op_trial_of("GatherND", 2, inputs);
  trial.attribute_count = batch > 0, trial.attributes = &batch_dims;
  op_trial_check(&trial, &want.tensor);
  typed_copy(&want, scattered);
  trial = op_trial_of("ScatterND", 3, inputs);
  trial.attribute_count = 1, trial.attributes = &reduction;
  if (batch == 0) op_trial_check(&trial, &want.tensor);
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
  typed_make(&x, UNFURL_F32, 2, (const int64_t[]){2, 3});
  typed_fill(&x, &r);
  for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
    const refused *h = &hostile[i];
    const bool is_nd = !strcmp(h->op, "ScatterND");
    typed_make(&indices, h->dtype, h->rank, h->dims);
    for (size_t j = 0; j < typed_count(&indices.tensor); j++)
      if (h->dtype == UNFURL_I64) indices.data.i64[j] = j ? h->fill : h->first;
    typed_make(&updates, UNFURL_F32, is_nd ? 1 : h->rank, h->dims);
    const unfurl_tensor inputs[] = {x.tensor, indices.tensor, updates.tensor};
    const op_trial trial = op_trial_of(h->op, h->op[0] == 'S' ? 3 : 2, inputs);
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "%s, number %zu", h->op, i);
  }
}

Test(op_indices, updates_that_do_not_fit_are_refused) {
  typed_make(&x, UNFURL_F32, 2, (const int64_t[]){2, 3});
  typed_make(&indices, UNFURL_I64, 2, (const int64_t[]){1, 1});
  indices.data.i64[0] = 0;
  typed_make(&updates, UNFURL_F32, 2, (const int64_t[]){1, 3});
  unfurl_tensor inputs[] = {x.tensor, indices.tensor, updates.tensor};
  op_trial trial = op_trial_of("ScatterND", 3, inputs);
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
  trial = op_trial_of("GatherND", 2, inputs);
  trial.attribute_count = 1, trial.attributes = &batch_dims;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "a batch of three dimensions");
}

/* No index at all, or slices of nothing. */
Test(op_indices, nothing_to_do) {
  typed_make(&x, UNFURL_F32, 2, (const int64_t[]){2, 3});
  typed_make(&indices, UNFURL_I64, 2, (const int64_t[]){0, 1});
  typed_make(&updates, UNFURL_F32, 2, (const int64_t[]){0, 1});
  typed_copy(&want, &updates);
  const unfurl_tensor elements[] = {x.tensor, indices.tensor, updates.tensor};
  op_trial trial = op_trial_of("GatherElements", 2, elements);
  op_trial_check(&trial, &want.tensor);
  typed_copy(&want, &x);
  trial = op_trial_of("ScatterElements", 3, elements);
  op_trial_check(&trial, &want.tensor);

  typed_make(&updates, UNFURL_F32, 2, (const int64_t[]){0, 3});
  const unfurl_tensor slices[] = {x.tensor, indices.tensor, updates.tensor};
  trial = op_trial_of("ScatterND", 3, slices);
  op_trial_check(&trial, &want.tensor);
  typed_copy(&want, &updates);
  trial = op_trial_of("GatherND", 2, slices);
  op_trial_check(&trial, &want.tensor);

  typed_make(&x, UNFURL_F32, 2, (const int64_t[]){2, 0});
  typed_make(&indices, UNFURL_I64, 2, (const int64_t[]){4, 1});
  typed_make(&want, UNFURL_F32, 2, (const int64_t[]){4, 0});
  const unfurl_tensor nothing[] = {x.tensor, indices.tensor};
  trial = op_trial_of("GatherND", 2, nothing);
  op_trial_check(&trial, &want.tensor);
}
