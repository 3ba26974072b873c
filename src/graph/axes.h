/* SPDX-License-Identifier: BSD-2-Clause */
/* Axes: one that cuts a tensor in three; and lists, as Squeeze, Unsqueeze and the reductions have them: an attribute in
 * older opsets, input 1 in newer ones. */
#ifndef UNFURL_GRAPH_AXES_H
#define UNFURL_GRAPH_AXES_H

#include "graph/op.h"

/* A tensor as [outer][size][inner], `size` being that of the axis. */
typedef struct unfurl_axis_split {
  size_t axis, outer, size, inner;
} unfurl_axis_split;

/* Of a row-major tensor; the axis as unfurl_axis_resolve takes it. */
unfurl_status unfurl_axis_split_at(const unfurl_tensor *x, int64_t axis, unfurl_axis_split *split, unfurl_error *error);

/* The axes as they are written. *count is SIZE_MAX where there is no list; UNSUPPORTED where it is not known yet. */
unfurl_status unfurl_axes_read(const unfurl_op_call *call, int64_t axes[UNFURL_MAX_RANK], size_t *count,
                               unfurl_error *error);

/* marked[i]: dimension i of a tensor of that rank is among the axes. INVALID_ARGUMENT if out of range, or twice. */
unfurl_status unfurl_axes_mark(const int64_t *axes, size_t count, size_t rank, bool marked[UNFURL_MAX_RANK],
                               unfurl_error *error);

#endif
