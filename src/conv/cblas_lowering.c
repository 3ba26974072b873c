/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/cblas_lowering.h"

#include <limits.h>

#include "base/memory.h"
#include "gemm/blas.h"

size_t unfurl_unrolled_floats(const unfurl_conv_problem *problem) {
  return problem->geometry.weights;
}

void unfurl_pack_unrolled_filters(const unfurl_conv_problem *problem, unfurl_layout layout, const float *weights,
                                  float *packed) {
  unfurl_pack_unrolled(&problem->geometry, layout, weights, packed);
}

/* NHWC, 1x1, stride 1, no padding: pixel p's chunk is its channels. */
static bool image_is_patch_matrix(const unfurl_conv_geometry *g) {
  return g->src.channel == 1 && g->h.taps == 1 && g->w.taps == 1 && g->h.stride == 1 && g->w.stride == 1 &&
         g->h.pad == 0 && g->w.pad == 0 && g->h.out == g->h.in && g->w.out == g->w.in;
}

bool unfurl_lowering_applies(const unfurl_conv_geometry *g) {
  return !g->transposed && g->out_pixels <= INT_MAX && g->patch <= INT_MAX && g->ic <= INT_MAX && g->oc <= INT_MAX;
}

size_t unfurl_lowering_workspace(const unfurl_conv_geometry *g, size_t pixels) {
  if (image_is_patch_matrix(g)) return 0;
  return unfurl_size_product(3, (const size_t[]){pixels, g->patch, sizeof(float)});
}

/* Each product packs the filters anew; a patch matrix that outgrows the L2 cache is written to and read from farther
 * away. The numbers were fitted to measurements, roughly: they only have to tell the solvers apart. */
double unfurl_lowering_cost(const unfurl_conv_geometry *g, size_t strips) {
  enum { IN_CACHE = 256 << 10, COPY = 6, COPY_FAR = 12, PACK = 4, CALL = 5000 };
  const double elements = (double)g->out_pixels * (double)g->patch;
  const bool fits = elements / (double)strips * sizeof(float) <= IN_CACHE;
  const double copy = image_is_patch_matrix(g) ? 0 : fits ? COPY : COPY_FAR;
  const double products = (double)strips * (CALL + PACK * (double)g->patch * (double)g->ocg);
  return (double)g->batch * (double)g->groups * (elements * ((double)g->ocg + copy) + products);
}

/* C = patches * filters^T for NHWC, C = filters * patches^T for NCHW; then the epilogue. */
static void multiply(const unfurl_conv_run *run, const float *filters, const float *rows, size_t ld_rows, size_t pixels,
                     const unfurl_epilogue *epilogue, float *c) {
  const unfurl_conv_geometry *g = &run->problem->geometry;
  unfurl_gemm shape = {.k = g->patch, .transpose_b = true};
  if (g->dst.channel == 1) {
    shape.m = pixels, shape.n = g->ocg;
    shape.lda = ld_rows, shape.ldb = g->patch, shape.ldc = g->oc;
    unfurl_gemm_run(&shape, rows, filters, c);
  } else {
    shape.m = g->ocg, shape.n = pixels;
    shape.lda = g->patch, shape.ldb = ld_rows, shape.ldc = g->out_pixels;
    unfurl_gemm_run(&shape, filters, rows, c);
  }
  unfurl_epilogue_apply(run->problem->kernels, epilogue, shape.m, shape.n, shape.ldc, c);
}

void unfurl_lowering_run(const unfurl_conv_run *run, size_t n, const unfurl_pixels *p, float *patches) {
  const unfurl_conv_geometry *g = &run->problem->geometry;
  const float *image = run->src + n * g->src.image;
  const size_t pixels = (p->row_end - p->row_begin) * (p->col_end - p->col_begin);
  const size_t first = n * g->dst.image + p->row_begin * g->dst.row + p->col_begin * g->dst.col;
  const bool in_place = image_is_patch_matrix(g);
  for (size_t group = 0; group < g->groups; group++) {
    const size_t at = first + group * g->ocg * g->dst.channel;
    unfurl_epilogue epilogue = run->epilogue;
    epilogue.bias_a_row = g->dst.channel != 1;
    if (epilogue.bias) epilogue.bias += group * g->ocg;
    if (epilogue.residual) epilogue.residual += at;
    const float *rows = patches;
    if (in_place)
      rows = image + p->row_begin * g->src.row + p->col_begin * g->src.col + group * g->icg;
    else
      unfurl_im2col_pixels(g, image, group, p, patches);
    multiply(run, run->weights + group * g->ocg * g->patch, rows, in_place ? g->ic : g->patch, pixels, &epilogue,
             run->dst + at);
  }
}
