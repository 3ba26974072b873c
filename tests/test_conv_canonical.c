/* SPDX-License-Identifier: BSD-2-Clause */
/* Same bits: every exact solver of our own computes the one canonical sum, on real data, in every layout, with any number
 * of threads. It starts at +0; each product is added by one fused multiply-add, in the order of the unrolled chunk; then
 * bias, residual, activation, one rounding each. Run once for every instruction set (UNFURL_ISA), it shows that they
 * agree; "baseline" alone rounds each product first, having no fused multiply-add. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conv/solver.h"
#include "conv_case.h"
#include "unfurl/cpu.h"

/* CBLAS sums as it likes, and "naive" in double. */
static bool is_canonical(size_t algo) {
  const unfurl_conv_solver *solver = unfurl_conv_solvers[algo];
  return solver->sums == UNFURL_CONV_EXACT && !solver->uses_blas && strcmp(unfurl_conv_algo_name(algo), "naive") != 0;
}

/* Asked for each product, and the environment is slow to look at. */
static bool is_fused(void) {
  static int known = -1;
  if (known < 0) known = unfurl_cpu_isa() != UNFURL_ISA_BASELINE;
  return known;
}

static float add_product(float sum, float x, float w) {
  if (is_fused()) return fmaf(x, w, sum);
  const float product = x * w;
  return sum + product;
}

/* Element `at` of dst in NHWC, before bias. Padding adds nothing. */
static float canonical_sum(const conv_case *c, size_t at) {
  const unfurl_conv_desc *d = &c->desc;
  const int64_t icg = d->ic / d->groups, index = (int64_t)at, oh = (int64_t)c->sizes.oh, ow = (int64_t)c->sizes.ow;
  const int64_t o = index % d->oc, ox = index / d->oc % ow, oy = index / d->oc / ow % oh, n = index / d->oc / ow / oh;
  float sum = 0;
  for (int64_t i = 0; i < d->kh; i++)
    for (int64_t j = 0; j < d->kw; j++) {
      const int64_t y = oy * d->stride_h - d->pad_top + i * d->dilation_h;
      const int64_t x = ox * d->stride_w - d->pad_left + j * d->dilation_w;
      if (y < 0 || y >= d->ih || x < 0 || x >= d->iw) continue;
      const float *pixel = c->src + ((n * d->ih + y) * d->iw + x) * d->ic + o / (d->oc / d->groups) * icg;
      const float *weights = c->weights + ((o * d->kh + i) * d->kw + j) * icg;
      for (int64_t channel = 0; channel < icg; channel++) sum = add_product(sum, pixel[channel], weights[channel]);
    }
  return sum;
}

static float *canonical_sums(const conv_case *c) {
  float *sums = take(c->sizes.dst * sizeof *sums);
  for (size_t i = 0; i < c->sizes.dst; i++) sums[i] = canonical_sum(c, i);
  return sums;
}

static float finish(const conv_case *c, const conv_variant *v, size_t i, float sum) {
  if (v->has_bias) sum += c->bias[i % (size_t)c->desc.oc];
  if (v->has_residual) sum += c->residual[i];
  unfurl_activate(is_fused() ? &unfurl_kernels_portable : &unfurl_kernels_baseline, v->activation, v->alpha, v->beta, 1,
                  &sum, &sum);
  return sum;
}

static bool check(const unfurl_context *context, const conv_case *c, const conv_variant *v, const float *sums) {
  float *result = take(c->sizes.dst * sizeof *result);
  const bool applies = conv_execute(context, c, v, result);
  for (size_t i = 0; i < c->sizes.dst && applies; i++) {
    const float expected = finish(c, v, i, sums[i]);
    cr_assert(memcmp(&expected, &result[i], sizeof expected) == 0,
              "\"%s\" with %s, activation %d, layouts %d %d: element %zu is %a, not %a", c->name, v->algo,
              (int)v->activation, (int)v->src, (int)v->dst, i, (double)result[i], (double)expected);
  }
  free(result);
  return applies;
}

static const conv_variant EPILOGUES[] = {
    {.activation = UNFURL_ACTIVATION_NONE},
    {.has_bias = true},
    {.has_residual = true, .activation = UNFURL_ACTIVATION_RELU},
    {.has_bias = true, .has_residual = true, .activation = UNFURL_ACTIVATION_CLIP, .alpha = -0.5f, .beta = 1},
    {.has_bias = true, .has_residual = true, .activation = UNFURL_ACTIVATION_LEAKY_RELU, .alpha = 0.1f},
    {.has_bias = true, .activation = UNFURL_ACTIVATION_SIGMOID},
    {.has_residual = true, .activation = UNFURL_ACTIVATION_TANH},
};
enum { EPILOGUE_COUNT = sizeof EPILOGUES / sizeof *EPILOGUES };

/* All layouts, each with one epilogue after the other as rows and layouts go by. Returns how often the solver applied. */
static size_t check_shape(const unfurl_context *context, const conv_shape *shape, size_t algo, size_t turn) {
  size_t applied = 0;
  conv_case c = conv_case_make(shape, true);
  float *sums = canonical_sums(&c);
  for (size_t layouts = 0; layouts < CONV_LAYOUTS; layouts++)
    for (size_t e = 0; e < 2; e++) {
      conv_variant v = EPILOGUES[(turn + layouts * 2 + e) % EPILOGUE_COUNT];
      const conv_variant where = conv_variant_of(layouts, unfurl_conv_algo_name(algo));
      v.algo = where.algo, v.src = where.src, v.dst = where.dst, v.weights = where.weights;
      v.tasks = 1 + layouts % 4;
      v.misalign = turn % 16;
      applied += check(context, &c, &v, sums);
    }
  free(sums);
  conv_case_free(&c);
  return applied;
}

Test(conv_canonical, every_own_solver_has_the_bits_of_the_canonical_sum) {
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++) {
    if (!is_canonical(algo)) continue;
    size_t applied = 0;
    for (size_t s = 0; s < conv_shape_count; s++) {
      if (conv_shapes[s].transposed) continue;
      unfurl_context *context = make_context(1 + s % 3);
      applied += check_shape(context, &conv_shapes[s], algo, s);
      unfurl_context_destroy(&context);
    }
    cr_log_info("%s on %s: %zu executes", unfurl_conv_algo_name(algo), unfurl_isa_name(unfurl_cpu_isa()), applied);
    cr_assert_gt(applied, 0);
  }
}

/* Panels of so long chunks are multiplied piece by piece: by kernel rows, by taps (neighbours, or each a run of its own),
 * and by channels. */
Test(conv_canonical, long_chunks) {
  const conv_shape shapes[] = {
      {"rows", .ic = 4000, .oc = 5, .image = {4, 4}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
      {"taps", .ic = 8000, .oc = 3, .image = {3, 6}, .kernel = {1, 5}, .pads = {0, 2, 0, 2}},
      {"dilated", .ic = 6000, .oc = 3, .image = {4, 6}, .kernel = {2, 3}, .dilation = {2, 2}, .pads = {1, 2, 1, 2}},
      {"channels of a tap", .ic = 18000, .oc = 2, .image = {3, 7}, .kernel = {1, 2}},
      {"channels", .ic = 36001, .oc = 3, .image = {4, 4}, .kernel = {1, 1}},
      {"groups", .ic = 24000, .oc = 6, .groups = 2, .image = {3, 6}, .kernel = {3, 1}, .pads = {1, 0, 1, 0}},
  };
  unfurl_context *context = make_context(2);
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
      if (!strcmp(unfurl_conv_algo_name(algo), "strided")) check_shape(context, &shapes[s], algo, s);
  unfurl_context_destroy(&context);
}

/* Where threads could not have as many rows each, they share the channels. */
Test(conv_canonical, depthwise_by_channels) {
  const conv_shape shapes[] = {
      {"7x7", .ic = 200, .oc = 200, .groups = 200, .image = {7, 7}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
      {"a line", .batch = 3, .ic = 130, .oc = 130, .groups = 130, .image = {1, 40}, .kernel = {1, 5}},
      {"7x7 taps", .ic = 144, .oc = 144, .groups = 144, .image = {9, 9}, .kernel = {7, 7}, .stride = {2, 2},
       .pads = {3, 3, 3, 3}},
  };
  for (size_t threads = 2; threads <= 4; threads++) {
    unfurl_context *context = make_context(threads);
    for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
      for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        if (!strcmp(unfurl_conv_algo_name(algo), "depthwise"))
          cr_assert_gt(check_shape(context, &shapes[s], algo, s + threads), 0);
    unfurl_context_destroy(&context);
  }
}

/* The batch may be cut differently, or an image be done beside another: still the same sum. */
Test(conv_canonical, batches) {
  static const int batches[] = {1, 2, 3, 7, 16};
  const conv_shape shapes[] = {
      {"small maps", .ic = 5, .oc = 9, .image = {4, 5}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
      {"pointwise", .ic = 13, .oc = 17, .image = {3, 5}, .kernel = {1, 1}},
      {"fully connected", .ic = 37, .oc = 29, .image = {1, 1}, .kernel = {1, 1}},
      {"whole image", .ic = 6, .oc = 33, .image = {5, 5}, .kernel = {5, 5}},
      {"depthwise", .ic = 11, .oc = 11, .groups = 11, .image = {6, 7}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
  };
  unfurl_context *context = make_context(2);
  for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes && is_canonical(algo); s++)
      for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        conv_shape shape = shapes[s];
        shape.batch = batches[b];
        check_shape(context, &shape, algo, b);
      }
  unfurl_context_destroy(&context);
}
