/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel_variants.h"

#include <math.h>
#include <stdlib.h>

#include "base/vmath.h"
#include "unfurl/cpu.h"

extern const unfurl_kernels unfurl_kernels_avx512_emulated, unfurl_kernels_avx512_wide_emulated;

#if defined(__x86_64__)
#define IF_X86(kernels) &(kernels)
#define IF_ARM(kernels) NULL
#elif defined(__aarch64__)
#define IF_X86(kernels) NULL
#define IF_ARM(kernels) &(kernels)
#else
#define IF_X86(kernels) NULL
#define IF_ARM(kernels) NULL
#endif

const kernel_variant kernel_variants[] = {
    {"portable", &unfurl_kernels_portable, UNFURL_ISA_PORTABLE, false},
    {"baseline", &unfurl_kernels_baseline, UNFURL_ISA_BASELINE, false},
    {"avx2", IF_X86(unfurl_kernels_avx2), UNFURL_ISA_AVX2, false},
    {"avx2_wide", IF_X86(unfurl_kernels_avx2_wide), UNFURL_ISA_AVX2, false},
    {"avx2_shallow", IF_X86(unfurl_kernels_avx2_shallow), UNFURL_ISA_AVX2, false},
    {"avx512", IF_X86(unfurl_kernels_avx512), UNFURL_ISA_AVX512, false},
    {"avx512_wide", IF_X86(unfurl_kernels_avx512_wide), UNFURL_ISA_AVX512, false},
    {"avx512 (emulated)", &unfurl_kernels_avx512_emulated, UNFURL_ISA_PORTABLE, true},
    {"avx512_wide (emulated)", &unfurl_kernels_avx512_wide_emulated, UNFURL_ISA_PORTABLE, true},
    {"neon", IF_ARM(unfurl_kernels_neon), UNFURL_ISA_NEON, false},
};
const size_t kernel_variant_count = sizeof kernel_variants / sizeof *kernel_variants;

/* A name that the machine does not have changes nothing; so UNFURL_ISA asks for one. */
static bool machine_has(unfurl_isa isa) {
  setenv("UNFURL_ISA", unfurl_isa_name(isa), 1);
  const bool has = unfurl_cpu_isa() == isa;
  unsetenv("UNFURL_ISA");
  return has;
}

const char *kernel_variant_missing(const kernel_variant *v) {
  return !v->kernels ? "not of this architecture" : !machine_has(v->needs) ? "this CPU does not have it" : NULL;
}

bool kernel_is_fused(const kernel_variant *v) {
  return v->kernels->isa != UNFURL_ISA_BASELINE;
}

static float add_product(float sum, float x, float w, bool fused) {
  if (fused) return fmaf(x, w, sum);
  const float product = x * w;
  return sum + product;
}

float kernel_reference_activate(const unfurl_epilogue *e, float x, bool fused) {
  const float raised = x < e->alpha ? e->alpha : x, line = unfurl_multiply_add(e->alpha, x, e->beta, fused);
  switch (e->activation) {
  case UNFURL_ACTIVATION_NONE: return x;
  case UNFURL_ACTIVATION_RELU: return x < 0 ? 0 : x;
  case UNFURL_ACTIVATION_CLIP: return raised > e->beta ? e->beta : raised;
  case UNFURL_ACTIVATION_LEAKY_RELU: return x < 0 ? e->alpha * x : x;
  case UNFURL_ACTIVATION_SIGMOID: return unfurl_sigmoidf(x, fused);
  case UNFURL_ACTIVATION_TANH: return unfurl_tanhf(x, fused);
  case UNFURL_ACTIVATION_SILU: return x * unfurl_sigmoidf(x, fused);
  case UNFURL_ACTIVATION_HARD_SIGMOID: return line < 0 ? 0 : line > 1 ? 1 : line;
  case UNFURL_ACTIVATION_GELU: return unfurl_geluf(x, fused);
  default: return x * ((x < -3 ? 0 : x > 3 ? 6 : x + 3) / 6); /* hard swish */
  }
}

/* Result `at` of dst, for column or channel `col`. */
static float finish(const unfurl_epilogue *e, float sum, size_t at, size_t col, bool fused) {
  if (e->bias) sum += e->bias[col];
  if (e->residual) sum += e->residual[at];
  return kernel_reference_activate(e, sum, fused);
}

/* Floats from src to a row's first run. */
static ptrdiff_t src_of(const unfurl_tile *t, size_t row) {
  if (t->src_at) return (ptrdiff_t)t->src_at[row];
  const size_t gaps = t->line ? (t->line - t->line_left + row) / t->line : 0;
  return (ptrdiff_t)(row * t->src_step) + (ptrdiff_t)gaps * t->line_gap;
}

/* Whether run `c` of a row of runs is padding to a row: the first is to the first row, the last to the last. In lines, that is of
 * each line. */
static bool is_skipped(const unfurl_tile *t, size_t row, size_t c) {
  const size_t lines = t->line ? t->line : t->tiles * t->rows, at = row % lines;
  return (t->skips_first && c == 0 && at == 0) || (t->skips_last && c + 1 == t->run_cols && at + 1 == lines);
}

static float tile_sum(const unfurl_tile *t, size_t panel_cols, bool fused, size_t row, size_t col, float begin) {
  const ptrdiff_t src_at = src_of(t, row);
  float sum = begin;
  for (size_t r = 0; r < t->run_rows; r++)
    for (size_t c = 0; c < t->run_cols; c++)
      for (size_t e = 0; e < t->run_length && !is_skipped(t, row, c); e++) {
        const ptrdiff_t run = t->run_col_first + (ptrdiff_t)r * t->run_row_stride + (ptrdiff_t)c * t->run_col_stride;
        const float *w = t->weights + r * t->weights_row_stride + c * t->weights_col_stride + e * panel_cols;
        sum = add_product(sum, t->src[src_at + run + (ptrdiff_t)e], w[col], fused);
      }
  return sum;
}

void kernel_reference_tile(const unfurl_tile *t, size_t panel_cols, bool fused, float *dst) {
  for (size_t row = 0; row < t->tiles * t->rows; row++)
    for (size_t col = 0; col < t->cols; col++) {
      const size_t at = (t->dst_at ? t->dst_at[row] : row * t->dst_step) + col;
      const float begin = t->continues ? dst[at] : 0;
      dst[at] = finish(t->epilogue, tile_sum(t, panel_cols, fused, row, col, begin), at, col, fused);
    }
}

/* Input that tap `tap` of output `out` reads; -1 if that is padding. */
static ptrdiff_t input_of(const unfurl_depthwise_axis *axis, size_t out, size_t tap) {
  const ptrdiff_t at = axis->first + (ptrdiff_t)(out * axis->step) + (ptrdiff_t)(tap * axis->dilation);
  return at < (ptrdiff_t)axis->in ? at : -1;
}

static float depthwise_sum(const unfurl_depthwise *d, bool fused, size_t y, size_t x, size_t c) {
  float sum = 0;
  for (size_t i = 0; i < d->rows.taps; i++)
    for (size_t j = 0; j < d->cols.taps; j++) {
      const ptrdiff_t row = input_of(&d->rows, y, i), col = input_of(&d->cols, x, j);
      if (row < 0 || col < 0) continue;
      sum = add_product(sum, d->src[(size_t)row * d->src_row + (size_t)col * d->src_col + c],
                        d->weights[(i * d->cols.taps + j) * d->weights_tap + c], fused);
    }
  return sum;
}

void kernel_reference_depthwise(const unfurl_depthwise *d, bool fused, float *dst) {
  for (size_t at = 0; at < d->lines * d->pixels; at++)
    for (size_t c = 0; c < d->channels; c++) {
      const size_t y = at / d->pixels, x = at % d->pixels, offset = y * d->dst_line + x * d->dst_stride + c;
      dst[offset] = finish(d->epilogue, depthwise_sum(d, fused, y, x, c), offset, c, fused);
    }
}

void kernel_reference_grouped_input(const unfurl_grouped_input *in, float *dst) {
  for (size_t p = 0; p < in->pixels; p++)
    for (size_t e = 0; e < in->elements; e++)
      for (size_t g = 0; g < in->together; g++) {
        const size_t channel = g * in->elements + e;
        *dst++ = channel < in->channels ? in->src[p * in->pixel_stride + channel] : 0;
      }
}

static float grouped_sum(const unfurl_grouped *g, size_t lanes, bool fused, const float *src, size_t lane) {
  const float *w = g->weights + lane;
  float sum = 0;
  src += lane % g->together;
  for (size_t i = 0; i < g->run_rows; i++)
    for (size_t j = 0; j < g->run_cols; j++)
      for (size_t e = 0; e < g->run_length; e++, w += lanes)
        sum = add_product(sum, src[i * g->run_row_stride + j * g->run_col_stride + e * g->together], *w, fused);
  return sum;
}

void kernel_reference_grouped(const unfurl_grouped *g, size_t lanes, bool fused, float *dst) {
  for (size_t at = 0; at < g->lines * g->pixels; at++)
    for (size_t f = 0; f < g->filters; f++) {
      const size_t y = at / g->pixels, x = at % g->pixels, offset = y * g->dst_line + x * g->dst_stride + f;
      const float *src = g->src + y * g->line_stride + x * g->pixel_stride;
      const size_t lane = g->together > 1 ? (size_t)g->order[f] : f;
      dst[offset] = finish(g->epilogue, grouped_sum(g, lanes, fused, src, lane), offset, f, fused);
    }
}

void kernel_reference_planar(const unfurl_planar *p, bool fused, float *dst) {
  for (size_t f = 0; f < p->filters; f++)
    for (size_t at = 0; at < p->pixels; at++) {
      const float *w = p->weights + f;
      float sum = 0;
      for (size_t i = 0; i < p->row_taps; i++)
        for (size_t j = 0; j < p->col_taps; j++)
          for (size_t c = 0; c < p->channels; c++, w += p->filters)
            sum =
                add_product(sum, p->src[c * p->channel_stride + i * p->row_stride + j * p->col_stride + at], *w, fused);
      dst[f * p->dst_stride + at] = finish(p->epilogue, sum, f * p->dst_stride + at, f, fused);
    }
}

/* B^T d along an axis, d[i * step]; the products that are not exact are added as in sums. */
static void spread_8(bool fused, float *d, size_t step) {
  float x[8];
  for (size_t i = 0; i < 8; i++) x[i] = d[i * step];
  const float even[] = {add_product(x[2] + x[6], -4.25f, x[4], fused),
                        add_product(add_product(x[6], -1.25f, x[4], fused), .25f, x[2], fused),
                        add_product(add_product(x[6], -5, x[4], fused), 4, x[2], fused)};
  const float odd[] = {add_product(x[1] + x[5], -4.25f, x[3], fused),
                       add_product(add_product(2 * x[5], -2.5f, x[3], fused), .5f, x[1], fused),
                       add_product(add_product(2 * x[1], -2.5f, x[3], fused), .5f, x[5], fused)};
  d[0] = add_product(x[0] - x[6], 5.25f, x[4] - x[2], fused);
  for (size_t i = 0; i < 3; i++) d[(2 * i + 1) * step] = even[i] + odd[i], d[(2 * i + 2) * step] = even[i] - odd[i];
  d[7 * step] = add_product(x[7] - x[1], 5.25f, x[3] - x[5], fused);
}

/* A tile of F(6) of which so many outputs are left: four at most. */
static void spread_left_8(size_t left, bool fused, float *d, size_t step) {
  const float d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  if (left < 3) {
    d[0] = d0 - d2, d[step] = -2.25f * (d1 + d2), d[2 * step] = 2.25f * (d1 - d2), d[7 * step] = d3 - d1;
    return;
  }
  const float even = add_product(-3 * d2, .75f, d4, fused), odd = add_product(-3 * d1, .75f, d3, fused);
  d[0] = add_product(add_product(d0, .25f, d4, fused), -1.25f, d2, fused);
  d[step] = even + odd, d[2 * step] = even - odd;
  d[3 * step] = add_product(3.75f * (d4 - d2), 7.5f, d3 - d1, fused);
  d[4 * step] = add_product(3.75f * (d4 - d2), -7.5f, d3 - d1, fused);
  d[7 * step] = add_product(add_product(d5, -5, d3, fused), 4, d1, fused);
}

/* A tile of F(4). */
static void spread_left_6(size_t left, bool fused, float *d, size_t step) {
  const float d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], sixth = -1.f / 6;
  if (left < 3) {
    d[0] = d0 - d2, d[step] = .5f * (d1 + d2), d[2 * step] = .5f * (d2 - d1), d[5 * step] = d3 - d1;
    return;
  }
  d[0] = add_product(d0 - d2, -.5f, d1 - d3, fused);
  d[step] = add_product(d1, .5f, d2 - d3, fused);
  d[2 * step] = add_product(.5f * d2, sixth, add_product(d3, 2, d1, fused), fused);
  d[3 * step] = sixth * (d1 - d3);
  d[5 * step] = add_product(d4 - d2, 2, d1 - d3, fused);
}

/* A whole tile where none are `left`. */
static void spread(size_t side, size_t left, bool fused, float *d, size_t step) {
  if (side == 8) {
    left == 0 || left == 5 ? spread_8(fused, d, step) : spread_left_8(left, fused, d, step);
    return;
  }
  if (side == 6 && left > 0) {
    spread_left_6(left, fused, d, step);
    return;
  }
  const float d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
  if (side == 5) {
    d[0] = d0 - d2, d[step] = d2, d[2 * step] = d2 - d[4 * step], d[3 * step] = d1, d[4 * step] = d3;
    return;
  }
  if (side == 4) {
    d[0] = d0 - d2, d[step] = d1 + d2, d[2 * step] = d2 - d1, d[3 * step] = d1 - d3;
    return;
  }
  const float d4 = d[4 * step], d5 = d[5 * step];
  const float sixth = -1.f / 6, twelfth = 1.f / 12, even1 = 1.f / 24 * (d4 - d2);
  const float even = add_product(sixth * d4, 2.f / 3, d2, fused), odd = add_product(sixth * d3, 2.f / 3, d1, fused);
  d[0] = add_product(add_product(d0, .25f, d4, fused), -1.25f, d2, fused);
  d[step] = even + odd, d[2 * step] = even - odd;
  d[3 * step] = add_product(even1, twelfth, d3 - d1, fused), d[4 * step] = add_product(even1, -twelfth, d3 - d1, fused);
  d[5 * step] = add_product(add_product(d5, -5, d3, fused), 4, d1, fused);
}

/* A^T p along an axis. */
static void gather_left(size_t side, size_t left, bool fused, float *p, size_t step) {
  const float sum = p[step] + p[2 * step], difference = p[step] - p[2 * step], p3 = p[3 * step];
  const float last = p[(side - 1) * step];
  if (side == 8 && left > 2) {
    const float p4 = p[4 * step];
    p[0] = p[0] + sum + (p3 + p4);
    p[step] = add_product(difference, 2, p3 - p4, fused), p[2 * step] = add_product(sum, 4, p3 + p4, fused);
    p[3 * step] = add_product(difference, 8, p3 - p4, fused) + last;
    return;
  }
  if (left < 3) {
    p[0] = p[0] + sum, p[step] = difference + last;
    return;
  }
  p[0] = p[0] + sum + p3;
  p[step] = add_product(difference, 2, p3, fused);
  p[2 * step] = add_product(sum, 4, p3, fused) + last;
}

static void gather(size_t side, size_t m, size_t left, bool fused, float *p, size_t step) {
  if (m >= 4 && left < m && left < 5) {
    gather_left(side, left, fused, p, step);
    return;
  }
  const float sum = p[step] + p[2 * step], difference = p[step] - p[2 * step];
  if (side == 5) {
    p[0] = p[0] + p[step] + p[3 * step], p[step] = difference + p[4 * step];
    return;
  }
  if (side == 4) {
    p[0] = p[0] + sum, p[step] = difference - p[3 * step];
    return;
  }
  const float sum2 = p[3 * step] + p[4 * step], difference2 = p[3 * step] - p[4 * step];
  p[0] = p[0] + sum + sum2;
  if (side == 8) {
    const float sum3 = p[5 * step] + p[6 * step], difference3 = p[5 * step] - p[6 * step];
    p[0] = p[0] + sum3;
    p[step] = add_product(add_product(difference, 2, difference2, fused), .5f, difference3, fused);
    p[2 * step] = add_product(add_product(sum, 4, sum2, fused), .25f, sum3, fused);
    p[3 * step] = add_product(add_product(difference, 8, difference2, fused), .125f, difference3, fused);
    p[4 * step] = add_product(add_product(sum, 16, sum2, fused), .0625f, sum3, fused);
    p[5 * step] =
        add_product(add_product(difference, 32, difference2, fused), .03125f, difference3, fused) + p[7 * step];
    return;
  }
  p[step] = add_product(difference, 2, difference2, fused);
  if (m == 2) {
    p[step] = p[step] + p[5 * step];
    return;
  }
  p[2 * step] = add_product(sum, 4, sum2, fused);
  if (m == 3) {
    p[2 * step] = p[2 * step] + p[5 * step];
    return;
  }
  p[3 * step] = add_product(difference, 8, difference2, fused) + p[5 * step];
}

void kernel_reference_winograd_input(const unfurl_winograd_input *t, bool fused, size_t lanes, float *dst) {
  const size_t inputs = t->side;
  for (size_t c = 0; c < (t->channels + lanes - 1) / lanes * lanes; c++) {
    float d[64] = {0};
    for (size_t i = t->rows[0]; i < t->rows[1]; i++)
      for (size_t j = t->cols[0]; j < t->cols[1] && c < t->channels; j++)
        d[i * inputs + j] =
            t->image[t->at + (ptrdiff_t)i * t->row_stride + (ptrdiff_t)j * t->col_stride + (ptrdiff_t)c];
    for (size_t i = 0; i < inputs; i++) spread(inputs, t->cols_left, fused, d + i * inputs, 1);
    for (size_t j = 0; j < inputs; j++) spread(inputs, t->rows_left, fused, d + j, inputs);
    for (size_t e = 0; e < inputs * inputs; e++) dst[e * t->plane + c] = d[e];
  }
}

void kernel_reference_winograd_output(const unfurl_winograd_output *t, bool fused, float *dst) {
  const size_t inputs = t->side;
  for (size_t k = 0; k < t->filters; k++) {
    float p[64];
    for (size_t e = 0; e < inputs * inputs; e++) p[e] = t->src[e * t->plane + k];
    for (size_t j = 0; j < inputs; j++) gather(inputs, t->m, t->rows, fused, p + j, inputs);
    for (size_t i = 0; i < t->rows; i++) gather(inputs, t->m, t->cols, fused, p + i * inputs, 1);
    for (size_t i = 0; i < t->rows; i++)
      for (size_t j = 0; j < t->cols; j++) {
        const size_t at = i * t->row_stride + j * t->col_stride + k;
        dst[at] = finish(t->epilogue, p[i * inputs + j], at, k, fused);
      }
  }
}

/* Element i of G w along an axis, where G's rows are multiplied to be whole. */
static float filter(size_t i, float w0, float w1, float w2, bool fused) {
  const float even = w0 + w2, even4 = add_product(w0, 4, w2, fused);
  const float sums[] = {w0, even + w1, even - w1, add_product(even4, 2, w1, fused), add_product(even4, -2, w1, fused),
                        w2};
  return sums[i];
}

void kernel_reference_winograd_taps(const unfurl_winograd_taps *t, bool fused, size_t lanes, float *dst) {
  for (size_t at = 0; at < 36 * UNFURL_WINOGRAD_SIDE * lanes; at++) {
    const size_t lane = at % lanes, tile = at / lanes % UNFURL_WINOGRAD_SIDE, e = at / lanes / UNFURL_WINOGRAD_SIDE;
    float *to = &dst[e * t->dst_plane + tile * t->dst_row + lane], sum = t->adds ? *to : 0;
    for (size_t c = 0; c < t->channels; c++) {
      const float *w = t->filters + c * UNFURL_WINOGRAD_TAPS * lanes + lane;
      float half[3];
      for (size_t q = 0; q < 3; q++)
        half[q] = filter(e / 6, w[q * lanes], w[(3 + q) * lanes], w[(6 + q) * lanes], fused);
      const float x = t->src[e / 6 * t->src_row + (c * 6 + e % 6) * UNFURL_WINOGRAD_SIDE + tile];
      sum = add_product(sum, x, filter(e % 6, half[0], half[1], half[2], fused), fused);
    }
    *to = sum;
  }
}
