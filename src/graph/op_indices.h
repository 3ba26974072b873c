/* SPDX-License-Identifier: BSD-2-Clause */
/* What operators that read or write where indices point to (Gather, Scatter and their kin) have in common. */
#ifndef UNFURL_GRAPH_OP_INDICES_H
#define UNFURL_GRAPH_OP_INDICES_H

#include "graph/op.h"

/* INVALID_ARGUMENT unless input `index` is i64 or i32. */
unfurl_status unfurl_indices_check(const unfurl_op_call *call, size_t index, unfurl_error *error);

/* What to say of index number `i`, which points nowhere. */
unfurl_status unfurl_indices_fail(size_t i, unfurl_error *error);

#endif
