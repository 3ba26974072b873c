/* SPDX-License-Identifier: BSD-2-Clause */
/* ModelProto to model: versions, functions, graph, metadata. The public functions (unfurl/onnx.h) stand on this. */
#ifndef UNFURL_ONNX_IMPORT_H
#define UNFURL_ONNX_IMPORT_H

#include "onnx/parse.h"
#include "unfurl/model.h"

/* Makes and finishes a model of a parsed ModelProto, whose weights are used up. Statuses: as unfurl_onnx_load_memory;
 * *model is then NULL. */
unfurl_status unfurl_onnx_import(unfurl_onnx_parsed *parsed, unfurl_model **model, unfurl_error *error);

#endif
