/* SPDX-License-Identifier: BSD-2-Clause */
/* AttributeProtos of a node as the model builder takes them.
 *
 * Numbers, lists and tensors stay where protobuf-c put them; only strings are copied, because ONNX gives them as bytes
 * without an end. What an attribute holds is said by its type; files from before that field existed hold exactly one
 * value, which says it.
 */
#ifndef UNFURL_ONNX_ATTRIBUTE_H
#define UNFURL_ONNX_ATTRIBUTE_H

#include "onnx/onnx.pb-c.h"
#include "unfurl/context.h"
#include "unfurl/model.h"

typedef struct unfurl_onnx_attributes {
  unfurl_attribute *items; /* [count], in the order of the node */
  unfurl_tensor *tensors;  /* [count]; used by items of type TENSOR */
  char *text;              /* [text_size]; strings one after another */
  size_t count, text_size;
} unfurl_onnx_attributes;

/* Reads the attributes of `node`, which they must not outlive; to be done once for a node. Fills `attributes` in every
 * case: the caller clears it. Statuses: BAD_FILE, UNSUPPORTED (a kind such as GRAPH), TOO_LARGE, OUT_OF_MEMORY; the
 * message names the attribute. */
unfurl_status unfurl_onnx_attributes_read(const unfurl_context *context, const UnfurlOnnx__NodeProto *node,
                                          unfurl_onnx_attributes *attributes, unfurl_error *error);

void unfurl_onnx_attributes_clear(const unfurl_context *context, unfurl_onnx_attributes *attributes);

#endif
