/* SPDX-License-Identifier: BSD-2-Clause */
/* grouped: groups of so few channels and filters that one would leave most of a vector empty. Several groups share a vector,
 * whose lanes each multiply the channels of their own group (gemm/grouped.h).
 *
 * A block is the groups of one vector, or of two that they fill; weights are packed as [block][kh][kw][icg][cols]. A unit is
 * a band of output rows of one image, for one block; it is done region by region: the pixels whose chunks have the same
 * taps inside the image.
 */
#include "base/memory.h"
#include "base/parallel.h"
#include "conv/solver.h"
#include "lowering/pack_weights.h"
#include "shape/patch_view.h"

enum {
  BAND_SHARE = 4,    /* of L2, for the input of a band, which all blocks read: one in so many bytes */
  BANDS_A_THREAD = 2 /* of an image, where there are threads */
};

typedef struct grouped_cut {
  size_t vec_channels, cols;        /* channels of one vector; columns of a block's weights */
  size_t filters, channels, blocks; /* of a block, but the last may have fewer; blocks that have all groups */
  size_t bands;                     /* of an image */
} grouped_cut;

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

static grouped_cut cut_of(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t lanes = p->kernels->lanes, a_vector = lanes / larger(g->icg, g->ocg);
  const size_t vecs = a_vector * g->ocg == lanes && g->oc > lanes ? UNFURL_GROUPED_VECS : 1, groups = vecs * a_vector;
  const size_t image = g->in_pixels * g->ic, fitting = p->l2_bytes / BAND_SHARE / sizeof(float);
  const size_t bands = larger(image / larger(fitting, 1), p->threads > 1 ? BANDS_A_THREAD * p->threads : 1);
  return (grouped_cut){.vec_channels = a_vector * g->icg,
                       .cols = vecs * lanes,
                       .filters = groups * g->ocg,
                       .channels = groups * g->icg,
                       .blocks = (g->groups + groups - 1) / groups,
                       .bands = bands < g->h.out ? bands : g->h.out};
}

static bool is_applicable(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t width = larger(g->icg, g->ocg);
  return !g->transposed && g->groups > 1 && width > 1 && 2 * width <= p->kernels->lanes && g->src.channel == 1 &&
         g->dst.channel == 1;
}

/* Lanes are full, but bringing channels to them takes about as long as half the multiply-adds. */
static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const grouped_cut c = cut_of(p);
  return (double)g->batch * (double)g->out_pixels * (double)(c.blocks * c.cols) * (1.5 * (double)g->patch + 4);
}

static size_t packed_floats(const unfurl_conv_problem *p) {
  const grouped_cut c = cut_of(p);
  return unfurl_size_product(3, (const size_t[]){c.blocks, p->geometry.patch, c.cols});
}

/* A panel for each block. */
static void pack(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {
  const grouped_cut c = cut_of(p);
  unfurl_conv_geometry whole = p->geometry, last = p->geometry;
  whole.ocg = c.filters, whole.groups = whole.oc / c.filters;
  last.ocg = last.oc % c.filters, last.groups = 1;
  unfurl_pack_panels(&whole, layout, c.cols, weights, packed);
  if (last.ocg == 0) return;
  weights += whole.groups * c.filters * whole.patch;
  unfurl_pack_panels(&last, layout, c.cols, weights, packed + whole.groups * whole.patch * c.cols);
}

static size_t units(const unfurl_conv_problem *p) {
  const grouped_cut c = cut_of(p);
  return p->geometry.batch * c.bands * c.blocks;
}

/* The list of channels, [icg][lanes]. */
static size_t workspace(const unfurl_conv_problem *p) {
  return p->geometry.icg * p->kernels->lanes * sizeof(int32_t);
}

static void list_channels(const unfurl_conv_problem *p, const grouped_cut *c, int32_t *from) {
  const unfurl_conv_geometry *g = &p->geometry;
  for (size_t j = 0; j < g->icg; j++)
    for (size_t lane = 0; lane < p->kernels->lanes; lane++)
      *from++ = lane < c->filters ? (int32_t)(lane / g->ocg * g->icg + j) : 0; /* the same for both vectors */
}

/* A rectangle of output pixels of image n, from (y, x) on, for one block. */
static void run_region(const unfurl_conv_run *r, const grouped_cut *c, const int32_t *from, size_t block, size_t n,
                       const unfurl_axis_segment *ys, size_t y, const unfurl_axis_segment *xs, size_t x) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t filter = block * c->filters, channel = block * c->channels;
  const size_t dst = n * g->dst.image + y * g->dst.row + x * g->dst.col + filter;
  const unfurl_patch_view view = unfurl_patch_view_of(g, 0, ys, xs);
  unfurl_epilogue epilogue = r->epilogue;
  if (epilogue.bias) epilogue.bias += filter;
  if (epilogue.residual) epilogue.residual += dst;
  const unfurl_grouped kernel = {
      .src = r->src + n * g->src.image + view.origin + channel,
      .channels = g->ic - channel < c->channels ? g->ic - channel : c->channels,
      .filters = g->oc - filter < c->filters ? g->oc - filter : c->filters,
      .vec_channels = c->vec_channels,
      .lines = view.lines,
      .pixels = view.pixels,
      .row_taps = view.run_rows,
      .col_taps = view.run_cols,
      .elements = g->icg,
      .line_stride = view.line_stride,
      .pixel_stride = view.pixel_stride,
      .row_stride = (size_t)view.run_row_stride,
      .col_stride = (size_t)view.run_col_stride,
      .from = from,
      .weights = r->weights + (block * g->patch + view.unrolled_origin) * c->cols,
      .weights_row = view.unrolled_row_stride * c->cols,
      .cols = c->cols,
      .dst = r->dst + dst,
      .dst_line = g->dst.row,
      .dst_stride = g->dst.col,
      .epilogue = &epilogue,
  };
  r->problem->kernels->grouped(&kernel);
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *workspace) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const grouped_cut c = cut_of(r->problem);
  int32_t *from = (int32_t *)(void *)workspace;
  list_channels(r->problem, &c, from);
  for (size_t unit = begin; unit < end; unit++) {
    const size_t block = unit % c.blocks, band = unit / c.blocks % c.bands, n = unit / c.blocks / c.bands;
    const size_t last = unfurl_part_begin(g->h.out, c.bands, band + 1);
    for (size_t y = unfurl_part_begin(g->h.out, c.bands, band); y < last;) {
      const unfurl_axis_segment ys = unfurl_axis_segment_at(&g->h, y, last);
      for (size_t x = 0; x < g->w.out;) {
        const unfurl_axis_segment xs = unfurl_axis_segment_at(&g->w, x, g->w.out);
        run_region(r, &c, from, block, n, &ys, y, &xs, x);
        x += xs.count;
      }
      y += ys.count;
    }
  }
}

const unfurl_conv_solver unfurl_solve_grouped = {
    .name = "grouped",
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = packed_floats,
    .pack = pack,
    .units = units,
    .workspace = workspace,
    .run = run,
};
