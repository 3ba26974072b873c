/* SPDX-License-Identifier: BSD-2-Clause */
/* depthwise: as many groups as channels. There is no product to make: each channel has its own small filters, and vectors
 * run over channels.
 *
 * Weights are packed as [kh][kw][oc], oc filled up to whole vectors. A unit is one row of output pixels of one image; a
 * task's rows of an image are one call of the kernel for each strip of channels. With a multiplier (several filters a
 * channel), the input rows of a unit are first spread in the workspace, each channel as often as it has filters:
 * [rows][iw][oc].
 */
#include "base/memory.h"
#include "conv/solver.h"
#include "shape/patch_view.h"

enum {
  SPREAD_LIMIT = 4 << 20, /* bytes of spread rows */
  NEIGHBOURS = 8,         /* pixels of a line that the kernel does together, about */
  STRIP_BYTES = 36 << 10, /* of what these and those a line below read: most of L1 */
  BAND_ROWS = 12,         /* of output */
  STRIP_STEP = 16         /* channels: the longest vector */
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

/* Vectors that are not full take as long as full ones; spreading an element takes about as long as 34 multiply-adds. */
static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t lanes = p->kernels->lanes, filled = (g->oc + lanes - 1) / lanes * lanes;
  const double spread = g->ocg == 1 ? 0 : 34 * (double)g->h.taps * (double)g->w.in * (double)g->oc;
  return (double)g->batch * (double)g->h.out * ((double)g->w.out * (double)g->patch * (double)filled + spread);
}

/* Floats from one tap's weights to the next one's. */
static size_t tap_floats(const unfurl_conv_geometry *g) {
  return (g->oc + STRIP_STEP - 1) / STRIP_STEP * STRIP_STEP;
}

static size_t packed_floats(const unfurl_conv_problem *p) {
  return unfurl_size_product(2, (const size_t[]){p->geometry.patch, tap_floats(&p->geometry)});
}

/* From [oc][kh][kw]; with one channel a group, both layouts are that. */
static void pack(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t filled = tap_floats(g);
  (void)layout;
  for (size_t tap = 0; tap < g->patch; tap++)
    for (size_t c = 0; c < filled; c++) packed[tap * filled + c] = c < g->oc ? weights[c * g->patch + tap] : 0;
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

/* Channels that are done at once: as many as stay in L1 from one line to the next, in strips as even as they can be. */
static size_t strip_channels(const unfurl_conv_geometry *g) {
  const size_t wide = (NEIGHBOURS - 1) * g->w.stride + (g->w.taps - 1) * g->w.dilation + 1;
  const size_t inputs = unfurl_smaller(g->h.taps + g->h.stride, g->h.in) * unfurl_smaller(wide, g->w.in);
  const size_t fitting = STRIP_BYTES / sizeof(float) / (inputs + g->patch) / STRIP_STEP * STRIP_STEP;
  const size_t strips = fitting == 0 ? tap_floats(g) / STRIP_STEP : (g->oc + fitting - 1) / fitting;
  return ((g->oc + strips - 1) / strips + STRIP_STEP - 1) / STRIP_STEP * STRIP_STEP;
}

/* Output rows that are done before the next strip and the next column of pixels: all; but an image that L2 does not hold
 * is read in the order of memory, nearly. */
static size_t band_rows(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const bool fits = (g->in_pixels + g->out_pixels) * g->oc <= p->l2_bytes / sizeof(float);
  return fits ? g->h.out : BAND_ROWS;
}

static unfurl_depthwise_axis axis_from(const unfurl_conv_axis *axis, size_t first) {
  return (unfurl_depthwise_axis){.in = axis->in,
                                 .taps = axis->taps,
                                 .step = axis->stride,
                                 .dilation = axis->dilation,
                                 .first = (ptrdiff_t)(first * axis->stride) - (ptrdiff_t)axis->pad};
}

/* Output rows first..end-1 of image n, strip by strip. */
static void run_rows(const unfurl_conv_run *r, size_t n, size_t first, size_t end) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t strip = strip_channels(g), dst = n * g->dst.image + first * g->dst.row;
  for (size_t c = 0; c < g->oc; c += strip) {
    unfurl_epilogue epilogue = r->epilogue;
    if (epilogue.bias) epilogue.bias += c;
    if (epilogue.residual) epilogue.residual += dst + c;
    const unfurl_depthwise kernel = {.src = r->src + n * g->src.image + c,
                                     .lines = end - first,
                                     .pixels = g->w.out,
                                     .channels = g->oc - c < strip ? g->oc - c : strip,
                                     .rows = axis_from(&g->h, first),
                                     .cols = axis_from(&g->w, 0),
                                     .src_row = g->src.row,
                                     .src_col = g->src.col,
                                     .weights = r->weights + c,
                                     .weights_tap = tap_floats(g),
                                     .dst = r->dst + dst + c,
                                     .dst_line = g->dst.row,
                                     .dst_stride = g->dst.col,
                                     .epilogue = &epilogue};
    r->problem->kernels->depthwise(&kernel);
  }
}

/* Output row y of image n from its spread rows, which are all the rows that there are. */
static void run_spread(const unfurl_conv_run *r, size_t n, size_t y, float *spread) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const unfurl_axis_segment ys = unfurl_axis_segment_at(&g->h, y, y + 1);
  const size_t dst = n * g->dst.image + y * g->dst.row;
  unfurl_epilogue epilogue = r->epilogue;
  if (epilogue.residual) epilogue.residual += dst;
  spread_rows(g, r->src + n * g->src.image, &ys, spread);
  const unfurl_depthwise kernel = {
      .src = spread,
      .lines = 1,
      .pixels = g->w.out,
      .channels = g->oc,
      .rows = {.in = ys.tap_count, .taps = g->h.taps, .dilation = 1, .first = -(ptrdiff_t)ys.tap_begin},
      .cols = axis_from(&g->w, 0),
      .src_row = g->w.in * g->oc,
      .src_col = g->oc,
      .weights = r->weights,
      .weights_tap = tap_floats(g),
      .dst = r->dst + dst,
      .dst_line = g->dst.row,
      .dst_stride = g->dst.col,
      .epilogue = &epilogue};
  r->problem->kernels->depthwise(&kernel);
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *spread) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t rows = g->h.out, band = band_rows(r->problem);
  while (begin < end) {
    const size_t n = begin / rows, first = begin % rows;
    const size_t last = end - begin < rows - first ? first + (end - begin) : rows;
    for (size_t y = first; g->ocg == 1 && y < last; y += band) run_rows(r, n, y, unfurl_smaller(y + band, last));
    for (size_t y = first; g->ocg > 1 && y < last; y++) run_spread(r, n, y, spread);
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
