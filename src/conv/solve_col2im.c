/* SPDX-License-Identifier: BSD-2-Clause */
/* col2im: the transposed convolution as the adjoint of im2col. One SGEMM spreads every input pixel into a chunk (a row
 * of the column matrix), and the chunks are added into the image where they overlap:
 *
 *     cols[pixels][kh*kw*ocg] = src[pixels][icg] * filters[icg][kh*kw*ocg]
 *     dst[iy*stride - pad + kh*dilation][ix*stride - pad + kw*dilation][oc] += cols[iy, ix][kh][kw][oc]
 *
 * An image is done in strips of input rows, so that the column matrix stays in the L2 cache. A unit is one image: strips
 * overlap in dst. The order of the additions follows from the shape alone.
 */
#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "conv/cblas_lowering.h"
#include "gemm/blas.h"

enum { STRIP_BYTES = 256 << 10 };

/* Floats in a row of the column matrix. */
static size_t column_length(const unfurl_conv_geometry *g) {
  return g->h.taps * g->w.taps * g->ocg;
}

static size_t strip_rows(const unfurl_conv_geometry *g) {
  const size_t row = unfurl_size_product(2, (const size_t[]){g->w.in, column_length(g)});
  const size_t fit = STRIP_BYTES / sizeof(float) / row;
  return fit < 1 ? 1 : fit < g->h.in ? fit : g->h.in;
}

static bool is_applicable(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return g->transposed && g->in_pixels <= INT_MAX && column_length(g) <= INT_MAX && g->ic <= INT_MAX;
}

static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return (double)g->batch * (double)g->in_pixels * (double)g->groups * (double)column_length(g) * ((double)g->icg + 16);
}

static size_t units(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return g->batch;
}

static size_t workspace(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return unfurl_size_product(4, (const size_t[]){strip_rows(g), g->w.in, column_length(g), sizeof(float)});
}

/* Sets *out to the output that tap `tap` of input `in` adds to; false if it is cut off. */
static bool output_of(const unfurl_conv_axis *axis, size_t in, size_t tap, size_t *out) {
  const size_t position = in * axis->stride + tap * axis->dilation;
  *out = position - axis->pad;
  return position >= axis->pad && *out < axis->out;
}

/* Adds one row of the column matrix, the chunk of input pixel (iy, ix), to the group's output channels. */
static void add_chunk(const unfurl_conv_geometry *g, size_t iy, size_t ix, const float *chunk, float *image) {
  size_t oy, ox;
  for (size_t kh = 0; kh < g->h.taps; kh++) {
    if (!output_of(&g->h, iy, kh, &oy)) continue;
    for (size_t kw = 0; kw < g->w.taps; kw++) {
      if (!output_of(&g->w, ix, kw, &ox)) continue;
      const float *from = chunk + (kh * g->w.taps + kw) * g->ocg;
      float *to = image + oy * g->dst.row + ox * g->dst.col;
      for (size_t c = 0; c < g->ocg; c++) to[c * g->dst.channel] += from[c];
    }
  }
}

/* The input rows begin..end-1 of one group. */
static void spread_rows(const unfurl_conv_run *r, const float *src, const float *filters, size_t begin, size_t end,
                        float *cols, float *dst) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const bool channels_last = g->src.channel == 1;
  const unfurl_gemm shape = {.m = (end - begin) * g->w.in,
                             .n = column_length(g),
                             .k = g->icg,
                             .lda = channels_last ? g->ic : g->in_pixels,
                             .ldb = column_length(g),
                             .ldc = column_length(g),
                             .transpose_a = !channels_last};
  unfurl_gemm_run(&shape, src + begin * g->src.row, filters, cols);
  for (size_t iy = begin; iy < end; iy++)
    for (size_t ix = 0; ix < g->w.in; ix++, cols += column_length(g)) add_chunk(g, iy, ix, cols, dst);
}

static void finish_image(const unfurl_conv_run *r, size_t at) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  unfurl_epilogue epilogue = r->epilogue;
  const bool channels_last = g->dst.channel == 1;
  epilogue.bias_a_row = !channels_last;
  if (epilogue.residual) epilogue.residual += at;
  const size_t rows = channels_last ? g->out_pixels : g->oc, row = channels_last ? g->oc : g->out_pixels;
  unfurl_epilogue_apply(r->problem->kernels, &epilogue, rows, row, row, r->dst + at);
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *cols) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t step = strip_rows(g);
  for (size_t n = begin; n < end; n++) {
    float *dst = r->dst + n * g->dst.image;
    memset(dst, 0, g->dst.image * sizeof *dst);
    for (size_t group = 0; group < g->groups; group++)
      for (size_t y = 0; y < g->h.in; y += step)
        spread_rows(r, r->src + n * g->src.image + group * g->icg * g->src.channel,
                    r->weights + group * g->icg * column_length(g), y, y + step < g->h.in ? y + step : g->h.in, cols,
                    dst + group * g->ocg * g->dst.channel);
    finish_image(r, n * g->dst.image);
  }
}

const unfurl_conv_solver unfurl_solve_col2im = {
    .name = "col2im",
    .uses_blas = true,
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = unfurl_unrolled_floats,
    .pack = unfurl_pack_unrolled_filters,
    .units = units,
    .workspace = workspace,
    .run = run,
};
