/* SPDX-License-Identifier: BSD-2-Clause */
/* Resize and Upsample as nodes of a network, against the definition in double: every input element weighed by a kernel
 * of its distance. Any rank, any axes, any threads, images alone and in a batch. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "net_run.h"
#include "support.h"
#include "unfurl/session.h"

enum { MOST = 1 << 18, RANK = 5 };

static const char *const COORDINATES[] = {"half_pixel",        "pytorch_half_pixel",   "align_corners",
                                          "asymmetric",        "tf_half_pixel_for_nn", "half_pixel_symmetric",
                                          "tf_crop_and_resize"};
static const char *const ROUNDINGS[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
static const char *const MODES[] = {"nearest", "linear", "cubic"};

enum { HALF_PIXEL, PYTORCH, ALIGN_CORNERS, ASYMMETRIC, TF_HALF_PIXEL, SYMMETRIC, TF_CROP };
enum { NEAREST, LINEAR, CUBIC };

typedef struct resize_case {
  size_t rank;
  int64_t dims[RANK], sizes[RANK];
  float scales[RANK], roi[2 * RANK];
  bool by_size;
  size_t coordinates, rounding, mode;
  int64_t exclude_outside;
  float cubic_a, extrapolation;
} resize_case;

static float x[MOST], y[MOST];
static double expected[MOST], scratch[MOST];

static int64_t count_of(size_t rank, const int64_t *dims) {
  int64_t count = 1;
  for (size_t i = 0; i < rank; i++) count *= dims[i];
  return count;
}

static int64_t out_of(const resize_case *r, size_t axis) {
  return r->by_size ? r->sizes[axis] : (int64_t)floor((double)r->dims[axis] * (double)r->scales[axis]);
}

static bool stays(const resize_case *r, size_t axis) {
  const bool whole = r->coordinates != TF_CROP || (r->roi[axis] == 0 && r->roi[r->rank + axis] == 1);
  return whole && (r->by_size ? r->sizes[axis] == r->dims[axis] : r->scales[axis] == 1);
}

/* a / scale, exact wherever that is a double: a scale is in/out, or a multiple of 1/8. */
static double over_scale(const resize_case *r, size_t axis, double a) {
  return r->by_size ? a * (double)r->dims[axis] / (double)r->sizes[axis] : a / (double)r->scales[axis];
}

static double coordinate(const resize_case *r, size_t axis, double o) {
  const double in = (double)r->dims[axis], out = (double)out_of(r, axis);
  const double length = r->by_size ? out : in * (double)r->scales[axis];
  const double begin = (double)r->roi[axis], end = (double)r->roi[r->rank + axis];
  switch (r->coordinates) {
  case PYTORCH: return out > 1 ? over_scale(r, axis, o + 0.5) - 0.5 : 0;
  case ALIGN_CORNERS: return length == 1 ? 0 : o * (in - 1) / (length - 1);
  case ASYMMETRIC: return over_scale(r, axis, o);
  case TF_HALF_PIXEL: return over_scale(r, axis, o + 0.5);
  case SYMMETRIC: return in / 2 - 0.5 + over_scale(r, axis, o + 0.5 - out / 2);
  case TF_CROP:
    return length == 1 ? (begin + end) / 2 * (in - 1) : begin * (in - 1) + o * (end - begin) * (in - 1) / (length - 1);
  default: return over_scale(r, axis, o + 0.5) - 0.5;
  }
}

static double kernel(const resize_case *r, double distance) {
  const double d = fabs(distance), a = (double)r->cubic_a;
  if (r->mode == LINEAR) return fmax(1 - d, 0);
  if (d <= 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
  return d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
}

static double rounded(const resize_case *r, double at) {
  switch (r->rounding) {
  case 0: return ceil(at - 0.5);
  case 1: return floor(at + 0.5);
  case 2: return floor(at);
  default: return ceil(at);
  }
}

static int64_t clamp(int64_t i, int64_t size) {
  return i < 0 ? 0 : i < size ? i : size - 1;
}

/* One output of a line of input. */
static double sample(const resize_case *r, size_t axis, int64_t o, const double *line, int64_t stride) {
  const int64_t in = r->dims[axis];
  const double at = coordinate(r, axis, (double)o);
  if (r->coordinates == TF_CROP && (at < 0 || at > (double)in - 1)) return (double)r->extrapolation;
  if (r->mode == NEAREST) return line[clamp((int64_t)rounded(r, at), in) * stride];
  double sum = 0, weights = 0;
  for (int64_t i = (int64_t)floor(at) - 2; i <= (int64_t)floor(at) + 3; i++) {
    const bool counts = !r->exclude_outside || (i >= 0 && i < in);
    const double weight = counts ? kernel(r, at - (double)i) : 0;
    sum += weight * line[clamp(i, in) * stride];
    weights += weight;
  }
  return r->exclude_outside ? sum / weights : sum;
}

/* Axis after axis, from the last. */
static void reference(const resize_case *r) {
  int64_t dims[RANK];
  memcpy(dims, r->dims, sizeof dims);
  for (int64_t i = 0; i < count_of(r->rank, dims); i++) expected[i] = (double)x[i];
  for (size_t axis = r->rank; axis-- > 0;) {
    if (stays(r, axis)) continue;
    const int64_t inner = count_of(r->rank - axis - 1, dims + axis + 1), in = dims[axis], out = out_of(r, axis);
    const int64_t lines = count_of(axis, dims) * inner;
    for (int64_t l = 0; l < lines; l++)
      for (int64_t o = 0; o < out; o++)
        scratch[(l / inner * out + o) * inner + l % inner] =
            sample(r, axis, o, expected + l / inner * in * inner + l % inner, inner);
    dims[axis] = out;
    memcpy(expected, scratch, (size_t)count_of(r->rank, dims) * sizeof *expected);
  }
}

/* Relu before and after, so that the steps of a batch can be cut. */
static net make_net(const unfurl_context *context, const resize_case *r) {
  const unfurl_attribute attributes[] = {
      attribute_string("mode", MODES[r->mode]),
      attribute_string("coordinate_transformation_mode", COORDINATES[r->coordinates]),
      attribute_string("nearest_mode", ROUNDINGS[r->rounding]),
      attribute_int("exclude_outside", &r->exclude_outside),
      attribute_float("cubic_coeff_a", &r->cubic_a),
      attribute_float("extrapolation_value", &r->extrapolation),
  };
  const int64_t count = (int64_t)r->rank, twice = 2 * count;
  net n = net_begin(context, NULL);
  net_input(&n, "x", r->rank, r->dims);
  net_constant(&n, "roi", 1, &twice, r->roi);
  net_constant(&n, "scales", 1, &count, r->scales);
  net_integers(&n, "sizes", r->rank, r->sizes);
  net_node(&n, "Identity", "x", "same");
  net_node_with(&n, "Resize", r->by_size ? "same roi - sizes" : "same roi scales", "resized", 6, attributes);
  net_node(&n, "Relu", "resized", "positive");
  net_output(&n, "resized");
  net_output(&n, "positive");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  return n;
}

/* Runs the images of `r`, at most `most` at a time (0: as the session likes), into `result`. */
static void run(const unfurl_context *context, const resize_case *r, size_t most, const float *from, float *result) {
  net n = make_net(context, r);
  unfurl_session_options options;
  unfurl_session *session;
  unfurl_tensor input;
  unfurl_error error;
  unfurl_session_options_init(&options);
  options.most_images = most;
  unfurl_tensor_init(&input, UNFURL_F32, r->rank, r->dims, (void *)(uintptr_t)from);
  cr_assert_eq(unfurl_session_create(n.model, &options, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &input, 1, &error), UNFURL_OK, "%s", error.message);
  const unfurl_tensor *out = unfurl_session_output(session, 0);
  const float *positive = unfurl_session_output(session, 1)->data;
  for (size_t i = 0; i < r->rank; i++) cr_assert_eq(out->dims[i], out_of(r, i));
  const int64_t count = count_of(r->rank, out->dims);
  if (count) memcpy(result, out->data, (size_t)count * sizeof *result);
  for (int64_t i = 0; i < count; i++) cr_assert_eq(positive[i], result[i] > 0 ? result[i] : 0);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
}

static int64_t outputs_of(const resize_case *r) {
  int64_t count = 1;
  for (size_t i = 0; i < r->rank; i++) count *= out_of(r, i);
  return count;
}

static void check(const unfurl_context *context, const resize_case *r, size_t most) {
  run(context, r, most, x, y);
  reference(r);
  for (int64_t i = 0; i < outputs_of(r); i++)
    cr_assert_float_eq((double)y[i], expected[i], 1e-5, "%s %s %s, element %lld of rank %zu: %g, not %g",
                       MODES[r->mode], COORDINATES[r->coordinates], ROUNDINGS[r->rounding], (long long)i, r->rank,
                       (double)y[i], expected[i]);
}

/* Sizes up to `most`; an axis stays in half of the cases. */
static void random_axis(rng *r, resize_case *c, size_t axis, size_t most) {
  const bool keep = rng_below(r, 2);
  const int64_t in = 1 + (int64_t)rng_below(r, most);
  c->dims[axis] = in;
  c->sizes[axis] = keep ? in : 1 + (int64_t)rng_below(r, most);
  c->scales[axis] = keep ? 1 : (float)(1 + rng_below(r, 24)) / 8;
  c->roi[axis] = keep ? 0 : (float)rng_below(r, 12) / 8 - 0.5f;
  c->roi[c->rank + axis] = keep ? 1 : (float)rng_below(r, 16) / 8 - 0.25f;
}

static resize_case random_case(rng *r, size_t most_rank, size_t most) {
  resize_case c = {
      .rank = 1 + rng_below(r, most_rank), .cubic_a = rng_below(r, 2) ? -0.75f : -0.5f, .extrapolation = 7};
  for (size_t i = 0; i < c.rank; i++) random_axis(r, &c, i, most);
  c.by_size = rng_below(r, 2);
  c.coordinates = rng_below(r, sizeof COORDINATES / sizeof *COORDINATES);
  c.rounding = rng_below(r, sizeof ROUNDINGS / sizeof *ROUNDINGS);
  c.mode = rng_below(r, sizeof MODES / sizeof *MODES);
  c.exclude_outside = c.mode == CUBIC && c.coordinates != TF_HALF_PIXEL && rng_below(r, 2);
  return c;
}

Test(op_resize, random_shapes_of_any_rank) {
  rng r = {5};
  unfurl_context *context = net_context(1);
  for (uint64_t i = 0; i < 3000; i++) {
    const resize_case c = random_case(&r, RANK, 7);
    fill_real(x, (size_t)count_of(c.rank, c.dims), i);
    check(context, &c, 0);
  }
  unfurl_context_destroy(&context);
}

/* An image of some channels, whose height and width change. */
static resize_case random_image(rng *r, int64_t batch, size_t most_channels, size_t most) {
  resize_case c = random_case(r, 1, 1);
  c.rank = 4;
  c.coordinates = rng_below(r, TF_CROP);
  for (size_t i = 0; i < 4; i++) {
    random_axis(r, &c, i, i < 2 ? 1 : most);
    if (i >= 2) continue;
    c.dims[i] = c.sizes[i] = i == 0 ? batch : 1 + (int64_t)rng_below(r, most_channels);
    c.scales[i] = 1;
  }
  for (size_t i = 2; i < 4; i++) /* some images are so large that they are cut into strips and tasks */
    if (c.scales[i] > 2) c.scales[i] = 2;
  return c;
}

Test(op_resize, images_whatever_the_threads) {
  static float alone[MOST];
  rng r = {6};
  unfurl_context *contexts[] = {net_context(1), net_context(2), net_context(3)};
  for (uint64_t i = 0; i < 60; i++) {
    const resize_case c = i % 2 ? random_image(&r, 2, 33, 14) : random_image(&r, 1, 100, 25);
    fill_real(x, (size_t)count_of(4, c.dims), i);
    check(contexts[0], &c, 0);
    memcpy(alone, y, sizeof alone);
    for (size_t t = 1; t < 3; t++) {
      run(contexts[t], &c, 0, x, y);
      cr_assert_arr_eq(y, alone, (size_t)outputs_of(&c) * sizeof *y, "%zu threads", t + 1);
    }
  }
  for (size_t t = 0; t < 3; t++) unfurl_context_destroy(&contexts[t]);
}

/* One image at a time, by the caller and by the session: the same bits as all at once. */
Test(op_resize, images_alone_and_in_a_batch) {
  static float batch[MOST];
  rng r = {7};
  unfurl_context *context = net_context(2);
  for (uint64_t i = 0; i < 200; i++) {
    resize_case c = random_image(&r, 3, 9, 12);
    const int64_t image = count_of(4, c.dims) / 3, result = outputs_of(&c) / 3;
    fill_real(x, (size_t)(3 * image), i);
    run(context, &c, 0, x, batch);
    run(context, &c, 1, x, y);
    cr_assert_arr_eq(y, batch, (size_t)(3 * result) * sizeof *y);
    c.dims[0] = c.sizes[0] = 1;
    for (int64_t n = 0; n < 3; n++) {
      run(context, &c, 0, x + n * image, y);
      cr_assert_arr_eq(y, batch + n * result, (size_t)result * sizeof *y, "image %lld", (long long)n);
    }
  }
  unfurl_context_destroy(&context);
}

/* As many images as before, but not the same: they must not be taken one at a time. */
Test(op_resize, batches_that_are_resampled) {
  unfurl_context *context = net_context(1);
  const resize_case c = {.rank = 4,
                         .dims = {3, 2, 4, 4},
                         .scales = {1.25f, 1, 2, 2},
                         .coordinates = ASYMMETRIC,
                         .rounding = 2,
                         .mode = LINEAR};
  fill_real(x, 3 * 2 * 16, 1);
  check(context, &c, 1);
  unfurl_context_destroy(&context);
}

/* A scale in f32 that is a little more than 4/3 was meant to be 4/3. */
Test(op_resize, nearest_of_scales_that_f32_does_not_have) {
  unfurl_context *context = net_context(1);
  const resize_case c = {
      .rank = 1, .dims = {300}, .scales = {4 / 3.f}, .coordinates = ASYMMETRIC, .rounding = 2, .mode = NEAREST};
  for (size_t i = 0; i < 300; i++) x[i] = (float)i;
  run(context, &c, 0, x, y);
  for (size_t o = 0; o < 400; o++) cr_assert_eq(y[o], (float)(o * 3 / 4), "element %zu is %g", o, (double)y[o]);
  unfurl_context_destroy(&context);
}

/* Upsample's scales come in as an input, change from run to run, and decide the shape. */
Test(op_resize, scales_that_come_in) {
  unfurl_context *context = net_context(1);
  const int64_t dims[] = {1, 1, 2, 2}, four = 4;
  const unfurl_attribute mode = attribute_string("mode", "linear");
  unfurl_session *session;
  unfurl_tensor inputs[2];
  float scales[2][4] = {{1, 1, 2, 2}, {1, 1, 3, 1}}, values[] = {0, 1, 2, 3};
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, dims);
  net_input(&n, "scales", 1, &four);
  net_node_with(&n, "Upsample", "x scales", "y", 1, &mode);
  net_output(&n, "y");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  for (size_t i = 0; i < 4; i++) {
    unfurl_tensor_init(&inputs[0], UNFURL_F32, 4, dims, values);
    unfurl_tensor_init(&inputs[1], UNFURL_F32, 1, &four, scales[i % 2]);
    cr_assert_eq(unfurl_session_run(session, inputs, 2, NULL), UNFURL_OK);
    const unfurl_tensor *out = unfurl_session_output(session, 0);
    cr_assert_eq(out->dims[2] * 10 + out->dims[3], i % 2 ? 62 : 44);
    cr_assert_float_eq((double)((const float *)out->data)[i % 2 ? 3 : 5], i % 2 ? 1 + 2 / 3. : 1.5, 1e-6);
  }
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}

/* Upsample with an attribute, and Resize as it first was, with one input: both asymmetric, and rounded down. */
static void check_early(const unfurl_context *context, const resize_case *c, int64_t opset) {
  unfurl_model_options options;
  unfurl_attribute attributes[2] = {attribute_string("mode", MODES[c->mode])};
  const int64_t rank = (int64_t)c->rank;
  unfurl_session *session;
  unfurl_tensor input;
  unfurl_model_options_init(&options);
  options.opset = opset;
  unfurl_attribute_init(&attributes[1], "scales", UNFURL_ATTRIBUTE_FLOATS);
  attributes[1].floats = c->scales, attributes[1].count = c->rank;
  net n = net_begin(context, &options);
  net_input(&n, "x", c->rank, c->dims);
  net_constant(&n, "scales", 1, &rank, c->scales);
  if (opset < 9)
    net_node_with(&n, "Upsample", "x", "y", 2, attributes);
  else
    net_node_with(&n, opset == 9 ? "Upsample" : "Resize", "x scales", "y", 1, attributes);
  net_output(&n, "y");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  unfurl_tensor_init(&input, UNFURL_F32, c->rank, c->dims, x);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &input, 1, NULL), UNFURL_OK);
  reference(c);
  for (int64_t i = 0; i < outputs_of(c); i++)
    cr_assert_float_eq((double)((const float *)unfurl_session_output(session, 0)->data)[i], expected[i], 1e-5);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
}

Test(op_resize, before_opset_11) {
  rng r = {8};
  unfurl_context *context = net_context(1);
  for (uint64_t i = 0; i < 200; i++) {
    resize_case c = random_case(&r, 4, 7);
    c.by_size = false, c.exclude_outside = 0;
    c.coordinates = ASYMMETRIC, c.rounding = 2, c.mode = i % 2 ? LINEAR : NEAREST;
    fill_real(x, (size_t)count_of(c.rank, c.dims), i);
    for (int64_t opset = 8; opset <= 10; opset++) check_early(context, &c, opset);
  }
  unfurl_context_destroy(&context);
}
