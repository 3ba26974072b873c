/* SPDX-License-Identifier: BSD-2-Clause */
/* winograd_f2, winograd_f4: 3x3 convolutions by Winograd's minimal filtering (gemm/winograd.h), in NHWC.
 *
 * The result is cut into tiles of m x m pixels, in the order of images, rows and columns. A unit is a block of tiles of
 * one group and some of its panels of filters: all its tiles are transformed, (m + 2)^2 products are made (one for each
 * element of a tile, whose rows are the block's tiles), and their results are transformed back, with bias, residual and
 * activation. Blocks are so large that the filters they stream past are used often enough, and otherwise stay in L2.
 *
 * What an output is computed from does not depend on its block, so neither do its bits.
 */
#include <math.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/stream.h"
#include "conv/winograd_tiles.h"
#include "lowering/pack_weights.h"
#include "lowering/winograd_filters.h"

enum {
  BLOCK_BYTES = 400 << 10,   /* of transformed tiles: stay in L2 beside a panel of filters */
  MOST_BYTES = 7 << 20,      /* of a task's workspace */
  LEAST_TILES = 64,          /* in a block, where there are so many: filters come from L3 or from memory */
  LEAST_TILES_A_THREAD = 16, /* below this, panels are shared out instead */
  EVEN_BLOCKS = 8,           /* a thread; with more, one more or less does not matter */
  LINE_FLOATS = UNFURL_ALIGN / sizeof(float),
};

/* How a convolution is cut. */
typedef struct winograd_cut {
  unfurl_winograd_tiles tiles; /* kernels: those of a chunk as deep as the products are, the channels alone */
  size_t block_tiles, blocks;  /* tiles in a block, at most */
  size_t panels, chunks;       /* of a group; parts that these are cut into */
  size_t src_row, dst_row;     /* floats of a tile's element */
} winograd_cut;

typedef struct scratch {
  float *src, *dst; /* transformed tiles: [elements][tiles][channels], [elements][tiles][filters] */
  float *pixels;    /* one tile in NHWC */
} scratch;

/* Tiles that a block can have, whatever the threads. */
static size_t most_tiles(const winograd_cut *cut) {
  const size_t tile_bytes = cut->tiles.elements * (cut->src_row + cut->dst_row) * sizeof(float);
  const size_t fitting = BLOCK_BYTES / tile_bytes, most = MOST_BYTES / tile_bytes;
  const size_t wanted = fitting > LEAST_TILES ? fitting : LEAST_TILES;
  return wanted < most ? wanted : most > 0 ? most : 1;
}

static const unfurl_kernels *kernels_of(const unfurl_conv_problem *p) {
  return unfurl_kernels_for(p->kernels->isa, p->geometry.ocg, p->geometry.icg);
}

/* Cuts the blocks so that every thread has as many: each transforms its own tiles, and streams all filters. Where that would
 * leave too few tiles, panels of filters are shared out instead, and each thread transforms the same tiles. */
static void share_out(size_t threads, size_t groups, winograd_cut *c) {
  const size_t wanted = unfurl_divide_up(threads, groups), most = c->tiles.count / LEAST_TILES_A_THREAD;
  if (c->blocks < EVEN_BLOCKS * wanted) {
    const size_t even = unfurl_round_up(c->blocks, wanted);
    if (even <= most)
      c->blocks = even;
    else if (c->blocks < most)
      c->blocks = most;
  }
  if (c->blocks >= wanted) return;
  c->chunks = unfurl_divide_up(wanted, c->blocks);
  if (c->chunks > c->panels) c->chunks = c->panels;
  c->dst_row = unfurl_round_up(unfurl_divide_up(c->panels, c->chunks) * c->tiles.kernels->cols, UNFURL_WINOGRAD_LANES);
}

static winograd_cut cut_of(const unfurl_conv_problem *p, size_t m) {
  const unfurl_conv_geometry *g = &p->geometry;
  winograd_cut c = {.tiles = unfurl_winograd_tiles_of(p, m, kernels_of(p)), .chunks = 1};
  const size_t cols = c.tiles.kernels->cols;
  c.panels = unfurl_panel_count(g, cols);
  c.src_row = unfurl_round_up(g->icg, UNFURL_WINOGRAD_LANES);
  c.dst_row = unfurl_round_up(c.panels * cols, UNFURL_WINOGRAD_LANES);
  c.blocks = unfurl_divide_up(c.tiles.count, most_tiles(&c));
  if (p->threads > 1) share_out(p->threads, g->groups, &c);
  c.block_tiles = unfurl_divide_up(c.tiles.count, c.blocks);
  c.tiles.src_plane = unfurl_winograd_plane(c.block_tiles, c.src_row);
  c.tiles.dst_plane = unfurl_winograd_plane(c.block_tiles, c.dst_row);
  return c;
}

static bool is_applicable(const unfurl_conv_problem *p) {
  return unfurl_winograd_applies(&p->geometry);
}

/* Transforms count as the multiply-adds that take as long: about 6 for each element of a transformed tile. */
static double cost(const unfurl_conv_problem *p, size_t m) {
  const unfurl_conv_geometry *g = &p->geometry;
  const winograd_cut c = cut_of(p, m);
  const double filters = (double)(c.panels * c.tiles.kernels->cols), channels = (double)g->icg;
  const double all = (double)c.tiles.elements * (double)g->groups, products = channels * filters;
  const double stream = (double)c.blocks * unfurl_winograd_stream_cost(p, all * products);
  return fmax((double)c.tiles.count * all * products, stream) + (double)c.tiles.count * all * 6 * (channels + filters);
}

static size_t packed_floats(const unfurl_conv_problem *p, size_t m) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t cols = kernels_of(p)->cols;
  return unfurl_size_product(5,
                             (const size_t[]){g->groups, (m + 2) * (m + 2), g->icg, unfurl_panel_count(g, cols), cols});
}

static size_t units(const unfurl_conv_problem *p, size_t m) {
  const winograd_cut c = cut_of(p, m);
  return c.blocks * p->geometry.groups * c.chunks;
}

/* Lays the parts out from `base` on; returns the bytes that they take. */
static size_t lay_out(const winograd_cut *c, char *base, scratch *s) {
  const size_t sizes[] = {c->tiles.elements * c->tiles.src_plane * sizeof(float),
                          c->tiles.elements * c->tiles.dst_plane * sizeof(float),
                          c->tiles.pixels_floats * sizeof(float)};
  size_t at[4] = {0};
  for (size_t i = 0; i < 3; i++) at[i + 1] = at[i] + unfurl_size_align(sizes[i]);
  if (s) *s = (scratch){.src = (void *)(base + at[0]), .dst = (void *)(base + at[1]), .pixels = (void *)(base + at[2])};
  return at[3];
}

static size_t workspace(const unfurl_conv_problem *p, size_t m) {
  const winograd_cut c = cut_of(p, m);
  return lay_out(&c, NULL, NULL);
}

/* What unit `unit` is. */
typedef struct block {
  size_t group, tiles[2], panels[2], filters[2];
} block;

static block block_of(const unfurl_conv_problem *p, const winograd_cut *c, size_t unit) {
  const size_t chunk = unit % c->chunks, outer = unit / c->chunks, at = outer / p->geometry.groups;
  block b = {.group = outer % p->geometry.groups};
  for (size_t i = 0; i < 2; i++) {
    b.tiles[i] = unfurl_part_begin(c->tiles.count, c->blocks, at + i);
    b.panels[i] = unfurl_part_begin(c->panels, c->chunks, chunk + i);
    b.filters[i] = b.panels[i] * c->tiles.kernels->cols;
  }
  if (b.filters[1] > p->geometry.ocg) b.filters[1] = p->geometry.ocg;
  return b;
}

static unfurl_piece first_panel(const unfurl_conv_problem *p, const winograd_cut *c, size_t unit) {
  const block b = block_of(p, c, unit);
  const size_t floats = p->geometry.icg * c->tiles.kernels->cols;
  return (unfurl_piece){(b.group * c->tiles.elements * c->panels + b.panels[0]) * floats, floats};
}

static unfurl_piece first_weights(const unfurl_conv_problem *p, size_t m, size_t unit) {
  const winograd_cut c = cut_of(p, m);
  return first_panel(p, &c, unit);
}

/* The products of a block: one for each element, by all of its panels. While one panel is multiplied, the next is brought:
 * each is used for few rows only; and with the last one, `next`. */
static void multiply(const unfurl_conv_run *r, const winograd_cut *c, const block *b, unfurl_needed next,
                     const scratch *s) {
  static const unfurl_epilogue none = {.activation = UNFURL_ACTIVATION_NONE};
  const unfurl_kernels *kernels = c->tiles.kernels;
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t channels = g->icg, panel_floats = channels * kernels->cols, rows = b->tiles[1] - b->tiles[0];
  for (size_t e = 0; e < c->tiles.elements; e++)
    for (size_t panel = b->panels[0]; panel < b->panels[1]; panel++) {
      const size_t left = unfurl_round_up(g->ocg - panel * kernels->cols, kernels->lanes);
      unfurl_tile tile = {.src = s->src + e * c->tiles.src_plane,
                          .src_step = c->src_row,
                          .run_rows = 1,
                          .run_cols = 1,
                          .run_length = channels,
                          .weights =
                              r->weights + ((b->group * c->tiles.elements + e) * c->panels + panel) * panel_floats,
                          .dst = s->dst + e * c->tiles.dst_plane + (panel - b->panels[0]) * kernels->cols,
                          .dst_step = c->dst_row,
                          .cols = left < kernels->cols ? left : kernels->cols, /* whole vectors */
                          .epilogue = &none};
      const bool is_last = panel + 1 == b->panels[1]; /* then the first of the next element is next */
      const size_t skipped = is_last ? c->panels - (b->panels[1] - b->panels[0]) : 0;
      const unfurl_needed needed = is_last && e + 1 == c->tiles.elements
                                       ? next
                                       : (unfurl_needed){tile.weights + (1 + skipped) * panel_floats, panel_floats};
      if (needed.at)
        unfurl_tile_bring(kernels, &tile, needed.at, needed.floats, unfurl_multiply_fetches(kernels, &tile, rows));
      unfurl_multiply(kernels, &tile, rows);
    }
}

static void run(const unfurl_conv_run *r, size_t m, size_t begin, size_t end, float *workspace) {
  const winograd_cut c = cut_of(r->problem, m);
  scratch s;
  lay_out(&c, (char *)workspace, &s);
  for (size_t unit = begin; unit < end; unit++) {
    const block b = block_of(r->problem, &c, unit);
    const size_t tiles = b.tiles[1] - b.tiles[0];
    for (size_t i = 0; i < tiles; i++)
      unfurl_winograd_spread(r, &c.tiles, b.group, b.tiles[0] + i, s.src + i * c.src_row, s.pixels);
    unfurl_needed next = r->next;
    if (unit + 1 < end) {
      const unfurl_piece panel = first_panel(r->problem, &c, unit + 1);
      next = (unfurl_needed){r->weights + panel.first, panel.floats};
    }
    multiply(r, &c, &b, next, &s);
    for (size_t i = 0; i < tiles; i++)
      unfurl_winograd_gather(r, &c.tiles, b.group, b.filters, b.tiles[0] + i, s.dst + i * c.dst_row, s.pixels);
  }
  if (r->streams) unfurl_stream_end();
}

/* The two solvers differ in m alone. */
#define WINOGRAD_SOLVER(M)                                                                                             \
  static double cost_##M(const unfurl_conv_problem *p) {                                                               \
    return cost(p, M);                                                                                                 \
  }                                                                                                                    \
  static size_t packed_floats_##M(const unfurl_conv_problem *p) {                                                      \
    return packed_floats(p, M);                                                                                        \
  }                                                                                                                    \
  static void pack_##M(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {      \
    unfurl_pack_winograd(&p->geometry, layout, M, kernels_of(p)->cols, weights, packed);                               \
  }                                                                                                                    \
  static unfurl_piece first_weights_##M(const unfurl_conv_problem *p, size_t unit) {                                   \
    return first_weights(p, M, unit);                                                                                  \
  }                                                                                                                    \
  static size_t units_##M(const unfurl_conv_problem *p) {                                                              \
    return units(p, M);                                                                                                \
  }                                                                                                                    \
  static size_t workspace_##M(const unfurl_conv_problem *p) {                                                          \
    return workspace(p, M);                                                                                            \
  }                                                                                                                    \
  static void run_##M(const unfurl_conv_run *r, size_t begin, size_t end, float *workspace) {                          \
    run(r, M, begin, end, workspace);                                                                                  \
  }                                                                                                                    \
  const unfurl_conv_solver unfurl_solve_winograd_f##M = {                                                              \
      .name = "winograd_f" #M,                                                                                         \
      .sums = UNFURL_CONV_F##M,                                                                                        \
      .is_applicable = is_applicable,                                                                                  \
      .cost = cost_##M,                                                                                                \
      .packed_floats = packed_floats_##M,                                                                              \
      .pack = pack_##M,                                                                                                \
      .first_weights = first_weights_##M,                                                                              \
      .units = units_##M,                                                                                              \
      .workspace = workspace_##M,                                                                                      \
      .run = run_##M,                                                                                                  \
  }

WINOGRAD_SOLVER(2);
WINOGRAD_SOLVER(4);
