/* SPDX-License-Identifier: BSD-2-Clause */
/* Comparisons, logic, Where and the arithmetic of integers as nodes of a network: of every type that they take, broadcast,
 * in both layouts, and folded into shapes as PyTorch writes them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net_run.h"
#include "op_trial.h"
#include "typed.h"

TestSuite(op_compare, .init = op_trial_open, .fini = op_trial_close);

/* Few different numbers, so that many are equal. */
static void fill(typed *t, unfurl_dtype dtype, size_t rank, const int64_t *dims, uint64_t seed) {
  rng r = {seed};
  typed_make(t, dtype, rank, dims);
  for (size_t i = 0; i < typed_count(&t->tensor); i++) {
    const double value = (double)rng_below(&r, 7) - 3;
    typed_put(t, i,
              dtype == UNFURL_BOOL                           ? value > 0
              : dtype == UNFURL_F32 && rng_below(&r, 9) == 0 ? (double)NAN
                                                             : value);
  }
}

static const broadcast_shapes broadcasts[] = {
    {{4, 4}, {{2, 3, 5, 7}, {2, 3, 5, 7}}},
    {{4, 3}, {{2, 3, 5, 7}, {3, 1, 1}}},
    {{4, 0}, {{2, 3, 5, 7}, {0}}},
    {{4, 4}, {{2, 3, 5, 7}, {2, 1, 1, 7}}},
    {{2, 1}, {{4, 6}, {6}}},
    {{0, 0}, {{0}, {0}}},
    {{3, 3}, {{2, 0, 5}, {1, 1, 5}}},
};

static bool equal(double a, double b) {
  return a == b;
}
static bool less(double a, double b) {
  return a < b;
}
static bool less_or_equal(double a, double b) {
  return a <= b;
}
static bool greater(double a, double b) {
  return a > b;
}
static bool greater_or_equal(double a, double b) {
  return a >= b;
}
static bool both(double a, double b) {
  return a != 0 && b != 0;
}
static bool either(double a, double b) {
  return a != 0 || b != 0;
}
static bool one(double a, double b) {
  return a != b;
}

typedef struct truth_case {
  const char *op;
  bool (*exact)(double, double);
  bool takes_numbers, takes_bool;
} truth_case;

static const truth_case truth_cases[] = {
    {"Equal", equal, true, true},
    {"Less", less, true, false},
    {"LessOrEqual", less_or_equal, true, false},
    {"Greater", greater, true, false},
    {"GreaterOrEqual", greater_or_equal, true, false},
    {"And", both, false, true},
    {"Or", either, false, true},
    {"Xor", one, false, true},
};

static void check_truth(const truth_case *c, unfurl_dtype dtype, const broadcast_shapes *s) {
  static typed a, b, want;
  fill(&a, dtype, s->rank[0], s->dims[0], 1);
  fill(&b, dtype, s->rank[1], s->dims[1], 2);
  const unfurl_tensor inputs[] = {a.tensor, b.tensor};
  const op_trial trial = op_trial_of(c->op, 2, inputs);
  if (dtype == UNFURL_BOOL ? !c->takes_bool : !c->takes_numbers) {
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "%s takes %s", c->op, unfurl_dtype_name(dtype));
    return;
  }
  typed_make(&want, UNFURL_BOOL, s->rank[0], s->dims[0]);
  for (size_t i = 0; i < typed_count(&a.tensor); i++)
    typed_put(&want, i, c->exact(typed_get(&a.tensor, i), typed_get(&b.tensor, broadcast_partner(s, i))));
  op_trial_check(&trial, &want.tensor);
}

Test(op_compare, tensors_of_every_type_broadcast) {
  for (size_t c = 0; c < sizeof truth_cases / sizeof *truth_cases; c++)
    for (unfurl_dtype dtype = UNFURL_F32; dtype <= UNFURL_BOOL; dtype++)
      for (size_t s = 0; s < sizeof broadcasts / sizeof *broadcasts; s++)
        check_truth(&truth_cases[c], dtype, &broadcasts[s]);
}

/* The smaller tensor first, and numbers that no double holds. */
Test(op_compare, wide_integers) {
  static int64_t a[] = {INT64_MAX}, b[] = {INT64_MAX - 1, INT64_MAX, INT64_MIN};
  static const unsigned char want[][3] = {{0, 1, 0}, {0, 0, 0}, {1, 0, 1}};
  unfurl_tensor inputs[2], y[OP_TRIAL_OUTPUTS];
  unfurl_tensor_init(&inputs[0], UNFURL_I64, 1, (const int64_t[]){1}, a);
  unfurl_tensor_init(&inputs[1], UNFURL_I64, 1, (const int64_t[]){3}, b);
  for (size_t i = 0; i < 3; i++) {
    const op_trial trial = op_trial_of((const char *[]){"Equal", "Less", "Greater"}[i], 2, inputs);
    op_trial_run(&trial, y);
    cr_assert_eq(y[0].dims[0], 3);
    cr_assert(!memcmp(y[0].data, want[i], 3));
    op_trial_free(&trial, y);
  }
}

/* The smaller tensor is the condition, or the second choice. */
static void check_where(unfurl_dtype dtype, const broadcast_shapes *s, bool condition_is_smaller) {
  static typed condition, a, b, want;
  const size_t own = condition_is_smaller ? 1 : 0, of_b = 1 - own;
  fill(&condition, UNFURL_BOOL, s->rank[own], s->dims[own], 3);
  fill(&a, dtype, s->rank[0], s->dims[0], 4);
  fill(&b, dtype, s->rank[of_b], s->dims[of_b], 5);
  typed_make(&want, dtype, s->rank[0], s->dims[0]);
  for (size_t i = 0; i < typed_count(&a.tensor); i++) {
    const bool is_a = condition.data.bools[own ? broadcast_partner(s, i) : i];
    typed_put(&want, i, is_a ? typed_get(&a.tensor, i) : typed_get(&b.tensor, of_b ? broadcast_partner(s, i) : i));
  }
  const unfurl_tensor inputs[] = {condition.tensor, a.tensor, b.tensor};
  const op_trial trial = op_trial_of("Where", 3, inputs);
  op_trial_check(&trial, &want.tensor);
}

Test(op_compare, where_chooses_from_tensors_of_every_type) {
  for (unfurl_dtype dtype = UNFURL_F32; dtype <= UNFURL_BOOL; dtype++)
    for (size_t s = 0; s < sizeof broadcasts / sizeof *broadcasts; s++) {
      check_where(dtype, &broadcasts[s], false);
      check_where(dtype, &broadcasts[s], true);
    }
}

/* One tensor comes from a convolution in its layout, the other as it was given: Where(x < b, x, b) is the smaller one. */
Test(op_compare, layouts_meet) {
  static float x[210], b[210], y[210];
  static const float ones[] = {1, 1, 1};
  const int64_t dims[] = {2, 3, 5, 7}, group = 3;
  const unfurl_attribute attribute = attribute_int("group", &group);
  unfurl_tensor inputs[2];
  fill_small(x, 210, 1);
  fill_small(b, 210, 2);
  for (size_t i = 0; i < 2; i++) unfurl_tensor_init(&inputs[i], UNFURL_F32, 4, dims, i ? b : x);
  unfurl_context *context = net_context(2);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, dims);
  net_input(&n, "b", 4, dims);
  net_constant(&n, "w", 4, (const int64_t[]){3, 1, 1, 1}, ones);
  net_node_with(&n, "Conv", "x w", "c", 1, &attribute);
  net_node(&n, "Less", "c b", "less");
  net_node(&n, "Where", "less b c", "larger");
  net_node(&n, "Not", "less", "not");
  net_node(&n, "Where", "not larger c", "y");
  net_run(&n, inputs, 2, 210, y);
  for (size_t i = 0; i < 210; i++) cr_assert_eq(y[i], x[i], "element %zu", i);
  unfurl_context_destroy(&context);
}

static int64_t modulo(int64_t a, int64_t b, bool fmod) {
  if (b == 0 || b == -1) return 0;
  const int64_t left = a % b;
  return !fmod && left && (left < 0) != (b < 0) ? left + b : left;
}

Test(op_compare, integers_divide_without_traps) {
  static int64_t a[] = {7, -7, 7, -7, 5, 0, INT64_MIN, INT64_MIN, INT64_MAX, -6};
  static int64_t b[] = {3, 3, -3, -3, 0, 4, -1, INT64_MAX, INT64_MIN, 3};
  static int32_t narrow_a[10], narrow_b[10];
  unfurl_tensor wide[2], narrow[2], y[OP_TRIAL_OUTPUTS];
  for (size_t i = 0; i < 10; i++) narrow_a[i] = (int32_t)(a[i] >> 32 ? a[i] >> 32 : a[i]), narrow_b[i] = (int32_t)b[i];
  narrow_a[6] = INT32_MIN, narrow_b[6] = -1;
  for (size_t i = 0; i < 2; i++) {
    unfurl_tensor_init(&wide[i], UNFURL_I64, 1, (const int64_t[]){10}, i ? b : a);
    unfurl_tensor_init(&narrow[i], UNFURL_I32, 1, (const int64_t[]){10}, i ? narrow_b : narrow_a);
  }
  for (int64_t fmod = 0; fmod < 2; fmod++) {
    const unfurl_attribute attribute = attribute_int("fmod", &fmod);
    for (size_t is_narrow = 0; is_narrow < 2; is_narrow++) {
      op_trial trial = op_trial_of("Mod", 2, is_narrow ? narrow : wide);
      trial.attribute_count = 1, trial.attributes = &attribute;
      op_trial_run(&trial, y);
      for (size_t i = 0; i < 10; i++)
        if (is_narrow)
          cr_assert_eq(((const int32_t *)y[0].data)[i], modulo(narrow_a[i], narrow_b[i], fmod), "i32: %zu", i);
        else
          cr_assert_eq(((const int64_t *)y[0].data)[i], modulo(a[i], b[i], fmod), "i64: %zu", i);
      op_trial_free(&trial, y);
    }
  }
}

Test(op_compare, floats_have_fmod_only) {
  static float a[] = {5.5f, -5.5f, 1e30f, 1, INFINITY, 1, NAN}, b[] = {2, 2, 7, 0, 3, INFINITY, 1};
  const int64_t yes = 1;
  const unfurl_attribute attribute = attribute_int("fmod", &yes);
  unfurl_tensor inputs[2], y[OP_TRIAL_OUTPUTS];
  for (size_t i = 0; i < 2; i++) unfurl_tensor_init(&inputs[i], UNFURL_F32, 1, (const int64_t[]){7}, i ? b : a);
  op_trial trial = op_trial_of("Mod", 2, inputs);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT);
  trial.attribute_count = 1, trial.attributes = &attribute;
  op_trial_run(&trial, y);
  for (size_t i = 0; i < 7; i++) {
    const float want = (float)fmod((double)a[i], (double)b[i]), got = ((const float *)y[0].data)[i];
    cr_assert(isnan(want) ? isnan(got) : got == want, "element %zu is %g", i, (double)got);
  }
  op_trial_free(&trial, y);
}

/* Sum and Mean of three, of which one is broadcast. */
Test(op_compare, mean_of_tensors) {
  static float a[] = {1, 2, 3, 4, 5, 6, 7, 8}, b[] = {10, 20}, c[] = {3, 3, 3, 3, 3, 3, 3, NAN};
  unfurl_tensor inputs[3], y[OP_TRIAL_OUTPUTS];
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 3, (const int64_t[]){2, 2, 2}, a);
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 1, (const int64_t[]){2}, b);
  unfurl_tensor_init(&inputs[2], UNFURL_F32, 3, (const int64_t[]){2, 2, 2}, c);
  for (size_t count = 1; count <= 3; count++) {
    const op_trial trial = op_trial_of("Mean", count, inputs);
    op_trial_run(&trial, y);
    for (size_t i = 0; i < 8; i++) {
      float want = a[i];
      if (count > 1) want += b[i % 2];
      if (count > 2) want += c[i];
      const float got = ((const float *)y[0].data)[i];
      cr_assert(isnan(want) ? isnan(got) : got == want / (float)count, "of %zu: element %zu", count, i);
    }
    op_trial_free(&trial, y);
  }
}

Test(op_compare, single_integers_wrap_around) {
  static int64_t x[] = {5, -5, 0, INT64_MIN, INT64_MAX};
  static int32_t narrow[] = {5, -5, 0, INT32_MIN, INT32_MAX};
  static const int64_t want[][5] = {
      {5, 5, 0, INT64_MIN, INT64_MAX}, {-5, 5, 0, INT64_MIN, -INT64_MAX}, {1, -1, 0, -1, 1}};
  static const int32_t want_narrow[][5] = {
      {5, 5, 0, INT32_MIN, INT32_MAX}, {-5, 5, 0, INT32_MIN, -INT32_MAX}, {1, -1, 0, -1, 1}};
  unfurl_tensor input, y[OP_TRIAL_OUTPUTS];
  for (size_t op = 0; op < 3; op++)
    for (size_t is_narrow = 0; is_narrow < 2; is_narrow++) {
      unfurl_tensor_init(&input, is_narrow ? UNFURL_I32 : UNFURL_I64, 1, (const int64_t[]){5},
                         is_narrow ? (void *)narrow : x);
      const op_trial trial = op_trial_of((const char *[]){"Abs", "Neg", "Sign"}[op], 1, &input);
      op_trial_run(&trial, y);
      const void *expected = is_narrow ? (const void *)want_narrow[op] : want[op];
      cr_assert(!memcmp(y[0].data, expected, is_narrow ? sizeof want_narrow[op] : sizeof want[op]), "%s", trial.op);
      op_trial_free(&trial, y);
    }
}

static void check_bools(const op_trial *trial, const unsigned char *want) {
  unfurl_tensor y[OP_TRIAL_OUTPUTS];
  op_trial_run(trial, y);
  cr_assert_eq(y[0].dtype, UNFURL_BOOL);
  cr_assert(!memcmp(y[0].data, want, 4), "%s", trial->op);
  op_trial_free(trial, y);
}

Test(op_compare, what_is_not_a_number) {
  static float x[] = {1, NAN, INFINITY, -INFINITY};
  static unsigned char bools[] = {0, 1, 1, 0};
  static const unsigned char is_nan[] = {0, 1, 0, 0}, negated[] = {1, 0, 0, 1};
  static const unsigned char is_inf[2][2][4] = {{{0, 0, 0, 0}, {0, 0, 1, 0}}, {{0, 0, 0, 1}, {0, 0, 1, 1}}};
  unfurl_tensor input, flags;
  unfurl_tensor_init(&input, UNFURL_F32, 4, (const int64_t[]){1, 2, 1, 2}, x);
  unfurl_tensor_init(&flags, UNFURL_BOOL, 1, (const int64_t[]){4}, bools);
  op_trial trial = op_trial_of("IsNaN", 1, &input);
  check_bools(&trial, is_nan);
  trial = op_trial_of("Not", 1, &flags);
  check_bools(&trial, negated);
  trial.inputs = &input;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "Not of floats");
  trial = op_trial_of("IsInf", 1, &input);
  check_bools(&trial, is_inf[1][1]);
  for (int64_t negative = 0; negative < 2; negative++)
    for (int64_t positive = 0; positive < 2; positive++) {
      const unfurl_attribute attributes[] = {attribute_int("detect_negative", &negative),
                                             attribute_int("detect_positive", &positive)};
      trial.attribute_count = 2, trial.attributes = attributes;
      check_bools(&trial, is_inf[negative][positive]);
    }
}

/* Tensors whose types or shapes do not fit. */
Test(op_compare, mismatches_are_refused) {
  static float floats[6];
  static int64_t integers[6];
  static unsigned char flags[6];
  unfurl_tensor inputs[3];
  unfurl_tensor_init(&inputs[0], UNFURL_F32, 1, (const int64_t[]){3}, floats);
  unfurl_tensor_init(&inputs[1], UNFURL_I64, 1, (const int64_t[]){3}, integers);
  op_trial trial = op_trial_of("Equal", 2, inputs);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "Equal of two types");
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 1, (const int64_t[]){2}, floats);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "Equal of 3 and 2");
  unfurl_tensor_init(&inputs[2], UNFURL_F32, 1, (const int64_t[]){3}, floats);
  trial = op_trial_of("Where", 3, inputs);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "a condition of floats");
  unfurl_tensor_init(&inputs[0], UNFURL_BOOL, 1, (const int64_t[]){3}, flags);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "Where of 2 and 3");
  unfurl_tensor_init(&inputs[1], UNFURL_I64, 1, (const int64_t[]){3}, integers);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "Where of two types");
}

/* What torch.onnx makes of x.expand(-1, -1, 5): where the wanted shape has -1, 1 is what x is broadcast by. */
Test(op_compare, expand_as_pytorch_writes_it) {
  static float x[] = {1, 2, 3, 4, 5, 6}, y[30];
  static const int64_t wanted[] = {-1, -1, 5}, minus_one[] = {-1};
  static int64_t unit = 1;
  unfurl_tensor input, one_tensor;
  unfurl_tensor_init(&input, UNFURL_F32, 3, (const int64_t[]){2, 3, 1}, x);
  unfurl_tensor_init(&one_tensor, UNFURL_I64, 1, (const int64_t[]){1}, &unit);
  unfurl_context *context = net_context(1);
  for (size_t no_fold = 0; no_fold < 2; no_fold++) {
    unfurl_model_options options;
    unfurl_model_options_init(&options);
    if (no_fold) options.fold_limit = 0;
    unfurl_attribute value;
    unfurl_attribute_init(&value, "value", UNFURL_ATTRIBUTE_TENSOR);
    value.tensor = &one_tensor;
    net n = net_begin(context, &options);
    net_input(&n, "x", 3, input.dims);
    net_integers(&n, "wanted", 3, wanted);
    net_integers(&n, "minus one", 1, minus_one);
    net_integers(&n, "minus", 1, minus_one);
    net_node(&n, "Shape", "wanted", "rank");
    net_node_with(&n, "ConstantOfShape", "rank", "ones", 1, &value);
    net_node(&n, "Mul", "ones minus", "free");
    net_node(&n, "Equal", "wanted free", "is_free");
    net_node(&n, "Where", "is_free ones wanted", "shape");
    net_node(&n, "Expand", "x shape", "y");
    net_run(&n, &input, 1, 30, y);
    for (size_t i = 0; i < 30; i++) cr_assert_eq(y[i], x[i / 5]);
  }
  unfurl_context_destroy(&context);
}

/* Size belongs to the shapes, too: x reshaped to one row. */
Test(op_compare, size_is_known_when_shapes_are) {
  static float x[] = {1, 2, 3, 4, 5, 6}, y[6];
  static const int64_t list[] = {1};
  unfurl_tensor input;
  unfurl_tensor_init(&input, UNFURL_F32, 2, (const int64_t[]){2, 3}, x);
  unfurl_context *context = net_context(1);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 2, input.dims);
  net_integers(&n, "one", 1, list);
  net_node(&n, "Size", "x", "size");
  net_node(&n, "Reshape", "size one", "shape");
  net_node(&n, "Reshape", "x shape", "y");
  net_run(&n, &input, 1, 6, y);
  cr_assert(!memcmp(x, y, sizeof x));
  unfurl_context_destroy(&context);
}
