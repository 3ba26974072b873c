/* SPDX-License-Identifier: BSD-2-Clause */
/* im2col: the lecture's lowering. The chunks of one image are unrolled into the rows of the patch matrix, and one SGEMM
 * with the unrolled filters makes all the activation maps (with groups: one for each group).
 *
 *     NHWC:  dst[pixels][oc] = patches[pixels][patch] * filters[oc][patch]^T
 *     NCHW:  dst[oc][pixels] = filters[oc][patch] * patches[pixels][patch]^T
 *
 * A unit is one image, so the shape of the product does not depend on the batch. The workspace is the whole patch matrix
 * of one group. A 1x1 convolution with stride 1 and no padding needs none: in NHWC its image is the patch matrix.
 */
#include "conv/cblas_lowering.h"
#include "conv/solver.h"

static bool is_applicable(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return unfurl_lowering_applies(g);
}

/* A patch matrix beyond this is slower to read, and one image of it is work that could have been shared by threads. */
enum { CACHED_BYTES = 256 << 10 };
static const double NOT_SHARED = 1.2;

static double cost(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  const double alone = unfurl_lowering_cost(g, 1);
  const bool is_small = unfurl_lowering_workspace(g, g->out_pixels) <= CACHED_BYTES;
  return is_small ? alone : NOT_SHARED * alone;
}

static size_t units(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return g->batch;
}

static size_t workspace(const unfurl_conv_problem *p) {
  const unfurl_conv_geometry *g = &p->geometry;
  return unfurl_lowering_workspace(g, g->out_pixels);
}

static void run(const unfurl_conv_run *r, size_t begin, size_t end, float *patches) {
  const unfurl_pixels all = {0, r->problem->geometry.h.out, 0, r->problem->geometry.w.out};
  for (size_t n = begin; n < end; n++) unfurl_lowering_run(r, n, &all, patches);
}

const unfurl_conv_solver unfurl_solve_im2col = {
    .name = "im2col",
    .uses_blas = true,
    .is_applicable = is_applicable,
    .cost = cost,
    .packed_floats = unfurl_unrolled_floats,
    .pack = unfurl_pack_unrolled_filters,
    .units = units,
    .workspace = workspace,
    .run = run,
};
