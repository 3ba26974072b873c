/* SPDX-License-Identifier: BSD-2-Clause */
/* planar: few filters a group (the lecture's six, a picture's three). Vectors over filters would stay half empty, so they
 * run over pixels instead.
 *
 * A unit is a band of output rows of one image and group. Its input is split into planes of channels, with the padding:
 * [channels][rows][width]. Stride is 1, so in these planes the output pixels of all rows follow on each other, with
 * taps - 1 between the rows that are computed and thrown away. The result is made as planes too, and put in its place:
 * copied to NCHW, woven to NHWC.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "conv/planes.h"
#include "conv/solver.h"

enum {
  MANY_UNITS = 4, /* of a thread, which then need not be as many as another's */
  SPLIT = 6,      /* multiply-adds, */
  ROW = 40,       /* and vectors of them: see cost */
  L1_BYTES = 32 << 10
};

/* How a convolution is cut. */
typedef struct planar_cut {
  size_t width, extra; /* of a padded row; its columns that are no output */
  size_t overlap;      /* input rows of a band beyond its output rows */
  size_t bands, rows;  /* of an image; output rows of a band, at most */
  size_t src_plane, dst_plane;
} planar_cut;

static size_t reach(const unfurl_conv_axis *axis) {
  return (axis->taps - 1) * axis->dilation;
}

static planar_cut cut_of(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  planar_cut c = {.extra = reach(&g->w), .overlap = reach(&g->h)};
  c.width = g->w.out + c.extra;
  const size_t row_bytes = c.width * (g->icg + g->ocg) * sizeof(float), fitting = p->l2_bytes / 2 / row_bytes;
  size_t rows = fitting > 2 * c.overlap ? fitting - c.overlap : c.overlap > 0 ? c.overlap : 1;
  if (rows > g->h.out) rows = g->h.out;
  c.bands = (g->h.out + rows - 1) / rows;
  const size_t whole = g->batch * g->groups;
  if (whole * c.bands < MANY_UNITS * p->threads)
    c.bands = unfurl_divide_up(unfurl_round_up(whole * c.bands, p->threads), whole);
  if (c.bands > g->h.out) c.bands = g->h.out;
  c.rows = (g->h.out + c.bands - 1) / c.bands;
  c.src_plane = (c.rows + c.overlap) * c.width;
  c.dst_plane = c.rows * c.width + UNFURL_PLANAR_SPARE;
  return c;
}

static bool is_applicable(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t most = (size_t)1 << 20; /* taps and padding beyond any network's are left to others */
  if (g->transposed || g->h.stride != 1 || g->w.stride != 1 || g->ocg > UNFURL_PLANAR_FILTERS) return false;
  if (reach(&g->h) >= most || reach(&g->w) >= most || g->w.out >= most || g->icg >= most) return false;
  const size_t row = g->w.out + reach(&g->w);
  return (reach(&g->h) + 1) * row <= most / (g->icg + g->ocg);
}

/* In multiply-adds: splitting an element into planes, or weaving one, takes as long as SPLIT, or as three quarters of a
 * vector, and twice that if it is a group's; beginning a row as ROW vectors; loading an element from a plane as one, or as two
 * where the planes of a chunk of pixels fill L1. Measured on AVX-512 and AVX2. */
static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const planar_cut c = cut_of(p);
  const double pixels = (double)g->h.out * (double)c.width, images = (double)g->batch * (double)g->groups;
  const double lanes = (double)p->kernels->lanes, chunk = 16 * lanes / (double)g->ocg, patch = (double)g->patch;
  const double filled = fmin(1, (double)g->icg * fmin(chunk, pixels) * sizeof(float) / L1_BYTES);
  const double rows = (double)(2 * g->h.out + c.overlap), split = fmax(SPLIT, lanes * 3 / 4) * (g->groups > 1 ? 2 : 1);
  return images * ((pixels + chunk) * (double)g->ocg * patch + pixels * patch * (1 + filled) +
                   pixels * split * (double)(g->icg + g->ocg) + rows * ROW * lanes);
}

static size_t packed_floats(const unfurl_conv_problem *p) {
  return p->geometry.weights;
}

/* [group][kh][kw][icg][ocg] */
static void pack(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t taps = g->h.taps * g->w.taps;
  for (size_t group = 0; group < g->groups; group++)
    for (size_t tap = 0; tap < taps; tap++)
      for (size_t c = 0; c < g->icg; c++)
        for (size_t f = 0; f < g->ocg; f++) {
          const float *filter = weights + (group * g->ocg + f) * g->patch;
          *packed++ = layout == UNFURL_OHWI ? filter[tap * g->icg + c] : filter[c * taps + tap];
        }
}

static size_t units(const unfurl_conv_problem *p) {
  return p->geometry.batch * p->geometry.groups * cut_of(p).bands;
}

/* Planes of the input, then of the result. */
static size_t src_floats(const unfurl_conv_geometry *g, const planar_cut *c) {
  return unfurl_size_align((g->icg * c->src_plane + UNFURL_PLANAR_SPARE) * sizeof(float)) / sizeof(float);
}

static size_t workspace(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const planar_cut c = cut_of(p);
  return (src_floats(g, &c) + g->ocg * c.dst_plane) * sizeof(float);
}

/* A unit: output rows rows[0]..rows[1]-1 of an image and group. */
typedef struct band {
  size_t image, group, rows[2];
} band;

/* One input row of the group (NULL: a row of padding) into the planes; `to` is its place in the first. */
static void split_row(const unfurl_conv_geometry *g, const planar_cut *c, const float *row, float *to) {
  const size_t first = g->w.pad < c->width ? g->w.pad : c->width, room = c->width - first;
  const size_t inside = row ? (g->w.in < room ? g->w.in : room) : 0;
  for (size_t channel = 0; channel < g->icg; channel++) {
    float *plane = to + channel * c->src_plane;
    memset(plane, 0, first * sizeof *plane);
    if (g->src.col == 1 && inside > 0) memcpy(plane + first, row + channel * g->src.channel, inside * sizeof *plane);
    memset(plane + first + inside, 0, (room - inside) * sizeof *plane);
  }
  if (g->src.col != 1 && inside > 0) unfurl_planes_split(row, g->src.col, g->icg, inside, to + first, c->src_plane);
}

static void split(const unfurl_conv_run *r, const planar_cut *c, const band *b, float *planes) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const float *image = r->src + b->image * g->src.image + b->group * g->icg * g->src.channel;
  for (size_t i = 0; i < b->rows[1] - b->rows[0] + c->overlap; i++) {
    const size_t y = b->rows[0] + i; /* counted from the padding's first row */
    const bool inside = y >= g->h.pad && y - g->h.pad < g->h.in;
    split_row(g, c, inside ? image + (y - g->h.pad) * g->src.row : NULL, planes + i * c->width);
  }
}

/* What the kernel reads behind the rows of a band, for results that nobody needs. */
static void clear_spare(const unfurl_conv_geometry *g, const planar_cut *c, const band *b, float *planes) {
  const size_t used = (b->rows[1] - b->rows[0] + c->overlap) * c->width;
  for (size_t channel = 0; channel < g->icg; channel++)
    memset(planes + channel * c->src_plane + used, 0, (c->src_plane - used) * sizeof *planes);
  memset(planes + g->icg * c->src_plane, 0, UNFURL_PLANAR_SPARE * sizeof *planes);
}

/* `count` neighbours in NCHW, `at` floats from dst and residual. */
static void place_line(size_t count, const float *from, const float *residual, size_t at, float *dst) {
  if (residual)
    for (size_t x = 0; x < count; x++) dst[at + x] = from[x] + residual[at + x];
  else
    memcpy(dst + at, from, count * sizeof *dst);
}

/* One output row from the planes to its place, and what is left of the epilogue. */
static void place_row(const unfurl_conv_geometry *g, const unfurl_kernels *kernels, const planar_cut *c,
                      const unfurl_epilogue *left, const float *from, float *dst) {
  if (g->dst.col == 1)
    for (size_t f = 0; f < g->ocg; f++, from += c->dst_plane)
      place_line(g->w.out, from, left->residual, f * g->dst.channel, dst);
  else
    unfurl_planes_weave(from, c->dst_plane, g->ocg, g->w.out, left->residual, dst, g->dst.col);
  if (!left->activation) return;
  const size_t rows = g->dst.channel == 1 ? g->w.out : g->ocg, count = g->dst.channel == 1 ? g->ocg : g->w.out;
  for (size_t i = 0; i < rows; i++, dst += g->dst.channel == 1 ? g->dst.col : g->dst.channel)
    unfurl_activate(kernels, left->activation, left->alpha, left->beta, count, dst, dst);
}

static void run_band(const unfurl_conv_run *r, const planar_cut *c, const band *b, float *src, float *dst) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t rows = b->rows[1] - b->rows[0], filter = b->group * g->ocg;
  const bool in_kernel = !r->epilogue.residual && r->epilogue.activation <= UNFURL_ACTIVATION_CLIP;
  unfurl_epilogue first = r->epilogue, left = r->epilogue;
  if (first.bias) first.bias += filter;
  if (in_kernel)
    left.activation = UNFURL_ACTIVATION_NONE;
  else
    first.activation = UNFURL_ACTIVATION_NONE;
  const unfurl_planar planar = {.src = src,
                                .pixels = rows * c->width - c->extra,
                                .channels = g->icg,
                                .filters = g->ocg,
                                .row_taps = g->h.taps,
                                .col_taps = g->w.taps,
                                .channel_stride = c->src_plane,
                                .row_stride = g->h.dilation * c->width,
                                .col_stride = g->w.dilation,
                                .weights = r->weights + filter * g->patch,
                                .dst = dst,
                                .dst_stride = c->dst_plane,
                                .epilogue = &first};
  r->problem->kernels->planar(&planar);
  for (size_t i = 0; i < rows; i++) {
    const size_t at = b->image * g->dst.image + (b->rows[0] + i) * g->dst.row + filter * g->dst.channel;
    unfurl_epilogue here = left;
    if (here.residual) here.residual += at;
    place_row(g, r->problem->kernels, c, &here, dst + i * c->width, r->dst + at);
  }
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *workspace) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const planar_cut c = cut_of(r->problem);
  float *dst = workspace + src_floats(g, &c);
  for (size_t unit = begin; unit < end; unit++) {
    const size_t at = unit % c.bands, outer = unit / c.bands;
    const band b = {.image = outer / g->groups,
                    .group = outer % g->groups,
                    .rows = {unfurl_part_begin(g->h.out, c.bands, at), unfurl_part_begin(g->h.out, c.bands, at + 1)}};
    split(r, &c, &b, workspace);
    clear_spare(g, &c, &b, workspace);
    run_band(r, &c, &b, workspace, dst);
  }
}

const unfurl_conv_solver unfurl_solve_planar = {
    .name = "planar",
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = packed_floats,
    .pack = pack,
    .units = units,
    .workspace = workspace,
    .run = run,
};
