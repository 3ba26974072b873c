/* SPDX-License-Identifier: BSD-2-Clause */
/* TensorProto: what it declares, checked against what it carries.
 *
 * A TensorProto has dims, a data type, and its elements in exactly one place: raw_data (little endian bytes) or the
 * typed field for its data type (float_data, int64_data, or int32_data for INT32 and BOOL). The number of elements
 * there equals the product of the dims, or the tensor is refused.
 */
#ifndef UNFURL_ONNX_TENSOR_PROTO_H
#define UNFURL_ONNX_TENSOR_PROTO_H

#include "onnx/onnx.pb-c.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

/* Fills `tensor` so that its data lies inside `proto`, which it must not outlive. BOOL is rewritten there to bytes of 0
 * and 1, so a proto is viewed once. Statuses: BAD_FILE, UNSUPPORTED (data type, rank, external data, a segment),
 * TOO_LARGE. The message does not name the tensor: the caller does. */
unfurl_status unfurl_onnx_tensor_view(UnfurlOnnx__TensorProto *proto, unfurl_tensor *tensor, unfurl_error *error);

/* The dtype for an ONNX data type. Statuses: BAD_FILE (none), UNSUPPORTED (named in the message). */
unfurl_status unfurl_onnx_dtype(int32_t data_type, unfurl_dtype *dtype, unfurl_error *error);

#endif
