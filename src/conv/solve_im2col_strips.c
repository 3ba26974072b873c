/* SPDX-License-Identifier: BSD-2-Clause */
/* im2col_strips: as im2col, in strips of output pixels whose patch matrix stays in the L2 cache: one SGEMM a strip.
 *
 * A strip is a few rows of output pixels, as many as fit, or a part of one row where not even one fits.
 * Strips follow from the shape of one image alone, so that the products, and their bits, do not depend on batch or
 * threads. A unit is one strip of one image.
 */
#include "base/parallel.h"
#include "conv/cblas_lowering.h"
#include "conv/solver.h"

/* A strip has STRIP_BYTES of patch matrix, but ENOUGH_PIXELS where that fits into MOST_BYTES: each product packs the
 * filters anew, which only many pixels are worth. */
enum { STRIP_BYTES = 256 << 10, MOST_BYTES = 1020 << 10, ENOUGH_PIXELS = 224, LEAST_PIXELS = 8 };

/* How an image is cut: into bands of rows, or each row into parts. One of rows and parts is 1. */
typedef struct strips {
  size_t bands; /* of output rows */
  size_t parts; /* of a row */
} strips;

static strips cut(const unfurl_conv_geometry *g) {
  const size_t row = g->patch * sizeof(float), most = MOST_BYTES / row;
  size_t pixels = STRIP_BYTES / row;
  if (pixels < ENOUGH_PIXELS) pixels = most < ENOUGH_PIXELS ? most : ENOUGH_PIXELS;
  if (pixels < LEAST_PIXELS) pixels = LEAST_PIXELS;
  if (pixels < g->w.out) return (strips){.bands = g->h.out, .parts = (g->w.out + pixels - 1) / pixels};
  const size_t rows = pixels / g->w.out;
  return (strips){.bands = (g->h.out + rows - 1) / rows, .parts = 1};
}

static bool is_applicable(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return unfurl_lowering_applies(g);
}

static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const strips s = cut(g);
  return unfurl_lowering_cost(g, s.bands * s.parts);
}

static size_t units(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const strips s = cut(g);
  return g->batch * s.bands * s.parts;
}

static size_t workspace(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const strips s = cut(g);
  const size_t rows = (g->h.out + s.bands - 1) / s.bands, cols = (g->w.out + s.parts - 1) / s.parts;
  return unfurl_lowering_workspace(g, rows * cols);
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *patches) {
  const unfurl_conv_geometry *g = &r->problem->geometry;
  const strips s = cut(g);
  for (size_t unit = begin; unit < end; unit++) {
    const size_t band = unit / s.parts % s.bands, part = unit % s.parts;
    const unfurl_pixels pixels = {
        unfurl_part_begin(g->h.out, s.bands, band), unfurl_part_begin(g->h.out, s.bands, band + 1),
        unfurl_part_begin(g->w.out, s.parts, part), unfurl_part_begin(g->w.out, s.parts, part + 1)};
    unfurl_lowering_run(r, unit / (s.bands * s.parts), &pixels, patches);
  }
}

const unfurl_conv_solver unfurl_solve_im2col_strips = {
    .name = "im2col_strips",
    .uses_blas = true,
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = unfurl_unrolled_floats,
    .pack = unfurl_pack_unrolled_filters,
    .units = units,
    .workspace = workspace,
    .run = run,
};
