/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of kernel_check.c for few filters over planes. */
#include "kernel_data.h"

typedef struct planar_case {
  unfurl_planar planar; /* without addresses */
  epilogue_choice epilogue;
  size_t src_count, weights_count, dst_count;
} planar_case;

static planar_case choose_planar(rng *r, size_t filters, size_t pixels) {
  planar_case c = {.planar = {.filters = filters, .pixels = pixels}, .epilogue = choose_epilogue(r)};
  unfurl_planar *p = &c.planar;
  c.epilogue.residual = false;
  if (c.epilogue.epilogue.activation > UNFURL_ACTIVATION_CLIP) c.epilogue.epilogue.activation = UNFURL_ACTIVATION_NONE;
  p->channels = rng_below(r, 5), p->row_taps = rng_below(r, 4), p->col_taps = rng_below(r, 6);
  p->col_stride = 1 + rng_below(r, 3), p->row_stride = p->col_stride * p->col_taps + rng_below(r, 40);
  const size_t reach = p->row_taps * p->row_stride + p->col_taps * p->col_stride + pixels;
  p->channel_stride = reach + rng_below(r, 9);
  p->dst_stride = pixels + UNFURL_PLANAR_SPARE;
  c.src_count = p->channels * p->channel_stride + reach + UNFURL_PLANAR_SPARE;
  c.weights_count = p->row_taps * p->col_taps * p->channels * filters;
  c.dst_count = filters * p->dst_stride;
  fill(r, SRC, c.src_count);
  fill(r, WEIGHTS, c.weights_count);
  fill(r, BIAS, filters);
  kernel_case_says("planes: %zu filters, %zu pixels, %zu channels, %zu x %zu taps, strides %zu %zu, bias %d, "
                   "activation %d",
                   filters, pixels, p->channels, p->row_taps, p->col_taps, p->row_stride, p->col_stride,
                   c.epilogue.bias, (int)c.epilogue.epilogue.activation);
  return c;
}

/* What is written behind the pixels of a plane is nobody's business. */
static bool check_planar_at(const kernel_variant *v, const planar_case *c, bool before) {
  const unfurl_epilogue epilogue = place_epilogue(&c->epilogue, c->planar.filters, c->dst_count, before);
  unfurl_planar p = c->planar;
  p.src = put(SRC, c->src_count * sizeof(float), before);
  p.weights = put(WEIGHTS, c->weights_count * sizeof(float), before);
  p.dst = put(DST, c->dst_count * sizeof(float), before);
  p.epilogue = &epilogue;
  float *expected = expect(p.dst, c->dst_count);
  kernel_reference_planar(&p, kernel_is_fused(v), expected);
  v->kernels->planar(&p);
  for (size_t f = 0; f < p.filters; f++)
    if (!compare(p.dst + f * p.dst_stride, expected + f * p.dst_stride, p.pixels)) return false;
  return true;
}

/* Every number of filters, and of pixels that has whole blocks of vectors, parts of one, or just one more. */
size_t check_planars(const kernel_variant *v, size_t rounds, size_t *failures) {
  size_t cases = 0;
  for (size_t filters = 1; filters <= UNFURL_PLANAR_FILTERS; filters++)
    for (size_t pixels = 1; pixels <= 400; pixels += 1 + pixels / 3)
      for (size_t round = 0; round < (rounds + 1) / 2; round++, cases++) {
        rng r = {((filters * 1000 + pixels) * 10000 + round) ^ 0x55555};
        kernel_case_begin(v->name);
        const planar_case c = choose_planar(&r, filters, pixels);
        *failures += !(check_planar_at(v, &c, false) && check_planar_at(v, &c, true));
      }
  return cases;
}
