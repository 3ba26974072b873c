/* SPDX-License-Identifier: BSD-2-Clause */
/* InstanceNormalization, GroupNormalization, LayerNormalization, LRN and LogSoftmax as nodes of a network, against the
 * definition in double. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "op_trial.h"
#include "support.h"

enum { MOST = 1 << 18, MOST_FACTORS = 1 << 12 };

TestSuite(op_norm, .init = op_trial_open, .fini = op_trial_close);

static float x[MOST], gamma_[MOST_FACTORS], beta_[MOST_FACTORS];

/* Around a mean that is not 0. */
static void fill(size_t count, uint64_t seed) {
  fill_real(x, count, seed);
  for (size_t i = 0; i < count; i++) x[i] = x[i] * 3 + 2;
  fill_real(gamma_, MOST_FACTORS, seed + 1);
  fill_real(beta_, MOST_FACTORS, seed + 2);
}

typedef struct moments {
  double mean, inv_std;
} moments;

static moments moments_of(const float *values, size_t count, float epsilon) {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < count; i++) sum += (double)values[i];
  const double mean = sum / (double)count;
  for (size_t i = 0; i < count; i++) squares += ((double)values[i] - mean) * ((double)values[i] - mean);
  return (moments){mean, 1 / sqrt(squares / (double)count + (double)epsilon)};
}

static void check(double got, double value, moments m, double gamma, double beta, size_t i) {
  const double want = (value - m.mean) * m.inv_std * gamma + beta;
  const double tolerance = 2e-6 * (fabs(value) + fabs(m.mean)) * m.inv_std * fabs(gamma) + 1e-6 * fabs(want) + 1e-6;
  cr_assert_float_eq(got, want, tolerance, "element %zu is %g, not %g", i, got, want);
}

typedef struct norm_case {
  size_t rank, axis;
  int64_t dims[UNFURL_MAX_RANK], groups;
  float epsilon;
} norm_case;

static size_t count_from(const norm_case *c, size_t dim) {
  size_t count = 1;
  for (size_t i = dim; i < c->rank; i++) count *= (size_t)c->dims[i];
  return count;
}

/* Small images, and now and then one with many channels or pixels. */
static norm_case random_case(rng *r) {
  norm_case c = {.rank = 3 + rng_below(r, 3), .epsilon = rng_below(r, 2) ? 1e-5f : 0.1f, .groups = 1};
  for (size_t i = 0; i < 5; i++) c.dims[i] = 1 + (int64_t)rng_below(r, 5);
  if (rng_below(r, 3) == 0) c.dims[1] = 1 + (int64_t)rng_below(r, 90);
  if (rng_below(r, 6) == 0) c.rank = 4, c.dims[2] = 20 + (int64_t)rng_below(r, 30), c.dims[3] = 20;
  return c;
}

/* Each of `parts` parts of an image's channels is normalised by itself; factors are one a channel, or one a part. */
static void check_images(const op_trial *trial, const norm_case *c, size_t parts, bool by_part) {
  unfurl_tensor y[OP_TRIAL_OUTPUTS];
  const size_t length = count_from(c, 1) / parts, pixels = count_from(c, 2);
  op_trial_run(trial, y);
  op_trial_images(trial, y);
  for (size_t row = 0; row < (size_t)c->dims[0] * parts; row++) {
    const moments m = moments_of(x + row * length, length, c->epsilon);
    for (size_t i = row * length; i < (row + 1) * length; i++) {
      const size_t factor = by_part ? row % parts : i / pixels % (size_t)c->dims[1];
      check((double)((const float *)y[0].data)[i], (double)x[i], m, (double)gamma_[factor], (double)beta_[factor], i);
    }
  }
  op_trial_free(trial, y);
}

static void make_inputs(const norm_case *c, int64_t factors, unfurl_tensor inputs[3]) {
  unfurl_tensor_init(&inputs[0], UNFURL_F32, c->rank, c->dims, x);
  unfurl_tensor_init(&inputs[1], UNFURL_F32, 1, &factors, gamma_);
  unfurl_tensor_init(&inputs[2], UNFURL_F32, 1, &factors, beta_);
}

static op_trial trial_of(const char *op, const unfurl_tensor *inputs, size_t count,
                         const unfurl_attribute *attributes) {
  return (op_trial){.op = op,
                    .opset = 18,
                    .attribute_count = count,
                    .attributes = attributes,
                    .input_count = 3,
                    .inputs = inputs,
                    .output_count = 1};
}

Test(op_norm, instances) {
  rng r = {5};
  for (uint64_t i = 0; i < 200; i++) {
    const norm_case c = random_case(&r);
    const unfurl_attribute epsilon = attribute_float("epsilon", &c.epsilon);
    unfurl_tensor inputs[3];
    fill(count_from(&c, 0), i);
    make_inputs(&c, c.dims[1], inputs);
    const op_trial trial = trial_of("InstanceNormalization", inputs, 1, &epsilon);
    check_images(&trial, &c, (size_t)c.dims[1], false);
  }
}

Test(op_norm, groups) {
  rng r = {6};
  for (uint64_t i = 0; i < 200; i++) {
    norm_case c = random_case(&r);
    c.groups = 1 + (int64_t)rng_below(&r, 6);
    c.dims[1] = c.groups * (1 + (int64_t)rng_below(&r, 5));
    const bool by_group = rng_below(&r, 2);
    const unfurl_attribute attributes[] = {attribute_float("epsilon", &c.epsilon),
                                           attribute_int("num_groups", &c.groups)};
    unfurl_tensor inputs[3];
    fill(count_from(&c, 0), i);
    make_inputs(&c, by_group ? c.groups : c.dims[1], inputs);
    op_trial trial = trial_of("GroupNormalization", inputs, 2, attributes);
    trial.opset = by_group ? 18 : 21;
    check_images(&trial, &c, (size_t)c.groups, by_group);
  }
}

/* An activation behind is computed with it, and gives what it would by itself. */
Test(op_norm, activated) {
  const norm_case c = {.rank = 4, .dims = {2, 20, 30, 40}};
  unfurl_tensor inputs[3], plain[OP_TRIAL_OUTPUTS], activated[OP_TRIAL_OUTPUTS];
  fill(count_from(&c, 0), 1);
  make_inputs(&c, 20, inputs);
  op_trial trial = trial_of("InstanceNormalization", inputs, 0, NULL);
  op_trial_run(&trial, plain);
  trial.then = "Relu";
  op_trial_run(&trial, activated);
  for (size_t i = 0; i < count_from(&c, 0); i++)
    cr_assert_eq(((const float *)activated[0].data)[i], fmaxf(((const float *)plain[0].data)[i], 0));
  op_trial_free(&trial, plain);
  op_trial_free(&trial, activated);
}

static void check_layer(const norm_case *c, size_t outputs, bool has_beta) {
  const int64_t axis = (int64_t)c->axis - (outputs == 2 ? (int64_t)c->rank : 0);
  const unfurl_attribute attributes[] = {attribute_float("epsilon", &c->epsilon), attribute_int("axis", &axis)};
  const size_t length = count_from(c, c->axis);
  unfurl_tensor inputs[3], y[OP_TRIAL_OUTPUTS];
  make_inputs(c, 1, inputs);
  for (size_t i = 1; i < 3; i++) {
    inputs[i].rank = c->rank - c->axis;
    memcpy(inputs[i].dims, c->dims + c->axis, inputs[i].rank * sizeof *c->dims);
  }
  op_trial trial = trial_of("LayerNormalization", inputs, 2, attributes);
  trial.output_count = outputs;
  trial.input_count = has_beta ? 3 : 2;
  op_trial_run(&trial, y);
  for (size_t i = 0; i < count_from(c, 0); i++) {
    const moments m = moments_of(x + i / length * length, length, c->epsilon);
    const size_t f = i % length;
    check((double)((const float *)y[0].data)[i], (double)x[i], m, (double)gamma_[f], has_beta ? (double)beta_[f] : 0,
          i);
    if (outputs > 1)
      cr_assert_float_eq((double)((const float *)y[1].data)[i / length], m.mean, 1e-5, "mean %zu", i / length);
    if (outputs > 2)
      cr_assert_float_eq((double)((const float *)y[2].data)[i / length] / m.inv_std, 1, 1e-4, "std %zu", i / length);
  }
  for (size_t o = 1; o < outputs; o++)
    for (size_t i = 0; i < c->rank; i++) cr_assert_eq(y[o].dims[i], i < c->axis ? c->dims[i] : 1);
  op_trial_free(&trial, y);
}

Test(op_norm, layers) {
  rng r = {8};
  for (uint64_t i = 0; i < 200; i++) {
    norm_case c = {.rank = 1 + rng_below(&r, 4), .epsilon = rng_below(&r, 2) ? 1e-5f : 0.1f};
    for (size_t d = 0; d < c.rank; d++) c.dims[d] = 1 + (int64_t)rng_below(&r, 6);
    c.dims[c.rank - 1] += rng_below(&r, 2) ? (int64_t)rng_below(&r, 100) : 0;
    if (i % 10 == 0) c.rank = 3, c.dims[0] = 7, c.dims[1] = 60, c.dims[2] = 64;
    c.axis = rng_below(&r, c.rank);
    if (count_from(&c, c.axis) > MOST_FACTORS) c.axis = c.rank - 1;
    fill(count_from(&c, 0), i);
    check_layer(&c, 1 + rng_below(&r, 3), rng_below(&r, 2));
  }
}

/* Shapes that do not fit, and images without pixels. */
Test(op_norm, bad_norms) {
  static const struct {
    const char *op;
    int64_t groups, factors;
    size_t rank;
    unfurl_status status;
  } rows[] = {{"InstanceNormalization", 1, 4, 4, UNFURL_OK},
              {"InstanceNormalization", 1, 3, 4, UNFURL_INVALID_ARGUMENT},
              {"InstanceNormalization", 1, 4, 2, UNFURL_INVALID_ARGUMENT},
              {"GroupNormalization", 2, 2, 4, UNFURL_OK},
              {"GroupNormalization", 2, 4, 4, UNFURL_INVALID_ARGUMENT},
              {"GroupNormalization", 0, 4, 4, UNFURL_INVALID_ARGUMENT},
              {"GroupNormalization", -1, 4, 4, UNFURL_INVALID_ARGUMENT},
              {"GroupNormalization", 3, 3, 4, UNFURL_INVALID_ARGUMENT},
              {"GroupNormalization", INT64_MIN, 3, 4, UNFURL_INVALID_ARGUMENT},
              {"LayerNormalization", 1, 3, 4, UNFURL_OK},
              {"LayerNormalization", 1, 1, 4, UNFURL_UNSUPPORTED},
              {"LayerNormalization", 1, 4, 4, UNFURL_UNSUPPORTED}};
  for (int64_t height = 0; height < 2; height++)
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      const norm_case c = {.rank = rows[i].rank, .dims = {2, 4, height, 3}};
      const bool has_groups = rows[i].op[0] == 'G';
      const unfurl_attribute groups = attribute_int("num_groups", &rows[i].groups);
      unfurl_tensor inputs[3];
      make_inputs(&c, rows[i].factors, inputs);
      const op_trial trial = trial_of(rows[i].op, inputs, has_groups ? 1 : 0, &groups);
      cr_assert_eq(op_trial_status(&trial), rows[i].status, "row %zu", i);
    }
}

/* Whatever epsilon is, there is a result. */
Test(op_norm, odd_epsilons) {
  const float epsilons[] = {-1e30f, 0, INFINITY, NAN, 1e30f};
  const norm_case c = {.rank = 4, .dims = {1, 2, 3, 3}};
  fill(count_from(&c, 0), 1);
  for (size_t i = 0; i < 5; i++) {
    unfurl_tensor inputs[3], y[OP_TRIAL_OUTPUTS];
    const unfurl_attribute epsilon = attribute_float("epsilon", &epsilons[i]);
    make_inputs(&c, 2, inputs);
    const op_trial trial = trial_of("InstanceNormalization", inputs, 1, &epsilon);
    op_trial_run(&trial, y);
    cr_assert_eq(!!isnan(((const float *)y[0].data)[0]), i == 0 || i == 3, "epsilon %g", (double)epsilons[i]);
    op_trial_free(&trial, y);
  }
}

typedef struct lrn_case {
  size_t rank;
  int64_t dims[UNFURL_MAX_RANK], size;
  float alpha, beta, bias;
} lrn_case;

/* The sum of squares around element `i`: one channel more after than before where size is even. */
static double squares_around(const lrn_case *c, size_t i, size_t pixels) {
  const int64_t channels = c->dims[1], channel = (int64_t)(i / pixels) % channels;
  const int64_t first = channel - (c->size - 1) / 2, last = channel + c->size / 2;
  double sum = 0;
  for (int64_t other = first < 0 ? 0 : first; other <= last && other < channels; other++) {
    const double value = (double)x[(int64_t)i + (other - channel) * (int64_t)pixels];
    sum += value * value;
  }
  return sum;
}

static void check_lrn(const lrn_case *c) {
  const unfurl_attribute attributes[] = {attribute_int("size", &c->size), attribute_float("alpha", &c->alpha),
                                         attribute_float("beta", &c->beta), attribute_float("bias", &c->bias)};
  unfurl_tensor input, y[OP_TRIAL_OUTPUTS];
  unfurl_tensor_init(&input, UNFURL_F32, c->rank, c->dims, x);
  op_trial trial = trial_of("LRN", &input, 4, attributes);
  trial.input_count = 1;
  op_trial_run(&trial, y);
  op_trial_images(&trial, y);
  size_t pixels = 1;
  for (size_t i = 2; i < c->rank; i++) pixels *= (size_t)c->dims[i];
  for (size_t i = 0; i < (size_t)(c->dims[0] * c->dims[1]) * pixels; i++) {
    const double base = (double)c->bias + (double)c->alpha / (double)c->size * squares_around(c, i, pixels);
    const double want = (double)x[i] / pow(base, (double)c->beta), got = (double)((const float *)y[0].data)[i];
    cr_assert_float_eq(got, want, fabs(want) * 1.5e-6, "beta %g: element %zu is %.9g, not %.9g", (double)c->beta, i,
                       got, want);
  }
  op_trial_free(&trial, y);
}

Test(op_norm, responses) {
  const float betas[] = {0.75f, 0.75f, 0.5f, 1, 0, 0.6f, 2, -0.3f, 1.25f};
  rng r = {9};
  for (uint64_t i = 0; i < 200; i++) {
    lrn_case c = {.rank = 2 + rng_below(&r, 4),
                  .size = 1 + (int64_t)rng_below(&r, 9),
                  .alpha = rng_below(&r, 2) ? 1e-4f : 2,
                  .beta = betas[rng_below(&r, sizeof betas / sizeof *betas)],
                  .bias = rng_below(&r, 2) ? 1 : 0.3f};
    for (size_t d = 0; d < 5; d++) c.dims[d] = 1 + (int64_t)rng_below(&r, 4);
    if (rng_below(&r, 3) == 0) c.dims[1] = (int64_t)rng_below(&r, 700) + 1;
    if (rng_below(&r, 5) == 0) c.rank = 4, c.dims[2] = c.dims[3] = 5;
    size_t count = 1;
    for (size_t d = 0; d < c.rank; d++) count *= (size_t)c.dims[d];
    fill(count < MOST ? count : MOST, i);
    if (count <= MOST) check_lrn(&c);
  }
}

Test(op_norm, odd_responses) {
  const int64_t sizes[] = {0, -1, INT64_MIN, INT64_MAX, 1000000};
  const int64_t dims[] = {1, 300, 1, 2};
  unfurl_tensor input;
  fill(600, 1);
  unfurl_tensor_init(&input, UNFURL_F32, 4, dims, x);
  for (size_t i = 0; i < 5; i++) {
    const unfurl_attribute size = attribute_int("size", &sizes[i]);
    op_trial trial = trial_of("LRN", &input, 1, &size);
    trial.input_count = 1;
    cr_assert_eq(op_trial_status(&trial), i < 3 ? UNFURL_INVALID_ARGUMENT : UNFURL_OK, "size %lld",
                 (long long)sizes[i]);
    trial.attribute_count = 0;
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT);
  }
  check_lrn(&(lrn_case){.rank = 4, .dims = {1, 300, 1, 2}, .size = 1000000, .alpha = 1, .beta = 0.75f, .bias = 1});
  input.rank = 1;
  const int64_t one = 1;
  const unfurl_attribute size = attribute_int("size", &one);
  op_trial trial = trial_of("LRN", &input, 1, &size);
  trial.input_count = 1;
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT);
}

/* LogSoftmax along any axis, with numbers that e^x would not hold. */
Test(op_norm, log_softmax) {
  static float logits[60];
  unfurl_tensor input, y[OP_TRIAL_OUTPUTS];
  fill_real(logits, 60, 1);
  for (size_t i = 0; i < 60; i++) logits[i] = logits[i] * 50 + (i % 7 ? 0 : 1000);
  unfurl_tensor_init(&input, UNFURL_F32, 3, (const int64_t[]){3, 4, 5}, logits);
  for (int64_t axis = -3; axis < 3; axis++) {
    const unfurl_attribute attribute = attribute_int("axis", &axis);
    op_trial trial = op_trial_of("LogSoftmax", 1, &input);
    trial.attribute_count = 1, trial.attributes = &attribute;
    op_trial_run(&trial, y);
    const size_t dim = (size_t)((axis + 3) % 3), length = (size_t)input.dims[dim],
                 stride = dim == 0   ? 20
                          : dim == 1 ? 5
                                     : 1;
    for (size_t i = 0; i < 60; i++) {
      const size_t first = i - i / stride % length * stride;
      double largest = -INFINITY, sum = 0;
      for (size_t j = 0; j < length; j++) largest = fmax(largest, (double)logits[first + j * stride]);
      for (size_t j = 0; j < length; j++) sum += exp((double)logits[first + j * stride] - largest);
      cr_assert_float_eq((double)((const float *)y[0].data)[i], (double)logits[i] - largest - log(sum), 2e-4);
    }
    op_trial_free(&trial, y);
  }
}
