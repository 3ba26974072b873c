/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/cblas_lowering.h"

#include <limits.h>

#include "base/memory.h"
#include "gemm/blas.h"
#include "lowering/im2col.h"

/* NHWC, 1x1, stride 1, no padding: pixel p's chunk is its channels. */
static bool image_is_patch_matrix(const unfurl_conv_geometry *g) {
  return g->src.channel == 1 && g->h.taps == 1 && g->w.taps == 1 && g->h.stride == 1 && g->w.stride == 1 &&
         g->h.pad == 0 && g->w.pad == 0 && g->h.out == g->h.in && g->w.out == g->w.in;
}

bool unfurl_lowering_applies(const unfurl_conv_geometry *g) {
  return !g->transposed && g->out_pixels <= INT_MAX && g->patch <= INT_MAX && g->ic <= INT_MAX && g->oc <= INT_MAX;
}

size_t unfurl_lowering_workspace(const unfurl_conv_geometry *g, size_t rows) {
  if (image_is_patch_matrix(g)) return 0;
  return unfurl_size_product(4, (const size_t[]){rows, g->w.out, g->patch, sizeof(float)});
}

double unfurl_lowering_cost(const unfurl_conv_geometry *g) {
  const double patches = (double)g->batch * (double)g->groups * (double)g->out_pixels * (double)g->patch;
  const double copy = image_is_patch_matrix(g) ? 0 : 16;
  return patches * ((double)g->ocg + copy);
}

void unfurl_lowering_run(const unfurl_conv_run *run, size_t n, size_t row_begin, size_t row_end, float *patches) {
  const unfurl_conv_geometry *g = run->geometry;
  const float *image = run->src + n * g->src.image;
  const size_t pixels = (row_end - row_begin) * g->w.out;
  const bool in_place = image_is_patch_matrix(g), channels_last = g->dst.channel == 1;
  for (size_t group = 0; group < g->groups; group++) {
    const float *filters = run->weights + group * g->ocg * g->patch;
    const float *rows = patches;
    if (in_place)
      rows = image + row_begin * g->src.row + group * g->icg;
    else
      unfurl_im2col_rows(g, image, group, row_begin, row_end, patches);
    const size_t ld_rows = in_place ? g->ic : g->patch;
    const size_t at = n * g->dst.image + row_begin * g->dst.row + group * g->ocg * g->dst.channel;
    float *c = run->dst + at;

    unfurl_epilogue epilogue = run->epilogue;
    epilogue.bias_a_row = !channels_last;
    if (epilogue.bias) epilogue.bias += group * g->ocg;
    if (epilogue.residual) epilogue.residual += at;
    if (channels_last) {
      const unfurl_gemm shape = {
          .m = pixels, .n = g->ocg, .k = g->patch, .lda = ld_rows, .ldb = g->patch, .ldc = g->oc, .transpose_b = true};
      unfurl_gemm_run(&shape, rows, filters, c);
      unfurl_epilogue_apply(&epilogue, pixels, g->ocg, g->oc, c);
    } else {
      const unfurl_gemm shape = {.m = g->ocg,
                                 .n = pixels,
                                 .k = g->patch,
                                 .lda = g->patch,
                                 .ldb = ld_rows,
                                 .ldc = g->out_pixels,
                                 .transpose_b = true};
      unfurl_gemm_run(&shape, filters, rows, c);
      unfurl_epilogue_apply(&epilogue, g->ocg, pixels, g->out_pixels, c);
    }
  }
}
