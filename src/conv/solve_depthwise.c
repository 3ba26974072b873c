/* SPDX-License-Identifier: BSD-2-Clause */
/* depthwise: as many groups as channels. There is no product to make: each channel has its own small filter, and vectors
 * run over channels.
 *
 * Weights are packed as [kh][kw][channels]. A unit is one row of output pixels of one image; the parts of a row whose
 * chunks have the same taps inside the image are one call of the kernel each, so that nothing is multiplied by padding.
 */
#include "conv/solver.h"
#include "shape/patch_view.h"

static bool is_applicable(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return !g->transposed && g->icg == 1 && g->ocg == 1 && g->groups > 1 && g->src.channel == 1 && g->dst.channel == 1;
}

static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return (double)g->batch * (double)g->out_pixels * (double)g->oc * (double)g->patch;
}

static size_t packed_floats(const unfurl_conv_problem *p) {
  return p->geometry.weights;
}

/* From [channels][kh][kw]; with one channel a group, both layouts are that. */
static void pack(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {
  const unfurl_conv_geometry *g = &p->geometry;
  (void)layout;
  for (size_t tap = 0; tap < g->patch; tap++)
    for (size_t c = 0; c < g->oc; c++) packed[tap * g->oc + c] = weights[c * g->patch + tap];
}

static size_t units(const unfurl_conv_problem *p) {
  return p->geometry.batch * p->geometry.h.out;
}

static size_t workspace(const unfurl_conv_problem *p) {
  (void)p;
  return 0;
}

static void run_part(const unfurl_conv_run *r, size_t n, const unfurl_axis_segment *ys, const unfurl_axis_segment *xs) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const unfurl_patch_view view = unfurl_patch_view_of(g, 0, ys, xs);
  const size_t dst = n * g->dst.image + ys->begin * g->dst.row + xs->begin * g->dst.col;
  unfurl_epilogue epilogue = r->epilogue;
  if (epilogue.residual) epilogue.residual += dst;
  const unfurl_depthwise kernel = {
      .src = r->src + n * g->src.image + view.origin,
      .pixels = view.pixels,
      .channels = g->oc,
      .row_taps = view.run_rows,
      .col_taps = view.run_cols,
      .pixel_stride = view.pixel_stride,
      .row_stride = view.run_row_stride,
      .col_stride = view.run_col_stride,
      .weights = r->weights + view.unrolled_origin * g->oc,
      .weights_row = view.unrolled_row_stride * g->oc,
      .dst = r->dst + dst,
      .dst_stride = g->dst.col,
      .epilogue = &epilogue,
  };
  r->problem->kernels->depthwise(&kernel);
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *unused) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  (void)unused;
  for (size_t unit = begin; unit < end; unit++) {
    const size_t n = unit / g->h.out, y = unit % g->h.out;
    const unfurl_axis_segment ys = unfurl_axis_segment_at(&g->h, y, y + 1);
    for (size_t x = 0; x < g->w.out;) {
      const unfurl_axis_segment xs = unfurl_axis_segment_at(&g->w, x, g->w.out);
      run_part(r, n, &ys, &xs);
      x = xs.end;
    }
  }
}

const unfurl_conv_solver unfurl_solve_depthwise = {
    .name = "depthwise",
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = packed_floats,
    .pack = pack,
    .units = units,
    .workspace = workspace,
    .run = run,
};
