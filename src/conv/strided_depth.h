/* SPDX-License-Identifier: BSD-2-Clause */
/* How `strided` cuts long chunks: a panel that L2 does not hold would come from beyond it for each tile. So all of a block's
 * pixels are multiplied by a piece of the panel, and go on from there with the next piece. Their sums so far wait in the
 * result: each element is added in the same order as in one piece, so the bits are the same.
 *
 * A piece is some rows of the kernel; or, where one is too long, some taps of a row; or some channels of a tap.
 */
#ifndef UNFURL_CONV_STRIDED_DEPTH_H
#define UNFURL_CONV_STRIDED_DEPTH_H

#include "conv/solver.h"
#include "shape/patch_view.h"

typedef struct unfurl_depth_cut {
  size_t rows, taps, channels; /* of a piece; where it has several rows, or taps, all of what these are made of */
  size_t pieces;               /* of a chunk */
} unfurl_depth_cut;

/* Elements of the unrolled chunk. */
typedef struct unfurl_depth_piece {
  size_t begin, end;
} unfurl_depth_piece;

/* `again`: panels are read more than once; otherwise they are not cut. */
unfurl_depth_cut unfurl_depth_cut_of(const unfurl_conv_problem *problem, bool again);

unfurl_depth_piece unfurl_depth_piece_at(const unfurl_depth_cut *cut, const unfurl_conv_geometry *geometry,
                                         size_t piece);

/* What a region sees of a piece: its runs, or parts of them; all 0 where that is nothing. Not transposed, channels last. */
unfurl_patch_view unfurl_depth_view(const unfurl_conv_geometry *geometry, const unfurl_patch_view *view,
                                    unfurl_depth_piece piece);

#endif
