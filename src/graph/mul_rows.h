/* SPDX-License-Identifier: BSD-2-Clause */
/* How Mul computes rows of an image that it scales, a channel by a number each. */
#ifndef UNFURL_GRAPH_MUL_ROWS_H
#define UNFURL_GRAPH_MUL_ROWS_H

#include "graph/op.h"

extern const unfurl_op_rows unfurl_mul_rows;

#endif
