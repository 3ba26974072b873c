/* SPDX-License-Identifier: BSD-2-Clause */
/* naive: the sum as the header writes it, one nested loop a letter, accumulated in double.
 *
 * The reference that every other solver is checked against, so it shares nothing with them: its own index arithmetic
 * and packing (weights[oc][kh][kw][icg], also for transposed), its own activations from the C library. A unit is one row
 * of output pixels of one image.
 */
#include <math.h>

#include "conv/solver.h"

static bool is_applicable(const unfurl_conv_problem *p) {
  (void)p;
  return true;
}

static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return 60.0 * (double)g->batch * (double)g->out_pixels * (double)g->oc * (double)g->patch;
}

static size_t packed_floats(const unfurl_conv_problem *p) {
  return p->geometry.weights;
}

static void pack(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t taps = g->h.taps * g->w.taps, channels = g->transposed ? g->ocg : g->icg;
  for (size_t oc = 0; oc < g->oc; oc++)
    for (size_t tap = 0; tap < taps; tap++)
      for (size_t i = 0; i < g->icg; i++) {
        /* The two dimensions of the weights as they are stored: filter and channel. */
        const size_t f = g->transposed ? oc / g->ocg * g->icg + i : oc, c = g->transposed ? oc % g->ocg : i;
        *packed++ = weights[layout == UNFURL_OHWI ? (f * taps + tap) * channels + c : (f * channels + c) * taps + tap];
      }
}

static size_t units(const unfurl_conv_problem *p) {
  return p->geometry.batch * p->geometry.h.out;
}

static size_t workspace(const unfurl_conv_problem *p) {
  (void)p;
  return 0;
}

/* Sets *in to the input that tap `tap` of output `out` reads; false if there is none. */
static bool input_of(const unfurl_conv_axis *axis, bool transposed, size_t out, size_t tap, size_t *in) {
  const ptrdiff_t reach = (ptrdiff_t)(tap * axis->dilation), pad = (ptrdiff_t)axis->pad;
  const ptrdiff_t stride = (ptrdiff_t)axis->stride;
  ptrdiff_t position;
  if (transposed) {
    position = (ptrdiff_t)out + pad - reach;
    if (position % stride) return false;
    position /= stride;
  } else {
    position = (ptrdiff_t)out * stride - pad + reach;
  }
  *in = (size_t)position;
  return position >= 0 && position < (ptrdiff_t)axis->in;
}

static double activate(const unfurl_epilogue *e, double x) {
  switch (e->activation) {
  case UNFURL_ACTIVATION_RELU: return x < 0 ? 0 : x;
  case UNFURL_ACTIVATION_CLIP:
    return x < (double)e->alpha ? (double)e->alpha : x > (double)e->beta ? (double)e->beta : x;
  case UNFURL_ACTIVATION_LEAKY_RELU: return x < 0 ? (double)e->alpha * x : x;
  case UNFURL_ACTIVATION_SIGMOID: return 1 / (1 + exp(-x));
  case UNFURL_ACTIVATION_TANH: return tanh(x);
  case UNFURL_ACTIVATION_SILU: return x / (1 + exp(-x));
  case UNFURL_ACTIVATION_HARD_SWISH: return x * (fmin(fmax(x + 3, 0), 6) / 6);
  case UNFURL_ACTIVATION_HARD_SIGMOID:
    x = (double)e->alpha * x + (double)e->beta;
    return x < 0 ? 0 : x > 1 ? 1 : x;
  case UNFURL_ACTIVATION_GELU: return x * (1 + erf(x * sqrt(0.5))) / 2;
  default: return x;
  }
}

static double sum_of_pixel(const unfurl_conv_run *r, size_t n, size_t oh, size_t ow, size_t oc) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const float *group = r->src + n * g->src.image + oc / g->ocg * g->icg * g->src.channel;
  double sum = 0;
  for (size_t kh = 0; kh < g->h.taps; kh++) {
    size_t ih, iw;
    if (!input_of(&g->h, g->transposed, oh, kh, &ih)) continue;
    for (size_t kw = 0; kw < g->w.taps; kw++) {
      if (!input_of(&g->w, g->transposed, ow, kw, &iw)) continue;
      const float *x = group + ih * g->src.row + iw * g->src.col;
      const float *w = r->weights + ((oc * g->h.taps + kh) * g->w.taps + kw) * g->icg;
      for (size_t ic = 0; ic < g->icg; ic++) sum += (double)x[ic * g->src.channel] * (double)w[ic];
    }
  }
  return sum;
}

static void compute_pixel(const unfurl_conv_run *r, size_t n, size_t oh, size_t ow, size_t oc) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t at = n * g->dst.image + oh * g->dst.row + ow * g->dst.col + oc * g->dst.channel;
  double sum = sum_of_pixel(r, n, oh, ow, oc);
  if (r->epilogue.bias) sum += (double)r->epilogue.bias[oc];
  if (r->epilogue.residual) sum += (double)r->epilogue.residual[at];
  r->dst[at] = (float)activate(&r->epilogue, sum);
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *unused) {
  (void)unused;
  const unfurl_conv_geometry *g = &r->problem->geometry;
  for (size_t unit = begin; unit < end; unit++)
    for (size_t ow = 0; ow < g->w.out; ow++)
      for (size_t oc = 0; oc < g->oc; oc++) compute_pixel(r, unit / g->h.out, unit % g->h.out, ow, oc);
}

const unfurl_conv_solver unfurl_solve_naive = {
    .name = "naive",
    .last_resort = true,
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = packed_floats,
    .pack = pack,
    .units = units,
    .workspace = workspace,
    .run = run,
};
