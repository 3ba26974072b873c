/* SPDX-License-Identifier: BSD-2-Clause */
#include "shape/tensor.h"

#include <string.h>

#include "base/memory.h"
#include "base/status.h"

static const struct {
  size_t size;
  const char *name;
} DTYPES[] = {
    [UNFURL_F32] = {4, "f32"}, [UNFURL_I64] = {8, "i64"}, [UNFURL_I32] = {4, "i32"}, [UNFURL_BOOL] = {1, "bool"}};
enum { DTYPE_COUNT = sizeof DTYPES / sizeof *DTYPES };

size_t unfurl_dtype_size(unfurl_dtype dtype) {
  return (size_t)dtype < DTYPE_COUNT ? DTYPES[dtype].size : 0;
}

const char *unfurl_dtype_name(unfurl_dtype dtype) {
  return (size_t)dtype < DTYPE_COUNT ? DTYPES[dtype].name : "?";
}

void unfurl_tensor_init(unfurl_tensor *tensor, unfurl_dtype dtype, size_t rank, const int64_t *dims, void *data) {
  *tensor = (unfurl_tensor){.size = sizeof *tensor, .dtype = dtype, .rank = rank, .data = data};
  if (rank > 0 && dims) memcpy(tensor->dims, dims, (rank < UNFURL_MAX_RANK ? rank : UNFURL_MAX_RANK) * sizeof *dims);
}

unfurl_status unfurl_tensor_elements(const unfurl_tensor *tensor, size_t *elements, unfurl_error *error) {
  size_t sizes[UNFURL_MAX_RANK];
  if (!tensor || !elements) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  if (tensor->rank > UNFURL_MAX_RANK)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "rank is %zu, more than %d", tensor->rank, UNFURL_MAX_RANK);
  for (size_t i = 0; i < tensor->rank; i++) {
    if (tensor->dims[i] < 0)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "dimension %zu is %lld", i, (long long)tensor->dims[i]);
    sizes[i] = (size_t)tensor->dims[i];
  }
  *elements = unfurl_size_product(tensor->rank, sizes);
  if (*elements == SIZE_MAX) return unfurl_fail(error, UNFURL_TOO_LARGE, "the number of elements overflows");
  return unfurl_succeed(error);
}

unfurl_status unfurl_tensor_bytes(const unfurl_tensor *tensor, size_t *bytes, unfurl_error *error) {
  const unfurl_status status = unfurl_tensor_elements(tensor, bytes, error);
  if (status) return status;
  const size_t size = unfurl_dtype_size(tensor->dtype);
  if (!size) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "unknown dtype %d", (int)tensor->dtype);
  if (!unfurl_size_mul(bytes, size) || *bytes > PTRDIFF_MAX)
    return unfurl_fail(error, UNFURL_TOO_LARGE, "the number of bytes overflows");
  return unfurl_succeed(error);
}

size_t unfurl_tensor_count(const unfurl_tensor *tensor) {
  size_t count = 1;
  for (size_t i = 0; i < tensor->rank; i++) count *= (size_t)tensor->dims[i];
  return count;
}

void unfurl_tensor_strides(const unfurl_tensor *tensor, ptrdiff_t strides[UNFURL_MAX_RANK]) {
  const size_t rank = tensor->rank;
  const bool channels_last = tensor->layout == UNFURL_NHWC && rank > 2;
  size_t stride = 1; /* unsigned: beside a dimension of 0 others may be too large for any product */
  if (channels_last) strides[1] = 1, stride = (size_t)tensor->dims[1];
  for (size_t i = rank; i-- > 0;) {
    if (channels_last && i == 1) continue;
    strides[i] = (ptrdiff_t)stride;
    stride *= (size_t)tensor->dims[i];
  }
}

bool unfurl_tensor_same_dims(const unfurl_tensor *a, const unfurl_tensor *b) {
  return a->rank == b->rank && !memcmp(a->dims, b->dims, a->rank * sizeof *a->dims);
}

bool unfurl_tensor_layouts_agree(const unfurl_tensor *tensor) {
  if (tensor->rank <= 2 || tensor->dims[1] == 1) return true;
  for (size_t i = 2; i < tensor->rank; i++)
    if (tensor->dims[i] != 1) return false;
  return true;
}
