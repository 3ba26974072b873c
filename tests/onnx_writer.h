/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes small ONNX files for tests: a protobuf writer, and the few messages of ONNX that tests are made of.
 *
 * A message is built in a buffer of its own and then put into its parent, which frees the buffer. Field numbers are
 * those of onnx.proto. Everything may be written: also what no sane program would.
 */
#ifndef UNFURL_TESTS_ONNX_WRITER_H
#define UNFURL_TESTS_ONNX_WRITER_H

#include <stddef.h>
#include <stdint.h>

typedef struct pb {
  unsigned char *data; /* malloc'ed */
  size_t size, capacity;
} pb;

void pb_free(pb *message);

void pb_byte(pb *message, unsigned value);
void pb_varint(pb *message, uint64_t value);
void pb_tag(pb *message, uint32_t field, unsigned wire_type);

/* Whole fields. */
void pb_int(pb *message, uint32_t field, int64_t value);
void pb_float(pb *message, uint32_t field, float value);
void pb_bytes(pb *message, uint32_t field, const void *data, size_t size);
void pb_text(pb *message, uint32_t field, const char *text);
void pb_packed(pb *message, uint32_t field, size_t count, const int64_t *values);
void pb_message(pb *message, uint32_t field, pb *inner);

/* A TensorProto without payload; a ValueInfoProto of a tensor type (dim -1: a named dimension, -2: nothing). */
pb onnx_tensor(const char *name, int data_type, size_t rank, const int64_t *dims);
pb onnx_value(const char *name, int data_type, size_t rank, const int64_t *dims);

/* A NodeProto with up to two inputs (NULL: fewer) and one output. */
pb onnx_node(const char *op_type, const char *name, const char *a, const char *b, const char *output);

/* A ModelProto around a graph. */
pb onnx_model(int64_t ir_version, int64_t opset, pb *graph);

/* y = flatten(x times the transpose of w), with x [N, 2] f32 and the initializer w = {1, 2; 3, 4}: a Gemm "fc1", a
 * Constant and a Reshape; metadata "unfurl.scale" = "2". */
pb onnx_small_model(void);

#endif
