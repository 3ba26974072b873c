/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/strided_blocks.h"

#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "lowering/pack_weights.h"

enum {
  L2_SHARE = 4,              /* of L2, for what a block reads again for each panel: one in so many bytes */
  L2_WRITTEN = 2,            /* the same for what it writes, the panels' columns side by side */
  BAND_PIXELS = 512,         /* most output pixels of a block that are listed, unless one row has more */
  BAND_LINES_PIXELS = 8192,  /* most that are multiplied by lines */
  LEAST_GROUP_PIXELS = 224,  /* least of a group's block, whatever L2 holds: few take more time to begin */
  LEAST_HEAVY_PIXELS = 256,  /* ... and of one whose weights L2 does not hold, which come anew for each block */
  MOST_SEGMENTS = 256,       /* padding wider than any real network's is left to others */
  SMALL_MAP = 64,            /* output pixels below which images share a block */
  BUFFER_FLOATS = 512 << 10, /* of an NCHW result's buffer, as far as possible */
  LONG_LINE = 4,             /* tiles */
  MORE_SHALLOW_TILES = 32,   /* one in so many */
};

static bool is_pointwise(const unfurl_conv_geometry *g) {
  return g->h.taps == 1 && g->w.taps == 1 && g->h.stride == 1 && g->w.stride == 1 && g->h.pad == 0 && g->w.pad == 0 &&
         g->h.out == g->h.in && g->w.out == g->w.in && g->src.channel == 1 && g->dst.channel == 1;
}

/* All pixels of all images as one image that is one pixel wide. */
static unfurl_conv_geometry flatten(const unfurl_conv_geometry *given) {
  unfurl_conv_geometry g = *given;
  g.h.in = g.h.out = g.in_pixels = g.out_pixels = given->batch * given->out_pixels;
  g.w.in = g.w.out = g.batch = 1;
  g.transposed = false;
  g.src = (unfurl_image_strides){.image = g.h.in * g.ic, .row = g.ic, .col = g.ic, .channel = 1};
  g.dst = (unfurl_image_strides){.image = g.h.in * g.oc, .row = g.oc, .col = g.oc, .channel = 1};
  return g;
}

static size_t extent(const unfurl_conv_axis *axis) {
  return (axis->taps - 1) * axis->dilation + 1;
}

/* Segments of an axis, at most: of a transposed one, as many for each class of outputs. */
static size_t most_segments(const unfurl_conv_axis *axis, bool transposed) {
  if (transposed)
    return axis->stride > MOST_SEGMENTS || axis->taps > MOST_SEGMENTS ? SIZE_MAX : axis->stride * (2 * axis->taps + 1);
  const size_t reach = (axis->out - 1) * axis->stride + extent(axis), inside = axis->pad + axis->in;
  return (axis->pad + (reach > inside ? reach - inside : 0)) / axis->stride + 3;
}

bool unfurl_blocks_apply(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return most_segments(&g->h, g->transposed) <= MOST_SEGMENTS && most_segments(&g->w, g->transposed) <= MOST_SEGMENTS;
}

/* The range of inputs that outputs out[0]..out[1]-1 read: with the padding, or only what is inside. */
static void input_range(const unfurl_conv_axis *axis, bool transposed, bool with_padding, const size_t out[2],
                        ptrdiff_t range[2]) {
  const ptrdiff_t stride = (ptrdiff_t)axis->stride, pad = (ptrdiff_t)axis->pad, reach = (ptrdiff_t)extent(axis);
  if (transposed) {
    const ptrdiff_t lowest = (ptrdiff_t)out[0] + pad - reach + 1;
    range[0] = lowest > 0 ? lowest / stride : 0;
    range[1] = ((ptrdiff_t)out[1] - 1 + pad) / stride + 1;
  } else {
    range[0] = (ptrdiff_t)out[0] * stride - pad;
    range[1] = ((ptrdiff_t)out[1] - 1) * stride - pad + reach;
  }
  if (with_padding) return;
  const ptrdiff_t in = (ptrdiff_t)axis->in;
  if (range[1] > in) range[1] = in;
  if (range[0] < 0) range[0] = 0;
  if (range[0] >= range[1])
    range[0] = range[1] > 0 ? range[1] - 1 : 0, range[1] = range[0] + 1; /* all in the padding */
}

/* The axis as it is for these outputs over a buffer of these inputs. */
static unfurl_conv_axis local_axis(const unfurl_conv_axis *axis, bool transposed, const size_t out[2],
                                   const ptrdiff_t in[2]) {
  unfurl_conv_axis local = *axis;
  const ptrdiff_t pad = (ptrdiff_t)axis->pad, stride = (ptrdiff_t)axis->stride, first = (ptrdiff_t)out[0];
  local.in = (size_t)(in[1] - in[0]);
  local.out = out[1] - out[0];
  local.pad = (size_t)(transposed ? pad + first - stride * in[0] : pad + in[0] - first * stride);
  return local;
}

/* Lines of which pixels skip taps are not parted among tiles that have others too. */
static unfurl_pixel_order order_of_whole_lines(const unfurl_blocks *b, size_t images, size_t lines, size_t pixels,
                                               bool dense, size_t *tiles) {
  const bool fits = dense && lines > 1 && b->line_rows >= pixels && pixels % UNFURL_LINE_UNIT == 0;
  const size_t in_line = unfurl_divide_up(pixels, unfurl_smaller(b->even_rows, UNFURL_SKIPPING_ROWS));
  *tiles = images * (fits ? unfurl_divide_up(lines, b->line_rows / pixels) : lines * in_line);
  return fits ? UNFURL_PIXELS_IN_LINES : UNFURL_PIXELS_BY_LINES;
}

/* Line by line only where that takes fewer tiles than a list of all pixels, or as many in long lines: each line takes a while
 * to begin. But tiles of short chunks take less without a list, so that there may be a few more. */
unfurl_pixel_order unfurl_blocks_order(const unfurl_blocks *b, size_t images, size_t lines, size_t pixels, bool dense,
                                       size_t *tiles) {
  if (b->skips_cols) return order_of_whole_lines(b, images, lines, pixels, dense, tiles);
  const size_t in_line = unfurl_divide_up(pixels, b->even_rows), by_lines = images * lines * in_line;
  const size_t listed = unfurl_divide_up(images * lines * pixels, b->tile_rows);
  if (dense && lines > 1 && b->line_rows && pixels % UNFURL_LINE_UNIT == 0) {
    *tiles = images * unfurl_divide_up(lines * pixels, b->line_rows);
    if (*tiles <= by_lines && *tiles <= listed) return UNFURL_PIXELS_IN_LINES;
  }
  const size_t more = b->g.patch <= UNFURL_SHALLOW ? listed / MORE_SHALLOW_TILES : 0;
  const bool suits_lines =
      images * lines == 1 || by_lines < listed || (by_lines <= listed + more && in_line >= LONG_LINE);
  *tiles = suits_lines ? by_lines : listed;
  return suits_lines ? UNFURL_PIXELS_BY_LINES : UNFURL_PIXELS_LISTED;
}

static size_t at_least_one(size_t value) {
  return value ? value : 1;
}

/* Whether panels have no cache line of the result in common, which would have to stay in L2 from one to the next, and wait for
 * little else but their stores. (AVX-512's, which store past the caches, were not measured.) */
static bool panels_write_apart(const unfurl_blocks *b) {
  return b->g.patch <= UNFURL_VERY_SHALLOW && b->panels.cols * sizeof(float) % UNFURL_ALIGN == 0 &&
         b->kernels->lanes * sizeof(float) < UNFURL_ALIGN;
}

/* Rows of a band: as many as its input in L2 (of all groups, which follow on each other: their channels share cache lines and
 * pages), its list of pixels, and its buffers allow. */
static size_t band_rows(const unfurl_conv_problem *p, const unfurl_blocks *b) {
  const unfurl_conv_geometry *g = &b->g;
  const bool is_1x1 = !g->transposed && g->h.taps == 1 && g->w.taps == 1; /* what its stride skips is not read */
  const size_t lines = g->transposed || is_1x1 ? 1 : g->h.stride, in_line = is_1x1 ? g->w.out : g->w.in;
  const size_t in_row = unfurl_size_product(3, (const size_t[]){lines, in_line, g->ic});
  const size_t in_l2 = p->l2_bytes / L2_SHARE / sizeof(float) / in_row;
  const size_t weights = unfurl_size_product(3, (const size_t[]){g->patch, g->ocg, sizeof(float)});
  const size_t least = g->groups > 1 ? LEAST_GROUP_PIXELS : weights > p->l2_bytes ? LEAST_HEAVY_PIXELS : 1;
  size_t rows = unfurl_divide_up(least, g->w.out);
  if (in_l2 > rows) rows = in_l2;
  const bool by_lines = b->flat || g->w.out >= 2 * b->even_rows;
  const bool keeps = b->panels.count > 1 && !panels_write_apart(b);
  const size_t written = keeps ? p->l2_bytes / L2_WRITTEN / sizeof(float) / g->ocg : BAND_LINES_PIXELS;
  size_t most = by_lines && written > BAND_PIXELS ? written : BAND_PIXELS;
  if (most > BAND_LINES_PIXELS) most = BAND_LINES_PIXELS;
  if (rows * g->w.out > most) rows = at_least_one(most / g->w.out);
  return rows < g->h.out ? rows : g->h.out;
}

/* Rows of a band, at most. */
static size_t rows_of_bands(const unfurl_blocks *b) {
  return unfurl_divide_up(unfurl_divide_up(b->g.h.out, b->row_step), b->bands) * b->row_step;
}

/* Parts of the panels, at least, so that the buffer holds an NCHW result. */
static size_t least_chunks(const unfurl_conv_problem *p, const unfurl_blocks *b) {
  if (!b->copies_dst) return 1;
  const size_t pixels = b->images * rows_of_bands(b) * b->g.w.out;
  const size_t panels = at_least_one(BUFFER_FLOATS / p->kernels->cols / pixels);
  return unfurl_divide_up(b->panels.count, panels);
}

static size_t dst_floats(const unfurl_conv_problem *p, const unfurl_blocks *b) {
  if (!b->copies_dst) return 0;
  const size_t pixels = b->images * b->rows * b->g.w.out, panels = unfurl_divide_up(b->panels.count, b->chunks);
  return unfurl_size_product(3, (const size_t[]){pixels, panels, p->kernels->cols});
}

/* Inputs that `outputs` neighbouring outputs read, at most. */
static size_t most_inputs(const unfurl_conv_axis *axis, bool transposed, bool with_padding, size_t outputs) {
  const size_t reach =
      transposed ? (outputs + extent(axis) - 2) / axis->stride + 2 : (outputs - 1) * axis->stride + extent(axis);
  return with_padding || reach < axis->in ? reach : axis->in;
}

/* The largest input of a block. */
static size_t src_floats(const unfurl_blocks *b) {
  if (!b->copies_src) return 0;
  return unfurl_size_product(
      4, (const size_t[]){b->images, most_inputs(&b->g.h, b->g.transposed, b->pads_rows, b->rows),
                          most_inputs(&b->g.w, b->g.transposed, b->pads_cols, b->g.w.out), b->g.icg});
}

/* What is read of each row, of those so far apart. */
static size_t row_floats(const unfurl_blocks *b, size_t step) {
  return b->g.groups > 1 ? b->g.icg : step;
}

void unfurl_blocks_set_tiles(const unfurl_conv_problem *p, unfurl_blocks *b) {
  const unfurl_conv_geometry *g = &b->g;
  const size_t step = b->flat ? g->src.row : g->w.stride * (b->copies_src ? g->icg : g->src.col);
  b->tile_rows = unfurl_kernels_rows(p->kernels, g->ocg);
  b->even_rows = unfurl_kernels_even_rows(p->kernels, g->ocg, step, row_floats(b, step));
  b->line_rows = unfurl_kernels_line_rows(p->kernels, g->ocg, step, row_floats(b, step));
}

unfurl_blocks unfurl_blocks_cut(const unfurl_conv_problem *p) {
  const bool flat = is_pointwise(&p->geometry);
  unfurl_blocks b = {
      .kernels = p->kernels, .g = flat ? flatten(&p->geometry) : p->geometry, .flat = flat, .images = 1, .bands = 1};
  const unfurl_conv_geometry *g = &b.g;
  unfurl_blocks_set_tiles(p, &b);
  b.panels = unfurl_panels_of(g, p->kernels->cols, p->kernels->lanes);
  b.row_step = flat ? b.even_rows : 1;
  if (g->out_pixels < SMALL_MAP) {
    b.images = SMALL_MAP / g->out_pixels;
    const size_t share = (g->batch + p->threads - 1) / p->threads; /* no thread should be left without a block */
    if (b.images > share) b.images = share;
  } else {
    b.bands = unfurl_divide_up(g->h.out, band_rows(p, &b));
  }
  b.image_blocks = (g->batch + b.images - 1) / b.images;
  b.images = (g->batch + b.image_blocks - 1) / b.image_blocks;
  unfurl_blocks_choose_copy(p, &b);
  if (b.pads_rows || b.pads_cols) b.bands = 1;
  b.copies_dst = g->dst.channel != 1;
  const size_t steps = unfurl_divide_up(g->h.out, b.row_step);
  if (b.bands > steps) b.bands = steps;
  b.chunks = least_chunks(p, &b);
  unfurl_blocks_share_out(p, &b);
  b.rows = rows_of_bands(&b);
  b.regions = (b.pads_rows ? 1 : unfurl_axis_segments(&g->h, g->transposed, 0, g->h.out, NULL)) *
              (b.pads_cols || b.skips_cols ? 1 : unfurl_axis_segments(&g->w, g->transposed, 0, g->w.out, NULL));
  b.src_floats = src_floats(&b);
  b.dst_floats = dst_floats(p, &b);
  b.depth = unfurl_depth_cut_of(p, b.images * b.rows * g->w.out > b.tile_rows);
  return b;
}

size_t unfurl_blocks_units(const unfurl_blocks *b) {
  return b->image_blocks * b->bands * b->g.groups * b->chunks;
}

/* The block's geometry: its own outputs, over its input where that is (or will be) in the buffer. */
static void localise(const unfurl_blocks *b, unfurl_block *block) {
  const size_t cols[2] = {0, b->g.w.out};
  unfurl_conv_geometry *g = &block->g;
  *g = b->g;
  block->in_rows[0] = block->in_cols[0] = 0;
  block->in_rows[1] = (ptrdiff_t)g->h.in, block->in_cols[1] = (ptrdiff_t)g->w.in;
  if (b->copies_src) {
    input_range(&b->g.h, g->transposed, b->pads_rows, block->rows, block->in_rows);
    input_range(&b->g.w, g->transposed, b->pads_cols, cols, block->in_cols);
    g->h = local_axis(&b->g.h, g->transposed, block->rows, block->in_rows);
    g->w = local_axis(&b->g.w, g->transposed, cols, block->in_cols);
    g->groups = 1;
    g->ic = g->icg;
    g->src = (unfurl_image_strides){
        .image = g->h.in * g->w.in * g->icg, .row = g->w.in * g->icg, .col = g->icg, .channel = 1};
  }
  if (b->copies_dst) {
    const size_t cols_a_pixel = b->dst_floats / (b->images * b->rows * g->w.out);
    g->dst = (unfurl_image_strides){.image = (block->rows[1] - block->rows[0]) * g->w.out * cols_a_pixel,
                                    .row = g->w.out * cols_a_pixel,
                                    .col = cols_a_pixel,
                                    .channel = 1};
  }
}

unfurl_unit unfurl_unit_of(const unfurl_blocks *b, size_t unit) {
  const size_t of_band = b->g.groups * b->chunks, of_images = of_band * b->bands, at = unit % of_images;
  const size_t band = b->by_panels ? at % b->bands : at / of_band;
  const size_t panels = b->by_panels ? at / b->bands : at % of_band;
  return (unfurl_unit){unit / of_images, band, panels / b->chunks, panels % b->chunks};
}

/* Where the block of a unit is. */
static unfurl_block place_of(const unfurl_blocks *b, size_t unit) {
  const unfurl_unit u = unfurl_unit_of(b, unit);
  unfurl_block block = {.image = unfurl_part_begin(b->g.batch, b->image_blocks, u.images),
                        .group = u.group,
                        .rows = {unfurl_band_begin(b, u.band), unfurl_band_begin(b, u.band + 1)},
                        .panels = {unfurl_part_begin(b->panels.count, b->chunks, u.chunk),
                                   unfurl_part_begin(b->panels.count, b->chunks, u.chunk + 1)}};
  block.images = unfurl_part_begin(b->g.batch, b->image_blocks, u.images + 1) - block.image;
  return block;
}

unfurl_block unfurl_block_of(const unfurl_blocks *b, size_t unit) {
  unfurl_block block = place_of(b, unit);
  block.src_origin =
      block.image * b->g.src.image + (b->flat ? block.rows[0] * b->g.src.row : 0) + block.group * b->g.icg;
  block.dst_origin = block.image * b->g.dst.image + (b->flat ? block.rows[0] * b->g.dst.row : 0);
  localise(b, &block);
  return block;
}

bool unfurl_block_move_on(const unfurl_blocks *b, size_t unit, unfurl_block *block) {
  if (b->chunks > 1 || block->group + 1 == b->g.groups) {
    *block = unfurl_block_of(b, unit);
    return false;
  }
  block->group++;
  block->src_origin += b->g.icg;
  return true;
}

unfurl_piece unfurl_blocks_input(const unfurl_blocks *b, size_t unit) {
  const unfurl_block block = place_of(b, unit);
  ptrdiff_t rows[2];
  input_range(&b->g.h, b->g.transposed, false, block.rows, rows);
  const size_t count = (size_t)(rows[1] - rows[0]);
  return (unfurl_piece){.first = block.image * b->g.src.image + (size_t)rows[0] * b->g.src.row,
                        .floats = (block.images - 1) * b->g.src.image + count * b->g.src.row};
}

static void list_pixels(const unfurl_pixel_grid *grid, size_t *src_at, size_t *dst_at) {
  for (size_t n = 0; n < grid->counts[0]; n++)
    for (size_t y = 0; y < grid->counts[1]; y++) {
      size_t src = n * grid->src_steps[0] + y * grid->src_steps[1];
      size_t dst = n * grid->dst_steps[0] + y * grid->dst_steps[1];
      for (size_t x = 0; x < grid->counts[2]; x++, src += grid->src_steps[2], dst += grid->dst_steps[2])
        *src_at++ = src, *dst_at++ = dst;
    }
}

/* Puts a dimension outside of those that the grid has from `inner` on; returns where they begin then. `joins`: it may become
 * one with the dimension inside of it. */
static size_t add_dimension(unfurl_pixel_grid *grid, size_t inner, size_t count, size_t src_step, size_t dst_step,
                            bool joins) {
  if (count == 1) return inner;
  const size_t below = grid->counts[inner];
  if (joins && below > 1 && src_step == below * grid->src_steps[inner] && dst_step == below * grid->dst_steps[inner]) {
    grid->counts[inner] *= count;
    return inner;
  }
  if (below > 1) inner--;
  grid->counts[inner] = count, grid->src_steps[inner] = src_step, grid->dst_steps[inner] = dst_step;
  return inner;
}

static unfurl_pixel_grid grid_of(const unfurl_block *block, const unfurl_patch_view *view,
                                 const unfurl_axis_segment *ys, const unfurl_axis_segment *xs) {
  const unfurl_conv_geometry *g = &block->g;
  unfurl_pixel_grid grid = {.counts = {1, 1, 1}};
  size_t inner = add_dimension(&grid, 2, view->pixels, view->pixel_stride, xs->step * g->dst.col, true);
  const bool is_line = xs->skips_first || xs->skips_last;
  inner = add_dimension(&grid, inner, view->lines, view->line_stride, ys->step * g->dst.row, !is_line);
  add_dimension(&grid, inner, block->images, g->src.image, g->dst.image, !is_line || inner < 2);
  return grid;
}

/* How tiles take the rows of a turn by one of the group's panels. */
static unfurl_tiling tiling_of(const unfurl_blocks *b, const unfurl_region_of_pixels *r, size_t panel) {
  const size_t cols = unfurl_panel_cols(&b->panels, panel), rows = r->count / r->turns, step = r->grid.src_steps[2];
  if (r->order == UNFURL_PIXELS_LISTED) return unfurl_tiling_of(rows, unfurl_kernels_rows(b->kernels, cols), 1);
  const size_t most = unfurl_kernels_even_rows(b->kernels, cols, step, row_floats(b, step));
  if (r->order == UNFURL_PIXELS_IN_LINES)
    return unfurl_tiling_of(rows, most, b->skips_cols ? r->grid.counts[2] : UNFURL_LINE_UNIT);
  return unfurl_tiling_of(rows, b->skips_cols ? unfurl_smaller(most, UNFURL_SKIPPING_ROWS) : most, 1);
}

static void cut_rows(const unfurl_blocks *b, unfurl_region_of_pixels *r) {
  const size_t *counts = r->grid.counts, last = b->panels.count - 1;
  r->turns = r->order == UNFURL_PIXELS_LISTED     ? 1
             : r->order == UNFURL_PIXELS_IN_LINES ? counts[0]
                                                  : counts[0] * counts[1];
  r->tilings[1] = tiling_of(b, r, last);
  const bool all_alike = unfurl_panel_cols(&b->panels, last) == unfurl_panel_cols(&b->panels, 0);
  r->tilings[0] = all_alike ? r->tilings[1] : tiling_of(b, r, 0);
}

/* Output rows are counted from the image's first where the input is read in place, from the block's where it was copied;
 * in dst they are counted from the image's first, or (in the buffer) from the block's. Of a flat image, everything is
 * counted from the block's first. */
size_t unfurl_block_list(const unfurl_blocks *b, const unfurl_block *block, size_t listed,
                         unfurl_region_of_pixels *regions, size_t *src_at, size_t *dst_at) {
  const unfurl_conv_geometry *g = &block->g;
  unfurl_axis_segment ys[MOST_SEGMENTS], xs[MOST_SEGMENTS];
  const bool from_first = b->copies_src || b->flat;
  const size_t rows[2] = {from_first ? 0 : block->rows[0],
                          from_first ? block->rows[1] - block->rows[0] : block->rows[1]};
  const size_t row_count = unfurl_axis_segments(&g->h, g->transposed, rows[0], rows[1], ys);
  const bool is_whole = b->skips_cols && unfurl_axis_whole(&g->w, xs);
  const size_t col_count = is_whole ? 1 : unfurl_axis_segments(&g->w, g->transposed, 0, g->w.out, xs);
  const size_t dst_row = b->copies_dst || b->flat ? 0 : block->rows[0];
  size_t first = 0;
  for (size_t i = 0; i < row_count; i++)
    for (size_t j = 0; j < col_count; j++) {
      const size_t at = i * col_count + j;
      unfurl_region_of_pixels r = {.view = unfurl_patch_view_of(g, 0, &ys[i], &xs[j])};
      r.grid = grid_of(block, &r.view, &ys[i], &xs[j]);
      r.dst = (ys[i].begin - rows[0] + dst_row) * g->dst.row + xs[j].begin * g->dst.col;
      r.first = first;
      r.count = block->images * r.view.lines * r.view.pixels;
      size_t tiles;
      const bool dense = r.grid.dst_steps[1] == r.grid.counts[2] * r.grid.dst_steps[2];
      r.order = unfurl_blocks_order(b, r.grid.counts[0], r.grid.counts[1], r.grid.counts[2], dense, &tiles);
      const bool is_listed =
          at < listed && regions[at].first == first && !memcmp(&regions[at].grid, &r.grid, sizeof r.grid);
      cut_rows(b, &r);
      if (src_at && r.order == UNFURL_PIXELS_LISTED && !is_listed) list_pixels(&r.grid, src_at + first, dst_at + first);
      regions[at] = r;
      first += r.count;
    }
  return row_count * col_count;
}
