/* SPDX-License-Identifier: BSD-2-Clause */
/* Reductions and ArgMax as nodes of a network, against sums in double over the definition: any rank, axes and
 * layout. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "op_trial.h"
#include "support.h"

enum { MOST = 1 << 20 };

TestSuite(op_reduce, .init = op_trial_open, .fini = op_trial_close);

static float x[MOST];

typedef struct reduce_case {
  const char *op;
  size_t rank, axis_count;
  int64_t dims[UNFURL_MAX_RANK], axes[UNFURL_MAX_RANK], keepdims;
  bool by_input; /* the axes */
} reduce_case;

static bool is_reduced(const reduce_case *c, size_t dim) {
  for (size_t i = 0; i < c->axis_count; i++)
    if ((c->axes[i] + (int64_t)c->rank) % (int64_t)c->rank == (int64_t)dim) return true;
  return c->axis_count == 0;
}

static size_t count_of(const reduce_case *c, bool of_output) {
  size_t count = 1;
  for (size_t i = 0; i < c->rank; i++) count *= of_output && is_reduced(c, i) ? 1 : (size_t)c->dims[i];
  return count;
}

/* The output that element `i` goes into. */
static size_t output_of(const reduce_case *c, size_t i) {
  size_t to = 0, size = 1;
  for (size_t d = c->rank; d-- > 0; i /= (size_t)c->dims[d]) {
    if (is_reduced(c, d)) continue;
    to += i % (size_t)c->dims[d] * size;
    size *= (size_t)c->dims[d];
  }
  return to;
}

/* What there is to know of the elements of one output. */
typedef struct summary {
  double sum, magnitudes, squares, product, largest, smallest, exponentials;
  size_t count;
} summary;

static summary *summarize(const reduce_case *c) {
  const size_t outputs = count_of(c, true);
  summary *s = calloc(outputs + 1, sizeof *s);
  for (size_t i = 0; i < outputs; i++) s[i].product = 1, s[i].largest = -INFINITY, s[i].smallest = INFINITY;
  for (size_t i = 0; i < count_of(c, false); i++) {
    summary *to = &s[output_of(c, i)];
    const double value = (double)x[i];
    to->sum += value, to->magnitudes += fabs(value), to->squares += value * value, to->product *= value;
    to->exponentials += exp(value);
    to->largest = fmax(to->largest, value), to->smallest = fmin(to->smallest, value);
    to->count++;
  }
  return s;
}

/* And how far the result may be from it. */
static double expected(const char *op, const summary *s, double *tolerance) {
  const double n = (double)s->count;
  *tolerance = 0;
  if (!strcmp(op, "ReduceMax")) return s->largest;
  if (!strcmp(op, "ReduceMin")) return s->smallest;
  *tolerance = 1e-6 * n * fabs(s->product) + 1e-37;
  if (!strcmp(op, "ReduceProd")) return s->product;
  *tolerance = 1e-7 * (8 + n / 16) * s->squares;
  if (!strcmp(op, "ReduceSumSquare")) return s->squares;
  *tolerance = 1e-7 * (8 + n / 16) * sqrt(s->squares);
  if (!strcmp(op, "ReduceL2")) return sqrt(s->squares);
  *tolerance = 1e-7 * (8 + n / 16) * s->magnitudes;
  if (!strcmp(op, "ReduceL1")) return s->magnitudes;
  if (!strcmp(op, "ReduceLogSum")) return *tolerance /= s->sum, log(s->sum);
  if (!strcmp(op, "ReduceLogSumExp")) return *tolerance = 1e-6 * (8 + n / 16), log(s->exponentials);
  if (!strcmp(op, "ReduceSum")) return s->sum;
  *tolerance /= n;
  return s->sum / n;
}

static void check_shape(const reduce_case *c, const unfurl_tensor *y) {
  size_t rank = 0;
  for (size_t i = 0; i < c->rank; i++)
    if (c->keepdims || !is_reduced(c, i))
      cr_assert_eq(y->dims[rank++], is_reduced(c, i) ? 1 : c->dims[i], "%s: dimension %zu", c->op, i);
  cr_assert_eq(y->rank, rank);
}

static void check_case(const reduce_case *c) {
  const unfurl_attribute attributes[] = {attribute_int("keepdims", &c->keepdims),
                                         attribute_ints("axes", c->axis_count, c->axes)};
  unfurl_tensor inputs[2], y[OP_TRIAL_OUTPUTS];
  int64_t axes[UNFURL_MAX_RANK];
  memcpy(axes, c->axes, sizeof axes);
  unfurl_tensor_init(&inputs[0], UNFURL_F32, c->rank, c->dims, x);
  unfurl_tensor_init(&inputs[1], UNFURL_I64, 1, (const int64_t[]){(int64_t)c->axis_count}, axes);
  const op_trial trial = {.op = c->op,
                          .opset = c->by_input ? 18 : 12,
                          .attribute_count = c->by_input || c->axis_count == 0 ? 1 : 2,
                          .attributes = attributes,
                          .input_count = c->by_input ? 2 : 1,
                          .inputs = inputs,
                          .output_count = 1};
  op_trial_run(&trial, y);
  check_shape(c, &y[0]);
  if (!is_reduced(c, 0)) op_trial_images(&trial, y);
  summary *s = summarize(c);
  for (size_t i = 0; i < count_of(c, true); i++) {
    double tolerance;
    const double want = expected(c->op, &s[i], &tolerance), got = (double)((const float *)y[0].data)[i];
    cr_assert_float_eq(got, want, tolerance + 1e-30, "%s: element %zu is %g, not %g", c->op, i, got, want);
  }
  free(s);
  op_trial_free(&trial, y);
}

static const char *const OPS[] = {"ReduceSum", "ReduceMean", "ReduceProd",      "ReduceMax",    "ReduceMin",
                                  "ReduceL1",  "ReduceL2",   "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"};

/* Sums of negative numbers have no logarithm. */
static void fill_for(const char *op, size_t count, uint64_t seed) {
  fill_real(x, count, seed);
  for (size_t i = 0; i < count && !strcmp(op, "ReduceLogSum"); i++) x[i] = fabsf(x[i]);
}

/* Small dimensions, and now and then one over blocks and rounds of lanes, or so many that threads share them. */
static void random_shape(rng *r, size_t *rank, int64_t *dims) {
  const bool is_large = rng_below(r, 8) == 0;
  *rank = is_large ? 3 + rng_below(r, 2) : 1 + rng_below(r, 5);
  for (size_t i = 0; i < *rank; i++) dims[i] = 1 + (int64_t)rng_below(r, 5);
  if (is_large) dims[1] = 1 + (int64_t)rng_below(r, 150), dims[2] = 1 + (int64_t)rng_below(r, 150);
  if (rng_below(r, 3) == 0) dims[rng_below(r, *rank)] = 1 + (int64_t)rng_below(r, is_large ? 5 : 100);
}

static reduce_case random_case(rng *r) {
  reduce_case c = {.op = OPS[rng_below(r, sizeof OPS / sizeof *OPS)],
                   .keepdims = (int64_t)rng_below(r, 2),
                   .by_input = rng_below(r, 2)};
  random_shape(r, &c.rank, c.dims);
  for (size_t i = 0; i < c.rank; i++)
    if (rng_below(r, 2)) c.axes[c.axis_count++] = (int64_t)i - (rng_below(r, 2) ? (int64_t)c.rank : 0);
  for (size_t i = 1; i < c.axis_count; i++) { /* in any order */
    const size_t j = rng_below(r, i + 1);
    const int64_t axis = c.axes[i];
    c.axes[i] = c.axes[j], c.axes[j] = axis;
  }
  return c;
}

Test(op_reduce, random_axes) {
  rng r = {7};
  for (uint64_t i = 0; i < 600; i++) {
    const reduce_case c = random_case(&r);
    fill_for(c.op, count_of(&c, false), i);
    check_case(&c);
  }
}

/* As MobileNet ends: over the pixels of an image. */
Test(op_reduce, spatial_mean) {
  const int64_t shapes[][4] = {{1, 1280, 7, 7}, {3, 70, 5, 3}, {2, 3, 40, 41}, {1, 64, 56, 56}, {2, 16, 1, 1}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (int64_t keepdims = 0; keepdims < 2; keepdims++) {
      reduce_case c = {.op = "ReduceMean", .rank = 4, .axis_count = 2, .axes = {-1, 2}, .keepdims = keepdims};
      memcpy(c.dims, shapes[i], sizeof shapes[i]);
      fill_real(x, count_of(&c, false), i);
      check_case(&c);
    }
}

static op_trial trial_of(const char *op, const unfurl_tensor *input, size_t count, const unfurl_attribute *attributes) {
  return (op_trial){.op = op,
                    .opset = 13,
                    .attribute_count = count,
                    .attributes = attributes,
                    .input_count = 1,
                    .inputs = input,
                    .output_count = 1};
}

/* e^x would overflow, or vanish; infinities stay. */
Test(op_reduce, log_sum_exp_of_large_numbers) {
  static float large[] = {1000, 1000, -1000, -1001, INFINITY, -1, -INFINITY, -INFINITY, 5, -INFINITY};
  static const double want[] = {1000.69314718, -999.68673831, INFINITY, -INFINITY, 5};
  const int64_t axis = 1;
  const unfurl_attribute attribute = attribute_ints("axes", 1, &axis);
  unfurl_tensor input, y[OP_TRIAL_OUTPUTS];
  unfurl_tensor_init(&input, UNFURL_F32, 2, (const int64_t[]){5, 2}, large);
  const op_trial trial = trial_of("ReduceLogSumExp", &input, 1, &attribute);
  op_trial_run(&trial, y);
  for (size_t i = 0; i < 5; i++) {
    const double got = (double)((const float *)y[0].data)[i];
    cr_assert(got == want[i] || fabs(got - want[i]) < 1e-4, "%zu: %g", i, got);
  }
  op_trial_free(&trial, y);
}

/* One NaN makes its output NaN, wherever it is, and no other. */
Test(op_reduce, nan_propagates) {
  const int64_t axis = 2, dims[] = {2, 3, 40, 2};
  const unfurl_attribute attribute = attribute_ints("axes", 1, &axis);
  unfurl_tensor input, y[OP_TRIAL_OUTPUTS];
  unfurl_tensor_init(&input, UNFURL_F32, 4, dims, x);
  for (size_t o = 0; o < sizeof OPS / sizeof *OPS; o++)
    for (size_t at = 0; at < 40; at += 3) {
      fill_for(OPS[o], 480, at);
      x[2 * 80 + at * 2 + 1] = NAN;
      const op_trial trial = trial_of(OPS[o], &input, 1, &attribute);
      op_trial_run(&trial, y);
      for (size_t i = 0; i < 12; i++)
        cr_assert_eq(!!isnan(((const float *)y[0].data)[i]), i == 5, "%s, %zu: element %zu", OPS[o], at, i);
      op_trial_free(&trial, y);
    }
}

/* Shape arithmetic, which wraps around rather than fails. */
Test(op_reduce, integers) {
  int64_t wide[] = {3, -4, 5, INT64_MAX, 2, 1};
  int32_t narrow[] = {3, -4, 5, INT32_MAX, 2, 1};
  static const struct {
    const char *op;
    int64_t wide[2], narrow[2];
  } rows[] = {{"ReduceSum", {4, INT64_MIN + 2}, {4, INT32_MIN + 2}},  {"ReduceProd", {-60, -2}, {-60, -2}},
              {"ReduceMax", {5, INT64_MAX}, {5, INT32_MAX}},          {"ReduceMin", {-4, 1}, {-4, 1}},
              {"ReduceL1", {12, INT64_MIN + 2}, {12, INT32_MIN + 2}}, {"ReduceSumSquare", {50, 6}, {50, 6}}};
  const int64_t axis = 1, none = 0, dims[] = {2, 3};
  const unfurl_attribute attributes[] = {attribute_ints("axes", 1, &axis), attribute_int("keepdims", &none)};
  unfurl_tensor input, y[OP_TRIAL_OUTPUTS];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const op_trial trial = trial_of(rows[i].op, &input, 2, attributes);
    unfurl_tensor_init(&input, UNFURL_I64, 2, dims, wide);
    op_trial_run(&trial, y);
    cr_assert(y[0].dtype == UNFURL_I64 && !memcmp(y[0].data, rows[i].wide, sizeof rows[i].wide), "%s", rows[i].op);
    op_trial_free(&trial, y);
    unfurl_tensor_init(&input, UNFURL_I32, 2, dims, narrow);
    op_trial_run(&trial, y);
    for (size_t j = 0; j < 2; j++)
      cr_assert_eq(((const int32_t *)y[0].data)[j], (int32_t)rows[i].narrow[j], "%s", rows[i].op);
    op_trial_free(&trial, y);
  }
  unfurl_tensor_init(&input, UNFURL_I64, 2, dims, wide);
  const op_trial mean = trial_of("ReduceMean", &input, 2, attributes);
  cr_assert_eq(op_trial_status(&mean), UNFURL_UNSUPPORTED);
}

Test(op_reduce, no_axes_and_no_elements) {
  static const struct {
    const char *op;
    unfurl_status status;
    float value; /* of nothing */
  } rows[] = {{"ReduceSum", UNFURL_OK, 0},
              {"ReduceProd", UNFURL_OK, 1},
              {"ReduceMean", UNFURL_OK, NAN},
              {"ReduceMax", UNFURL_INVALID_ARGUMENT, 0},
              {"ReduceMin", UNFURL_INVALID_ARGUMENT, 0}};
  const int64_t axes[] = {0, 1}, yes = 1;
  const unfurl_attribute over[] = {attribute_ints("axes", 1, &axes[0]), attribute_ints("axes", 1, &axes[1])};
  const unfurl_attribute noop = attribute_int("noop_with_empty_axes", &yes);
  unfurl_tensor input, y[OP_TRIAL_OUTPUTS];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unfurl_tensor_init(&input, UNFURL_F32, 2, (const int64_t[]){3, 0}, x);
    const op_trial kept = trial_of(rows[i].op, &input, 1, &over[0]), gone = trial_of(rows[i].op, &input, 1, &over[1]);
    cr_assert_eq(op_trial_status(&kept), UNFURL_OK); /* [1, 0] */
    cr_assert_eq(op_trial_status(&gone), rows[i].status, "%s", rows[i].op);
    if (!rows[i].status) {
      op_trial_run(&gone, y);
      for (size_t j = 0; j < 3; j++) {
        const float value = ((const float *)y[0].data)[j];
        cr_assert(value == rows[i].value || (isnan(value) && isnan(rows[i].value)), "%s: %g", rows[i].op,
                  (double)value);
      }
      op_trial_free(&gone, y);
    }
    fill_real(x, 60, i);
    unfurl_tensor_init(&input, UNFURL_F32, 4, (const int64_t[]){2, 5, 3, 2}, x);
    const op_trial same = trial_of(rows[i].op, &input, 1, &noop);
    op_trial_run(&same, y);
    cr_assert(y[0].rank == 4 && !memcmp(y[0].data, x, 60 * sizeof *x), "%s", rows[i].op);
    op_trial_free(&same, y);
  }
}

Test(op_reduce, bad_axes) {
  static const struct {
    size_t count;
    int64_t axes[9];
  } rows[] = {{1, {4}}, {1, {-5}}, {2, {0, 0}}, {2, {1, -3}}, {9, {0}}, {1, {INT64_MIN}}, {1, {INT64_MAX}}};
  unfurl_tensor inputs[2];
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 4, (const int64_t[]){1, 2, 3, 2}, x);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t axes[9];
    memcpy(axes, rows[i].axes, sizeof axes);
    const unfurl_attribute attribute = attribute_ints("axes", rows[i].count, axes);
    op_trial trial = trial_of("ReduceMean", &inputs[0], 1, &attribute);
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "row %zu", i);
    unfurl_tensor_init(&inputs[1], UNFURL_I64, 1, (const int64_t[]){(int64_t)rows[i].count}, axes);
    trial.attribute_count = 0, trial.input_count = 2;
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "row %zu", i);
  }
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 1, (const int64_t[]){1}, x); /* not integers */
  op_trial trial = trial_of("ReduceMean", inputs, 0, NULL);
  trial.input_count = 2;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT);
}

/* numpy.argmax and its kin: of equals the first or the last, and NaN before any number. */
static bool is_better(float a, float best, bool smallest, bool last) {
  if (isnan(best)) return last && isnan(a);
  return isnan(a) || (smallest ? a < best : a > best) || (last && a == best);
}

typedef struct arg_case {
  size_t rank, axis;
  int64_t dims[UNFURL_MAX_RANK], negative_axis, keepdims, last;
  bool smallest;
} arg_case;

static void check_arg(const arg_case *c) {
  size_t inner = 1, outer = 1;
  const size_t length = (size_t)c->dims[c->axis];
  for (size_t i = 0; i < c->rank; i++) *(i < c->axis ? &outer : &inner) *= i == c->axis ? 1 : (size_t)c->dims[i];
  const unfurl_attribute attributes[] = {attribute_int("axis", &c->negative_axis),
                                         attribute_int("keepdims", &c->keepdims),
                                         attribute_int("select_last_index", &c->last)};
  unfurl_tensor input, y[OP_TRIAL_OUTPUTS];
  unfurl_tensor_init(&input, UNFURL_F32, c->rank, c->dims, x);
  const op_trial trial = trial_of(c->smallest ? "ArgMin" : "ArgMax", &input, 3, attributes);
  op_trial_run(&trial, y);
  cr_assert_eq(y[0].rank, c->keepdims ? c->rank : c->rank - 1);
  if (c->axis > 0) op_trial_images(&trial, y);
  for (size_t i = 0; i < outer * inner; i++) {
    const float *line = x + i / inner * length * inner + i % inner;
    size_t best = 0;
    for (size_t j = 1; j < length; j++)
      if (is_better(line[j * inner], line[best * inner], c->smallest, c->last)) best = j;
    cr_assert_eq(((const int64_t *)y[0].data)[i], (int64_t)best, "element %zu", i);
  }
  op_trial_free(&trial, y);
}

Test(op_reduce, arg_of_random_axes) {
  rng r = {3};
  for (uint64_t i = 0; i < 400; i++) {
    arg_case c = {.keepdims = (int64_t)rng_below(&r, 2), .last = (int64_t)rng_below(&r, 2), .smallest = i % 2};
    size_t count = 1;
    random_shape(&r, &c.rank, c.dims);
    if (i % 16 == 0) c.rank = 3, c.dims[0] = 2, c.dims[1] = 3, c.dims[2] = 600; /* more than a block */
    for (size_t d = 0; d < c.rank; d++) count *= (size_t)c.dims[d];
    if (count > MOST) continue;
    c.axis = rng_below(&r, c.rank);
    c.negative_axis = (int64_t)c.axis - (rng_below(&r, 2) ? (int64_t)c.rank : 0);
    fill_small(x, count, i);
    for (size_t n = 0; n < count / 20; n++) x[rng_below(&r, count)] = NAN;
    check_arg(&c);
  }
}

Test(op_reduce, bad_arg) {
  const int64_t axes[] = {2, -3, 1, INT64_MIN};
  int64_t integers[] = {1, 2};
  unfurl_tensor input;
  unfurl_tensor_init(&input, UNFURL_F32, 2, (const int64_t[]){3, 0}, x); /* nothing along axis 1 */
  for (size_t i = 0; i < 4; i++) {
    const unfurl_attribute attribute = attribute_int("axis", &axes[i]);
    const op_trial trial = trial_of("ArgMax", &input, 1, &attribute);
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "axis %lld", (long long)axes[i]);
  }
  const op_trial trial = trial_of("ArgMin", &input, 0, NULL);
  cr_assert_eq(op_trial_status(&trial), UNFURL_OK); /* [1, 0] */
  unfurl_tensor_init(&input, UNFURL_I64, 1, (const int64_t[]){2}, integers);
  cr_assert_eq(op_trial_status(&trial), UNFURL_UNSUPPORTED);
  unfurl_tensor_init(&input, UNFURL_F32, 0, NULL, x);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT);
}
