/* SPDX-License-Identifier: BSD-2-Clause */
/* Weights of a model at rest: packed they are held once, and whatever form a later session asks for comes from them with
 * every bit. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "conv/plan.h"
#include "conv_case.h"
#include "net.h"
#include "support.h"
#include "unfurl/session.h"

/* Signed numbers, and bit patterns that arithmetic would change. */
static void fill_odd(float *floats, size_t count) {
  static const uint32_t odd[] = {0x80000000, 1, 0x7fa00001, 0xffc12345, 0x7f800000};
  fill_real(floats, count, 1);
  for (size_t i = 0; i < count; i += 3) memcpy(&floats[i], &odd[i / 3 % 5], sizeof *floats);
}

static void check_unpack(const unfurl_context *context, const conv_case *c, const char *algo, unfurl_layout layout) {
  unfurl_conv_desc desc = c->desc;
  unfurl_conv_plan *plan;
  unfurl_conv_weights *packed;
  const size_t count = c->sizes.weights;
  float *given = malloc(count * sizeof *given);
  guarded back = guarded_alloc(count);
  cr_assert_not_null(given);
  desc.algo = algo, desc.weights_layout = layout;
  fill_odd(given, count);
  if (unfurl_conv_plan_create(context, &desc, &plan, NULL) == UNFURL_OK) {
    cr_assert_eq(unfurl_conv_weights_create(plan, given, NULL, &packed, NULL), UNFURL_OK);
    cr_assert_eq(unfurl_conv_weights_are_moved(packed),
                 strncmp(algo, "winograd", 8) != 0 || !strcmp(algo, "winograd_f4_taps"), "%s", algo);
    if (unfurl_conv_weights_are_moved(packed)) {
      cr_assert_eq(unfurl_conv_weights_unpack(packed, back.data, NULL), UNFURL_OK);
      cr_assert_arr_eq(back.data, given, count * sizeof *given, "%s", algo);
    }
    unfurl_conv_weights_destroy(&packed);
  }
  unfurl_conv_plan_destroy(&plan);
  cr_assert(guarded_intact(&back));
  guarded_free(&back);
  free(given);
}

Test(weights, every_form_gives_them_back) {
  unfurl_context *context = make_context(1);
  for (size_t s = 0; s < conv_shape_count; s++) {
    conv_case c = conv_case_make(&conv_shapes[s], false);
    for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++) {
      check_unpack(context, &c, unfurl_conv_algo_name(algo), UNFURL_OHWI);
      check_unpack(context, &c, unfurl_conv_algo_name(algo), UNFURL_OIHW);
    }
    conv_case_free(&c);
  }
  unfurl_context_destroy(&context);
}

/* The weights of which a task says that it reads them first are there, in one piece; the first task's are the first. */
static void check_first(const unfurl_context *context, const conv_case *c, const char *algo, size_t *seen) {
  unfurl_conv_desc desc = c->desc;
  unfurl_conv_plan *plan;
  unfurl_conv_weights *packed;
  desc.algo = algo;
  if (unfurl_conv_plan_create(context, &desc, &plan, NULL) != UNFURL_OK) return;
  cr_assert_eq(unfurl_conv_weights_create(plan, c->weights, NULL, &packed, NULL), UNFURL_OK);
  const float *end = packed->data + plan->packed_bytes / sizeof *end;
  for (size_t task = 0; task < unfurl_conv_plan_tasks(plan); task++) {
    const unfurl_needed first = unfurl_conv_plan_first_weights(plan, packed, task);
    if (!first.at) continue;
    cr_assert(first.at >= packed->data && first.floats > 0 && first.floats <= (size_t)(end - first.at), "%s", algo);
    cr_assert(task > 0 || first.at == packed->data, "%s", algo);
    *seen += 1;
  }
  unfurl_conv_weights_destroy(&packed);
  unfurl_conv_plan_destroy(&plan);
}

Test(weights, what_a_task_reads_first_is_among_them) {
  unfurl_context *context = make_context(3);
  size_t seen = 0;
  for (size_t s = 0; s < conv_shape_count; s++) {
    conv_case c = conv_case_make(&conv_shapes[s], false);
    for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
      check_first(context, &c, unfurl_conv_algo_name(algo), &seen);
    conv_case_free(&c);
  }
  cr_assert_gt(seen, conv_shape_count);
  unfurl_context_destroy(&context);
}

enum { C = 32, SIDE = 12, BATCH = 2, SESSIONS = 6, OUTPUTS = 3 };

/* Each kind of layer that packs its weights; "w" is a 3x3 for which Winograd is chosen, "kept" is also an output. */
static net make_network(const unfurl_context *context) {
  static const int64_t pads[] = {1, 1, 1, 1}, groups = C, one = 1;
  const unfurl_attribute padding = attribute_ints("pads", 4, pads);
  const unfurl_attribute depthwise[] = {padding, attribute_int("group", &groups)};
  const unfurl_attribute transposed = attribute_int("transB", &one);
  net n = net_begin(context, NULL);
  net_input(&n, "x", 4, (const int64_t[]){-1, C, SIDE, SIDE});
  net_weights(&n, "w", 4, (const int64_t[]){C, C, 3, 3}, 1);
  net_weights(&n, "wd", 4, (const int64_t[]){C, 1, 3, 3}, 2);
  net_weights(&n, "wt", 4, (const int64_t[]){C, 20, 1, 1}, 3);
  net_weights(&n, "kept", 4, (const int64_t[]){C, C, 1, 1}, 4);
  net_weights(&n, "b", 1, (const int64_t[]){C}, 5);
  net_weights(&n, "b2", 1, (const int64_t[]){C}, 6);
  net_weights(&n, "fc", 2, (const int64_t[]){20, 17}, 7);
  net_weights(&n, "fc2", 2, (const int64_t[]){5, 17}, 8);
  net_node_with(&n, "Conv", "x w b", "c", 1, &padding);
  net_node_with(&n, "Conv", "c w b2", "d", 1, &padding); /* the same weights with another bias */
  net_node_with(&n, "Conv", "d wd b", "e", 2, depthwise);
  net_node(&n, "Conv", "e kept", "f");
  net_node(&n, "ConvTranspose", "f wt", "g");
  net_node(&n, "GlobalAveragePool", "g", "h");
  net_node(&n, "Flatten", "h", "i");
  net_node(&n, "Gemm", "i fc", "j");
  net_node_with(&n, "Gemm", "j fc2", "y", 1, &transposed);
  net_output(&n, "y");
  net_output(&n, "g");
  net_output(&n, "kept");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  return n;
}

static unfurl_session *run(const net *n, const char *algo, float tolerance) {
  static const int64_t dims[] = {BATCH, C, SIDE, SIDE};
  float pixels[BATCH * C * SIDE * SIDE];
  unfurl_session_options options;
  unfurl_session *session;
  unfurl_error error;
  unfurl_tensor x;
  fill_small(pixels, BATCH * C * SIDE * SIDE, 9);
  unfurl_session_options_init(&options);
  options.algo = algo, options.tolerance = tolerance;
  unfurl_tensor_init(&x, UNFURL_F32, 4, dims, pixels);
  if (unfurl_session_create(n->model, &options, &session, &error) != UNFURL_OK) return NULL;
  if (unfurl_session_run(session, &x, 1, &error) != UNFURL_OK) unfurl_session_destroy(&session);
  return session;
}

static bool same_outputs(const unfurl_session *a, const unfurl_session *b) {
  for (size_t i = 0; i < OUTPUTS; i++)
    if (!net_same_output(a, b, i)) return false;
  return true;
}

static unfurl_session_memory memory_of(const unfurl_session *session) {
  unfurl_session_memory memory = {.size = sizeof memory};
  cr_assert_eq(unfurl_session_memory_used(session, &memory, NULL), UNFURL_OK);
  return memory;
}

/* A session of every kind after one of every other kind gives what it gives alone. */
Test(weights, a_later_session_may_want_another_form) {
  heap h = {0};
  unfurl_context_options options = heap_options(&h);
  unfurl_context *context;
  options.blas_single_thread = true, options.threads = 2;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  for (size_t first = 0; first < unfurl_conv_algo_count(); first++)
    for (size_t then = 0; then < unfurl_conv_algo_count(); then++) {
      net both = make_network(context), alone = make_network(context);
      unfurl_session *a = run(&both, unfurl_conv_algo_name(first), 0);
      unfurl_session *b = run(&both, unfurl_conv_algo_name(then), 0);
      unfurl_session *c = run(&alone, unfurl_conv_algo_name(then), 0);
      cr_assert(a && b && c && same_outputs(b, c), "%s, then %s", unfurl_conv_algo_name(first),
                unfurl_conv_algo_name(then));
      unfurl_session_destroy(&a);
      unfurl_session_destroy(&b);
      unfurl_session_destroy(&c);
      unfurl_model_destroy(&both.model);
      unfurl_model_destroy(&alone.model);
    }
  unfurl_context_destroy(&context);
  cr_assert(heap_is_clean(&h));
}

/* Once: but for what is an output, what is no weights, and what only Winograd's form has. */
Test(weights, packed_weights_are_held_once) {
  enum { KEPT = C * C, BIASES = 2 * C, SHARED = C * C * 9 };
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  net n = make_network(context), winograd = make_network(context);
  unfurl_session *exact = run(&n, NULL, 0), *fast = run(&winograd, NULL, 1);
  cr_assert_eq(memory_of(exact).constants_bytes, (KEPT + BIASES) * sizeof(float));
  cr_assert_eq(memory_of(fast).constants_bytes, (KEPT + BIASES + SHARED) * sizeof(float));
  unfurl_session *second = run(&winograd, NULL, 0); /* has a form from which they can be had back */
  cr_assert_eq(memory_of(fast).constants_bytes, (KEPT + BIASES) * sizeof(float));
  cr_assert(same_outputs(exact, second));
  unfurl_session *blas = run(&n, "im2col", 0); /* reads fc and fc2 as they were given */
  cr_assert_eq(memory_of(blas).constants_bytes, (KEPT + BIASES + 20 * 17 + 17 * 5) * sizeof(float));
  unfurl_session_destroy(&blas);
  unfurl_session_destroy(&second);
  unfurl_session_destroy(&fast);
  unfurl_session_destroy(&exact);
  unfurl_model_destroy(&winograd.model);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}

typedef struct worker {
  const net *n;
  const char *algo;
  unfurl_session *session;
} worker;

static void *work(void *arg) {
  worker *w = arg;
  w->session = run(w->n, w->algo, 0);
  return NULL;
}

/* Sessions that are made at once pack, free and bring back the same weights. */
Test(weights, sessions_made_at_once) {
  static const char *const algos[SESSIONS] = {"strided", "im2col", "naive", "strided", "im2col_strips", NULL};
  unfurl_context_options options;
  unfurl_context *context;
  unfurl_context_options_init(&options);
  options.blas_single_thread = true, options.threads = 1;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  net alone = make_network(context);
  for (int round = 0; round < 20; round++) {
    net n = make_network(context);
    pthread_t threads[SESSIONS];
    worker workers[SESSIONS];
    for (size_t i = 0; i < SESSIONS; i++) {
      workers[i] = (worker){.n = &n, .algo = algos[i]};
      cr_assert_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < SESSIONS; i++) pthread_join(threads[i], NULL);
    for (size_t i = 0; i < SESSIONS; i++) {
      unfurl_session *expected = run(&alone, algos[i], 0);
      cr_assert(workers[i].session && expected && same_outputs(workers[i].session, expected));
      unfurl_session_destroy(&expected);
      unfurl_session_destroy(&workers[i].session);
    }
    unfurl_model_destroy(&n.model);
  }
  unfurl_model_destroy(&alone.model);
  unfurl_context_destroy(&context);
}
