/* SPDX-License-Identifier: BSD-2-Clause */
/* Attributes on their way into a model: checked against what the operator understands, then copied. */
#ifndef UNFURL_GRAPH_ATTRIBUTES_H
#define UNFURL_GRAPH_ATTRIBUTES_H

#include "graph/op.h"

/* UNSUPPORTED for an attribute that is not in the operator's list, INVALID_ARGUMENT for one of the wrong type, without
 * its value, or given twice. */
unfurl_status unfurl_attributes_check(const unfurl_node_desc *desc, const unfurl_op *op, unfurl_error *error);

unfurl_status unfurl_attributes_copy(unfurl_region *region, const unfurl_node_desc *desc,
                                     const unfurl_attribute **attributes, unfurl_error *error);

#endif
