/* SPDX-License-Identifier: BSD-2-Clause */
/* DepthToSpace and SpaceToDepth as nodes of a network, against their definitions: both modes, both layouts. */
#include <criterion/criterion.h>
#include <string.h>

#include "net.h"
#include "support.h"
#include "unfurl/session.h"

enum { MOST = 1 << 14 };

typedef struct block_case {
  int64_t batch, channels, rows, cols, block; /* of the tensor whose blocks are in channels; its channels in blocks */
  bool is_crd, is_nhwc;
} block_case;

static float x[MOST], y[MOST];

static int64_t count_of(const block_case *b) {
  return b->batch * b->channels * b->block * b->block * b->rows * b->cols;
}

/* Where pixel (i, j) of channel c is in the tensor whose blocks are in channels. */
static int64_t deep_at(const block_case *b, int64_t n, int64_t c, int64_t i, int64_t j) {
  const int64_t place = i % b->block * b->block + j % b->block, places = b->block * b->block;
  const int64_t channel = b->is_crd ? c * places + place : place * b->channels + c;
  return ((n * b->channels * places + channel) * b->rows + i / b->block) * b->cols + j / b->block;
}

/* Runs `op` (in the middle of poolings of 1 x 1, which want channels last, or alone) on x, into y. */
static void run(const unfurl_context *context, const block_case *b, const char *op, const int64_t dims[4]) {
  const int64_t ones[] = {1, 1};
  const unfurl_attribute kernel = attribute_ints("kernel_shape", 2, ones);
  const unfurl_attribute attributes[] = {attribute_int("blocksize", &b->block),
                                         attribute_string("mode", b->is_crd ? "CRD" : "DCR")};
  unfurl_session *session;
  unfurl_tensor input;
  unfurl_error error;
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, dims);
  if (b->is_nhwc) net_node_with(&n, "MaxPool", "x", "pooled", 1, &kernel);
  net_node_with(&n, op, b->is_nhwc ? "pooled" : "x", "y", strcmp(op, "DepthToSpace") ? 1 : 2, attributes);
  net_output(&n, "y");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  unfurl_tensor_init(&input, UNFURL_F32, 4, dims, x);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &input, 1, &error), UNFURL_OK, "%s", error.message);
  memcpy(y, unfurl_session_output(session, 0)->data, (size_t)count_of(b) * sizeof *y);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
}

static void check(const unfurl_context *context, const block_case *b, bool to_space) {
  const int64_t rows = b->rows * b->block, cols = b->cols * b->block;
  const int64_t space[] = {b->batch, b->channels, rows, cols};
  const int64_t depth[] = {b->batch, b->channels * b->block * b->block, b->rows, b->cols};
  for (int64_t i = 0; i < count_of(b); i++) x[i] = (float)i;
  run(context, b, to_space ? "DepthToSpace" : "SpaceToDepth", to_space ? depth : space);
  for (int64_t i = 0; i < count_of(b); i++) {
    const int64_t deep =
        deep_at(b, i / (b->channels * rows * cols), i / (rows * cols) % b->channels, i / cols % rows, i % cols);
    cr_assert_eq(to_space ? y[i] : y[deep], (float)(to_space ? deep : i), "element %lld", (long long)i);
  }
}

Test(op_depth_space, random_blocks) {
  rng r = {3};
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  for (size_t i = 0; i < 400; i++) {
    block_case b = {.batch = 1 + (int64_t)rng_below(&r, 3),
                    .channels = 1 + (int64_t)rng_below(&r, 6),
                    .rows = 1 + (int64_t)rng_below(&r, 5),
                    .cols = 1 + (int64_t)rng_below(&r, 5),
                    .block = 1 + (int64_t)rng_below(&r, 4),
                    .is_crd = rng_below(&r, 2),
                    .is_nhwc = rng_below(&r, 2)};
    check(context, &b, true);
    b.is_crd = false;
    check(context, &b, false);
  }
  unfurl_context_destroy(&context);
}

/* One after the other changes nothing, whatever the type. */
Test(op_depth_space, there_and_back) {
  unfurl_context *context;
  unfurl_session *session;
  unfurl_tensor input;
  const int64_t dims[] = {2, 3, 4, 6}, two = 2;
  int64_t values[2 * 3 * 4 * 6];
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) values[i] = (int64_t)i << 40;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  const unfurl_attribute block = attribute_int("blocksize", &two);
  net n = net_begin(context, NULL);
  net_typed_input(&n, "x", UNFURL_I64, 4, dims);
  net_node_with(&n, "SpaceToDepth", "x", "deep", 1, &block);
  net_node_with(&n, "DepthToSpace", "deep", "y", 1, &block);
  net_output(&n, "y");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  unfurl_tensor_init(&input, UNFURL_I64, 4, dims, values);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &input, 1, NULL), UNFURL_OK);
  cr_assert_arr_eq(unfurl_session_output(session, 0)->data, values, sizeof values);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}

static unfurl_status try(const unfurl_context *context, const char *op, const int64_t dims[4], size_t rank,
                         int64_t block) {
  static float zeros[MOST];
  unfurl_session *session;
  unfurl_tensor input;
  const unfurl_attribute attribute = attribute_int("blocksize", &block);
  net n = net_begin(context, NULL);
  net_input(&n, "x", rank, dims);
  net_node_with(&n, op, "x", "y", 1, &attribute);
  net_output(&n, "y");
  net_finish(&n);
  unfurl_status status = n.status;
  if (!status) status = unfurl_session_create(n.model, NULL, &session, NULL);
  if (!status) {
    unfurl_tensor_init(&input, UNFURL_F32, rank, dims, zeros);
    status = unfurl_session_run(session, &input, 1, NULL);
    unfurl_session_destroy(&session);
  }
  unfurl_model_destroy(&n.model);
  return status;
}

Test(op_depth_space, refuses_what_makes_no_blocks) {
  static const struct {
    const char *op;
    int64_t dims[4];
    size_t rank;
    int64_t block;
    bool is_taken;
  } cases[] = {
      {"DepthToSpace", {1, 8, 2, 2}, 4, 0, false},
      {"DepthToSpace", {1, 8, 2, 2}, 4, -2, false},
      {"DepthToSpace", {1, 8, 2, 2}, 4, INT64_MIN, false},
      {"DepthToSpace", {1, 8, 2, 2}, 4, INT64_MAX, false},
      {"DepthToSpace", {1, 6, 2, 2}, 4, 2, false},
      {"DepthToSpace", {8, 2, 2}, 3, 2, false},
      {"DepthToSpace", {1, 0, 2, 2}, 4, 2, true},
      {"DepthToSpace", {1, 0, INT64_C(1) << 40, 2}, 4, INT32_MAX, false},
      {"SpaceToDepth", {1, 1, 2, 3}, 4, 2, false},
      {"SpaceToDepth", {1, 1, 2, 2}, 4, 0, false},
      {"SpaceToDepth", {1, INT64_C(1) << 40, 0, 0}, 4, INT32_MAX, false},
      {"SpaceToDepth", {0, 1, 2, 2}, 4, 2, true},
  };
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const unfurl_status status = try(context, cases[i].op, cases[i].dims, cases[i].rank, cases[i].block);
    cr_assert_eq(status == UNFURL_OK, cases[i].is_taken, "case %zu: status %d", i, (int)status);
  }
  unfurl_context_destroy(&context);
}
