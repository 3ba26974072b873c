/* SPDX-License-Identifier: BSD-2-Clause */
/* The reference of a conv_case: two independent loops in double. The plain one gathers, as the formula of
 * unfurl/conv.h says; the transposed one scatters each input pixel, which is what makes it the adjoint. */
#include "conv_case.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where a sum is made: one of products or one of absolute products. */
typedef struct reference {
  const conv_case *c;
  bool absolute;
  double *dst;
} reference;

static double product(const reference *r, float x, float w) {
  const double p = (double)x * (double)w;
  return r->absolute ? fabs(p) : p;
}

/* src[n][y][x][channel], or 0 outside. */
static float pixel(const conv_case *c, int64_t n, int64_t y, int64_t x, int64_t channel) {
  const unfurl_conv_desc *d = &c->desc;
  if (y < 0 || y >= d->ih || x < 0 || x >= d->iw) return 0;
  return c->src[((n * d->ih + y) * d->iw + x) * d->ic + channel];
}

static double gather(const reference *r, int64_t n, int64_t oy, int64_t ox, int64_t o) {
  const unfurl_conv_desc *d = &r->c->desc;
  const int64_t icg = d->ic / d->groups, group = o / (d->oc / d->groups);
  double sum = 0;
  for (int64_t i = 0; i < d->kh; i++)
    for (int64_t j = 0; j < d->kw; j++)
      for (int64_t c = 0; c < icg; c++) {
        const int64_t y = oy * d->stride_h - d->pad_top + i * d->dilation_h;
        const int64_t x = ox * d->stride_w - d->pad_left + j * d->dilation_w;
        const float weight = r->c->weights[((o * d->kh + i) * d->kw + j) * icg + c];
        sum += product(r, pixel(r->c, n, y, x, group * icg + c), weight);
      }
  return sum;
}

static void gather_all(const reference *r) {
  const unfurl_conv_desc *d = &r->c->desc;
  const int64_t oh = (int64_t)r->c->sizes.oh, ow = (int64_t)r->c->sizes.ow;
  double *dst = r->dst;
  for (int64_t n = 0; n < d->batch; n++)
    for (int64_t y = 0; y < oh; y++)
      for (int64_t x = 0; x < ow; x++)
        for (int64_t o = 0; o < d->oc; o++) *dst++ = gather(r, n, y, x, o);
}

/* Adds what input channel `c` of pixel (y, x) gives to the output channels of its group. */
static void scatter(const reference *r, int64_t n, int64_t y, int64_t x, int64_t c) {
  const unfurl_conv_desc *d = &r->c->desc;
  const int64_t ocg = d->oc / d->groups, group = c / (d->ic / d->groups);
  const int64_t oh = (int64_t)r->c->sizes.oh, ow = (int64_t)r->c->sizes.ow;
  for (int64_t i = 0; i < d->kh; i++)
    for (int64_t j = 0; j < d->kw; j++) {
      const int64_t oy = y * d->stride_h - d->pad_top + i * d->dilation_h;
      const int64_t ox = x * d->stride_w - d->pad_left + j * d->dilation_w;
      if (oy < 0 || oy >= oh || ox < 0 || ox >= ow) continue;
      for (int64_t o = 0; o < ocg; o++)
        r->dst[((n * oh + oy) * ow + ox) * d->oc + group * ocg + o] +=
            product(r, pixel(r->c, n, y, x, c), r->c->weights[((c * d->kh + i) * d->kw + j) * ocg + o]);
    }
}

static void scatter_all(const reference *r) {
  const unfurl_conv_desc *d = &r->c->desc;
  for (size_t i = 0; i < r->c->sizes.dst; i++) r->dst[i] = 0;
  for (int64_t n = 0; n < d->batch; n++)
    for (int64_t y = 0; y < d->ih; y++)
      for (int64_t x = 0; x < d->iw; x++)
        for (int64_t c = 0; c < d->ic; c++) scatter(r, n, y, x, c);
}

static double *make_sums(const conv_case *c, bool absolute) {
  const reference r = {.c = c, .absolute = absolute, .dst = take(c->sizes.dst * sizeof(double))};
  if (c->desc.transposed)
    scatter_all(&r);
  else
    gather_all(&r);
  return r.dst;
}

conv_case conv_case_make(const conv_shape *shape, bool real) {
  conv_case c = {.name = shape->name, .desc = conv_shape_desc(shape)};
  void (*fill)(float *, size_t, uint64_t) = real ? fill_real : fill_small;
  c.sizes = conv_sizes_of(&c.desc);
  c.src = take(c.sizes.src * sizeof(float));
  c.weights = take(c.sizes.weights * sizeof(float));
  c.bias = take((size_t)c.desc.oc * sizeof(float));
  c.residual = take(c.sizes.dst * sizeof(float));
  fill(c.src, c.sizes.src, 1);
  fill(c.weights, c.sizes.weights, 2);
  fill(c.bias, (size_t)c.desc.oc, 3);
  fill(c.residual, c.sizes.dst, 4);
  c.sums = make_sums(&c, false);
  c.magnitudes = real ? make_sums(&c, true) : take(c.sizes.dst * sizeof(double));
  return c;
}

void conv_case_free(conv_case *c) {
  free(c->src);
  free(c->weights);
  free(c->bias);
  free(c->residual);
  free(c->sums);
  free(c->magnitudes);
  *c = (conv_case){0};
}

static double activate(const conv_variant *v, double x) {
  switch (v->activation) {
  case UNFURL_ACTIVATION_NONE:
    return x;
  case UNFURL_ACTIVATION_RELU:
    return fmax(x, 0);
  case UNFURL_ACTIVATION_CLIP:
    return fmin(fmax(x, (double)v->alpha), (double)v->beta);
  case UNFURL_ACTIVATION_LEAKY_RELU:
    return x < 0 ? (double)v->alpha * x : x;
  case UNFURL_ACTIVATION_SIGMOID:
    return 1 / (1 + exp(-x));
  case UNFURL_ACTIVATION_TANH:
    return tanh(x);
  case UNFURL_ACTIVATION_SILU:
    return x / (1 + exp(-x));
  case UNFURL_ACTIVATION_HARD_SWISH:
    return x * fmin(fmax(x / 6 + 0.5, 0), 1);
  case UNFURL_ACTIVATION_HARD_SIGMOID:
    return fmin(fmax((double)v->alpha * x + (double)v->beta, 0), 1);
  case UNFURL_ACTIVATION_GELU:
    return 0.5 * x * erfc(-x / sqrt(2));
  }
  cr_assert_fail("a new activation needs a reference");
  return x;
}

double conv_expected(const conv_case *c, const conv_variant *v, size_t i) {
  double x = c->sums[i];
  if (v->has_bias) x += (double)c->bias[i % (size_t)c->desc.oc];
  if (v->has_residual) x += (double)c->residual[i];
  return activate(v, x);
}
