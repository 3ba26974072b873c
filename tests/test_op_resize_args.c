/* SPDX-License-Identifier: BSD-2-Clause */
/* What a Resize must refuse, what is odd but has a meaning, and memory that is not there. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "net_run.h"
#include "support.h"
#include "unfurl/session.h"

enum { MOST = 128 }; /* elements of an input */

/* A Resize that may be refused: the status of the first thing that fails. */
typedef struct attempt {
  int64_t dims[4];
  const char *inputs;
  float scales[5];
  int64_t scale_count, sizes[5], size_count, axes[5], axis_count;
  const char *mode, *policy;
  int64_t antialias;
  float roi;
} attempt;

/* With `result`, the dims of the output. */
static unfurl_status try(const unfurl_context *context, const attempt *a, int64_t *result) {
  static float zeros[MOST];
  const char *coordinates = a->roi != 0 ? "tf_crop_and_resize" : "half_pixel";
  const unfurl_attribute attributes[] = {
      attribute_string("mode", a->mode ? a->mode : "linear"), attribute_int("antialias", &a->antialias),
      attribute_string("keep_aspect_ratio_policy", a->policy ? a->policy : "stretch"),
      attribute_string("coordinate_transformation_mode", coordinates),
      attribute_ints("axes", (size_t)a->axis_count, a->axes)};
  const float roi[8] = {0, 0, 0, a->roi, 1, 1, 1, 1};
  unfurl_session *session;
  unfurl_tensor input;
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, a->dims);
  net_constant(&n, "roi", 1, (const int64_t[]){8}, roi);
  net_constant(&n, "scales", 1, &a->scale_count, a->scales);
  net_integers(&n, "sizes", (size_t)a->size_count, a->sizes);
  net_node_with(&n, "Resize", a->inputs, "y", a->axis_count ? 5 : 4, attributes);
  net_output(&n, "y");
  net_finish(&n);
  unfurl_status status = n.status;
  if (!status) status = unfurl_session_create(n.model, NULL, &session, NULL);
  if (!status) {
    unfurl_tensor_init(&input, UNFURL_F32, 4, a->dims, zeros);
    status = unfurl_session_run(session, &input, 1, NULL);
    if (!status && result) memcpy(result, unfurl_session_output(session, 0)->dims, 4 * sizeof *result);
    unfurl_session_destroy(&session);
  }
  unfurl_model_destroy(&n.model);
  return status;
}

#define SCALED "x roi scales"
#define SIZED  "x roi - sizes"

static const attempt REFUSED[] = {
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, NAN, 1}, .scale_count = 4},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, INFINITY, 1}, .scale_count = 4},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, -INFINITY, 1}, .scale_count = 4},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 0, 1}, .scale_count = 4},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, -1, 2, 1}, .scale_count = 4},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 3e38f, 3e38f}, .scale_count = 4},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1e11f, 1e11f, 1e11f, 1e11f}, .scale_count = 4},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 2}, .scale_count = 3},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 2, 2, 1}, .scale_count = 5},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED},
    {.dims = {1, 2, 3, 4}, .inputs = "x roi"},
    {.dims = {1, 2, 3, 4}, .inputs = "x"},
    {.dims = {1, 2, 3, 4}, .inputs = "x roi sizes", .sizes = {1, 2, 3, 4}, .size_count = 4},
    {.dims = {1, 2, 3, 4},
     .inputs = "x roi scales sizes",
     .scales = {1, 1, 2, 2},
     .scale_count = 4,
     .sizes = {1, 2, 6, 8},
     .size_count = 4},
    {.dims = {1, 2, 3, 4}, .inputs = SIZED, .sizes = {1, 2, 3, -1}, .size_count = 4},
    {.dims = {1, 2, 3, 4}, .inputs = SIZED, .sizes = {1, 2, INT64_MIN, INT64_MAX}, .size_count = 4},
    {.dims = {1, 2, 3, 4}, .inputs = SIZED, .sizes = {1, 2, 3, INT64_MAX}, .size_count = 4},
    {.dims = {1, 2, 3, 4},
     .inputs = SIZED,
     .sizes = {INT64_C(1) << 31, INT64_C(1) << 31, INT64_C(1) << 31, 1},
     .size_count = 4},
    {.dims = {1, 2, 3, 4}, .inputs = SIZED, .sizes = {1, 2, 3}, .size_count = 3},
    {.dims = {1, 2, 0, 4}, .inputs = SIZED, .sizes = {1, 2, 3, 4}, .size_count = 4},
    {.dims = {1, 2, 3, 4},
     .inputs = SIZED,
     .sizes = {(INT64_C(1) << 40) + 1},
     .size_count = 1,
     .axes = {3},
     .axis_count = 1,
     .policy = "not_smaller"},
    {.dims = {1, 2, 3, 4}, .inputs = SIZED, .sizes = {1, 2, 3, 4}, .size_count = 4, .policy = "as it likes"},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {2, 2}, .scale_count = 2, .axes = {2, 2}, .axis_count = 2},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {2, 2}, .scale_count = 2, .axes = {2, 4}, .axis_count = 2},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {2, 2}, .scale_count = 2, .axes = {2, -5}, .axis_count = 2},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {2, 2}, .scale_count = 1, .axes = {2, 3}, .axis_count = 2},
    {.dims = {1, 2, 3, 4},
     .inputs = SCALED,
     .scales = {1, 1, 2, 2, 1},
     .scale_count = 5,
     .axes = {0, 1, 2, 3, 0},
     .axis_count = 5},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 2, 2}, .scale_count = 4, .antialias = 1},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 2, 2}, .scale_count = 4, .mode = "lanczos"},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 2, 2}, .scale_count = 4, .roi = NAN},
    {.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 2, 2}, .scale_count = 4, .roi = INFINITY},
    {.dims = {1, 2, 3, 4}, .inputs = "x - scales", .scales = {1, 1, 2, 2}, .scale_count = 4, .roi = 1},
};

Test(op_resize_args, refuses_what_makes_no_sense) {
  unfurl_context *context = net_context(1);
  for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
    cr_assert_neq(try(context, &REFUSED[i], NULL), UNFURL_OK, "case %zu", i);
  unfurl_context_destroy(&context);
}

/* Results without elements, coordinates far away, and the sizes of each policy. */
Test(op_resize_args, takes_what_is_odd) {
  static const struct {
    attempt a;
    int64_t result[4];
  } cases[] = {
      {{.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 0.1f, 1}, .scale_count = 4}, {1, 2, 0, 4}},
      {{.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 1e-44f, 2}, .scale_count = 4}, {1, 2, 0, 8}},
      {{.dims = {1, 2, 0, 4}, .inputs = SCALED, .scales = {1, 1, 2, 2}, .scale_count = 4}, {1, 2, 0, 8}},
      {{.dims = {0, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 2, 2}, .scale_count = 4}, {0, 2, 6, 8}},
      {{.dims = {1, 2, 3, 4}, .inputs = SIZED, .sizes = {1, 2, 0, 9}, .size_count = 4}, {1, 2, 0, 9}},
      {{.dims = {1, 2, 0, 4}, .inputs = SIZED, .sizes = {1, 2, 0, 8}, .size_count = 4}, {1, 2, 0, 8}},
      {{.dims = {1, 2, 3, 10}, .inputs = SCALED, .scales = {1, 1, 1, 0.7f}, .scale_count = 4}, {1, 2, 3, 7}},
      {{.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {2, 3}, .scale_count = 2, .axes = {-1, 2}, .axis_count = 2},
       {1, 2, 9, 8}},
      {{.dims = {1, 2, 3, 4},
        .inputs = SIZED,
        .sizes = {6, 12},
        .size_count = 2,
        .axes = {2, 3},
        .axis_count = 2,
        .policy = "not_larger"},
       {1, 2, 6, 8}},
      {{.dims = {1, 2, 3, 4},
        .inputs = SIZED,
        .sizes = {6, 12},
        .size_count = 2,
        .axes = {2, 3},
        .axis_count = 2,
        .policy = "not_smaller"},
       {1, 2, 9, 12}},
      {{.dims = {1, 2, 6, 3},
        .inputs = SIZED,
        .sizes = {1, 3},
        .size_count = 2,
        .axes = {2, 3},
        .axis_count = 2,
        .policy = "not_larger"},
       {1, 2, 1, 1}},
      {{.dims = {1, 2, 3, 4},
        .inputs = SIZED,
        .sizes = {0, 3},
        .size_count = 2,
        .axes = {2, 3},
        .axis_count = 2,
        .policy = "not_larger"},
       {1, 2, 0, 0}},
      {{.dims = {1, 2, 3, 4}, .inputs = SCALED, .scales = {1, 1, 2, 2}, .scale_count = 4, .roi = 3e38f}, {1, 2, 6, 8}},
      {{.dims = {1, 2, 3, 4},
        .inputs = SCALED,
        .scales = {1, 1, 2, 2},
        .scale_count = 4,
        .mode = "cubic",
        .roi = -3e38f},
       {1, 2, 6, 8}},
  };
  unfurl_context *context = net_context(2);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t result[4];
    cr_assert_eq(try(context, &cases[i].a, result), UNFURL_OK, "case %zu", i);
    cr_assert_arr_eq(result, cases[i].result, sizeof result, "case %zu: %lld x %lld x %lld x %lld", i,
                     (long long)result[0], (long long)result[1], (long long)result[2], (long long)result[3]);
  }
  unfurl_context_destroy(&context);
}

/* Three axes, so that there is more than one pass: memory that is not there is an error, and nothing is left behind. */
Test(op_resize_args, without_memory) {
  heap h = {0};
  const unfurl_context_options options = heap_options(&h);
  const int64_t dims[] = {1, 2, 3, 4, 5}, five = 5;
  const float scales[] = {1, 1, 2, 2, 2};
  float x[MOST] = {0};
  unfurl_status status = UNFURL_OUT_OF_MEMORY;
  for (size_t fail_at = 1; status == UNFURL_OUT_OF_MEMORY; fail_at++) {
    unfurl_context *context;
    unfurl_session *session = NULL;
    unfurl_tensor input;
    heap_reset(&h, 0, false);
    cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
    net n = net_begin(context, NULL);
    net_input(&n, "x", 5, dims);
    net_constant(&n, "scales", 1, &five, scales);
    net_node(&n, "Resize", "x - scales", "y");
    net_output(&n, "y");
    net_finish(&n);
    cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
    unfurl_tensor_init(&input, UNFURL_F32, 5, dims, x);
    heap_reset(&h, fail_at, true);
    status = unfurl_session_create(n.model, NULL, &session, NULL);
    if (!status) status = unfurl_session_run(session, &input, 1, NULL);
    cr_assert(status == UNFURL_OK || status == UNFURL_OUT_OF_MEMORY, "call %zu: status %d", fail_at, (int)status);
    unfurl_session_destroy(&session);
    unfurl_model_destroy(&n.model);
    unfurl_context_destroy(&context);
    cr_assert(heap_is_clean(&h), "call %zu", fail_at);
  }
}
