/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes to a protobuf message: the wire check, then protobuf-c, which allocates from the context within a budget.
 *
 * An empty message takes two bytes in a file and some hundred in memory. The budget is proportional to the file and
 * larger than any real model needs (the smallest graphs need 30 times their size, weights hardly more than theirs), so
 * that memory stays in proportion to what was given. What protobuf-c has allocated lies in blocks of the context, with
 * 16 bytes of header before each to remember its size.
 */
#ifndef UNFURL_ONNX_PARSE_H
#define UNFURL_ONNX_PARSE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "unfurl/context.h"
#include "unfurl/status.h"

typedef struct unfurl_onnx_parsed {
  ProtobufCMessage *message; /* owned; NULL after an error */
  ProtobufCAllocator allocator;
  const unfurl_context *context;
  size_t size;      /* of the data that was parsed */
  size_t budget;    /* bytes that may still be allocated */
  bool over_budget; /* an allocation was refused for the budget; otherwise the context had none */
  bool no_memory;
} unfurl_onnx_parsed;

/* Parses a message of type `type`. `data` is not needed any more on return. Fills `parsed` in every case: the caller
 * clears it. Statuses: BAD_FILE, TOO_LARGE, OUT_OF_MEMORY. */
unfurl_status unfurl_onnx_parse(const unfurl_context *context, const ProtobufCMessageDescriptor *type, const void *data,
                                size_t size, unfurl_onnx_parsed *parsed, unfurl_error *error);

/* Frees a payload inside the message early, once it has been copied elsewhere: weights need not be held twice. */
void unfurl_onnx_parsed_drop(unfurl_onnx_parsed *parsed, ProtobufCBinaryData *payload);

/* Frees the message. */
void unfurl_onnx_parsed_clear(unfurl_onnx_parsed *parsed);

#endif
