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
#include "base/stream.h"
#include "conv/solver.h"
#include "lowering/pack_weights.h"
#include "shape/patch_view.h"

enum {
  BAND_SHARE = 4,     /* of L2, for the input of a band, which all blocks read: one in so many bytes */
  BANDS_A_THREAD = 2, /* of an image, where there are threads */
  BROUGHT_L2S = 4     /* times L2: a batch's input that is brought band by band; a smaller one comes fast enough */
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
  const unfurl_panels panels = unfurl_panels_of(&whole, c.cols, c.cols);
  unfurl_pack_panels(&whole, layout, &panels, weights, packed);
  if (last.ocg == 0) return;
  weights += whole.groups * c.filters * whole.patch;
  const unfurl_panels last_panel = unfurl_panels_of(&last, c.cols, c.cols);
  unfurl_pack_panels(&last, layout, &last_panel, weights, packed + whole.groups * whole.patch * c.cols);
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

/* Whether results go past the caches: where all that a block writes of a pixel are whole cache lines. */
static bool streams(const unfurl_conv_run *r, const grouped_cut *c) {
  const size_t line = UNFURL_ALIGN / sizeof(float);
  return r->streams && c->filters % line == 0;
}

/* A unit: output rows of image n, for one block. */
typedef struct grouped_unit {
  size_t n, block, rows[2];
} grouped_unit;

static grouped_unit unit_of(const unfurl_conv_geometry *g, const grouped_cut *c, size_t unit) {
  const size_t band = unit / c->blocks % c->bands;
  return (grouped_unit){
      .n = unit / c->blocks / c->bands,
      .block = unit % c->blocks,
      .rows = {unfurl_part_begin(g->h.out, c->bands, band), unfurl_part_begin(g->h.out, c->bands, band + 1)}};
}

/* What is brought during unit `unit`: a block's share of what the next band's blocks read and write, if the task has any. */
static unfurl_coming coming_after(const unfurl_conv_run *r, const grouped_cut *c, size_t unit, size_t end) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t block = unit % c->blocks, next_unit = unit - block + c->blocks;
  const bool is_large = g->batch * g->in_pixels * g->ic >= BROUGHT_L2S * (r->problem->l2_bytes / sizeof(float));
  if (next_unit >= end || !is_large) return (unfurl_coming){0};
  const grouped_unit next = unit_of(g, c, next_unit);
  size_t first;
  const size_t rows = unfurl_axis_band(&g->h, next.rows[0], next.rows[1], &first).in;
  const unfurl_piece read = {next.n * g->src.image + first * g->src.row, rows * g->src.row};
  const unfurl_piece written = {next.n * g->dst.image + next.rows[0] * g->dst.row,
                                (next.rows[1] - next.rows[0]) * g->dst.row};
  const unfurl_piece src = unfurl_piece_part(read, c->blocks, block);
  const unfurl_piece dst = unfurl_piece_part(written, c->blocks, block);
  return (unfurl_coming){r->src + src.first, r->dst + dst.first, src.floats, streams(r, c) ? 0 : dst.floats};
}

/* The rectangle's share of what is brought with its unit. */
static unfurl_coming share_of(const unfurl_coming *coming, const unfurl_conv_geometry *g, const grouped_unit *unit,
                              const unfurl_axis_segment *ys, const unfurl_axis_segment *xs) {
  if (coming->src_floats == 0) return *coming;
  const size_t all = (unit->rows[1] - unit->rows[0]) * g->w.out, pixels = ys->count * xs->count;
  const size_t before = (ys->begin - unit->rows[0]) * g->w.out + ys->count * xs->begin;
  const size_t src = coming->src_floats * before / all, dst = coming->dst_floats * before / all;
  return (unfurl_coming){coming->src + src, coming->dst + dst, coming->src_floats * pixels / all,
                         coming->dst_floats * pixels / all};
}

/* The output pixels of a unit that are ys x xs. */
static void run_region(const unfurl_conv_run *r, const grouped_cut *c, const int32_t *from, const grouped_unit *unit,
                       const unfurl_axis_segment *ys, const unfurl_axis_segment *xs, const unfurl_coming *coming) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t filter = unit->block * c->filters, channel = unit->block * c->channels;
  const size_t dst = unit->n * g->dst.image + ys->begin * g->dst.row + xs->begin * g->dst.col + filter;
  const unfurl_patch_view view = unfurl_patch_view_of(g, 0, ys, xs);
  unfurl_epilogue epilogue = r->epilogue;
  if (epilogue.bias) epilogue.bias += filter;
  if (epilogue.residual) epilogue.residual += dst;
  const unfurl_grouped kernel = {
      .src = r->src + unit->n * g->src.image + view.origin + channel,
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
      .weights = r->weights + (unit->block * g->patch + view.unrolled_origin) * c->cols,
      .weights_row = view.unrolled_row_stride * c->cols,
      .cols = c->cols,
      .dst = r->dst + dst,
      .dst_line = g->dst.row,
      .dst_stride = g->dst.col,
      .streams = streams(r, c),
      .coming = share_of(coming, g, unit, ys, xs),
      .epilogue = &epilogue,
  };
  r->problem->kernels->grouped(&kernel);
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *workspace) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const grouped_cut c = cut_of(r->problem);
  int32_t *from = (int32_t *)(void *)workspace;
  list_channels(r->problem, &c, from);
  for (size_t i = begin; i < end; i++) {
    const grouped_unit unit = unit_of(g, &c, i);
    const unfurl_coming coming = coming_after(r, &c, i, end);
    for (size_t y = unit.rows[0]; y < unit.rows[1];) {
      const unfurl_axis_segment ys = unfurl_axis_segment_at(&g->h, y, unit.rows[1]);
      for (size_t x = 0; x < g->w.out;) {
        const unfurl_axis_segment xs = unfurl_axis_segment_at(&g->w, x, g->w.out);
        run_region(r, &c, from, &unit, &ys, &xs, &coming);
        x += xs.count;
      }
      y += ys.count;
    }
  }
  if (r->streams) unfurl_stream_end();
}

const unfurl_conv_solver unfurl_solve_grouped = {
    .name = "grouped",
    .all_groups = true,
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = packed_floats,
    .pack = pack,
    .units = units,
    .workspace = workspace,
    .run = run,
};
