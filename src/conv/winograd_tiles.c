/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/winograd_tiles.h"

#include <string.h>

#include "conv/conv_class.h"

enum {
  LINE_FLOATS = UNFURL_ALIGN / sizeof(float),
  STREAM_COST = 1 /* multiply-adds of a vector in the time that a float takes from level 3; twice that from memory */
};

unfurl_winograd_tiles unfurl_winograd_tiles_of(const unfurl_conv_problem *p, size_t m, const unfurl_kernels *kernels) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t side = (m - 1) * g->h.stride + g->h.taps;
  unfurl_winograd_tiles t = {.kernels = kernels, .m = m, .side = side, .elements = side * side};
  t.rows = unfurl_divide_up(g->h.out, m);
  t.cols = unfurl_divide_up(g->w.out, m);
  t.count = g->batch * t.rows * t.cols;
  t.products = g->batch * unfurl_winograd_products(g, m);
  if (g->src.channel != 1 || g->dst.channel != 1) t.pixels_floats = t.elements * (g->icg > g->ocg ? g->icg : g->ocg);
  return t;
}

size_t unfurl_winograd_plane(size_t tiles, size_t row) {
  const size_t lines = unfurl_divide_up(tiles * row, LINE_FLOATS);
  return (lines | 1) * LINE_FLOATS;
}

double unfurl_winograd_stream_cost(const unfurl_conv_problem *p, double floats) {
  return floats * sizeof(float) > (double)p->l2_bytes ? floats * STREAM_COST * (double)p->kernels->lanes : 0;
}

/* A tile: its image, its first output, and how much of it is inside the result. */
typedef struct tile_place {
  size_t image, row, col, rows, cols;
} tile_place;

static tile_place place_of(const unfurl_conv_geometry *g, const unfurl_winograd_tiles *c, size_t tile) {
  const size_t in_image = tile % (c->rows * c->cols);
  tile_place t = {
      .image = tile / (c->rows * c->cols), .row = in_image / c->cols * c->m, .col = in_image % c->cols * c->m};
  t.rows = g->h.out - t.row < c->m ? g->h.out - t.row : c->m;
  t.cols = g->w.out - t.col < c->m ? g->w.out - t.col : c->m;
  return t;
}

unfurl_winograd_part unfurl_winograd_part_of(const unfurl_conv_geometry *g, const unfurl_winograd_tiles *c,
                                             size_t tile) {
  if (g->h.out % c->m == 0 && g->w.out % c->m == 0) return UNFURL_WINOGRAD_WHOLE;
  const tile_place place = place_of(g, c, tile);
  if (place.rows < c->m) return place.cols < c->m ? UNFURL_WINOGRAD_CORNER : UNFURL_WINOGRAD_BOTTOM;
  return place.cols < c->m ? UNFURL_WINOGRAD_RIGHT : UNFURL_WINOGRAD_WHOLE;
}

unfurl_winograd_parts unfurl_winograd_parts_of(const unfurl_conv_geometry *g, const unfurl_winograd_tiles *c,
                                               size_t begin, size_t end) {
  unfurl_winograd_parts parts = {0};
  for (size_t tile = begin; tile < end; tile++) parts.first[unfurl_winograd_part_of(g, c, tile) + 1]++;
  for (size_t i = 0; i < UNFURL_WINOGRAD_PARTS; i++) parts.first[i + 1] += parts.first[i];
  return parts;
}

/* Whether all tiles along an axis use element `at`, also one that is cut off. */
static bool all_use(const unfurl_winograd_tiles *c, const unfurl_conv_axis *axis, size_t at) {
  const size_t left = axis->out % c->m;
  return unfurl_winograd_uses(c->m, c->side, left ? left : c->m, at);
}

void unfurl_winograd_multiplied(const unfurl_conv_geometry *g, const unfurl_winograd_tiles *c,
                                const unfurl_winograd_parts *parts, size_t element, size_t range[2]) {
  const bool bottom = all_use(c, &g->h, element / c->side), right = all_use(c, &g->w, element % c->side);
  const size_t *first = parts->first;
  range[0] = first[bottom ? UNFURL_WINOGRAD_BOTTOM : UNFURL_WINOGRAD_WHOLE];
  range[1] = first[!right ? UNFURL_WINOGRAD_RIGHT : bottom ? UNFURL_WINOGRAD_PARTS : UNFURL_WINOGRAD_CORNER];
}

/* The inputs of a tile that begins at output `out` that are inside the image. */
static void inside(const unfurl_conv_axis *axis, size_t out, size_t inputs, size_t range[2]) {
  const size_t first = out * axis->stride, end = axis->in + axis->pad;
  range[0] = first < axis->pad ? axis->pad - first : 0;
  range[1] = first + inputs < end ? inputs : end > first ? end - first : 0;
  if (range[0] > range[1]) range[0] = range[1];
}

/* The tile's inputs in NHWC, with the padding, from an image that is not. */
static void copy_tile(const unfurl_conv_geometry *g, unfurl_winograd_input *t, float *pixels) {
  const size_t side = t->side;
  memset(pixels, 0, side * side * t->channels * sizeof *pixels);
  for (size_t c = 0; c < t->channels; c++)
    for (size_t i = t->rows[0]; i < t->rows[1]; i++) {
      const float *row = t->image + (t->at + (ptrdiff_t)(i * g->src.row + c * g->src.channel));
      for (size_t j = t->cols[0]; j < t->cols[1]; j++)
        pixels[(i * side + j) * t->channels + c] = row[(ptrdiff_t)(j * g->src.col)];
    }
  t->image = pixels, t->at = 0;
  t->col_stride = (ptrdiff_t)t->channels, t->row_stride = (ptrdiff_t)(side * t->channels);
  t->rows[0] = t->cols[0] = 0, t->rows[1] = t->cols[1] = side;
}

/* What the input's transform has to know of a tile with `outputs` along an axis. */
static size_t left_of(const unfurl_winograd_tiles *c, size_t outputs) {
  return c->m >= 4 && outputs < c->m ? outputs : 0;
}

void unfurl_winograd_spread(const unfurl_conv_run *r, const unfurl_winograd_tiles *c, size_t group, size_t tile,
                            float *to, float *pixels) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const tile_place place = place_of(g, c, tile);
  unfurl_winograd_input t = {
      .side = c->side,
      .image = r->src + place.image * g->src.image + group * g->icg * g->src.channel,
      .at = ((ptrdiff_t)(place.row * g->h.stride) - (ptrdiff_t)g->h.pad) * (ptrdiff_t)g->src.row +
            ((ptrdiff_t)(place.col * g->w.stride) - (ptrdiff_t)g->w.pad) * (ptrdiff_t)g->src.col,
      .row_stride = (ptrdiff_t)g->src.row,
      .col_stride = (ptrdiff_t)g->src.col,
      .rows_left = left_of(c, place.rows),
      .cols_left = left_of(c, place.cols),
      .channels = g->icg,
      .dst = to,
      .plane = c->src_plane,
  };
  inside(&g->h, place.row, c->side, t.rows);
  inside(&g->w, place.col, c->side, t.cols);
  if (g->src.channel != 1) copy_tile(g, &t, pixels);
  c->kernels->winograd_input(&t);
}

/* Takes a tile of results, [rows][cols][filters], to its place in NCHW; residual and activation if these are left. */
static void place_tile(const unfurl_conv_geometry *g, const unfurl_kernels *kernels, const unfurl_winograd_output *t,
                       const unfurl_epilogue *left, float *dst) {
  for (size_t k = 0; k < t->filters; k++)
    for (size_t i = 0; i < t->rows; i++) {
      const size_t at = k * g->dst.channel + i * g->dst.row;
      for (size_t j = 0; j < t->cols; j++) dst[at + j] = t->dst[i * t->row_stride + j * t->col_stride + k];
      if (!left->residual) continue;
      for (size_t j = 0; j < t->cols; j++) dst[at + j] += left->residual[at + j];
      unfurl_activate(kernels, left->activation, left->alpha, left->beta, t->cols, dst + at, dst + at);
    }
}

void unfurl_winograd_gather(const unfurl_conv_run *r, const unfurl_winograd_tiles *c, size_t group,
                            const size_t filters[2], size_t tile, const float *from, float *pixels) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const tile_place place = place_of(g, c, tile);
  const size_t filter = group * g->ocg + filters[0];
  const size_t at =
      place.image * g->dst.image + place.row * g->dst.row + place.col * g->dst.col + filter * g->dst.channel;
  unfurl_epilogue epilogue = r->epilogue;
  if (epilogue.bias) epilogue.bias += filter;
  if (epilogue.residual) epilogue.residual += at;
  const unfurl_epilogue whole = epilogue;
  unfurl_winograd_output t = {.side = c->side,
                              .m = c->m,
                              .src = from,
                              .plane = c->dst_plane,
                              .rows = place.rows,
                              .cols = place.cols,
                              .filters = filters[1] - filters[0],
                              .dst = r->dst + at,
                              .row_stride = g->dst.row,
                              .col_stride = g->dst.col,
                              .streams = r->streams && c->kernels->lanes % LINE_FLOATS == 0,
                              .epilogue = &epilogue};
  if (g->dst.channel == 1) {
    c->kernels->winograd_output(&t);
    return;
  }
  t.dst = pixels, t.col_stride = t.filters, t.row_stride = t.cols * t.filters;
  if (epilogue.residual) epilogue.residual = NULL, epilogue.activation = UNFURL_ACTIVATION_NONE;
  c->kernels->winograd_output(&t);
  place_tile(g, c->kernels, &t, &whole, r->dst + at);
}
