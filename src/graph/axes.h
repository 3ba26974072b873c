/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of axes, as Squeeze, Unsqueeze and the reductions have them: an attribute in older opsets, input 1 in newer
 * ones. */
#ifndef UNFURL_GRAPH_AXES_H
#define UNFURL_GRAPH_AXES_H

#include "graph/op.h"

/* The axes as they are written. *count is SIZE_MAX where there is no list; UNSUPPORTED where it is not known yet. */
unfurl_status unfurl_axes_read(const unfurl_op_call *call, int64_t axes[UNFURL_MAX_RANK], size_t *count,
                               unfurl_error *error);

/* marked[i]: dimension i of a tensor of that rank is among the axes. INVALID_ARGUMENT if out of range, or twice. */
unfurl_status unfurl_axes_mark(const int64_t *axes, size_t count, size_t rank, bool marked[UNFURL_MAX_RANK],
                               unfurl_error *error);

#endif
