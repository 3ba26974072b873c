/* SPDX-License-Identifier: BSD-2-Clause */
/* Pooling as nodes of a network, against loops over the definition: windows of all kinds, padding that counts or does
 * not, the ceiling mode, where each maximum was found, and NaN. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "graph/op.h"
#include "net.h"
#include "support.h"
#include "unfurl/session.h"

enum { MOST = 16384 };

/* Pairs are height and width; pads are top, left, bottom, right. */
typedef struct pool_case {
  int64_t n, c, in[2], kernel[2], strides[2], dilations[2], pads[4];
  int64_t ceil_mode, count_include_pad;
} pool_case;

/* ONNX since opset 22 (and PyTorch): the last window of the ceiling mode must begin inside the image or before it. */
static int64_t outputs(const pool_case *p, size_t axis) {
  const int64_t room = p->in[axis] + p->pads[axis] + p->pads[axis + 2] - (p->kernel[axis] - 1) * p->dilations[axis] - 1;
  int64_t out = (room + (p->ceil_mode ? p->strides[axis] - 1 : 0)) / p->strides[axis] + 1;
  if (p->ceil_mode && (out - 1) * p->strides[axis] >= p->in[axis] + p->pads[axis]) out--;
  return out;
}

/* The position of tap `t` of output `o`, counted from the image's first pixel. */
static int64_t position(const pool_case *p, size_t axis, int64_t o, int64_t t) {
  return o * p->strides[axis] - p->pads[axis] + t * p->dilations[axis];
}

static bool is_inside(const pool_case *p, size_t axis, int64_t at) {
  return at >= 0 && at < p->in[axis];
}

/* What one output has: largest value, where it was found first (in NCHW order), and the means. */
typedef struct window {
  float largest;
  int64_t where;
  double mean;
} window;

static window look(const pool_case *p, const float *plane, int64_t plane_at, int64_t oy, int64_t ox) {
  window w = {.largest = -INFINITY, .where = -1};
  double sum = 0;
  int64_t inside = 0, padded = 0;
  for (int64_t i = 0; i < p->kernel[0]; i++)
    for (int64_t j = 0; j < p->kernel[1]; j++) {
      const int64_t y = position(p, 0, oy, i), x = position(p, 1, ox, j);
      padded += y < p->in[0] + p->pads[2] && x < p->in[1] + p->pads[3];
      if (!is_inside(p, 0, y) || !is_inside(p, 1, x)) continue;
      const float value = plane[y * p->in[1] + x];
      if (w.where < 0 || value > w.largest) w.largest = value, w.where = plane_at + y * p->in[1] + x;
      sum += (double)value;
      inside++;
    }
  const int64_t count = p->count_include_pad ? padded : inside;
  w.mean = count ? sum / (double)count : 0;
  return w;
}

static net make_net(const unfurl_context *context, const pool_case *p, bool is_max) {
  const unfurl_attribute attributes[] = {
      attribute_ints("kernel_shape", 2, p->kernel), attribute_ints("strides", 2, p->strides),
      attribute_ints("dilations", 2, p->dilations), attribute_ints("pads", 4, p->pads),
      attribute_int("ceil_mode", &p->ceil_mode),    attribute_int("count_include_pad", &p->count_include_pad),
  };
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){p->n, p->c, p->in[0], p->in[1]});
  if (is_max)
    net_node_with(&n, "MaxPool", "x", "y where", 5, attributes);
  else
    net_node_with(&n, "AveragePool", "x", "y", 6, attributes);
  net_output(&n, "y");
  if (is_max) net_output(&n, "where");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  return n;
}

static void check_outputs(const pool_case *p, bool is_max, const float *x, const unfurl_session *session) {
  const unfurl_tensor *y = unfurl_session_output(session, 0), *where = unfurl_session_output(session, 1);
  const int64_t oh = outputs(p, 0), ow = outputs(p, 1), dims[] = {p->n, p->c, oh, ow};
  cr_assert_arr_eq(y->dims, dims, sizeof dims, "%lld x %lld, not %lld x %lld", (long long)y->dims[2],
                   (long long)y->dims[3], (long long)oh, (long long)ow);
  for (int64_t i = 0; i < p->n * p->c * oh * ow; i++) {
    const int64_t plane_at = i / (oh * ow) * p->in[0] * p->in[1];
    const window w = look(p, x + plane_at, plane_at, i / ow % oh, i % ow);
    const double got = (double)((const float *)y->data)[i];
    if (is_max) {
      cr_assert_eq(got, (double)w.largest, "element %lld: %g, not %g", (long long)i, got, (double)w.largest);
      cr_assert_eq(((const int64_t *)where->data)[i], w.where, "index of element %lld", (long long)i);
    } else {
      cr_assert_float_eq(got, w.mean, 1e-6 * (1 + fabs(w.mean)), "element %lld: %g, not %g", (long long)i, got, w.mean);
    }
  }
}

static void run_case(const unfurl_context *context, const pool_case *p, bool is_max, float *x) {
  net n = make_net(context, p, is_max);
  unfurl_session *session;
  unfurl_tensor input;
  unfurl_error error;
  unfurl_tensor_init(&input, UNFURL_F32, 4, (const int64_t[]){p->n, p->c, p->in[0], p->in[1]}, x);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &input, 1, &error), UNFURL_OK, "%s", error.message);
  check_outputs(p, is_max, x, session);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
}

/* Padding is less than the kernel, as ONNX asks for; so every window meets the image. */
static pool_case random_case(rng *r) {
  pool_case p = {.n = 1 + (int64_t)rng_below(r, 3), .c = 1 + (int64_t)rng_below(r, 9)};
  if (rng_below(r, 4) == 0) p.n = 1, p.c = 16 + (int64_t)rng_below(r, 30); /* a block of vectors, and what is left */
  for (size_t axis = 0; axis < 2; axis++) {
    p.kernel[axis] = 1 + (int64_t)rng_below(r, 4);
    p.strides[axis] = 1 + (int64_t)rng_below(r, 4);
    p.dilations[axis] = rng_below(r, 3) ? 1 : 1 + (int64_t)rng_below(r, 3);
    p.in[axis] = (p.kernel[axis] - 1) * p.dilations[axis] + 1 + (int64_t)rng_below(r, 9);
    for (size_t end = 0; end < 2; end++)
      p.pads[axis + 2 * end] = rng_below(r, 2) ? (int64_t)rng_below(r, (size_t)p.kernel[axis]) : 0;
  }
  p.ceil_mode = (int64_t)rng_below(r, 2);
  p.count_include_pad = (int64_t)rng_below(r, 2);
  return p;
}

static void check_random(bool is_max) {
  rng r = {11};
  float x[MOST];
  for (size_t threads = 1; threads <= 3; threads += 2) {
    unfurl_context_options options;
    unfurl_context *context;
    unfurl_context_options_init(&options);
    options.threads = threads;
    cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
    for (uint64_t i = 0; i < 400; i++) {
      const pool_case p = random_case(&r);
      fill_small(x, (size_t)(p.n * p.c * p.in[0] * p.in[1]), i); /* few values: the first of equals must be found */
      run_case(context, &p, is_max, x);
    }
    unfurl_context_destroy(&context);
  }
}

Test(op_pool, max_of_random_windows) {
  check_random(true);
}

Test(op_pool, average_of_random_windows) {
  check_random(false);
}

static const pool_case SIMPLE = {
    .n = 1, .c = 3, .in = {4, 6}, .kernel = {2, 2}, .strides = {2, 2}, .dilations = {1, 1}};

/* One NaN in the window of the first pixel, wherever it is in that. */
static void check_nan(const unfurl_context *context, const pool_case *p, size_t channel, size_t at) {
  enum { PLANE = 4 * 6, OUTPUTS = 2 * 3 };
  net n = make_net(context, p, true);
  unfurl_session *session;
  unfurl_tensor input;
  float x[20 * PLANE];
  const size_t where = channel * PLANE + at / 2 * 6 + at % 2, count = (size_t)p->c * OUTPUTS;
  fill_small(x, (size_t)p->c * PLANE, 1);
  x[where] = NAN;
  unfurl_tensor_init(&input, UNFURL_F32, 4, (const int64_t[]){1, p->c, 4, 6}, x);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &input, 1, NULL), UNFURL_OK);
  const float *y = unfurl_session_output(session, 0)->data;
  for (size_t i = 0; i < count; i++) cr_assert_eq(!!isnan(y[i]), i == channel * OUTPUTS, "element %zu", i);
  cr_assert_eq(((const int64_t *)unfurl_session_output(session, 1)->data)[channel * OUTPUTS], (int64_t)where);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
}

Test(op_pool, nan_wins) {
  unfurl_context *context;
  pool_case many = SIMPLE;
  many.c = 20; /* 16 in vectors */
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  for (size_t at = 0; at < 4; at++) {
    check_nan(context, &SIMPLE, 0, at);
    check_nan(context, &many, 5, at);
    check_nan(context, &many, 18, at);
  }
  unfurl_context_destroy(&context);
}

/* GlobalMaxPool and GlobalAveragePool are windows as large as the image. */
Test(op_pool, whole_images) {
  unfurl_context *context;
  float x[2 * 5 * 35];
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  if (!unfurl_op_find("GlobalMaxPool") || !unfurl_op_find("GlobalAveragePool")) return;
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){2, 5, 7, 5});
  net_node(&n, "GlobalMaxPool", "x", "max");
  net_node(&n, "GlobalAveragePool", "x", "mean");
  net_output(&n, "max");
  net_output(&n, "mean");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  unfurl_session *session;
  unfurl_tensor input;
  fill_real(x, sizeof x / sizeof *x, 1);
  unfurl_tensor_init(&input, UNFURL_F32, 4, (const int64_t[]){2, 5, 7, 5}, x);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &input, 1, NULL), UNFURL_OK);
  const float *max = unfurl_session_output(session, 0)->data, *mean = unfurl_session_output(session, 1)->data;
  for (size_t plane = 0; plane < 10; plane++) {
    float largest = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < 35; i++) largest = fmaxf(largest, x[plane * 35 + i]), sum += (double)x[plane * 35 + i];
    cr_assert_eq(max[plane], largest);
    cr_assert_float_eq((double)mean[plane], sum / 35, 1e-6);
  }
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}
