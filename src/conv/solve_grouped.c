/* SPDX-License-Identifier: BSD-2-Clause */
/* grouped: groups of few filters, of which several share a vector (gemm/grouped.h); or one fills most of it.
 *
 * A block is the groups of a vector. A unit is a band of output rows of one image, for one block: the block's channels of the
 * rows that the band reads are copied, in the kernel's order, with zeros to the left and right where the padding is. Kernel
 * rows that are above or below the image are left out. Weights are packed as [block][kh][kw][icg][lanes].
 */
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/stream.h"
#include "conv/solver.h"
#include "lowering/pack_weights.h"
#include "shape/patch_view.h"

enum {
  BAND_SHARE = 4,     /* of L2, for the input of a band, which all blocks read: one in so many bytes */
  BANDS_A_THREAD = 2, /* of an image, where there are threads */
  COPY_COST = 10      /* multiply-adds of a vector, for a pixel to be copied, and for one to be stored */
};

#define ALONE 1.1 /* what a single group's products count for */

typedef struct grouped_cut {
  size_t together;          /* groups of a block, but the last may have fewer */
  size_t lanes;             /* columns of a block's weights */
  size_t filters, channels; /* of a block: results of a pixel; floats of one in the copy */
  size_t blocks;            /* that have all groups */
  size_t bands;             /* of an image */
  size_t cols;              /* pixels in a row of the copy */
} grouped_cut;

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

/* A power of two; no more than there are groups, about. */
static size_t groups_of_vector(const unfurl_conv_geometry *g, size_t lanes) {
  size_t together = 1;
  while (2 * together * g->ocg <= lanes && 2 * together <= UNFURL_GROUPED_TOGETHER(lanes) && together < g->groups)
    together *= 2;
  return together;
}

static size_t band_begin(const unfurl_conv_geometry *g, const grouped_cut *c, size_t band) {
  return unfurl_part_begin(g->h.out, c->bands, band);
}

static grouped_cut cut_of(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t together = groups_of_vector(g, p->kernels->lanes);
  const size_t image = g->in_pixels * g->ic, fitting = p->l2_bytes / BAND_SHARE / sizeof(float);
  const size_t bands = larger(image / larger(fitting, 1), p->threads > 1 ? BANDS_A_THREAD * p->threads : 1);
  return (grouped_cut){.together = together,
                       .lanes = p->kernels->lanes,
                       .filters = together * g->ocg,
                       .channels = together * g->icg,
                       .blocks = unfurl_divide_up(g->groups, together),
                       .bands = unfurl_smaller(bands, g->h.out),
                       .cols = (g->w.out - 1) * g->w.stride + (g->w.taps - 1) * g->w.dilation + 1};
}

static bool is_applicable(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return !g->transposed && g->groups > 1 && larger(g->icg, g->ocg) > 1 && g->ocg <= p->kernels->lanes &&
         g->src.channel == 1 && g->dst.channel == 1;
}

/* A single group's products would be made in place otherwise, without padding, and by tiles that run across lines. */
static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const grouped_cut c = cut_of(p);
  const double vecs = (double)unfurl_divide_up(c.channels, c.lanes);
  const double copied = (double)c.cols * (double)g->h.in * vecs * COPY_COST;
  const double stored = (double)g->out_pixels * COPY_COST;
  const double products = (double)g->out_pixels * (double)g->patch * (c.together == 1 ? ALONE : 1);
  return (double)g->batch * (double)c.blocks * (double)c.lanes * (products + copied + stored);
}

static size_t packed_floats(const unfurl_conv_problem *p) {
  const grouped_cut c = cut_of(p);
  return unfurl_size_product(3, (const size_t[]){c.blocks, p->geometry.patch, c.lanes});
}

/* The lane of each filter of a block. */
static void list_lanes(const unfurl_conv_problem *p, const grouped_cut *c, int32_t *lanes) {
  const size_t ocg = p->geometry.ocg;
  for (size_t i = 0; i < c->lanes; i++) lanes[i] = i < c->filters ? (int32_t)(i % ocg * c->together + i / ocg) : 0;
}

/* The channel of each lane of a pixel in the copy. */
static void list_channels(const unfurl_conv_problem *p, const grouped_cut *c, int32_t *channels) {
  const size_t icg = p->geometry.icg;
  for (size_t i = 0; i < c->lanes; i++)
    channels[i] = i < c->channels ? (int32_t)(i % c->together * icg + i / c->together) : 0;
}

/* Panels of `blocks` blocks of groups, each with its filters in order; then these take turns. */
static void pack_blocks(const unfurl_conv_problem *p, const grouped_cut *c, unfurl_layout layout, size_t blocks,
                        size_t filters, const float *weights, float *packed) {
  unfurl_conv_geometry g = p->geometry;
  const size_t lanes = c->lanes;
  float row[UNFURL_TILE_COLS_MAX];
  int32_t lane_of[UNFURL_TILE_COLS_MAX];
  g.ocg = filters, g.groups = blocks;
  const unfurl_panels panels = unfurl_panels_of(&g, lanes, lanes);
  unfurl_pack_panels(&g, layout, &panels, weights, packed);
  list_lanes(p, c, lane_of);
  for (size_t i = 0; i < blocks * g.patch; i++, packed += lanes) {
    memset(row, 0, sizeof row);
    for (size_t j = 0; j < filters; j++) row[lane_of[j]] = packed[j];
    memcpy(packed, row, lanes * sizeof *packed);
  }
}

static void pack(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {
  const grouped_cut c = cut_of(p);
  const size_t whole = p->geometry.oc / c.filters, left = p->geometry.oc % c.filters, patch = p->geometry.patch;
  pack_blocks(p, &c, layout, whole, c.filters, weights, packed);
  if (left > 0)
    pack_blocks(p, &c, layout, 1, left, weights + whole * c.filters * patch, packed + whole * patch * c.lanes);
}

static size_t units(const unfurl_conv_problem *p) {
  const grouped_cut c = cut_of(p);
  return p->geometry.batch * c.bands * c.blocks;
}

/* Two lists, [lanes] each, and the copy. */
typedef struct scratch {
  int32_t *channels, *lanes;
  float *src;
} scratch;

/* Input rows that a band reads, at most. */
static size_t most_rows(const unfurl_conv_geometry *g, const grouped_cut *c) {
  const size_t rows = unfurl_divide_up(g->h.out, c->bands);
  return unfurl_smaller((rows - 1) * g->h.stride + (g->h.taps - 1) * g->h.dilation + 1, g->h.in);
}

/* Lays the parts out from `base` on; returns the bytes that they take, SIZE_MAX when that overflows. */
static size_t lay_out(const unfurl_conv_problem *p, const grouped_cut *c, char *base, scratch *s) {
  const size_t list = unfurl_size_align(c->lanes * sizeof(int32_t));
  size_t floats = unfurl_size_product(3, (const size_t[]){most_rows(&p->geometry, c), c->cols, c->channels});
  unfurl_size_add(&floats, c->lanes);
  size_t bytes = unfurl_size_product(2, (const size_t[]){floats, sizeof(float)});
  unfurl_size_add(&bytes, 2 * list);
  if (s) *s = (scratch){(void *)base, (void *)(base + list), (void *)(base + 2 * list)};
  return bytes;
}

static size_t workspace(const unfurl_conv_problem *p) {
  const grouped_cut c = cut_of(p);
  return lay_out(p, &c, NULL, NULL);
}

/* Whether results go past the caches: where all that a block writes of a pixel are whole cache lines. */
static bool streams(const unfurl_conv_run *r, const grouped_cut *c) {
  const size_t line = UNFURL_ALIGN / sizeof(float);
  return r->streams && c->filters % line == 0;
}

/* A unit: output rows of image n, for one block; and the input rows that they read. */
typedef struct grouped_unit {
  size_t n, block, rows[2];
  size_t first, in; /* the first input row, and how many these are */
} grouped_unit;

static grouped_unit unit_of(const unfurl_conv_geometry *g, const grouped_cut *c, size_t unit) {
  const size_t band = unit / c->blocks % c->bands;
  grouped_unit u = {.n = unit / c->blocks / c->bands,
                    .block = unit % c->blocks,
                    .rows = {band_begin(g, c, band), band_begin(g, c, band + 1)}};
  u.in = unfurl_axis_band(&g->h, u.rows[0], u.rows[1], &u.first).in;
  return u;
}

/* What is brought during a unit: what the task's next one reads. */
static unfurl_grouped_coming coming_for(const unfurl_conv_run *r, const grouped_cut *c, const grouped_unit *next) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t first = next->n * g->src.image + next->first * g->src.row + next->block * c->channels;
  return (unfurl_grouped_coming){r->src + first, next->in * g->w.in, g->src.col};
}

/* The lines' share of what is brought with their unit. */
static unfurl_grouped_coming share_of(const unfurl_grouped_coming *coming, const grouped_unit *unit,
                                      const unfurl_axis_segment *ys) {
  const size_t rows = unit->rows[1] - unit->rows[0], first = ys->begin - unit->rows[0];
  const size_t begin = coming->pixels * first / rows, end = coming->pixels * (first + ys->count) / rows;
  return (unfurl_grouped_coming){coming->src + begin * coming->step, end - begin, coming->step};
}

/* The input rows of a unit. What is written behind a pixel is written over by the next. */
static void copy_rows(const unfurl_conv_run *r, const grouped_cut *c, const grouped_unit *unit, const scratch *s) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t channel = unit->block * c->channels, left = unfurl_smaller(g->w.pad, c->cols);
  const size_t inside = unfurl_smaller(g->w.in, c->cols - left), right = c->cols - left - inside;
  unfurl_grouped_input in = {
      .src = r->src + unit->n * g->src.image + unit->first * g->src.row + channel,
      .pixels = inside,
      .pixel_stride = g->src.col,
      .channels = unfurl_smaller(g->ic - channel, c->channels),
      .elements = g->icg,
      .together = c->together,
      .order = s->channels,
      .dst = s->src,
  };
  for (size_t row = 0; row < unit->in; row++, in.src += g->src.row) {
    memset(in.dst, 0, left * c->channels * sizeof *in.dst);
    in.dst += left * c->channels;
    r->problem->kernels->grouped_input(&in);
    in.dst += inside * c->channels;
    memset(in.dst, 0, right * c->channels * sizeof *in.dst);
    in.dst += right * c->channels;
  }
}

/* The output rows of a unit that are in a segment. */
static void run_lines(const unfurl_conv_run *r, const grouped_cut *c, const grouped_unit *unit, const scratch *s,
                      const unfurl_axis_segment *ys, const unfurl_grouped_coming *coming) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t filter = unit->block * c->filters, row_floats = c->cols * c->channels;
  const size_t dst = unit->n * g->dst.image + ys->begin * g->dst.row + filter;
  const bool is_one_run = g->w.dilation == 1;
  unfurl_epilogue epilogue = r->epilogue;
  if (epilogue.bias) epilogue.bias += filter;
  if (epilogue.residual) epilogue.residual += dst;
  const unfurl_grouped kernel = {
      .src = s->src + (ys->tap_count > 0 ? (ys->input - unit->first) * row_floats : 0),
      .together = c->together,
      .lines = ys->count,
      .pixels = g->w.out,
      .line_stride = g->h.stride * row_floats,
      .pixel_stride = g->w.stride * c->channels,
      .run_rows = ys->tap_count,
      .run_cols = is_one_run ? 1 : g->w.taps,
      .run_length = is_one_run ? g->w.taps * g->icg : g->icg,
      .run_row_stride = g->h.dilation * row_floats,
      .run_col_stride = g->w.dilation * c->channels,
      .weights = r->weights + (unit->block * g->patch + ys->tap_begin * g->w.taps * g->icg) * c->lanes,
      .order = s->lanes,
      .filters = unfurl_smaller(g->oc - filter, c->filters),
      .dst = r->dst + dst,
      .dst_line = g->dst.row,
      .dst_stride = g->dst.col,
      .streams = streams(r, c),
      .coming = share_of(coming, unit, ys),
      .epilogue = &epilogue,
  };
  r->problem->kernels->grouped(&kernel);
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *workspace) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const grouped_cut c = cut_of(r->problem);
  scratch s;
  lay_out(r->problem, &c, (char *)workspace, &s);
  list_channels(r->problem, &c, s.channels);
  list_lanes(r->problem, &c, s.lanes);
  for (size_t i = begin; i < end; i++) {
    const grouped_unit unit = unit_of(g, &c, i);
    unfurl_grouped_coming coming = {0};
    if (i + 1 < end) {
      const grouped_unit next = unit_of(g, &c, i + 1);
      coming = coming_for(r, &c, &next);
    }
    copy_rows(r, &c, &unit, &s);
    for (size_t y = unit.rows[0]; y < unit.rows[1];) {
      const unfurl_axis_segment ys = unfurl_axis_segment_at(&g->h, y, unit.rows[1]);
      run_lines(r, &c, &unit, &s, &ys, &coming);
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
