/* SPDX-License-Identifier: BSD-2-Clause */
/* winograd_f2, winograd_f4, winograd_f6, winograd_4x4, winograd_5x5: convolutions by Winograd's minimal filtering
 * (gemm/winograd.h), in NHWC: 3x3, the first also with stride 2, 4x4 and 5x5.
 *
 * The result is cut into tiles of m x m pixels, in the order of images, rows and columns. A unit is a block of tiles of
 * one group and some of its panels of filters: all its tiles are transformed, side^2 products are made (one for each
 * element of a tile, whose rows are the block's tiles), and their results are transformed back, with bias, residual and
 * activation. Where L2 holds the filters, a block is small, and each panel's products are transformed back before the next
 * panel's are made, so that all of it stays there too. Otherwise it is so large that the filters it streams past are used
 * often enough.
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
  NEAR_EIGHTHS = 3, /* of L2, for a block's transformed tiles and products beside filters that stay there; and ... */
  LEAST_TILES_NEAR = 32,   /* ... so many tiles at least, if there are */
  BLOCK_BYTES = 400 << 10, /* the same beside filters that come from L3 or from memory */
  LEAST_TILES = 64,
  MOST_BYTES = 7 << 20,                            /* of a task's workspace, */
  MOST_BYTES_WITH_PIXELS = (8 << 20) - (64 << 10), /* with a tile in NHWC; the rest is what planes are rounded up by */
  LEAST_TILES_A_THREAD = 16, /* below this, panels are shared out instead, if that takes less time; */
  LEAST_TILES_ANYWAY = 4,    /* below this, whatever it takes */
  STREAM_PERCENT = 70        /* of the time that filters take, if all threads read them at once. Measured on Zen 4 */
};

/* How a convolution is cut. */
typedef struct winograd_cut {
  unfurl_winograd_tiles tiles; /* kernels: those of a chunk as deep as the products are, the channels alone */
  size_t block_tiles, blocks;  /* tiles in a block, at most */
  unfurl_panels panels;
  size_t filter_side, filter_elements; /* of a transformed filter */
  size_t chunks;                       /* parts that the panels of a group are cut into */
  size_t pass;                         /* panels whose products are made before these are transformed back, at most */
  size_t src_row, dst_row;             /* floats of a tile's element */
} winograd_cut;

typedef struct scratch {
  float *src, *dst; /* transformed tiles: [elements][tiles][channels], [elements][tiles][filters] */
  float *pixels;    /* one tile in NHWC */
} scratch;

/* Whether the transformed filters of a group stay in L2, about. */
static bool stay_near(const unfurl_conv_problem *p, const winograd_cut *cut) {
  const size_t bytes = cut->filter_elements * p->geometry.icg * p->geometry.ocg * sizeof(float);
  return bytes <= p->l2_bytes + p->l2_bytes / 4;
}

/* Tiles that a block can have, whatever the threads. */
static size_t most_tiles(const winograd_cut *cut, size_t bytes, size_t least) {
  const size_t tile_bytes = cut->tiles.elements * (cut->src_row + cut->dst_row) * sizeof(float);
  const size_t room = unfurl_smaller(MOST_BYTES, MOST_BYTES_WITH_PIXELS - cut->tiles.pixels_floats * sizeof(float));
  const size_t fitting = bytes / tile_bytes, most = room / tile_bytes;
  const size_t wanted = fitting > least ? fitting : least;
  return wanted < most ? wanted : most > 0 ? most : 1;
}

static void set_pass(winograd_cut *c, size_t panels) {
  c->pass = panels;
  c->dst_row = unfurl_round_up(panels * c->tiles.kernels->cols, UNFURL_WINOGRAD_LANES);
}

static const unfurl_kernels *kernels_of(const unfurl_conv_problem *p) {
  return unfurl_kernels_for(p->kernels->isa, p->geometry.ocg, p->geometry.icg);
}

/* Whether few tiles are better shared out than panels: every thread then streams all filters, which the others bring, too; but
 * panels may not make equal shares. In multiply-adds of the busiest thread. */
static bool suits_tiles(const unfurl_conv_problem *p, const winograd_cut *c, size_t threads) {
  const double each = (double)p->geometry.icg * (double)p->geometry.ocg, filters = (double)c->tiles.elements * each;
  const double stream = unfurl_winograd_stream_cost(p, (double)c->filter_elements * each);
  const double products = (double)c->tiles.products * each, tiles = (double)unfurl_divide_up(c->tiles.count, threads);
  const size_t part = unfurl_divide_up(c->panels.count, threads) * c->tiles.kernels->cols;
  const double panels = part < p->geometry.ocg ? (double)part / (double)p->geometry.ocg : 1;
  return fmax(tiles * filters, stream * STREAM_PERCENT / 100) < fmax(products, stream) * panels;
}

/* Cuts the blocks so that every thread has as many: each transforms its own tiles, and streams all filters. Where that would
 * leave too few tiles, panels of filters are shared out instead, and each thread transforms the same tiles. */
static void share_out(const unfurl_conv_problem *p, winograd_cut *c) {
  const size_t wanted = unfurl_divide_up(p->threads, p->geometry.groups);
  const size_t least = suits_tiles(p, c, wanted) ? LEAST_TILES_ANYWAY : LEAST_TILES_A_THREAD;
  const size_t most = c->tiles.count / least;
  const size_t even = unfurl_round_up(c->blocks, wanted);
  if (even <= most)
    c->blocks = even;
  else if (c->blocks < most)
    c->blocks = most;
  if (c->blocks >= wanted) return;
  c->chunks = unfurl_divide_up(wanted, c->blocks);
  if (c->chunks > c->panels.count) c->chunks = c->panels.count;
  const size_t panels = unfurl_divide_up(c->panels.count, c->chunks);
  if (panels < c->pass) set_pass(c, panels);
}

static unfurl_panels panels_of(const unfurl_conv_problem *p) {
  const unfurl_kernels *kernels = kernels_of(p);
  return unfurl_panels_of(&p->geometry, kernels->cols, kernels->lanes);
}

static winograd_cut cut_of(const unfurl_conv_problem *p, size_t m) {
  const unfurl_conv_geometry *g = &p->geometry;
  winograd_cut c = {.tiles = unfurl_winograd_tiles_of(p, m, kernels_of(p)), .chunks = 1};
  c.panels = panels_of(p);
  c.filter_side = unfurl_winograd_filter_side(g, m);
  c.filter_elements = c.filter_side * c.filter_side;
  c.src_row = unfurl_round_up(g->icg, UNFURL_WINOGRAD_LANES);
  const bool near = stay_near(p, &c);
  set_pass(&c, near ? 1 : c.panels.count);
  const size_t tiles = near ? most_tiles(&c, p->l2_bytes / 8 * NEAR_EIGHTHS, LEAST_TILES_NEAR)
                            : most_tiles(&c, BLOCK_BYTES, LEAST_TILES);
  c.blocks = unfurl_divide_up(c.tiles.count, tiles);
  if (p->threads > 1) share_out(p, &c);
  c.block_tiles = unfurl_divide_up(c.tiles.count, c.blocks);
  c.tiles.src_plane = unfurl_winograd_plane(c.block_tiles, c.src_row);
  c.tiles.dst_plane = unfurl_winograd_plane(c.block_tiles, c.dst_row);
  return c;
}

/* Transforms count as the multiply-adds that take as long: about 6 for each element of a transformed tile. */
static double cost(const unfurl_conv_problem *p, size_t m) {
  const unfurl_conv_geometry *g = &p->geometry;
  const winograd_cut c = cut_of(p, m);
  const double filters = (double)c.panels.all_cols, channels = (double)g->icg;
  const double all = (double)c.tiles.elements * (double)g->groups, products = channels * filters;
  const double packed = (double)c.filter_elements * (double)g->groups * products;
  const double stream = (double)c.blocks * unfurl_winograd_stream_cost(p, packed);
  return fmax((double)c.tiles.products * (double)g->groups * products, stream) +
         (double)c.tiles.count * all * 6 * (channels + filters);
}

static size_t packed_floats(const unfurl_conv_problem *p, size_t m) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t side = unfurl_winograd_filter_side(g, m);
  return unfurl_size_product(4, (const size_t[]){g->groups, side * side, g->icg, panels_of(p).all_cols});
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

/* What unit `unit` is; or a part of its panels. */
typedef struct block {
  size_t group, tiles[2], panels[2], filters[2];
  unfurl_winograd_parts parts; /* of the tiles */
} block;

static void set_panels(const unfurl_conv_problem *p, const winograd_cut *c, block *b, size_t begin, size_t end) {
  const size_t cols = c->tiles.kernels->cols, filters = p->geometry.ocg;
  b->panels[0] = begin, b->panels[1] = end;
  b->filters[0] = begin * cols, b->filters[1] = end * cols < filters ? end * cols : filters;
}

static block block_of(const unfurl_conv_problem *p, const winograd_cut *c, size_t unit) {
  const size_t chunk = unit % c->chunks, outer = unit / c->chunks, at = outer / p->geometry.groups;
  block b = {.group = outer % p->geometry.groups};
  for (size_t i = 0; i < 2; i++) b.tiles[i] = unfurl_part_begin(c->tiles.count, c->blocks, at + i);
  b.parts = unfurl_winograd_parts_of(&p->geometry, &c->tiles, b.tiles[0], b.tiles[1]);
  set_panels(p, c, &b, unfurl_part_begin(c->panels.count, c->chunks, chunk),
             unfurl_part_begin(c->panels.count, c->chunks, chunk + 1));
  return b;
}

/* What element `element` of a tile is multiplied by. */
static unfurl_piece panel_at(const unfurl_conv_problem *p, const winograd_cut *c, size_t group, size_t element,
                             size_t panel) {
  const size_t last = c->filter_side - 1, row = unfurl_smaller(element / c->tiles.side, last),
               col = unfurl_smaller(element % c->tiles.side, last);
  const size_t of_filter = row * c->filter_side + col;
  const size_t before = (group * c->filter_elements + of_filter) * c->panels.all_cols + panel * c->panels.cols;
  return (unfurl_piece){before * p->geometry.icg, unfurl_panel_cols(&c->panels, panel) * p->geometry.icg};
}

static unfurl_piece first_panel(const unfurl_conv_problem *p, const winograd_cut *c, size_t unit) {
  const block b = block_of(p, c, unit);
  return panel_at(p, c, b.group, 0, b.panels[0]);
}

static unfurl_piece first_weights(const unfurl_conv_problem *p, size_t m, size_t unit) {
  const winograd_cut c = cut_of(p, m);
  return first_panel(p, &c, unit);
}

/* How `tiles` tiles, which are rows here, are cut for a panel. */
static unfurl_tiling tiling_of(const winograd_cut *c, size_t tiles, size_t panel) {
  const size_t cols = unfurl_panel_cols(&c->panels, panel);
  const size_t most = unfurl_kernels_even_rows(c->tiles.kernels, cols, c->src_row, c->src_row);
  return unfurl_tiling_of(tiles, most, 1);
}

/* The products of a block: one for each element, by each of its panels. While one panel is multiplied, the next is brought:
 * each is used for few rows only; and with the last one, `next`. */
static void multiply(const unfurl_conv_run *r, const winograd_cut *c, const block *b, unfurl_needed next,
                     const scratch *s) {
  static const unfurl_epilogue none = {.activation = UNFURL_ACTIVATION_NONE};
  const unfurl_conv_problem *p = r->problem;
  const unfurl_kernels *kernels = c->tiles.kernels;
  const size_t last = c->panels.count - 1;
  for (size_t e = 0; e < c->tiles.elements; e++) {
    size_t rows[2];
    unfurl_winograd_multiplied(&p->geometry, &c->tiles, &b->parts, e, rows);
    const unfurl_tiling tilings[] = {tiling_of(c, rows[1] - rows[0], 0), tiling_of(c, rows[1] - rows[0], last)};
    for (size_t panel = b->panels[0]; panel < b->panels[1]; panel++) {
      const unfurl_tiling *tiling = &tilings[panel == last];
      unfurl_tile tile = {.src = s->src + e * c->tiles.src_plane + rows[0] * c->src_row,
                          .src_step = c->src_row,
                          .run_rows = 1,
                          .run_cols = 1,
                          .run_length = p->geometry.icg,
                          .weights = r->weights + panel_at(p, c, b->group, e, panel).first,
                          .dst = s->dst + e * c->tiles.dst_plane + rows[0] * c->dst_row +
                                 (panel - b->panels[0]) * kernels->cols,
                          .dst_step = c->dst_row,
                          .cols = unfurl_panel_cols(&c->panels, panel), /* whole vectors */
                          .epilogue = &none};
      const bool is_last = panel + 1 == b->panels[1]; /* then the first of the next element is next */
      const unfurl_piece following = panel_at(p, c, b->group, is_last ? e + 1 : e, is_last ? b->panels[0] : panel + 1);
      const unfurl_needed needed = is_last && e + 1 == c->tiles.elements
                                       ? next
                                       : (unfurl_needed){r->weights + following.first, following.floats};
      if (needed.at)
        unfurl_tile_bring(kernels, &tile, needed.at, needed.floats, unfurl_multiply_fetches(&tile, tiling));
      unfurl_multiply(kernels, &tile, tiling);
    }
  }
}

/* A unit, pass by pass; `next` is brought with the last. */
static void run_block(const unfurl_conv_run *r, const winograd_cut *c, const block *b, unfurl_needed next,
                      const scratch *s) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  unfurl_winograd_parts place = b->parts; /* of the next tile of each */
  for (size_t tile = b->tiles[0]; tile < b->tiles[1]; tile++) {
    const size_t at = place.first[unfurl_winograd_part_of(g, &c->tiles, tile)]++;
    unfurl_winograd_spread(r, &c->tiles, b->group, tile, s->src + at * c->src_row, s->pixels);
  }
  for (size_t panel = b->panels[0]; panel < b->panels[1]; panel += c->pass) {
    const bool is_last = b->panels[1] - panel <= c->pass;
    const unfurl_piece following = panel_at(r->problem, c, b->group, 0, panel + c->pass);
    block pass = *b;
    set_panels(r->problem, c, &pass, panel, is_last ? b->panels[1] : panel + c->pass);
    multiply(r, c, &pass, is_last ? next : (unfurl_needed){r->weights + following.first, following.floats}, s);
    place = b->parts;
    for (size_t tile = b->tiles[0]; tile < b->tiles[1]; tile++) {
      const size_t at = place.first[unfurl_winograd_part_of(g, &c->tiles, tile)]++;
      unfurl_winograd_gather(r, &c->tiles, b->group, pass.filters, tile, s->dst + at * c->dst_row, s->pixels);
    }
  }
}

static void run(const unfurl_conv_run *r, size_t m, size_t begin, size_t end, float *workspace) {
  const winograd_cut c = cut_of(r->problem, m);
  scratch s;
  lay_out(&c, (char *)workspace, &s);
  for (size_t unit = begin; unit < end; unit++) {
    const block b = block_of(r->problem, &c, unit);
    unfurl_needed next = r->next;
    if (unit + 1 < end) {
      const unfurl_piece panel = first_panel(r->problem, &c, unit + 1);
      next = (unfurl_needed){r->weights + panel.first, panel.floats};
    }
    run_block(r, &c, &b, next, &s);
  }
  if (r->streams) unfurl_stream_end();
}

/* The solvers differ in m and in the filters that they apply to. */
#define WINOGRAD_SOLVER(NAME, M, TAPS, MOST_STRIDE, SUMS)                                                              \
  static bool is_applicable_##NAME(const unfurl_conv_problem *p) {                                                     \
    return unfurl_winograd_applies(&p->geometry, TAPS, MOST_STRIDE);                                                   \
  }                                                                                                                    \
  static double cost_##NAME(const unfurl_conv_problem *p) {                                                            \
    return cost(p, M);                                                                                                 \
  }                                                                                                                    \
  static size_t packed_floats_##NAME(const unfurl_conv_problem *p) {                                                   \
    return packed_floats(p, M);                                                                                        \
  }                                                                                                                    \
  static void pack_##NAME(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {   \
    const unfurl_panels panels = panels_of(p);                                                                         \
    unfurl_pack_winograd(&p->geometry, layout, M, &panels, weights, packed);                                           \
  }                                                                                                                    \
  static unfurl_piece first_weights_##NAME(const unfurl_conv_problem *p, const void *cut, size_t unit) {               \
    (void)cut;                                                                                                         \
    return first_weights(p, M, unit);                                                                                  \
  }                                                                                                                    \
  static size_t units_##NAME(const unfurl_conv_problem *p) {                                                           \
    return units(p, M);                                                                                                \
  }                                                                                                                    \
  static size_t workspace_##NAME(const unfurl_conv_problem *p) {                                                       \
    return workspace(p, M);                                                                                            \
  }                                                                                                                    \
  static void run_##NAME(const unfurl_conv_run *r, size_t begin, size_t end, float *workspace) {                       \
    run(r, M, begin, end, workspace);                                                                                  \
  }                                                                                                                    \
  const unfurl_conv_solver unfurl_solve_winograd_##NAME = {                                                            \
      .name = "winograd_" #NAME,                                                                                       \
      .sums = SUMS,                                                                                                    \
      .tile_rows = M,                                                                                                  \
      .is_applicable = is_applicable_##NAME,                                                                           \
      .cost = cost_##NAME,                                                                                             \
      .packed_floats = packed_floats_##NAME,                                                                           \
      .pack = pack_##NAME,                                                                                             \
      .first_weights = first_weights_##NAME,                                                                           \
      .units = units_##NAME,                                                                                           \
      .workspace = workspace_##NAME,                                                                                   \
      .run = run_##NAME,                                                                                               \
  }

WINOGRAD_SOLVER(f2, 2, 3, 2, UNFURL_CONV_F2);
WINOGRAD_SOLVER(f4, 4, 3, 1, UNFURL_CONV_F4);
WINOGRAD_SOLVER(f6, 6, 3, 1, UNFURL_CONV_F6);
WINOGRAD_SOLVER(4x4, 3, 4, 1, UNFURL_CONV_F4);
WINOGRAD_SOLVER(5x5, 2, 5, 1, UNFURL_CONV_F4);
