/* SPDX-License-Identifier: BSD-2-Clause */
/* strided: no patch matrix at all. The micro-kernel reads the chunks in place through the patch view, and multiplies
 * them by panels of packed weights; bias, residual and activation are applied while a tile is in registers.
 *
 * A unit is a block (strided_blocks.h), whose pixels are multiplied by every panel, region by region: line by line; or from
 * a list, so that tiles run across rows and images. Nothing is multiplied by padding, unless the regions would be so small
 * that half-empty tiles cost more.
 *
 * Panels that are too long for L2 are multiplied piece by piece (strided_depth.h); those of blocks of one or two pixels, several
 * side by side.
 *
 * A 1x1 convolution with stride 1 and no padding is done as one tall image of single pixels, whatever the batch: so are
 * fully connected layers. A transposed convolution is gathered: the same kernel over other regions.
 */
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/stream.h"
#include "conv/strided_blocks.h"
#include "conv/strided_buffers.h"
#include "lowering/pack_weights.h"

/* Of each pixel of a tile, in multiply-adds. */
enum { RUN_OVERHEAD = 25, TILE_OVERHEAD = 50 };

/* Fewer pixels than LEAST_AHEAD do little but read the weights: the processor sees these coming, or the kernel asks. */
enum {
  HEAVY_SHARE = 4, /* of L2: weights that take more than one in so many bytes do not stay there */
  LINE_FLOATS = UNFURL_ALIGN / sizeof(float),
  LEAST_AHEAD = 4,
  KEPT_REGIONS = 3 /* of small maps: the lines at the upper border, the others, and those at the lower */
};

static bool is_applicable(const unfurl_conv_problem *p) {
  return unfurl_blocks_apply(p);
}

/* A panel that is one vector wide takes longer than its columns tell, bound by its loads; and each run of a chunk takes
 * some time to begin, however short it is. */
static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const unfurl_kernels *k = p->kernels;
  const size_t last = g->ocg % k->cols, whole = g->ocg - last;
  const size_t vecs = (last + k->lanes - 1) / k->lanes;
  const double columns = (double)whole + (vecs == 1 ? 1.05 : (double)vecs) * (double)k->lanes;
  const bool runs_are_rows = g->groups == 1 && g->w.dilation == 1 && !g->transposed;
  const double runs = (double)(runs_are_rows ? g->h.taps : g->h.taps * g->w.taps);
  const double pixels = (double)(g->transposed ? g->in_pixels : g->out_pixels);
  const double overhead = (runs * RUN_OVERHEAD + TILE_OVERHEAD) * (double)unfurl_divide_up(g->ocg, k->cols);
  return (double)g->batch * pixels * (double)g->groups * ((double)g->patch * columns + overhead);
}

static unfurl_panels panels_of(const unfurl_conv_problem *p) {
  return unfurl_panels_of(&p->geometry, p->kernels->cols, p->kernels->lanes);
}

static size_t packed_floats(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return unfurl_size_product(3, (const size_t[]){g->groups, g->patch, panels_of(p).all_cols});
}

static void pack(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {
  const unfurl_panels panels = panels_of(p);
  unfurl_pack_panels(&p->geometry, layout, &panels, weights, packed);
}

static size_t units(const unfurl_conv_problem *p) {
  const unfurl_blocks b = unfurl_blocks_cut(p);
  return unfurl_blocks_units(&b);
}

/* The first `elements` elements of a panel. */
static unfurl_piece panel_at(const unfurl_blocks *b, size_t group, size_t panel, size_t elements) {
  return (unfurl_piece){(group * b->panels.all_cols + panel * b->panels.cols) * b->g.patch,
                        unfurl_panel_cols(&b->panels, panel) * elements};
}

/* What is multiplied first of a block's weights. */
static unfurl_piece first_panel(const unfurl_blocks *b, const unfurl_block *block) {
  return panel_at(b, block->group, block->panels[0], unfurl_depth_piece_at(&b->depth, &b->g, 0).end);
}

/* What a plan keeps: how it is cut; and where that is into one block alone, of few regions, which are neither listed nor
 * copied, these too: small layers take less time than to work them out. */
typedef struct strided_cut {
  unfurl_blocks blocks;
  size_t kept; /* regions, or 0 */
  unfurl_block block;
  unfurl_region_of_pixels regions[KEPT_REGIONS];
} strided_cut;

static unfurl_piece first_weights(const unfurl_conv_problem *p, const void *cut, size_t unit) {
  (void)p;
  const unfurl_blocks *b = &((const strided_cut *)cut)->blocks;
  const unfurl_block block = unfurl_block_of(b, unit);
  return first_panel(b, &block);
}

static size_t workspace(const unfurl_conv_problem *p) {
  const unfurl_blocks b = unfurl_blocks_cut(p);
  return unfurl_blocks_workspace(&b, NULL, NULL);
}

static void set_runs(unfurl_tile *tile, const unfurl_patch_view *v) {
  tile->run_rows = v->run_rows, tile->run_cols = v->run_cols, tile->run_length = v->run_length;
  tile->run_col_first = v->run_col_first;
  tile->run_row_stride = v->run_row_stride, tile->run_col_stride = v->run_col_stride;
  tile->skips_first = v->skips_first, tile->skips_last = v->skips_last;
}

/* A place in the source and in the result. */
static void place(unfurl_tile *tile, const unfurl_tile *first, size_t src, size_t dst) {
  tile->src = first->src + src;
  tile->dst = first->dst + dst;
  tile->residual = first->residual ? first->residual + dst : NULL;
}

/* How a region's rows are told to the tile. */
static void set_rows(unfurl_tile *tile, const unfurl_region_of_pixels *r, const unfurl_blocks_scratch *s) {
  const unfurl_pixel_grid *grid = &r->grid;
  const bool is_list = r->order == UNFURL_PIXELS_LISTED;
  tile->src_at = is_list ? s->src_at + r->first : NULL;
  tile->dst_at = is_list ? s->dst_at + r->first : NULL;
  tile->src_step = grid->src_steps[2], tile->dst_step = grid->dst_steps[2];
  tile->line = r->order == UNFURL_PIXELS_IN_LINES ? grid->counts[2] : 0;
  tile->line_gap = (ptrdiff_t)grid->src_steps[1] - (ptrdiff_t)(grid->counts[2] * grid->src_steps[2]);
}

/* The lines of a grid, one or all of an image at a time. `first` is where the offsets count from. */
static void multiply_lines(const unfurl_kernels *kernels, unfurl_tile *tile, const unfurl_tile *first,
                           const unfurl_region_of_pixels *r, const unfurl_tiling *tiling) {
  const unfurl_pixel_grid *grid = &r->grid;
  const size_t lines = r->order == UNFURL_PIXELS_IN_LINES ? grid->counts[1] : 1;
  for (size_t n = 0; n < grid->counts[0]; n++)
    for (size_t y = 0; y < grid->counts[1]; y += lines) {
      place(tile, first, r->view.origin + n * grid->src_steps[0] + y * grid->src_steps[1],
            r->dst + n * grid->dst_steps[0] + y * grid->dst_steps[1]);
      tile->line_left = tile->line;
      unfurl_multiply(kernels, tile, tiling);
    }
}

/* A panel of filters, and what it is multiplied by. */
typedef struct panel_work {
  const unfurl_blocks *blocks;
  const unfurl_region_of_pixels *regions;
  size_t count;       /* regions */
  size_t packed_cols; /* of the panel */
  bool is_last;       /* of the group's panels */
} panel_work;

/* All pixels of a region. */
static void multiply_region(const panel_work *w, unfurl_tile *tile, const unfurl_tile *first,
                            const unfurl_region_of_pixels *r, const unfurl_blocks_scratch *s) {
  const unfurl_patch_view *v = &r->view;
  const unfurl_tiling *tiling = &r->tilings[w->is_last];
  set_runs(tile, v);
  tile->weights = first->weights + v->unrolled_origin * w->packed_cols;
  tile->weights_row_stride = v->unrolled_row_stride * w->packed_cols;
  tile->weights_col_stride = v->unrolled_col_stride * w->packed_cols;
  set_rows(tile, r, s);
  if (r->order != UNFURL_PIXELS_LISTED) {
    multiply_lines(w->blocks->kernels, tile, first, r, tiling);
    return;
  }
  place(tile, first, v->origin, r->dst);
  unfurl_multiply(w->blocks->kernels, tile, tiling);
}

/* A region as it sees piece `piece` of the panel, if that is cut; `part` has room for it. */
static const unfurl_region_of_pixels *region_of(const panel_work *w, size_t i, size_t piece,
                                                unfurl_region_of_pixels *part) {
  const unfurl_blocks *b = w->blocks;
  if (b->depth.pieces == 1) return &w->regions[i];
  *part = w->regions[i];
  part->view = unfurl_depth_view(&b->g, &part->view, unfurl_depth_piece_at(&b->depth, &b->g, piece));
  return part;
}

/* How to bring it while a piece of a panel is multiplied by the regions. */
static void spread_ahead(const panel_work *w, unfurl_tile *tile, size_t piece, unfurl_needed needed) {
  if (!needed.at) return;
  size_t fetches = 0, pixels = 0;
  unfurl_region_of_pixels part;
  for (size_t i = 0; i < w->count; i++) {
    const unfurl_region_of_pixels *r = region_of(w, i, piece, &part);
    set_runs(tile, &r->view);
    fetches += r->turns * unfurl_multiply_fetches(tile, &r->tilings[w->is_last]);
    pixels += r->count;
  }
  if (pixels >= LEAST_AHEAD) unfurl_tile_bring(w->blocks->kernels, tile, needed.at, needed.floats, fetches);
}

/* One piece of a panel by all of the block's pixels; `first` is where the panel and the offsets begin. */
static void multiply_piece(const panel_work *w, unfurl_tile *first, size_t piece, unfurl_needed needed,
                           const unfurl_blocks_scratch *s) {
  const bool is_last = piece + 1 == w->blocks->depth.pieces;
  unfurl_region_of_pixels part;
  spread_ahead(w, first, piece, needed);
  unfurl_tile tile = *first;
  for (size_t i = 0; i < w->count; i++) {
    const unfurl_region_of_pixels *r = region_of(w, i, piece, &part);
    if (r->view.run_rows == 0 && first->continues && !is_last) continue;
    multiply_region(w, &tile, first, r, s);
  }
}

/* All pieces but the last: sums alone, which wait in the result. */
static void multiply_first_pieces(const panel_work *w, const unfurl_tile *whole, const unfurl_blocks_scratch *s) {
  static const unfurl_epilogue none = {.activation = UNFURL_ACTIVATION_NONE};
  const unfurl_blocks *b = w->blocks;
  unfurl_tile first = *whole;
  first.epilogue = &none, first.residual = NULL, first.streams = false;
  for (size_t piece = 0; piece + 1 < b->depth.pieces; piece++) {
    const unfurl_depth_piece next = unfurl_depth_piece_at(&b->depth, &b->g, piece + 1);
    const size_t begin = next.begin * w->packed_cols, end = next.end * w->packed_cols;
    multiply_piece(w, &first, piece, (unfurl_needed){whole->weights + begin, end - begin}, s);
    first.continues = true;
  }
}

/* A block, and its regions. */
typedef struct block_work {
  const unfurl_block *block;
  const unfurl_region_of_pixels *regions;
  size_t count; /* of these */
} block_work;

/* Whether the result is not in L2, and of shallow chunks, whose tiles are stored soon after each other; or in no cache. */
static bool waits_for_stores(const unfurl_conv_run *r, const unfurl_blocks *b) {
  const size_t written = b->g.batch * b->g.dst.image * sizeof(float);
  return r->streams || (b->g.patch <= UNFURL_SHALLOW && written > r->problem->l2_bytes);
}

/* One panel of filters by all of the block's pixels. */
static void multiply_panel(const unfurl_conv_run *r, const unfurl_blocks *b, const block_work *of, size_t panel,
                           unfurl_needed needed, const unfurl_blocks_scratch *s) {
  const unfurl_block *block = of->block;
  const unfurl_kernels *kernels = b->kernels;
  const size_t first = panel * kernels->cols, left = b->g.ocg - first, oc = block->group * b->g.ocg + first;
  const size_t dst = block->dst_origin + oc;
  const panel_work work = {.blocks = b,
                           .regions = of->regions,
                           .count = of->count,
                           .packed_cols = unfurl_panel_cols(&b->panels, panel),
                           .is_last = panel + 1 == b->panels.count};
  unfurl_epilogue epilogue = r->epilogue;
  if (epilogue.bias) epilogue.bias += oc;
  if (b->copies_dst) epilogue = (unfurl_epilogue){.activation = UNFURL_ACTIVATION_NONE};
  const bool fills_lines = kernels->lanes % LINE_FLOATS == 0; /* each store: those of parts are slow past the caches */
  const bool streams =
      r->streams && fills_lines && (b->panels.count == 1 || b->g.patch < UNFURL_SHALLOW) && !b->copies_dst;
  unfurl_tile first_tile = {
      .src = b->copies_src ? s->src : r->src + block->src_origin,
      .weights = r->weights + panel_at(b, block->group, panel, 0).first,
      .dst = b->copies_dst ? s->dst + (panel - block->panels[0]) * kernels->cols : r->dst + dst,
      .residual = b->copies_dst || !r->epilogue.residual ? NULL : r->epilogue.residual + dst,
      .cols = left < kernels->cols ? left : kernels->cols,
      .streams = streams,
      .brings_results = !streams && !b->copies_dst && waits_for_stores(r, b),
      .epilogue = &epilogue,
  };
  if (b->depth.pieces > 1) multiply_first_pieces(&work, &first_tile, s);
  first_tile.continues = b->depth.pieces > 1;
  multiply_piece(&work, &first_tile, b->depth.pieces - 1, needed, s);
}

/* Whether the block has so few pixels, all with the same taps, that panels are multiplied side by side. */
static bool suits_side(const unfurl_blocks *b, const block_work *of) {
  const unfurl_region_of_pixels *regions = of->regions;
  return of->count == 1 && regions->count <= UNFURL_SIDE_ROWS && regions->order == UNFURL_PIXELS_BY_LINES &&
         regions->turns == 1 && !b->skips_cols && !b->copies_dst && b->depth.pieces == 1;
}

/* How many panels are, from `panel` on: 1 if it is narrower than others, or the last. */
static size_t panels_side_by_side(const unfurl_blocks *b, const unfurl_block *block, size_t panel, size_t rows) {
  const size_t whole = b->panels.all_cols / b->panels.cols, end = unfurl_smaller(block->panels[1], whole);
  return panel >= end ? 1 : unfurl_smaller(end - panel, UNFURL_SIDE_PANELS(rows));
}

/* As many of the block's panels as have others beside them; returns the first that has none. The last filters may be fewer
 * than columns. */
static size_t multiply_side(const unfurl_conv_run *r, const unfurl_blocks *b, const block_work *of,
                            const unfurl_blocks_scratch *s) {
  const unfurl_block *block = of->block;
  const unfurl_region_of_pixels *region = of->regions;
  const unfurl_patch_view *v = &region->view;
  const size_t cols = b->panels.cols, rows = region->count, step = region->grid.dst_steps[2];
  const size_t first = block->panels[0] * cols, oc = block->group * b->g.ocg + first;
  const size_t dst = block->dst_origin + oc + region->dst;
  float sums[UNFURL_SIDE_PANELS(1) * UNFURL_TILE_COLS_MAX];
  unfurl_tile tile = {.src = (b->copies_src ? s->src : r->src + block->src_origin) + v->origin,
                      .src_step = region->grid.src_steps[2],
                      .weights_row_stride = v->unrolled_row_stride * cols,
                      .weights_col_stride = v->unrolled_col_stride * cols,
                      .dst = sums,
                      .rows = rows};
  set_runs(&tile, v);
  size_t panel = block->panels[0], filters = 0;
  for (size_t panels; (panels = panels_side_by_side(b, block, panel, rows)) > 1; panel += panels) {
    tile.dst_step = panels * cols;
    tile.weights = r->weights + panel_at(b, block->group, panel, 0).first + v->unrolled_origin * cols;
    b->kernels->side(&tile, panels, b->g.patch * cols);
    const size_t count = unfurl_smaller(panels * cols, b->g.ocg - first - filters);
    for (size_t i = 0; i < rows; i++)
      memcpy(r->dst + dst + i * step + filters, sums + i * tile.dst_step, count * sizeof *sums);
    filters += count;
  }
  unfurl_epilogue epilogue = r->epilogue;
  if (epilogue.bias) epilogue.bias += oc;
  if (epilogue.residual) epilogue.residual += dst;
  unfurl_epilogue_apply(b->kernels, &epilogue, rows, filters, step, r->dst + dst);
  return panel;
}

/* Units of a band: its groups, and parts of their panels. */
static size_t band_units(const unfurl_blocks *b) {
  return b->g.groups * b->chunks;
}

/* Where units follow on each other by panels: the weights that `unit` begins with, if the block before it had others. */
static unfurl_needed needed_by_panels(const unfurl_conv_run *r, const unfurl_blocks *b, const unfurl_block *before,
                                      size_t unit) {
  const unfurl_block next = unfurl_block_of(b, unit);
  if (next.panels[0] == before->panels[0]) return (unfurl_needed){0};
  const unfurl_piece first = first_panel(b, &next);
  return (unfurl_needed){r->weights + first.first, first.floats};
}

/* What is needed after panel `panel` of unit `unit`, a block: the next panel's weights, if they are not in L2 anyway; or a
 * part of the next band's input; with the task's last unit, what comes after this execute. */
static unfurl_needed needed_after(const unfurl_conv_run *r, const unfurl_blocks *b, const unfurl_block *block,
                                  size_t panel, size_t unit, size_t begin, size_t end) {
  const unfurl_conv_problem *p = r->problem;
  const size_t weights = b->panels.all_cols * b->g.patch * sizeof(float);
  const bool heavy = weights > p->l2_bytes / HEAVY_SHARE, first = unit == begin;
  if ((heavy || first) && panel + 1 < block->panels[1]) {
    const size_t elements = unfurl_depth_piece_at(&b->depth, &b->g, 0).end;
    const unfurl_piece next = panel_at(b, block->group, panel + 1, elements);
    return (unfurl_needed){r->weights + next.first, next.floats};
  }
  if (unit + 1 == end) return r->next;
  if (b->by_panels) return needed_by_panels(r, b, block, unit + 1);
  const size_t units = band_units(b), at = unit % units, coming = unit - at + units;
  if (coming >= end || b->g.src.channel != 1) return (unfurl_needed){0};
  const unfurl_piece input = unfurl_blocks_input(b, coming);
  const bool all = (heavy || first) && units == 1;
  const size_t panels = block->panels[1] - block->panels[0], parts = all ? 1 : units * panels;
  const unfurl_piece piece = unfurl_piece_part(input, parts, all ? 0 : at * panels + panel - block->panels[0]);
  return (unfurl_needed){r->src + piece.first, piece.floats};
}

static void cut(const unfurl_conv_problem *p, void *to) {
  strided_cut *c = to;
  c->blocks = unfurl_blocks_cut(p);
  const unfurl_blocks *b = &c->blocks;
  c->kept = 0;
  if (unfurl_blocks_units(b) > 1 || b->regions > KEPT_REGIONS || b->copies_src || b->copies_dst) return;
  c->block = unfurl_block_of(b, 0);
  const size_t count = unfurl_block_list(b, &c->block, 0, c->regions, NULL, NULL);
  for (size_t i = 0; i < count; i++)
    if (c->regions[i].order == UNFURL_PIXELS_LISTED) return;
  c->kept = count;
}

/* A block, unit `unit` of those from begin to end-1. */
static void run_block(const unfurl_conv_run *r, const unfurl_blocks *b, const block_work *of, const size_t range[2],
                      size_t unit, const unfurl_blocks_scratch *s) {
  const unfurl_block *block = of->block;
  if (b->copies_src) unfurl_blocks_copy_src(b, block, r->src, s->src);
  size_t panel = suits_side(b, of) ? multiply_side(r, b, of, s) : block->panels[0];
  for (; panel < block->panels[1]; panel++) {
    const unfurl_needed needed = needed_after(r, b, block, panel, unit, range[0], range[1]);
    multiply_panel(r, b, of, panel, needed, s);
  }
  if (b->copies_dst) unfurl_blocks_copy_dst(r, b, block, s->dst);
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *workspace) {
  const strided_cut *c = r->cut;
  const unfurl_blocks *b = &c->blocks;
  const size_t range[2] = {begin, end};
  unfurl_blocks_scratch s = {0};
  if (c->kept) {
    run_block(r, b, &(block_work){&c->block, c->regions, c->kept}, range, begin, &s);
  } else {
    unfurl_blocks_workspace(b, workspace, &s);
    unfurl_block block = unfurl_block_of(b, begin);
    size_t regions = unfurl_block_list(b, &block, 0, s.regions, s.src_at, s.dst_at);
    for (size_t unit = begin; unit < end; unit++) {
      const bool is_listed = unit == begin || unfurl_block_move_on(b, unit, &block);
      if (!is_listed) regions = unfurl_block_list(b, &block, regions, s.regions, s.src_at, s.dst_at);
      run_block(r, b, &(block_work){&block, s.regions, regions}, range, unit, &s);
    }
  }
  if (r->streams) unfurl_stream_end();
}

const unfurl_conv_solver unfurl_solve_strided = {
    .name = "strided",
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = packed_floats,
    .pack = pack,
    .first_weights = first_weights,
    .units = units,
    .cut_bytes = sizeof(strided_cut),
    .cut = cut,
    .workspace = workspace,
    .run = run,
};
