/* SPDX-License-Identifier: BSD-2-Clause */
/* What im2col and im2col_strips share: unroll some output pixels of one image, multiply, finish. */
#ifndef UNFURL_CONV_CBLAS_LOWERING_H
#define UNFURL_CONV_CBLAS_LOWERING_H

#include "conv/solver.h"
#include "lowering/im2col.h"
#include "lowering/pack_weights.h"

/* Filters as unrolled rows; of transposed convolutions, of channels. */
size_t unfurl_unrolled_floats(const unfurl_conv_problem *problem);
unfurl_conv_pack_fn unfurl_pack_unrolled_filters;

/* Whether the product of an image can be given to CBLAS. */
bool unfurl_lowering_applies(const unfurl_conv_geometry *geometry);

/* Bytes of the patch matrix of `pixels` output pixels of one group; 0 where the image itself is the patch matrix. */
size_t unfurl_lowering_workspace(const unfurl_conv_geometry *geometry, size_t pixels);

/* The cost of unrolling and multiplying, in multiply-adds at full speed, with `strips` products a group. */
double unfurl_lowering_cost(const unfurl_conv_geometry *geometry, size_t strips);

/* Computes a rectangle of output pixels of image n: whole rows, or a part of one row. */
void unfurl_lowering_run(const unfurl_conv_run *run, size_t n, const unfurl_pixels *pixels, float *patches);

#endif
