/* SPDX-License-Identifier: BSD-2-Clause */
/* A scan of the protobuf wire format, done before protobuf-c parses anything.
 *
 * protobuf-c unpacks by recursion, without a limit: a file of 234 KB that nests 20,000 graphs ends the process. It also
 * merges a singular message that occurs again, which costs quadratic time. This scan walks the same schema (the
 * descriptors that protoc-c made) with a stack of its own and lets through only files in which
 *
 *     - messages are nested at most UNFURL_ONNX_MAX_DEPTH deep;
 *     - every tag, varint and length is complete and ends inside the message that encloses it;
 *     - every known field has the wire type of its schema (repeated numbers: single or packed);
 *     - a singular field occurs once;
 *     - strings hold no NUL, because protobuf-c would cut them there.
 *
 * Fields that the schema does not know are skipped. Every byte is looked at once, and nothing is allocated.
 */
#ifndef UNFURL_ONNX_WIRE_CHECK_H
#define UNFURL_ONNX_WIRE_CHECK_H

#include <protobuf-c/protobuf-c.h>

#include "unfurl/status.h"

enum { UNFURL_ONNX_MAX_DEPTH = 32 };

/* Checks that `data` is a message of type `root`. Statuses: BAD_FILE, TOO_LARGE (nested too deep); the message names
 * the field and the byte. */
unfurl_status unfurl_onnx_wire_check(const ProtobufCMessageDescriptor *root, const void *data, size_t size,
                                     unfurl_error *error);

#endif
