/* SPDX-License-Identifier: BSD-2-Clause */
/* winograd_f4_taps: F(4x4, 3x3) with filters that are transformed while they are multiplied, in registers. Nine numbers a
 * filter and channel are read instead of 36: for few tiles, which wait for filters from memory. The bits are those of
 * winograd_f4.
 *
 * A unit is a block of tiles of one group, and some of its panels of filters. Its tiles are transformed and laid side by
 * side; each panel then goes past them, a chunk of channels at a time that stays in L1, and its sums are transformed back.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/quad.h"
#include "base/stream.h"
#include "conv/winograd_tiles.h"
#include "lowering/pack_weights.h"
#include "lowering/winograd_filters.h"

enum {
  M = 4,
  ROWS = M + 2, /* and columns of a transformed tile */
  SIDE = UNFURL_WINOGRAD_SIDE,
  TAPS = UNFURL_WINOGRAD_TAPS,
  CHUNK = 32,           /* channels whose filters stay in L1 */
  MOST_TILES = 32,      /* in a block, and */
  MOST_BYTES = 5 << 20, /* of transformed tiles in a task's workspace, */
  MOST_CHANNELS = 4096, /* so that four more of them fit */
  LANES = UNFURL_QUAD   /* that are turned together when tiles are laid side by side */
};

/* How a convolution is cut. */
typedef struct taps_cut {
  unfurl_winograd_tiles tiles; /* src_plane: of SIDE tiles before they are laid side by side */
  size_t block_tiles, blocks;  /* tiles in a block, at most: a multiple of SIDE */
  size_t panels, chunks;       /* of a group, one vector each; parts that these are cut into */
  size_t channels;             /* rounded up to what the transform writes */
} taps_cut;

typedef struct scratch {
  float *spread; /* SIDE transformed tiles, element by element */
  float *src;    /* all of the block: [tiles / SIDE][row][channel][column][SIDE] */
  float *dst;    /* sums of one panel */
  float *pixels;
} scratch;

static taps_cut cut_of(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t lanes = p->kernels->lanes, wanted = unfurl_divide_up(p->threads, g->groups);
  taps_cut c = {.tiles = unfurl_winograd_tiles_of(p, M, p->kernels), .panels = unfurl_divide_up(g->ocg, lanes)};
  c.channels = unfurl_round_up(g->icg, UNFURL_WINOGRAD_LANES);
  const size_t tile_bytes = c.tiles.elements * (c.channels + lanes) * sizeof(float);
  const size_t fitting = MOST_BYTES / tile_bytes / SIDE * SIDE, most = fitting < SIDE ? SIDE : fitting;
  c.blocks = unfurl_divide_up(c.tiles.count, most < MOST_TILES ? most : MOST_TILES);
  c.chunks = c.blocks < wanted ? unfurl_divide_up(wanted, c.blocks) : 1;
  if (c.chunks > c.panels) c.chunks = c.panels;
  c.block_tiles = unfurl_round_up(unfurl_divide_up(c.tiles.count, c.blocks), SIDE);
  c.tiles.src_plane = unfurl_winograd_plane(SIDE, c.channels);
  c.tiles.dst_plane = unfurl_winograd_plane(c.block_tiles, lanes);
  return c;
}

static bool is_applicable(const unfurl_conv_problem *p) {
  return unfurl_winograd_applies(&p->geometry, 3, 1) && p->geometry.icg <= MOST_CHANNELS;
}

/* Transforming the filters takes nearly as long as the products, or both as long as the filters take from memory. */
static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const taps_cut c = cut_of(p);
  const double filters = (double)(c.panels * p->kernels->lanes), channels = (double)g->icg, groups = (double)g->groups;
  const double tiles = (double)(c.blocks * c.block_tiles), elements = (double)c.tiles.elements;
  const double stream = (double)c.blocks * unfurl_winograd_stream_cost(p, groups * TAPS * channels * filters);
  return fmax(1.8 * tiles * groups * elements * channels * filters, stream) +
         tiles * groups * elements * (8 * channels + 6 * filters);
}

static size_t packed_floats(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t lanes = p->kernels->lanes;
  return unfurl_size_product(5, (const size_t[]){g->groups, unfurl_divide_up(g->ocg, lanes), g->icg, TAPS, lanes});
}

static void pack(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {
  unfurl_pack_taps(&p->geometry, layout, p->kernels->lanes, weights, packed);
}

static size_t units(const unfurl_conv_problem *p) {
  const taps_cut c = cut_of(p);
  return c.blocks * p->geometry.groups * c.chunks;
}

/* Lays the parts out from `base` on; returns the bytes that they take. */
static size_t lay_out(const taps_cut *c, char *base, scratch *s) {
  const size_t floats[] = {c->tiles.elements * c->tiles.src_plane, c->tiles.elements * c->block_tiles * c->channels,
                           c->tiles.elements * c->tiles.dst_plane, c->tiles.pixels_floats};
  size_t at[5] = {0};
  for (size_t i = 0; i < 4; i++) at[i + 1] = at[i] + unfurl_size_align(floats[i] * sizeof(float));
  if (s)
    *s = (scratch){.spread = (void *)(base + at[0]),
                   .src = (void *)(base + at[1]),
                   .dst = (void *)(base + at[2]),
                   .pixels = (void *)(base + at[3])};
  return at[4];
}

static size_t workspace(const unfurl_conv_problem *p) {
  const taps_cut c = cut_of(p);
  return lay_out(&c, NULL, NULL);
}

/* to[lane][row], `step` floats from lane to lane: four channels of four tiles, `row` floats apart. */
static void turn(const float *from, size_t row, float *to, size_t step) {
  unfurl_quad x[UNFURL_QUAD];
  for (size_t i = 0; i < SIDE; i++) x[i] = unfurl_quad_load(from + i * row);
  unfurl_quad_turn(x);
  for (size_t i = 0; i < LANES; i++) unfurl_quad_store(to + i * step, x[i], SIDE);
}

/* SIDE tiles, element by element, to [row][channel][column][SIDE]. */
static void lay_side_by_side(const taps_cut *c, const float *from, float *to) {
  for (size_t i = 0; i < ROWS; i++)
    for (size_t channel = 0; channel < c->channels; channel += LANES)
      for (size_t j = 0; j < ROWS; j++)
        turn(from + (i * ROWS + j) * c->tiles.src_plane + channel, c->channels,
             to + ((i * c->channels + channel) * ROWS + j) * SIDE, ROWS * SIDE);
}

/* Transforms SIDE tiles from `first` on; those that are not there become zeros. */
static void spread(const unfurl_conv_run *r, const taps_cut *c, size_t group, size_t first, size_t end,
                   const scratch *s, float *to) {
  for (size_t i = 0; i < SIDE; i++) {
    float *tile = s->spread + i * c->channels;
    if (first + i < end)
      unfurl_winograd_spread(r, &c->tiles, group, first + i, tile, s->pixels);
    else
      for (size_t e = 0; e < c->tiles.elements; e++)
        memset(tile + e * c->tiles.src_plane, 0, c->channels * sizeof *tile);
  }
  lay_side_by_side(c, s->spread, to);
}

static size_t first_panel(const taps_cut *c, size_t unit) {
  return unfurl_part_begin(c->panels, c->chunks, unit % c->chunks);
}

static unfurl_piece first_weights(const unfurl_conv_problem *p, const void *cut, size_t unit) {
  (void)cut;
  const taps_cut c = cut_of(p);
  const size_t group = unit / c.chunks % p->geometry.groups, floats = p->geometry.icg * TAPS * p->kernels->lanes;
  return (unfurl_piece){(group * c.panels + first_panel(&c, unit)) * floats, floats};
}

/* A panel by `sides` times SIDE tiles. */
static void multiply(const unfurl_conv_run *r, const taps_cut *c, const float *filters, size_t sides,
                     const scratch *s) {
  const size_t ic = r->problem->geometry.icg, lanes = r->problem->kernels->lanes;
  for (size_t channel = 0; channel < ic; channel += CHUNK) {
    const size_t count = ic - channel < CHUNK ? ic - channel : CHUNK;
    const float *chunk = filters + channel * TAPS * lanes;
    for (size_t side = 0; side < sides; side++) {
      const unfurl_winograd_taps t = {.src = s->src + (side * ROWS * c->channels + channel) * ROWS * SIDE,
                                      .src_row = c->channels * ROWS * SIDE,
                                      .filters = chunk,
                                      .channels = count,
                                      .dst = s->dst + side * SIDE * lanes,
                                      .dst_plane = c->tiles.dst_plane,
                                      .dst_row = lanes,
                                      .adds = channel > 0,
                                      .ahead = side == 0 ? chunk + count * TAPS * lanes : chunk};
      r->problem->kernels->winograd_taps(&t);
    }
  }
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *workspace) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const taps_cut c = cut_of(r->problem);
  const size_t lanes = r->problem->kernels->lanes, panel_floats = g->icg * TAPS * lanes;
  scratch s;
  lay_out(&c, (char *)workspace, &s);
  for (size_t unit = begin; unit < end; unit++) {
    const size_t chunk = unit % c.chunks, outer = unit / c.chunks, group = outer % g->groups, at = outer / g->groups;
    const size_t first = unfurl_part_begin(c.tiles.count, c.blocks, at);
    const size_t last = unfurl_part_begin(c.tiles.count, c.blocks, at + 1),
                 sides = unfurl_divide_up(last - first, SIDE);
    const size_t panel_end = unfurl_part_begin(c.panels, c.chunks, chunk + 1);
    for (size_t i = 0; i < sides; i++)
      spread(r, &c, group, first + i * SIDE, last, &s, s.src + i * SIDE * c.tiles.elements * c.channels);
    for (size_t panel = first_panel(&c, unit); panel < panel_end; panel++) {
      const size_t beyond = (panel + 1) * lanes, filters[2] = {panel * lanes, beyond < g->ocg ? beyond : g->ocg};
      multiply(r, &c, r->weights + (group * c.panels + panel) * panel_floats, sides, &s);
      for (size_t tile = first; tile < last; tile++)
        unfurl_winograd_gather(r, &c.tiles, group, filters, tile, s.dst + (tile - first) * lanes, s.pixels);
    }
  }
  if (r->streams) unfurl_stream_end();
}

const unfurl_conv_solver unfurl_solve_winograd_f4_taps = {
    .name = "winograd_f4_taps",
    .sums = UNFURL_CONV_F4,
    .tile_rows = M,
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = packed_floats,
    .pack = pack,
    .first_weights = first_weights,
    .units = units,
    .workspace = workspace,
    .run = run,
};
