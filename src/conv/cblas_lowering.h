/* SPDX-License-Identifier: BSD-2-Clause */
/* What im2col and im2col_strips share: unroll some output rows of one image, multiply, finish. */
#ifndef UNFURL_CONV_CBLAS_LOWERING_H
#define UNFURL_CONV_CBLAS_LOWERING_H

#include "conv/solver.h"
#include "lowering/pack_weights.h"

/* Whether the product of an image can be given to CBLAS. */
bool unfurl_lowering_applies(const unfurl_conv_geometry *geometry);

/* Bytes of the patch matrix of `rows` output rows of one group; 0 where the image itself is the patch matrix. */
size_t unfurl_lowering_workspace(const unfurl_conv_geometry *geometry, size_t rows);

/* The cost of unrolling and multiplying, in multiply-adds at full speed. */
double unfurl_lowering_cost(const unfurl_conv_geometry *geometry);

/* Computes the output rows row_begin..row_end-1 of image n. */
void unfurl_lowering_run(const unfurl_conv_run *run, size_t n, size_t row_begin, size_t row_end, float *patches);

#endif
