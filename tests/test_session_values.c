/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions at the seams: shapes that follow from values, outputs that are inputs or constants, errors, limits. */
#include <criterion/criterion.h>
#include <string.h>

#include "net.h"
#include "support.h"
#include "unfurl/session.h"

static heap h;
static unfurl_context *context;

static void set_up(void) {
  const unfurl_context_options options = heap_options(&h);
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
}

static void tear_down(void) {
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h), "%zu blocks are left", atomic_load(&h.blocks));
}

TestSuite(session_values, .init = set_up, .fini = tear_down);

/* A finished net with a session; freed together. */
typedef struct runner {
  net n;
  unfurl_session *session;
  unfurl_error error;
} runner;

static runner start(net n) {
  runner r = {.n = n};
  net_finish(&r.n);
  cr_assert_eq(r.n.status, UNFURL_OK, "%s", r.n.error.message);
  cr_assert_eq(unfurl_session_create(r.n.model, NULL, &r.session, &r.error), UNFURL_OK, "%s", r.error.message);
  return r;
}

static void stop(runner *r) {
  unfurl_session_destroy(&r->session);
  unfurl_model_destroy(&r->n.model);
}

static unfurl_tensor tensor(unfurl_dtype dtype, size_t rank, const int64_t *dims, void *data) {
  unfurl_tensor t;
  unfurl_tensor_init(&t, dtype, rank, dims, data);
  return t;
}

static void run(runner *r, const unfurl_tensor *inputs, size_t count) {
  cr_assert_eq(unfurl_session_run(r->session, inputs, count, &r->error), UNFURL_OK, "%s", r->error.message);
}

/* Fails so, with these words, and leaves no outputs. */
static void check_refused(runner *r, const unfurl_tensor *inputs, size_t count, unfurl_status status,
                          const char *word) {
  cr_assert_eq(unfurl_session_run(r->session, inputs, count, &r->error), status, "%s: %s", word, r->error.message);
  cr_assert_eq(r->error.status, status);
  cr_assert(strstr(r->error.message, word), "\"%s\" does not say %s", r->error.message, word);
  cr_assert_null(unfurl_session_output(r->session, 0));
}

static void check_dims(const runner *r, size_t output, size_t rank, const int64_t *dims) {
  const unfurl_tensor *out = unfurl_session_output(r->session, output);
  cr_assert_not_null(out);
  cr_assert_eq(out->rank, rank);
  cr_assert_arr_eq(out->dims, dims, rank * sizeof *dims);
}

static void check_floats(const runner *r, size_t output, size_t count, const float *expected) {
  const unfurl_tensor *out = unfurl_session_output(r->session, output);
  size_t elements;
  cr_assert_not_null(out);
  cr_assert_eq(unfurl_tensor_elements(out, &elements, NULL), UNFURL_OK);
  cr_assert_eq(elements, count);
  cr_assert_arr_eq(out->data, expected, count * sizeof *expected);
}

static const int64_t SIX[] = {6}, TWO_BY_THREE[] = {2, 3}, TWO[] = {2};
static float six[] = {1, -2, 3, -4, 5, -6};

/* The new shape is an input whose values change, while its own shape does not. */
Test(session_values, reshape_by_an_input) {
  static const struct {
    int64_t shape[2], dims[2];
  } cases[] = {{{2, 3}, {2, 3}},  {{3, 2}, {3, 2}},  {{-1, 2}, {3, 2}}, {{6, 1}, {6, 1}},
               {{2, -1}, {2, 3}}, {{0, -1}, {6, 1}}, {{2, 3}, {2, 3}}};
  net n = net_begin(context, NULL);
  net_input(&n, "x", 1, (const int64_t[]){-1});
  net_typed_input(&n, "shape", UNFURL_I64, 1, TWO);
  net_node(&n, "Relu", "x", "r");
  net_node(&n, "Reshape", "r shape", "y");
  net_output(&n, "y");
  runner r = start(n);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t shape[2];
    memcpy(shape, cases[i].shape, sizeof shape);
    const unfurl_tensor inputs[] = {tensor(UNFURL_F32, 1, SIX, six), tensor(UNFURL_I64, 1, TWO, shape)};
    for (int twice = 0; twice < 2; twice++) {
      run(&r, inputs, 2);
      check_dims(&r, 0, 2, cases[i].dims);
      check_floats(&r, 0, 6, (const float[]){1, 0, 3, 0, 5, 0});
    }
    memset(shape, 0x55, sizeof shape); /* the session has a copy of what it was prepared for */
  }
  int64_t wrong[] = {4, 2};
  const unfurl_tensor inputs[] = {tensor(UNFURL_F32, 1, SIX, six), tensor(UNFURL_I64, 1, TWO, wrong)};
  check_refused(&r, inputs, 2, UNFURL_INVALID_ARGUMENT, "Reshape of y");
  wrong[0] = 3;
  run(&r, inputs, 2);
  check_dims(&r, 0, 2, (const int64_t[]){3, 2});
  stop(&r);
}

/* Arithmetic on shapes: the values of an integer input go through a node before they decide a shape. */
Test(session_values, shapes_are_computed) {
  const int64_t eight[] = {8};
  net n = net_begin(context, NULL);
  net_input(&n, "x", 1, eight);
  net_typed_input(&n, "half", UNFURL_I64, 1, TWO);
  net_node(&n, "Add", "half half", "shape");
  net_node(&n, "Reshape", "x shape", "y");
  net_output(&n, "y");
  net_output(&n, "shape");
  runner r = start(n);
  int64_t half[] = {1, 2};
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  const unfurl_tensor inputs[] = {tensor(UNFURL_F32, 1, eight, x), tensor(UNFURL_I64, 1, TWO, half)};
  for (int i = 0; i < 4; i++) {
    half[0] = 1 + i % 2, half[1] = 2 - i % 2;
    const int64_t shape[] = {2 * half[0], 2 * half[1]};
    run(&r, inputs, 2);
    check_dims(&r, 0, 2, shape);
    check_floats(&r, 0, 8, x);
    cr_assert_arr_eq(unfurl_session_output(r.session, 1)->data, shape, sizeof shape);
  }
  half[0] = 2, half[1] = 2;
  check_refused(&r, inputs, 2, UNFURL_INVALID_ARGUMENT, "Reshape of y");
  stop(&r);
}

Test(session_values, outputs_that_are_inputs_or_constants) {
  net n = net_begin(context, NULL);
  net_input(&n, "x", 2, TWO_BY_THREE);
  net_constant(&n, "c", 1, SIX, six);
  net_node(&n, "Identity", "x", "same");
  net_node(&n, "Flatten", "x", "flat");
  net_node(&n, "Relu", "x", "y");
  const char *const outputs[] = {"x", "c", "same", "y", "flat", "y", "x"};
  for (size_t i = 0; i < 7; i++) net_output(&n, outputs[i]);
  runner r = start(n);
  float data[6];
  memcpy(data, six, sizeof data);
  const unfurl_tensor x = tensor(UNFURL_F32, 2, TWO_BY_THREE, data);
  run(&r, &x, 1);
  memset(data, 0, sizeof data); /* "free again on return" */
  static const size_t copies[] = {0, 1, 2, 4, 6}, results[] = {3, 5};
  for (size_t i = 0; i < 5; i++) check_floats(&r, copies[i], 6, six);
  for (size_t i = 0; i < 2; i++) check_floats(&r, results[i], 6, (const float[]){1, 0, 3, 0, 5, 0});
  cr_assert_null(unfurl_session_output(r.session, 7));
  stop(&r);
}

/* An image goes through as an output too, in NCHW, whatever layout it came in. */
Test(session_values, nhwc_input_that_is_an_output) {
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){1, 2, 1, 3});
  net_node(&n, "Relu", "x", "y");
  net_output(&n, "x");
  net_output(&n, "y");
  runner r = start(n);
  unfurl_tensor x = tensor(UNFURL_F32, 4, (const int64_t[]){1, 2, 1, 3}, six);
  x.layout = UNFURL_NHWC;
  run(&r, &x, 1);
  check_floats(&r, 0, 6, (const float[]){1, 3, 5, -2, -4, -6});
  check_floats(&r, 1, 6, (const float[]){1, 3, 5, 0, 0, 0});
  stop(&r);
}

/* Tensors without elements have no data, and are none the worse. */
Test(session_values, nothing_goes_in) {
  net n = net_begin(context, NULL);
  net_input(&n, "x", 2, (const int64_t[]){-1, 3});
  net_typed_input(&n, "i", UNFURL_I64, 1, (const int64_t[]){-1});
  net_node(&n, "Relu", "x", "y");
  net_node(&n, "Identity", "i", "j");
  net_output(&n, "y");
  net_output(&n, "j");
  runner r = start(n);
  const int64_t none[] = {0, 3};
  const unfurl_tensor inputs[] = {tensor(UNFURL_F32, 2, none, NULL), tensor(UNFURL_I64, 1, none, NULL)};
  for (int i = 0; i < 3; i++) {
    run(&r, inputs, 2);
    check_dims(&r, 0, 2, none);
    check_dims(&r, 1, 1, none);
  }
  stop(&r);
}

static net small_net(void) {
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){-1, 2, -1, -1});
  net_weights(&n, "w", 4, (const int64_t[]){3, 2, 3, 3}, 1);
  net_node(&n, "Conv", "x w", "c");
  net_node(&n, "Relu", "c", "y");
  net_output(&n, "y");
  return n;
}

static const int64_t GOOD[] = {1, 2, 5, 5}, NINE[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
static float pixels[2 * 2 * 25];

static void run_well(runner *r) {
  const unfurl_tensor x = tensor(UNFURL_F32, 4, GOOD, pixels);
  run(r, &x, 1);
  check_dims(r, 0, 4, (const int64_t[]){1, 3, 3, 3});
}

/* Each is refused, in words; and the next good run works. */
Test(session_values, inputs_that_do_not_fit) {
  runner r = start(small_net());
  const unfurl_tensor good = tensor(UNFURL_F32, 4, GOOD, pixels);
  run_well(&r);
  struct {
    unfurl_tensor x;
    unfurl_status status;
    const char *word;
  } cases[] = {
      {tensor(UNFURL_I64, 4, GOOD, pixels), UNFURL_INVALID_ARGUMENT, "\"x\""},
      {tensor(UNFURL_F32, 3, GOOD, pixels), UNFURL_INVALID_ARGUMENT, "rank"},
      {tensor(UNFURL_F32, 4, (const int64_t[]){1, 3, 5, 5}, pixels), UNFURL_INVALID_ARGUMENT, "dimension 1"},
      {tensor(UNFURL_F32, 4, (const int64_t[]){1, 2, 2, 5}, pixels), UNFURL_INVALID_ARGUMENT, "Conv of c"},
      {tensor(UNFURL_F32, 4, (const int64_t[]){1, 2, -5, 5}, pixels), UNFURL_INVALID_ARGUMENT, "x"},
      {tensor(UNFURL_F32, 4, GOOD, NULL), UNFURL_INVALID_ARGUMENT, "data"},
      {tensor(UNFURL_F32, 9, NINE, pixels), UNFURL_INVALID_ARGUMENT, "rank"},
      {tensor((unfurl_dtype)50, 4, GOOD, pixels), UNFURL_INVALID_ARGUMENT, "dtype"},
      {tensor(UNFURL_F32, 4, (const int64_t[]){INT64_MAX, 2, 5, 5}, pixels), UNFURL_TOO_LARGE, "x"},
      {good, UNFURL_INVALID_ARGUMENT, "initialised"},
      {good, UNFURL_INVALID_ARGUMENT, "layout"},
  };
  const size_t count = sizeof cases / sizeof *cases;
  cases[count - 2].x.size = 0;
  cases[count - 1].x.layout = (unfurl_layout)7;
  for (size_t i = 0; i < count; i++) {
    check_refused(&r, &cases[i].x, 1, cases[i].status, cases[i].word);
    run_well(&r);
  }
  check_refused(&r, &good, 0, UNFURL_INVALID_ARGUMENT, "inputs");
  check_refused(&r, (const unfurl_tensor[]){good, good}, 2, UNFURL_INVALID_ARGUMENT, "inputs");
  cr_assert_eq(unfurl_session_run(r.session, NULL, 1, &r.error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_session_run(NULL, &good, 1, &r.error), UNFURL_INVALID_ARGUMENT);
  cr_assert_null(unfurl_session_output(NULL, 0));
  run_well(&r);
  stop(&r);
}

Test(session_values, memory_limit) {
  net n = small_net();
  net_finish(&n);
  unfurl_session_options options;
  unfurl_session_options_init(&options);
  options.memory_limit = 4096;
  runner r = {.n = n};
  cr_assert_eq(unfurl_session_create(n.model, &options, &r.session, &r.error), UNFURL_OK);
  run_well(&r);
  const unfurl_tensor large = tensor(UNFURL_F32, 4, (const int64_t[]){1000000, 2, 5, 5}, pixels);
  heap_reset(&h, 0, false);
  const size_t before = atomic_load(&h.bytes);
  check_refused(&r, &large, 1, UNFURL_TOO_LARGE, "4096");
  cr_assert_lt(atomic_load(&h.peak_bytes), before + 100000, "it was allocated before it was refused");
  run_well(&r);
  unfurl_session_memory memory = {.size = sizeof memory};
  cr_assert_eq(unfurl_session_memory_used(r.session, &memory, NULL), UNFURL_OK);
  cr_assert_leq(memory.arena_bytes + memory.workspace_bytes, 4096);
  stop(&r);
}

Test(session_values, options_and_pointers) {
  net n = small_net();
  unfurl_session_options options;
  unfurl_session *session;
  unfurl_error error;
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert(strstr(error.message, "finished"), "%s", error.message);
  net_finish(&n);
  unfurl_session_options_init(&options);
  options.algo = "no such solver";
  cr_assert_eq(unfurl_session_create(n.model, &options, &session, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert(strstr(error.message, "no such solver"), "%s", error.message);
  unfurl_session_options_init(&options), options.tolerance = -1;
  cr_assert_eq(unfurl_session_create(n.model, &options, &session, &error), UNFURL_INVALID_ARGUMENT);
  unfurl_session_options_init(&options), options.planning = (unfurl_planning)2;
  cr_assert_eq(unfurl_session_create(n.model, &options, &session, &error), UNFURL_INVALID_ARGUMENT);
  unfurl_session_options_init(&options), options.size = 1;
  cr_assert_eq(unfurl_session_create(n.model, &options, &session, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_null(session);
  cr_assert_eq(unfurl_session_create(NULL, NULL, &session, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_session_create(n.model, NULL, NULL, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, &error), UNFURL_OK);
  unfurl_session_memory memory = {.size = 0};
  cr_assert_eq(unfurl_session_memory_used(session, &memory, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_session_memory_used(session, NULL, &error), UNFURL_INVALID_ARGUMENT);
  unfurl_session_destroy(&session);
  unfurl_session_destroy(&session);
  unfurl_session_destroy(NULL);
  unfurl_model_destroy(&n.model);
}

/* The name of a solver is the caller's, and may go. */
Test(session_values, the_options_are_copied) {
  net n = small_net();
  net_finish(&n);
  char algo[] = "naive";
  unfurl_session_options options;
  runner r = {.n = n};
  unfurl_session_options_init(&options);
  options.algo = algo;
  cr_assert_eq(unfurl_session_create(n.model, &options, &r.session, &r.error), UNFURL_OK);
  memset(algo, '?', sizeof algo - 1);
  run_well(&r);
  stop(&r);
}
