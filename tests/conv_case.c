/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv_case.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

void *take(size_t bytes) {
  void *block = malloc(bytes ? bytes : 1);
  cr_assert_not_null(block);
  return block;
}

unfurl_context *make_context(size_t threads) {
  unfurl_context_options options;
  unfurl_context_options_init(&options);
  options.threads = threads;
  options.blas_single_thread = true;
  unfurl_context *context;
  unfurl_error error;
  cr_assert_eq(unfurl_context_create(&options, &context, &error), UNFURL_OK, "%s", error.message);
  return context;
}

/* [outer][a][b][inner] becomes [outer][b][a][inner], with inner = 1. */
static float *swap_inner(size_t outer, size_t a, size_t b, const float *from) {
  float *to = take(outer * a * b * sizeof *to);
  for (size_t n = 0; n < outer; n++)
    for (size_t i = 0; i < a; i++)
      for (size_t j = 0; j < b; j++) to[(n * b + j) * a + i] = from[(n * a + i) * b + j];
  return to;
}

static float *copy_of(const float *from, size_t count) {
  float *to = take(count * sizeof *to);
  memcpy(to, from, count * sizeof *to);
  return to;
}

float *images_from_nhwc(const conv_case *c, bool is_dst, unfurl_layout layout, const float *nhwc) {
  const unfurl_conv_desc *d = &c->desc;
  const size_t pixels = is_dst ? c->sizes.oh * c->sizes.ow : (size_t)(d->ih * d->iw);
  const size_t channels = (size_t)(is_dst ? d->oc : d->ic), batch = (size_t)d->batch;
  if (layout == UNFURL_NHWC) return copy_of(nhwc, batch * pixels * channels);
  return swap_inner(batch, pixels, channels, nhwc);
}

float *weights_from_ohwi(const conv_case *c, unfurl_layout layout) {
  const unfurl_conv_desc *d = &c->desc;
  if (layout == UNFURL_OHWI) return copy_of(c->weights, c->sizes.weights);
  const size_t filters = (size_t)(d->transposed ? d->ic : d->oc), taps = (size_t)(d->kh * d->kw);
  return swap_inner(filters, taps, c->sizes.weights / filters / taps, c->weights);
}

conv_variant conv_variant_of(size_t layouts, const char *algo) {
  return (conv_variant){.algo = algo,
                        .src = layouts & 1 ? UNFURL_NCHW : UNFURL_NHWC,
                        .dst = layouts & 2 ? UNFURL_NCHW : UNFURL_NHWC,
                        .weights = layouts & 4 ? UNFURL_OIHW : UNFURL_OHWI};
}

static unfurl_conv_desc describe(const conv_case *c, const conv_variant *v) {
  unfurl_conv_desc desc = c->desc;
  desc.algo = v->algo;
  desc.src_layout = v->src, desc.dst_layout = v->dst, desc.weights_layout = v->weights;
  desc.weights_at_execute = v->weights_at_execute;
  desc.activation = v->activation, desc.alpha = v->alpha, desc.beta = v->beta;
  return desc;
}

/* Everything that an execute is given, in the variant's layouts. */
typedef struct conv_buffers {
  guarded src, weights, bias, residual, dst, workspace;
  char *workspace_start;
  size_t workspace_size;
} conv_buffers;

static guarded guarded_copy(float *from, size_t count) {
  guarded buffer = guarded_alloc(count);
  memcpy(buffer.data, from, count * sizeof *from);
  return buffer;
}

/* Takes over `from`. */
static guarded guarded_take(float *from, size_t count) {
  const guarded buffer = guarded_copy(from, count);
  free(from);
  return buffer;
}

static conv_buffers make_buffers(const conv_case *c, const conv_variant *v, size_t workspace_size) {
  conv_buffers b = {.workspace_size = workspace_size};
  b.src = guarded_take(images_from_nhwc(c, false, v->src, c->src), c->sizes.src);
  b.weights = guarded_take(weights_from_ohwi(c, v->weights), c->sizes.weights);
  b.bias = guarded_copy(c->bias, (size_t)c->desc.oc);
  b.residual = guarded_take(images_from_nhwc(c, true, v->dst, c->residual), c->sizes.dst);
  b.dst = guarded_alloc(c->sizes.dst);
  /* The guard behind it begins at the next whole float, so its size is a multiple of that. */
  b.workspace = guarded_alloc((workspace_size + v->misalign + 3) / 4);
  b.workspace_start = (char *)b.workspace.data + v->misalign;
  return b;
}

static bool buffers_intact(const conv_buffers *b) {
  return guarded_intact(&b->src) && guarded_intact(&b->weights) && guarded_intact(&b->bias) &&
         guarded_intact(&b->residual) && guarded_intact(&b->dst) && guarded_intact(&b->workspace);
}

static void assert_inputs_kept(const conv_case *c, const conv_variant *v, const conv_buffers *b) {
  float *src = images_from_nhwc(c, false, v->src, c->src), *weights = weights_from_ohwi(c, v->weights);
  float *residual = images_from_nhwc(c, true, v->dst, c->residual);
  cr_assert_arr_eq(b->src.data, src, c->sizes.src * sizeof(float), "%s wrote into src", c->name);
  cr_assert_arr_eq(b->weights.data, weights, c->sizes.weights * sizeof(float), "%s wrote into weights", c->name);
  cr_assert_arr_eq(b->residual.data, residual, c->sizes.dst * sizeof(float), "%s wrote into residual", c->name);
  cr_assert_arr_eq(b->bias.data, c->bias, (size_t)c->desc.oc * sizeof(float), "%s wrote into bias", c->name);
  free(src);
  free(weights);
  free(residual);
}

static void free_buffers(conv_buffers *b) {
  guarded_free(&b->src);
  guarded_free(&b->weights);
  guarded_free(&b->bias);
  guarded_free(&b->residual);
  guarded_free(&b->dst);
  guarded_free(&b->workspace);
}

/* To NHWC. */
static void read_result(const conv_case *c, const conv_variant *v, const float *dst, float *result) {
  const size_t pixels = c->sizes.oh * c->sizes.ow, channels = (size_t)c->desc.oc;
  if (v->dst == UNFURL_NHWC) {
    memcpy(result, dst, c->sizes.dst * sizeof *result);
    return;
  }
  float *nhwc = swap_inner((size_t)c->desc.batch, channels, pixels, dst);
  memcpy(result, nhwc, c->sizes.dst * sizeof *result);
  free(nhwc);
}

static void execute_plan(const unfurl_conv_plan *plan, const conv_case *c, const conv_variant *v, float *result) {
  unfurl_error error;
  conv_buffers b = make_buffers(c, v, unfurl_conv_plan_workspace_size(plan, v->tasks));
  unfurl_conv_weights *packed = NULL;
  const float *bias = v->has_bias ? b.bias.data : NULL;
  if (!v->weights_at_execute)
    cr_assert_eq(unfurl_conv_weights_create(plan, b.weights.data, bias, &packed, &error), UNFURL_OK, "%s: %s", c->name,
                 error.message);
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = b.src.data, args.dst = b.dst.data, args.tasks = v->tasks;
  args.weights = packed;
  if (v->weights_at_execute) args.raw_weights = b.weights.data, args.raw_bias = bias;
  if (v->has_residual) args.residual = b.residual.data;
  if (b.workspace_size) args.workspace = b.workspace_start, args.workspace_size = b.workspace_size;
  cr_assert_eq(unfurl_conv_plan_execute(plan, &args, &error), UNFURL_OK, "%s: %s", c->name, error.message);
  cr_assert(buffers_intact(&b), "%s (%s) wrote beside a buffer", c->name, unfurl_conv_plan_algo(plan));
  cr_assert(all_touched(b.dst.data, c->sizes.dst), "%s (%s) left some of dst", c->name, unfurl_conv_plan_algo(plan));
  assert_inputs_kept(c, v, &b);
  read_result(c, v, b.dst.data, result);
  unfurl_conv_weights_destroy(&packed);
  free_buffers(&b);
}

bool conv_execute(const unfurl_context *context, const conv_case *c, const conv_variant *v, float *result) {
  const unfurl_conv_desc desc = describe(c, v);
  unfurl_conv_plan *plan;
  unfurl_error error;
  const unfurl_status status = unfurl_conv_plan_create(context, &desc, &plan, &error);
  if (status == UNFURL_UNSUPPORTED && v->algo) {
    cr_assert_null(plan);
    cr_assert(strstr(error.message, v->algo), "%s does not name the solver", error.message);
    return false;
  }
  cr_assert_eq(status, UNFURL_OK, "%s: %s", c->name, error.message);
  if (v->algo) cr_assert_str_eq(unfurl_conv_plan_algo(plan), v->algo);
  execute_plan(plan, c, v, result);
  unfurl_conv_plan_destroy(&plan);
  return true;
}

bool conv_check_exact(const unfurl_context *context, const conv_case *c, const conv_variant *v) {
  float *result = take(c->sizes.dst * sizeof *result);
  const bool applies = conv_execute(context, c, v, result);
  for (size_t i = 0; i < c->sizes.dst && applies; i++) {
    const float expected = (float)conv_expected(c, v, i);
    cr_assert(memcmp(&result[i], &expected, sizeof expected) == 0,
              "\"%s\" with %s, layouts src %d dst %d weights %d: element %zu is %a, not %a", c->name,
              v->algo ? v->algo : "the planner's choice", (int)v->src, (int)v->dst, (int)v->weights, i,
              (double)result[i], (double)expected);
  }
  free(result);
  return applies;
}
