/* SPDX-License-Identifier: BSD-2-Clause */
/* depthwise: as many groups as channels. There is no product to make: each channel has its own small filters, and vectors
 * run over channels.
 *
 * Weights are packed as [kh][kw][oc]. A unit is one row of output pixels of one image; in a task's rows, the pixels whose
 * chunks have the same taps inside the image are one call of the kernel, so that nothing is multiplied by padding. With a
 * multiplier (several filters a channel), the input rows of a unit are first spread in the workspace, each channel as
 * often as it has filters: [rows][iw][oc].
 */
#include "base/memory.h"
#include "conv/solver.h"
#include "shape/patch_view.h"

enum {
  SPREAD_LIMIT = 4 << 20, /* bytes of spread rows */
  STRIP_BYTES = 36 << 10, /* of the input rows that two output rows read: nearly all of L1 */
  STRIP_STEP = 64,        /* channels */
  LEAST_STRIP = 192       /* of fewer, starting each region costs more than is saved */
};

/* Floats of the input rows of one unit, spread; 0 where they are read in place. */
static size_t spread_floats(const unfurl_conv_geometry *g) {
  return g->ocg == 1 ? 0 : unfurl_size_product(3, (const size_t[]){g->h.taps, g->w.in, g->oc});
}

static bool is_applicable(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return !g->transposed && g->icg == 1 && g->groups > 1 && g->src.channel == 1 && g->dst.channel == 1 &&
         spread_floats(g) <= SPREAD_LIMIT / sizeof(float);
}

/* Spreading an element takes about as long as 34 multiply-adds. */
static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const double spread = g->ocg == 1 ? 0 : 34 * (double)g->h.taps * (double)g->w.in;
  return (double)g->batch * (double)g->h.out * (double)g->oc * ((double)g->w.out * (double)g->patch + spread);
}

static size_t packed_floats(const unfurl_conv_problem *p) {
  return p->geometry.weights;
}

/* From [oc][kh][kw]; with one channel a group, both layouts are that. */
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
  return unfurl_size_product(2, (const size_t[]){spread_floats(&p->geometry), sizeof(float)});
}

/* The input rows that the taps of a segment read, one behind the other, each channel ocg times. */
static void spread_rows(const unfurl_conv_geometry *g, const float *image, const unfurl_axis_segment *ys, float *to) {
  for (size_t tap = 0; tap < ys->tap_count; tap++) {
    const float *row = image + (ys->input + tap * g->h.dilation) * g->src.row;
    for (size_t i = 0; i < g->w.in * g->ic; i++)
      for (size_t j = 0; j < g->ocg; j++) *to++ = row[i];
  }
}

/* The view of the same part in the spread rows. */
static void view_spread(const unfurl_conv_geometry *g, unfurl_patch_view *view) {
  const size_t ih = view->origin / g->src.row; /* the first tap's row, which is the first that was spread */
  view->origin = (view->origin - ih * g->src.row) * g->ocg;
  view->pixel_stride *= g->ocg;
  view->run_col_stride *= (ptrdiff_t)g->ocg;
  view->run_row_stride = (ptrdiff_t)(g->w.in * g->oc);
}

/* Channels that are done at once: all; of small maps a strip of them, which then stays in L1 while pixels share it. */
static size_t strip_channels(const unfurl_conv_geometry *g) {
  const size_t pixels = (g->h.taps + g->h.stride) * g->w.in;
  const size_t fitting = STRIP_BYTES / sizeof(float) / pixels / STRIP_STEP * STRIP_STEP;
  return g->ocg > 1 || fitting < LEAST_STRIP || fitting > g->oc ? g->oc : fitting;
}

/* Part of a region: the channels of `strip`. */
static void run_region(const unfurl_conv_run *r, const float *image, size_t n, const unfurl_patch_view *view,
                       size_t dst_at, const size_t strip[2]) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t dst = n * g->dst.image + dst_at + strip[0];
  unfurl_epilogue epilogue = r->epilogue;
  if (epilogue.bias) epilogue.bias += strip[0];
  if (epilogue.residual) epilogue.residual += dst;
  const unfurl_depthwise kernel = {
      .src = image + view->origin + strip[0],
      .lines = view->lines,
      .pixels = view->pixels,
      .channels = strip[1] - strip[0],
      .row_taps = view->run_rows,
      .col_taps = view->run_cols,
      .line_stride = view->line_stride,
      .pixel_stride = view->pixel_stride,
      .row_stride = (size_t)view->run_row_stride,
      .col_stride = (size_t)view->run_col_stride,
      .weights = r->weights + view->unrolled_origin * g->oc + strip[0],
      .weights_row = view->unrolled_row_stride * g->oc,
      .weights_col = g->oc,
      .dst = r->dst + dst,
      .dst_line = g->dst.row,
      .dst_stride = g->dst.col,
      .epilogue = &epilogue,
  };
  r->problem->kernels->depthwise(&kernel);
}

/* Output rows first..end-1 of image n, channels of the strip, region by region. */
static void run_rows(const unfurl_conv_run *r, size_t n, size_t first, size_t end, const size_t strip[2],
                     float *spread) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const float *image = r->src + n * g->src.image;
  for (size_t y = first; y < end;) {
    const unfurl_axis_segment ys = unfurl_axis_segment_at(&g->h, y, g->ocg > 1 ? y + 1 : end);
    if (g->ocg > 1) spread_rows(g, image, &ys, spread);
    for (size_t x = 0; x < g->w.out;) {
      const unfurl_axis_segment xs = unfurl_axis_segment_at(&g->w, x, g->w.out);
      unfurl_patch_view view = unfurl_patch_view_of(g, 0, &ys, &xs);
      if (g->ocg > 1) view_spread(g, &view);
      run_region(r, g->ocg > 1 ? spread : image, n, &view, y * g->dst.row + x * g->dst.col, strip);
      x += xs.count;
    }
    y += ys.count;
  }
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *spread) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t rows = g->h.out, channels = strip_channels(g);
  while (begin < end) {
    const size_t n = begin / rows, first = begin % rows;
    const size_t last = end - begin < rows - first ? first + (end - begin) : rows;
    for (size_t c = 0; c < g->oc; c += channels)
      run_rows(r, n, first, last, (const size_t[]){c, c + channels < g->oc ? c + channels : g->oc}, spread);
    begin += last - first;
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
