/* SPDX-License-Identifier: BSD-2-Clause */
#include "op_trial.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "typed.h"

enum { CONTEXTS = 3 };

static unfurl_context *contexts[CONTEXTS];

void op_trial_open(void) {
  for (size_t i = 0; i < CONTEXTS; i++) {
    unfurl_context_options options;
    unfurl_context_options_init(&options);
    options.threads = i + 1;
    cr_assert_eq(unfurl_context_create(&options, &contexts[i], NULL), UNFURL_OK);
  }
}

void op_trial_close(void) {
  for (size_t i = 0; i < CONTEXTS; i++) unfurl_context_destroy(&contexts[i]);
}

op_trial op_trial_of(const char *op, size_t input_count, const unfurl_tensor *inputs) {
  return (op_trial){.op = op, .opset = 18, .input_count = input_count, .inputs = inputs, .output_count = 1};
}

static size_t count_of(const unfurl_tensor *tensor) {
  size_t count = 0;
  cr_assert_eq(unfurl_tensor_elements(tensor, &count, NULL), UNFURL_OK);
  return count;
}

static size_t bytes_of(const unfurl_tensor *tensor) {
  return count_of(tensor) * unfurl_dtype_size(tensor->dtype);
}

static void add_constant(net *n, const char *name, const unfurl_tensor *tensor) {
  if (!n->status) n->status = unfurl_model_add_constant(n->model, name, tensor, &n->error);
}

static net build(const unfurl_context *context, const op_trial *t) {
  static const char *const names[] = {"x", "a", "b"};
  char inputs[16] = "x";
  unfurl_model_options options;
  unfurl_model_options_init(&options);
  options.opset = t->opset;
  net n = net_begin(context, &options);
  net_typed_input(&n, "x", t->inputs[0].dtype, t->inputs[0].rank, t->inputs[0].dims);
  for (size_t i = 1; i < t->input_count; i++) {
    const bool is_left_out = t->inputs[i].rank == SIZE_MAX;
    strcat(strcat(inputs, " "), is_left_out ? "-" : names[i]);
    if (!is_left_out) add_constant(&n, names[i], &t->inputs[i]);
  }
  net_node_with(&n, t->op, inputs,
                t->output_count == 3   ? "y m d"
                : t->output_count == 2 ? "y m"
                                       : "y",
                t->attribute_count, t->attributes);
  if (t->then) net_node(&n, t->then, "y", "z");
  net_output(&n, t->then ? "z" : "y");
  if (t->output_count > 1) net_output(&n, "m");
  if (t->output_count > 2) net_output(&n, "d");
  net_finish(&n);
  return n;
}

/* A session that has run, and its model; the session is NULL where something went wrong. */
typedef struct ran {
  unfurl_model *model;
  unfurl_session *session;
  unfurl_status status;
} ran;

static ran run(const unfurl_context *context, const op_trial *t, const unfurl_tensor *x) {
  net n = build(context, t);
  ran r = {.model = n.model, .status = n.status};
  if (!r.status) r.status = unfurl_session_create(n.model, NULL, &r.session, &n.error);
  if (!r.status) r.status = unfurl_session_run(r.session, x, 1, &n.error);
  if (r.status) cr_assert_neq(n.error.message[0], '\0', "no message");
  return r;
}

static void end(ran *r) {
  unfurl_session_destroy(&r->session);
  unfurl_model_destroy(&r->model);
}

/* Of NaN, no more than that it is one is promised. */
static bool same_bits(unfurl_dtype dtype, const void *a, const void *b, size_t count) {
  if (dtype != UNFURL_F32) return count == 0 || !memcmp(a, b, count * unfurl_dtype_size(dtype));
  const float *x = a, *y = b;
  for (size_t i = 0; i < count; i++)
    if (memcmp(&x[i], &y[i], sizeof *x) != 0 && !(isnan(x[i]) && isnan(y[i]))) return false;
  return true;
}

static unfurl_tensor channels_last(const unfurl_tensor *x) {
  const size_t size = unfurl_dtype_size(x->dtype), count = count_of(x);
  const size_t images = (size_t)x->dims[0], channels = (size_t)x->dims[1];
  const size_t pixels = count ? count / (images * channels) : 0;
  unfurl_tensor y = *x;
  y.layout = UNFURL_NHWC;
  y.data = malloc(count * size + 1);
  for (size_t i = 0; i < count; i++) {
    const size_t n = i / (channels * pixels), c = i / pixels % channels, p = i % pixels;
    memcpy((char *)y.data + ((n * pixels + p) * channels + c) * size, (const char *)x->data + i * size, size);
  }
  return y;
}

static void keep(const op_trial *t, const unfurl_session *session, unfurl_tensor outputs[OP_TRIAL_OUTPUTS]) {
  for (size_t i = 0; i < t->output_count; i++) {
    outputs[i] = *unfurl_session_output(session, i);
    outputs[i].data = malloc(bytes_of(&outputs[i]) + 1);
    if (bytes_of(&outputs[i])) memcpy(outputs[i].data, unfurl_session_output(session, i)->data, bytes_of(&outputs[i]));
  }
}

static void compare(const op_trial *t, const unfurl_session *session, const unfurl_tensor outputs[OP_TRIAL_OUTPUTS],
                    size_t threads, const char *layout) {
  for (size_t i = 0; i < t->output_count; i++) {
    const unfurl_tensor *y = unfurl_session_output(session, i);
    cr_assert(y->dtype == outputs[i].dtype && y->rank == outputs[i].rank &&
                  !memcmp(y->dims, outputs[i].dims, y->rank * sizeof *y->dims),
              "%s: the shape of output %zu", t->op, i);
    cr_assert(same_bits(y->dtype, y->data, outputs[i].data, count_of(y)),
              "%s: output %zu of %zu threads, %s, has other bits", t->op, i, threads, layout);
  }
}

void op_trial_run(const op_trial *t, unfurl_tensor outputs[OP_TRIAL_OUTPUTS]) {
  const bool has_layouts = t->inputs[0].rank > 2;
  unfurl_tensor last = has_layouts ? channels_last(&t->inputs[0]) : t->inputs[0];
  for (size_t i = 0; i < CONTEXTS; i++)
    for (size_t layout = 0; layout <= has_layouts; layout++) {
      ran r = run(contexts[i], t, layout ? &last : &t->inputs[0]);
      cr_assert_eq(r.status, UNFURL_OK, "%s: %s", t->op, unfurl_status_string(r.status));
      if (i == 0 && layout == 0)
        keep(t, r.session, outputs);
      else
        compare(t, r.session, outputs, i + 1, layout ? "NHWC" : "NCHW");
      end(&r);
    }
  if (has_layouts) free(last.data);
}

void op_trial_free(const op_trial *t, unfurl_tensor outputs[OP_TRIAL_OUTPUTS]) {
  for (size_t i = 0; i < t->output_count; i++) free(outputs[i].data);
}

void op_trial_check(const op_trial *t, const unfurl_tensor *want) {
  unfurl_tensor y[OP_TRIAL_OUTPUTS];
  op_trial_run(t, y);
  cr_assert(y->dtype == want->dtype && y->rank == want->rank && !memcmp(y->dims, want->dims, y->rank * sizeof *y->dims),
            "%s of %s: the shape", t->op, unfurl_dtype_name(t->inputs[0].dtype));
  for (size_t i = 0; i < count_of(y); i++) {
    const double a = typed_get(y, i), b = typed_get(want, i);
    cr_assert(a == b || (isnan(a) && isnan(b)), "%s of %s: element %zu is %g, not %g", t->op,
              unfurl_dtype_name(t->inputs[0].dtype), i, a, b);
  }
  op_trial_free(t, y);
}

void op_trial_images(const op_trial *t, const unfurl_tensor outputs[OP_TRIAL_OUTPUTS]) {
  unfurl_tensor inputs[3];
  op_trial one = *t;
  memcpy(inputs, t->inputs, t->input_count * sizeof *inputs);
  one.inputs = inputs;
  inputs[0].dims[0] = 1;
  for (int64_t n = 0; n < t->inputs[0].dims[0]; n++) {
    unfurl_tensor part[OP_TRIAL_OUTPUTS];
    inputs[0].data = (char *)t->inputs[0].data + (size_t)n * bytes_of(&inputs[0]);
    ran r = run(contexts[0], &one, &inputs[0]);
    cr_assert_eq(r.status, UNFURL_OK);
    for (size_t i = 0; i < t->output_count; i++) {
      part[i] = outputs[i];
      part[i].dims[0] = 1;
      part[i].data = (char *)outputs[i].data + (size_t)n * bytes_of(&part[i]);
    }
    compare(&one, r.session, part, 1, "an image alone");
    end(&r);
  }
}

unfurl_status op_trial_status(const op_trial *t) {
  ran r = run(contexts[0], t, &t->inputs[0]);
  end(&r);
  return r.status;
}
