/* SPDX-License-Identifier: BSD-2-Clause */
#include "onnx/tensor_proto.h"

#include <stdbool.h>

#include "onnx/fail.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw_data is little endian and used in place");
_Static_assert(sizeof(float) == 4, "float_data is IEEE binary32");

/* Names of TensorProto.DataType, of newer schemas than the installed one too, for messages. */
static const char *const data_type_names[] = {
    [1] = "FLOAT",         [2] = "UINT8",           [3] = "INT8",        [4] = "UINT16",
    [5] = "INT16",         [6] = "INT32",           [7] = "INT64",       [8] = "STRING",
    [9] = "BOOL",          [10] = "FLOAT16",        [11] = "DOUBLE",     [12] = "UINT32",
    [13] = "UINT64",       [14] = "COMPLEX64",      [15] = "COMPLEX128", [16] = "BFLOAT16",
    [17] = "FLOAT8E4M3FN", [18] = "FLOAT8E4M3FNUZ", [19] = "FLOAT8E5M2", [20] = "FLOAT8E5M2FNUZ",
    [21] = "UINT4",        [22] = "INT4",           [23] = "FLOAT4E2M1", [24] = "FLOAT8E8M0",
};

static unfurl_status refuse_data_type(int32_t data_type, unfurl_error *error) {
  const int32_t known = (int32_t)(sizeof data_type_names / sizeof *data_type_names);
  if (data_type == UNFURL_ONNX__TENSOR_PROTO__DATA_TYPE__UNDEFINED)
    return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "the data type is missing");
  if (data_type < 0 || data_type >= known)
    return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "data type %d is not supported", (int)data_type);
  return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "data type %s is not supported", data_type_names[data_type]);
}

unfurl_status unfurl_onnx_dtype(int32_t data_type, unfurl_dtype *dtype, unfurl_error *error) {
  static const struct {
    int32_t data_type;
    unfurl_dtype dtype;
  } supported[] = {
      {UNFURL_ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, UNFURL_F32},
      {UNFURL_ONNX__TENSOR_PROTO__DATA_TYPE__INT64, UNFURL_I64},
      {UNFURL_ONNX__TENSOR_PROTO__DATA_TYPE__INT32, UNFURL_I32},
      {UNFURL_ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, UNFURL_BOOL},
  };
  for (size_t i = 0; i < sizeof supported / sizeof *supported; i++) {
    if (supported[i].data_type != data_type) continue;
    *dtype = supported[i].dtype;
    return UNFURL_OK;
  }
  return refuse_data_type(data_type, error);
}

/* Data that is not in the message itself, or only in part. */
static unfurl_status check_location(const UnfurlOnnx__TensorProto *proto, unfurl_error *error) {
  if (proto->segment) return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "segments of a tensor are not supported");
  if (!proto->has_data_location || proto->data_location == UNFURL_ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT)
    return UNFURL_OK;
  if (proto->data_location == UNFURL_ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
    return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "external data (in a file beside the model) is not supported");
  return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "data location %d does not exist", (int)proto->data_location);
}

static unfurl_status read_shape(const UnfurlOnnx__TensorProto *proto, unfurl_tensor *tensor, unfurl_error *error) {
  unfurl_dtype dtype = UNFURL_F32;
  const unfurl_status status = unfurl_onnx_dtype(proto->data_type, &dtype, error);
  if (status != UNFURL_OK) return status;
  if (proto->n_dims > UNFURL_MAX_RANK)
    return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "%zu dimensions; at most %d are supported", proto->n_dims,
                            UNFURL_MAX_RANK);
  for (size_t i = 0; i < proto->n_dims; i++)
    if (proto->dims[i] < 0)
      return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "dimension %zu is %lld", i, (long long)proto->dims[i]);
  const int64_t none[1] = {0};
  unfurl_tensor_init(tensor, dtype, proto->n_dims, proto->n_dims ? proto->dims : none, NULL);
  return UNFURL_OK;
}

/* In how many places the elements stand. */
static int count_places(const UnfurlOnnx__TensorProto *proto) {
  const bool raw = proto->has_raw_data && proto->raw_data.len > 0;
  return raw + (proto->n_float_data > 0) + (proto->n_int32_data > 0) + (proto->n_int64_data > 0) +
         (proto->n_string_data > 0) + (proto->n_double_data > 0) + (proto->n_uint64_data > 0);
}

/* Number of elements in the typed field of the tensor's dtype, which becomes its data. */
static size_t use_typed_field(UnfurlOnnx__TensorProto *proto, unfurl_tensor *tensor) {
  switch (tensor->dtype) {
  case UNFURL_F32: tensor->data = proto->float_data; return proto->n_float_data;
  case UNFURL_I64: tensor->data = proto->int64_data; return proto->n_int64_data;
  case UNFURL_I32:
  case UNFURL_BOOL: tensor->data = proto->int32_data; return proto->n_int32_data;
  }
  return 0;
}

/* Each int32 becomes a byte at or before its own place, so the array can be rewritten from its start. */
static void narrow_bools(int32_t *values, size_t count) {
  unsigned char *bytes = (unsigned char *)values;
  for (size_t i = 0; i < count; i++) bytes[i] = values[i] != 0;
}

static void normalise_bools(unsigned char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) bytes[i] = bytes[i] != 0;
}

static unfurl_status use_payload(UnfurlOnnx__TensorProto *proto, unfurl_tensor *tensor, unfurl_error *error) {
  size_t elements, bytes;
  unfurl_status status = unfurl_tensor_elements(tensor, &elements, error);
  if (status == UNFURL_OK) status = unfurl_tensor_bytes(tensor, &bytes, error);
  if (status != UNFURL_OK) return status;

  const bool raw = proto->has_raw_data && proto->raw_data.len > 0;
  if (raw) {
    if (proto->raw_data.len != bytes)
      return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "%zu bytes of raw data, but the dimensions make %zu",
                              proto->raw_data.len, bytes);
    tensor->data = proto->raw_data.data;
    if (tensor->dtype == UNFURL_BOOL) normalise_bools(tensor->data, elements);
    return UNFURL_OK;
  }
  const size_t given = use_typed_field(proto, tensor);
  if (given != elements)
    return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "%zu elements of type %s, but the dimensions make %zu", given,
                            unfurl_dtype_name(tensor->dtype), elements);
  if (tensor->dtype == UNFURL_BOOL) narrow_bools(tensor->data, elements);
  return UNFURL_OK;
}

unfurl_status unfurl_onnx_tensor_view(UnfurlOnnx__TensorProto *proto, unfurl_tensor *tensor, unfurl_error *error) {
  unfurl_status status = check_location(proto, error);
  if (status == UNFURL_OK) status = read_shape(proto, tensor, error);
  if (status != UNFURL_OK) return status;
  if (count_places(proto) > 1)
    return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "the elements are given in more than one field");
  return use_payload(proto, tensor, error);
}
