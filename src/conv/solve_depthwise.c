/* SPDX-License-Identifier: BSD-2-Clause */
/* depthwise: as many groups as channels. There is no product to make: each channel has its own small filters, and vectors
 * run over channels.
 *
 * Weights are packed as [kh][kw][oc], oc filled up to whole vectors. A unit is one row of output pixels of one image, or
 * where rows are few a part of its channels; a task's rows of an image are one call of the kernel for each strip of
 * channels. With a multiplier (several filters a channel), the input rows of a unit are first spread in the workspace,
 * each channel as often as it has filters: [rows][iw][oc].
 */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/stream.h"
#include "conv/solver.h"
#include "shape/patch_view.h"

enum {
  SPREAD_LIMIT = 4 << 20, /* bytes of spread rows */
  NEIGHBOURS = 8,         /* pixels of a line that the kernel does together, about */
  STRIP_BYTES = 36 << 10, /* of what these and those a line below read: most of L1 */
  BAND_ROWS = 8,          /* of output, at most where L2 does not hold an image */
  BAND_SHARE = 3, /* of L2, for what a band reads and writes, where the next one's is brought: one in so many bytes */
  BROUGHT = 32 << 20, /* bytes of a batch's input: less may still be in a cache beyond L2 */
  STRIP_STEP = 16,    /* channels: the longest vector */
  FEW_STRIPS = 2,     /* are nearly in the order of memory */
  MANY_ROWS = 8,      /* for a thread: one more or less does not matter */
  PART_STEP = 64      /* channels: parts of them are a multiple */
};

/* Floats of the input rows of one unit, spread; 0 where they are read in place. */
static size_t spread_floats(const unfurl_conv_geometry *g) {
  return g->ocg == 1 ? 0 : unfurl_size_product(3, (const size_t[]){g->h.taps, g->w.in, g->oc});
}

static bool is_applicable(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return !g->transposed && g->icg == 1 && g->groups > 1 && g->src.channel == 1 && g->dst.channel == 1 &&
         spread_floats(g) <= SPREAD_LIMIT / sizeof(float);
}

/* Vectors that are not full take as long as full ones; spreading an element takes about as long as 34 multiply-adds. */
static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t lanes = p->kernels->lanes, filled = (g->oc + lanes - 1) / lanes * lanes;
  const double spread = g->ocg == 1 ? 0 : 34 * (double)g->h.taps * (double)g->w.in * (double)g->oc;
  return (double)g->batch * (double)g->h.out * ((double)g->w.out * (double)g->patch * (double)filled + spread);
}

/* Floats from one tap's weights to the next one's. */
static size_t tap_floats(const unfurl_conv_geometry *g) {
  return (g->oc + STRIP_STEP - 1) / STRIP_STEP * STRIP_STEP;
}

static size_t packed_floats(const unfurl_conv_problem *p) {
  return unfurl_size_product(2, (const size_t[]){p->geometry.patch, tap_floats(&p->geometry)});
}

/* From [oc][kh][kw]; with one channel a group, both layouts are that. */
static void pack(const unfurl_conv_problem *p, unfurl_layout layout, const float *weights, float *packed) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t filled = tap_floats(g);
  (void)layout;
  for (size_t tap = 0; tap < g->patch; tap++)
    for (size_t c = 0; c < filled; c++) packed[tap * filled + c] = c < g->oc ? weights[c * g->patch + tap] : 0;
}

/* Parts of the channels: more than one where threads could not have as many rows. */
static size_t channel_parts(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const size_t rows = g->batch * g->h.out;
  if (g->ocg > 1 || rows % p->threads == 0 || rows >= MANY_ROWS * p->threads) return 1;
  return unfurl_smaller(p->threads, unfurl_divide_up(g->oc, PART_STEP));
}

static size_t units(const unfurl_conv_problem *p) {
  return p->geometry.batch * channel_parts(p) * p->geometry.h.out;
}

static size_t workspace(const unfurl_conv_problem *p) {
  return unfurl_size_product(2, (const size_t[]){spread_floats(&p->geometry), sizeof(float)});
}

/* The input rows that the taps of a segment read, one behind the other, each channel ocg times. */
static void spread_rows(const unfurl_conv_geometry *g, const float *image, const unfurl_axis_segment *ys, float *to) {
  for (size_t tap = 0; tap < ys->tap_count; tap++) {
    const float *row = image + (ys->input + tap * g->h.dilation) * g->src.row;
    for (size_t i = 0; i < g->w.in * g->ic; i++)
      for (size_t j = 0; j < g->ocg; j++) *to++ = row[i];
  }
}

/* Whether the input is so large that it comes from memory: it is brought band by band then. */
static bool brings(const unfurl_conv_geometry *g) {
  return g->w.dilation == 1 && g->batch * g->in_pixels * g->ic >= BROUGHT / sizeof(float);
}

/* Whether L2 holds an image and its result. */
static bool is_held(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return (g->in_pixels + g->out_pixels) * g->oc <= p->l2_bytes / sizeof(float);
}

/* Channels that are done at once: as many as stay in L1 from one line to the next, in strips as even as they can be. But
 * an image that L2 does not hold is read sooner in the order of memory, unless its result goes past the caches. */
static size_t strip_channels(const unfurl_conv_run *r) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t wide = (NEIGHBOURS - 1) * g->w.stride + (g->w.taps - 1) * g->w.dilation + 1;
  const size_t inputs = unfurl_smaller(g->h.taps + g->h.stride, g->h.in) * unfurl_smaller(wide, g->w.in);
  const size_t fitting = STRIP_BYTES / sizeof(float) / (inputs + g->patch) / STRIP_STEP * STRIP_STEP;
  const size_t strips = fitting == 0 ? tap_floats(g) / STRIP_STEP : (g->oc + fitting - 1) / fitting;
  if (strips > FEW_STRIPS && !is_held(r->problem) && !brings(g) && !r->streams) return g->oc;
  return ((g->oc + strips - 1) / strips + STRIP_STEP - 1) / STRIP_STEP * STRIP_STEP;
}

/* Output rows that are done before the next strip and the next column of pixels: all; but an image that L2 does not hold
 * is read in the order of memory, nearly. */
static size_t band_rows(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  if (is_held(p)) return g->h.out;
  if (!brings(g)) return BAND_ROWS;
  const size_t share = p->l2_bytes / sizeof(float) / BAND_SHARE;
  const size_t rows = share / ((g->h.stride * g->w.in + g->w.out) * g->oc);
  return rows == 0 ? 1 : unfurl_smaller(rows, BAND_ROWS);
}

/* Output rows of an image, and a part of its channels. */
typedef struct row_band {
  size_t image, first, end, channels[2];
} row_band;

static size_t part_begin(const unfurl_conv_problem *p, size_t parts, size_t part) {
  return unfurl_smaller(unfurl_part_begin(unfurl_divide_up(p->geometry.oc, PART_STEP), parts, part) * PART_STEP,
                        p->geometry.oc);
}

/* The band from unit `unit` on, of a task that ends at unit `end`. */
static row_band band_at(const unfurl_conv_problem *p, size_t unit, size_t end) {
  const size_t rows = p->geometry.h.out, parts = channel_parts(p), first = unit % rows, part = unit / rows % parts;
  const size_t last = unfurl_smaller(rows, first + (end - unit));
  return (row_band){unit / rows / parts,
                    first,
                    unfurl_smaller(first + band_rows(p), last),
                    {part_begin(p, parts, part), part_begin(p, parts, part + 1)}};
}

/* What band `next` reads that `band` does not. */
static unfurl_piece new_input(const unfurl_conv_geometry *g, const row_band *band, const row_band *next) {
  size_t first, known;
  const size_t end = unfurl_axis_band(&g->h, next->first, next->end, &first).in + first;
  const size_t known_end = unfurl_axis_band(&g->h, band->first, band->end, &known).in + known;
  if (next->image == band->image && known_end > first) first = unfurl_smaller(known_end, end);
  return (unfurl_piece){next->image * g->src.image + first * g->src.row, (end - first) * g->src.row};
}

static unfurl_depthwise_axis axis_from(const unfurl_conv_axis *axis, size_t first) {
  return (unfurl_depthwise_axis){.in = axis->in,
                                 .taps = axis->taps,
                                 .step = axis->stride,
                                 .dilation = axis->dilation,
                                 .first = (ptrdiff_t)(first * axis->stride) - (ptrdiff_t)axis->pad};
}

/* What is brought with strip `at` of `strips`: a share of what the next band reads and writes. */
static unfurl_coming coming_with(const unfurl_conv_run *r, const row_band *band, const row_band *next, size_t strips,
                                 size_t at) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const unfurl_piece written = {next->image * g->dst.image + next->first * g->dst.row,
                                r->streams ? 0 : (next->end - next->first) * g->dst.row};
  const unfurl_piece src = unfurl_piece_part(new_input(g, band, next), strips, at);
  const unfurl_piece dst = unfurl_piece_part(written, strips, at);
  return (unfurl_coming){r->src + src.first, r->dst + dst.first, src.floats, dst.floats};
}

/* A band, strip by strip; meanwhile the next one, if there is one, is brought, a share with each strip. */
static void run_band(const unfurl_conv_run *r, const row_band *band, const row_band *next) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const size_t strip = strip_channels(r), dst = band->image * g->dst.image + band->first * g->dst.row;
  const bool brings_next = next && brings(g);
  for (size_t c = band->channels[0]; c < band->channels[1]; c += strip) {
    unfurl_epilogue epilogue = r->epilogue;
    if (epilogue.bias) epilogue.bias += c;
    if (epilogue.residual) epilogue.residual += dst + c;
    unfurl_depthwise kernel = {.src = r->src + band->image * g->src.image + c,
                               .lines = band->end - band->first,
                               .pixels = g->w.out,
                               .channels = unfurl_smaller(band->channels[1] - c, strip),
                               .rows = axis_from(&g->h, band->first),
                               .cols = axis_from(&g->w, 0),
                               .src_row = g->src.row,
                               .src_col = g->src.col,
                               .weights = r->weights + c,
                               .weights_tap = tap_floats(g),
                               .dst = r->dst + dst + c,
                               .dst_line = g->dst.row,
                               .dst_stride = g->dst.col,
                               .streams = r->streams,
                               .epilogue = &epilogue};
    if (brings_next) kernel.coming = coming_with(r, band, next, unfurl_divide_up(g->oc, strip), c / strip);
    r->problem->kernels->depthwise(&kernel);
  }
}

/* Output row y of image n from its spread rows, which are all the rows that there are. */
static void run_spread(const unfurl_conv_run *r, size_t n, size_t y, float *spread) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const unfurl_axis_segment ys = unfurl_axis_segment_at(&g->h, y, y + 1);
  const size_t dst = n * g->dst.image + y * g->dst.row;
  unfurl_epilogue epilogue = r->epilogue;
  if (epilogue.residual) epilogue.residual += dst;
  spread_rows(g, r->src + n * g->src.image, &ys, spread);
  const unfurl_depthwise kernel = {
      .src = spread,
      .lines = 1,
      .pixels = g->w.out,
      .channels = g->oc,
      .rows = {.in = ys.tap_count, .taps = g->h.taps, .dilation = 1, .first = -(ptrdiff_t)ys.tap_begin},
      .cols = axis_from(&g->w, 0),
      .src_row = g->w.in * g->oc,
      .src_col = g->oc,
      .weights = r->weights,
      .weights_tap = tap_floats(g),
      .dst = r->dst + dst,
      .dst_line = g->dst.row,
      .dst_stride = g->dst.col,
      .streams = r->streams,
      .epilogue = &epilogue};
  r->problem->kernels->depthwise(&kernel);
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *spread) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  if (g->ocg > 1) {
    for (size_t unit = begin; unit < end; unit++) run_spread(r, unit / g->h.out, unit % g->h.out, spread);
  } else {
    for (size_t unit = begin; unit < end;) {
      const row_band band = band_at(r->problem, unit, end);
      unit += band.end - band.first;
      row_band next;
      if (unit < end) next = band_at(r->problem, unit, end);
      run_band(r, &band, unit < end ? &next : NULL);
    }
  }
  if (r->streams) unfurl_stream_end();
}

const unfurl_conv_solver unfurl_solve_depthwise = {
    .name = "depthwise",
    .all_groups = true,
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = packed_floats,
    .pack = pack,
    .units = units,
    .workspace = workspace,
    .run = run,
};
