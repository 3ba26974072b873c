/* SPDX-License-Identifier: BSD-2-Clause */
/* strided: no patch matrix at all. The micro-kernel reads the chunks in place through the patch view, and multiplies
 * them by panels of packed weights; bias, residual and activation are applied while a tile is in registers.
 *
 * A unit is a block: some images (several where maps are small), a band of their output rows, one group, and some of its
 * panels. The pixels of a block are listed once, region by region, so that tiles run across rows and images, and
 * every panel is multiplied by all of them. Nothing is multiplied by padding, unless the regions would be so small
 * that half-empty tiles cost more: then the block's input is copied into a padded buffer, and is one region. A product
 * with a padding zero adds nothing, so the bits are the same.
 *
 * A 1x1 convolution with stride 1 and no padding is done as one tall image of single pixels, whatever the batch: so are
 * fully connected layers.
 */
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "conv/solver.h"
#include "lowering/pack_weights.h"
#include "shape/patch_view.h"

enum {
  BAND_BYTES = 128 << 10, /* of input that a block reads again for each panel: stays in L2 */
  BAND_PIXELS = 1024,     /* most output pixels of a block, where a row has fewer */
  MOST_SEGMENTS = 256,    /* padding wider than any real network's is left to others */
  SMALL_MAP = 64,         /* output pixels below which images share a block */
  PADDED_LIMIT = 2 << 20, /* bytes of a padded buffer */
  UNITS_A_THREAD = 4,
};

/* How a convolution is cut. */
typedef struct blocks {
  unfurl_conv_geometry g; /* as it is computed: flattened where that is possible */
  bool padded;
  size_t images, image_blocks;  /* images in a block; blocks of the batch */
  size_t bands, panels, chunks; /* bands of output rows; panels of a group; parts that these are cut into */
  size_t pixels, regions;       /* most pixels and regions in a block */
} blocks;

/* One distinct border: pixels `first`.. of the block's list. */
typedef struct region {
  unfurl_patch_view view;
  size_t first, count;
} region;

static bool is_pointwise(const unfurl_conv_geometry *g) {
  return g->h.taps == 1 && g->w.taps == 1 && g->h.stride == 1 && g->w.stride == 1 && g->h.pad == 0 && g->w.pad == 0 &&
         g->h.out == g->h.in && g->w.out == g->w.in;
}

/* All pixels of all images as one image that is one pixel wide. */
static unfurl_conv_geometry flatten(const unfurl_conv_geometry *given) {
  unfurl_conv_geometry g = *given;
  g.h.in = g.h.out = g.batch * g.out_pixels;
  g.w.in = g.w.out = 1;
  g.batch = 1;
  g.in_pixels = g.out_pixels = g.h.out;
  g.src = (unfurl_image_strides){.image = g.h.in * g.ic, .row = g.ic, .col = g.ic, .channel = 1};
  g.dst = (unfurl_image_strides){.image = g.h.in * g.oc, .row = g.oc, .col = g.oc, .channel = 1};
  return g;
}

/* Size of the padded image along an axis: as far as the last chunk reaches. */
static size_t padded_extent(const unfurl_conv_axis *axis) {
  return (axis->out - 1) * axis->stride + (axis->taps - 1) * axis->dilation + 1;
}

/* The geometry of the padded copy of one group: no padding left, channels of that group only. */
static unfurl_conv_geometry padded_geometry(const unfurl_conv_geometry *given) {
  unfurl_conv_geometry g = *given;
  g.h.in = padded_extent(&given->h);
  g.w.in = padded_extent(&given->w);
  g.h.pad = g.w.pad = 0;
  g.groups = 1;
  g.ic = g.icg;
  g.src = (unfurl_image_strides){.image = g.h.in * g.w.in * g.icg, .row = g.w.in * g.icg, .col = g.icg, .channel = 1};
  return g;
}

/* Steps that the tiles of `pixels` pixels take for each tap, in rows of a tile. */
static size_t tile_steps(const unfurl_kernels *kernels, size_t rows, size_t pixels) {
  const size_t tiles = (pixels + rows - 1) / rows;
  const size_t hidden = tiles * kernels->hidden_rows;
  return pixels > hidden ? pixels : hidden;
}

static size_t segment_count(const unfurl_conv_axis *axis) {
  size_t count = 0;
  for (size_t at = 0; at < axis->out; count++) at = unfurl_axis_segment_at(axis, at, axis->out).end;
  return count;
}

/* Whether padding an image costs less than tiles cut at every border. */
static bool prefers_padding(const unfurl_conv_problem *p, const unfurl_conv_geometry *g, size_t images) {
  const size_t rows = unfurl_kernels_rows(p->kernels, g->ocg);
  size_t steps = 0;
  if (g->h.pad == 0 && g->w.pad == 0 && padded_extent(&g->h) <= g->h.in && padded_extent(&g->w) <= g->w.in)
    return false;
  for (size_t y = 0; y < g->h.out;) {
    const unfurl_axis_segment ys = unfurl_axis_segment_at(&g->h, y, g->h.out);
    for (size_t x = 0; x < g->w.out;) {
      const unfurl_axis_segment xs = unfurl_axis_segment_at(&g->w, x, g->w.out);
      const size_t taps = (ys.tap_end - ys.tap_begin) * (xs.tap_end - xs.tap_begin);
      steps += taps * tile_steps(p->kernels, rows, images * (ys.end - y) * (xs.end - x));
      x = xs.end;
    }
    y = ys.end;
  }
  const size_t padded = padded_extent(&g->h) * padded_extent(&g->w) * images;
  if (padded * g->icg * sizeof(float) > PADDED_LIMIT) return false;
  /* Copying a pixel takes about as long as multiplying it by 8 filters of one tap. */
  const size_t copy = padded * 8 / (g->ocg < 8 ? 8 : g->ocg);
  return g->h.taps * g->w.taps * tile_steps(p->kernels, rows, images * g->out_pixels) + copy < steps;
}

static size_t at_least_one(size_t value) {
  return value ? value : 1;
}

static blocks cut(const unfurl_conv_problem *p) {
  blocks b = {.g = is_pointwise(&p->geometry) ? flatten(&p->geometry) : p->geometry, .images = 1, .bands = 1};
  const unfurl_conv_geometry *g = &b.g;
  b.panels = unfurl_panel_count(g, p->kernels->cols);
  if (g->out_pixels < SMALL_MAP) {
    b.images = SMALL_MAP / g->out_pixels;
    const size_t share = (g->batch + p->threads - 1) / p->threads; /* no thread should be left without a block */
    if (b.images > share) b.images = share;
  } else {
    const size_t row_bytes = g->h.stride * g->w.in * g->icg * sizeof(float);
    size_t rows = at_least_one(BAND_BYTES / row_bytes);
    if (rows * g->w.out > BAND_PIXELS) rows = at_least_one(BAND_PIXELS / g->w.out);
    b.bands = (g->h.out + rows - 1) / rows;
  }
  b.image_blocks = (g->batch + b.images - 1) / b.images;
  b.padded = prefers_padding(p, g, b.images);
  if (b.padded) b.bands = 1;
  const size_t units = b.image_blocks * b.bands * g->groups, wanted = p->threads > 1 ? UNITS_A_THREAD * p->threads : 1;
  b.chunks = units >= wanted ? 1 : (wanted + units - 1) / units;
  if (b.chunks > b.panels) b.chunks = b.panels;
  b.regions = b.padded ? 1 : segment_count(&g->h) * segment_count(&g->w);
  b.pixels = b.images * ((g->h.out + b.bands - 1) / b.bands) * g->w.out;
  return b;
}

/* Segments of an axis, at most: one for each output that begins before the image or ends behind it, and the inner one. */
static size_t most_segments(const unfurl_conv_axis *axis) {
  const size_t extent = padded_extent(axis), inside = axis->pad + axis->in;
  const size_t behind = extent > inside ? extent - inside : 0;
  return (axis->pad + behind) / axis->stride + 3;
}

static bool is_applicable(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return !g->transposed && g->src.channel == 1 && g->dst.channel == 1 && most_segments(&g->h) <= MOST_SEGMENTS &&
         most_segments(&g->w) <= MOST_SEGMENTS;
}

static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const double wasted = (double)(unfurl_panel_count(g, p->kernels->cols) * p->kernels->cols) / (double)g->ocg;
  return (double)g->batch * (double)g->out_pixels * (double)g->oc * (double)g->patch * (wasted > 1.5 ? 1.5 : wasted);
}

static size_t packed_floats(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return unfurl_size_product(
      4, (const size_t[]){g->groups, unfurl_panel_count(g, p->kernels->cols), g->patch, p->kernels->cols});
}

static void pack(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {
  unfurl_pack_panels(&p->geometry, layout, p->kernels->cols, weights, packed);
}

static size_t units(const unfurl_conv_problem *p) {
  const blocks b = cut(p);
  return b.image_blocks * b.bands * b.g.groups * b.chunks;
}

/* Floats of the padded copy of a block's input. */
static size_t padded_floats(const blocks *b) {
  if (!b->padded) return 0;
  const unfurl_conv_geometry padded = padded_geometry(&b->g);
  return unfurl_size_product(2, (const size_t[]){b->images, padded.src.image});
}

/* A task's workspace: the regions, two lists of offsets, the padded buffer. */
typedef struct scratch {
  region *regions;
  size_t *src_at, *dst_at;
  float *padded;
} scratch;

/* Lays the parts out from `base` on; returns the bytes that they take, SIZE_MAX when that overflows. */
static size_t lay_out(const blocks *b, char *base, scratch *s) {
  const size_t regions = unfurl_size_align(b->regions * sizeof(region)),
               list = unfurl_size_align(b->pixels * sizeof(size_t));
  size_t bytes = regions + 2 * list;
  if (s)
    *s = (scratch){.regions = (void *)base,
                   .src_at = (void *)(base + regions),
                   .dst_at = (void *)(base + regions + list),
                   .padded = (void *)(base + bytes)};
  unfurl_size_add(&bytes, unfurl_size_product(2, (const size_t[]){padded_floats(b), sizeof(float)}));
  return bytes;
}

static size_t workspace(const unfurl_conv_problem *p) {
  const blocks b = cut(p);
  return lay_out(&b, NULL, NULL);
}

/* Where each pixel of a region reads and writes, over the images of the block. */
static void list_pixels(const unfurl_conv_geometry *g, const unfurl_patch_view *view, size_t images, size_t dst_first,
                        size_t *src_at, size_t *dst_at) {
  for (size_t n = 0; n < images; n++)
    for (size_t y = 0; y < view->lines; y++) {
      const size_t src = n * g->src.image + view->origin + y * view->line_stride;
      const size_t dst = n * g->dst.image + dst_first + y * g->dst.row;
      for (size_t x = 0; x < view->pixels; x++) {
        *src_at++ = src + x * view->pixel_stride;
        *dst_at++ = dst + x * g->dst.col;
      }
    }
}

/* Lists the pixels of the output rows rows[0]..rows[1]-1; returns the number of regions. */
static size_t list_regions(const unfurl_conv_geometry *g, size_t group, size_t images, const size_t rows[2],
                           const scratch *s) {
  size_t count = 0, first = 0;
  for (size_t y = rows[0]; y < rows[1];) {
    const unfurl_axis_segment ys = unfurl_axis_segment_at(&g->h, y, rows[1]);
    for (size_t x = 0; x < g->w.out;) {
      const unfurl_axis_segment xs = unfurl_axis_segment_at(&g->w, x, g->w.out);
      region *r = &s->regions[count++];
      r->view = unfurl_patch_view_of(g, group, &ys, &xs);
      r->first = first;
      r->count = images * r->view.lines * r->view.pixels;
      list_pixels(g, &r->view, images, y * g->dst.row + x * g->dst.col, s->src_at + first, s->dst_at + first);
      first += r->count;
      x = xs.end;
    }
    y = ys.end;
  }
  return count;
}

/* All pixels of a region by one panel, in tiles as even as they can be. */
static void multiply_region(const unfurl_kernels *kernels, unfurl_tile tile, const region *r, const size_t *src_at,
                            const size_t *dst_at) {
  const unfurl_patch_view *v = &r->view;
  const size_t most = unfurl_kernels_rows(kernels, tile.cols), tiles = (r->count + most - 1) / most;
  tile.run_rows = v->run_rows, tile.run_cols = v->run_cols, tile.run_length = v->run_length;
  tile.run_row_stride = v->run_row_stride, tile.run_col_stride = v->run_col_stride;
  tile.weights += v->unrolled_origin * kernels->cols;
  tile.weights_row_stride = v->unrolled_row_stride * kernels->cols;
  tile.weights_col_stride = v->unrolled_col_stride * kernels->cols;
  const size_t rows = r->count / tiles, larger = r->count % tiles;
  tile.src_at = src_at + r->first;
  tile.dst_at = dst_at + r->first;
  for (size_t i = 0; i < tiles; i++) {
    tile.rows = rows + (i < larger);
    kernels->tile(&tile);
    tile.src_at += tile.rows;
    tile.dst_at += tile.rows;
  }
}

/* Copies the block's images of one group into the padded buffer. */
static void pad_images(const unfurl_conv_geometry *g, const unfurl_conv_geometry *padded, const float *src,
                       size_t images, float *to) {
  memset(to, 0, images * padded->src.image * sizeof *to);
  for (size_t n = 0; n < images; n++)
    for (size_t h = 0; h < g->h.in && h + g->h.pad < padded->h.in; h++)
      for (size_t w = 0; w < g->w.in && w + g->w.pad < padded->w.in; w++)
        memcpy(to + n * padded->src.image + (h + g->h.pad) * padded->src.row + (w + g->w.pad) * padded->src.col,
               src + n * g->src.image + h * g->src.row + w * g->src.col, g->icg * sizeof *to);
}

/* A unit: which block it is. */
typedef struct block {
  size_t image, images, group, rows[2], panels[2];
} block;

static block block_of(const blocks *b, size_t unit) {
  const size_t chunk = unit % b->chunks, band = unit / b->chunks % b->bands;
  const size_t outer = unit / b->chunks / b->bands, group = outer % b->g.groups, at = outer / b->g.groups;
  return (block){
      .image = unfurl_part_begin(b->g.batch, b->image_blocks, at),
      .images =
          unfurl_part_begin(b->g.batch, b->image_blocks, at + 1) - unfurl_part_begin(b->g.batch, b->image_blocks, at),
      .group = group,
      .rows = {unfurl_part_begin(b->g.h.out, b->bands, band), unfurl_part_begin(b->g.h.out, b->bands, band + 1)},
      .panels = {unfurl_part_begin(b->panels, b->chunks, chunk), unfurl_part_begin(b->panels, b->chunks, chunk + 1)}};
}

static void run_block(const unfurl_conv_run *r, const blocks *b, const block *at, char *workspace) {
  const unfurl_kernels *kernels = r->problem->kernels;
  unfurl_conv_geometry g = b->g;
  scratch s;
  lay_out(b, workspace, &s);
  const float *src = r->src + at->image * g.src.image;
  if (b->padded) {
    g = padded_geometry(&b->g);
    pad_images(&b->g, &g, src + at->group * g.icg, at->images, s.padded);
    src = s.padded;
  }
  const size_t count = list_regions(&g, b->padded ? 0 : at->group, at->images, at->rows, &s);
  for (size_t panel = at->panels[0]; panel < at->panels[1]; panel++) {
    const size_t first = panel * kernels->cols, left = g.ocg - first, oc = at->group * g.ocg + first;
    const size_t dst = at->image * g.dst.image + oc;
    unfurl_epilogue epilogue = r->epilogue;
    if (epilogue.bias) epilogue.bias += oc;
    if (epilogue.residual) epilogue.residual += dst;
    const unfurl_tile tile = {.src = src,
                              .weights = r->weights + (at->group * b->panels + panel) * g.patch * kernels->cols,
                              .dst = r->dst + dst,
                              .cols = left < kernels->cols ? left : kernels->cols,
                              .epilogue = &epilogue};
    for (size_t i = 0; i < count; i++) multiply_region(kernels, tile, &s.regions[i], s.src_at, s.dst_at);
  }
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *workspace) {
  const blocks b = cut(r->problem);
  for (size_t unit = begin; unit < end; unit++) {
    const block at = block_of(&b, unit);
    run_block(r, &b, &at, (char *)workspace);
  }
}

const unfurl_conv_solver unfurl_solve_strided = {
    .name = "strided",
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = packed_floats,
    .pack = pack,
    .units = units,
    .workspace = workspace,
    .run = run,
};
