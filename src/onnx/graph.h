/* SPDX-License-Identifier: BSD-2-Clause */
/* GraphProto to model: initializers, inputs, nodes, outputs, each handed to the model builder.
 *
 * Initializers become constants. An input of the same name as an initializer is that constant (files of IR version 3
 * list every weight as an input, too). Each weight is dropped from the parsed message once the model has its copy.
 */
#ifndef UNFURL_ONNX_GRAPH_H
#define UNFURL_ONNX_GRAPH_H

#include "onnx/onnx.pb-c.h"
#include "onnx/parse.h"
#include "unfurl/model.h"

/* Adds everything in `graph`, a part of `parsed`, to `model`. Statuses: as unfurl_onnx_load_memory; the message names
 * the value or the node. */
unfurl_status unfurl_onnx_graph_add(unfurl_onnx_parsed *parsed, const UnfurlOnnx__GraphProto *graph,
                                    unfurl_model *model, unfurl_error *error);

#endif
