/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/unpool.h"

#include <stdint.h>
#include <string.h>

#include "nn/indices.h"
#include "nn/walk.h"
#include "shape/tensor.h"

size_t unfurl_max_unpool(const unfurl_tensor *x, const unfurl_tensor *indices, const unfurl_tensor *counted,
                         const unfurl_tensor *y) {
  const size_t count = unfurl_tensor_count(x), all = unfurl_tensor_count(counted);
  unfurl_walk walk = {.rank = y->rank, .operands = 1};
  for (size_t i = 0; i < y->rank; i++) walk.dims[i] = (size_t)counted->dims[i];
  unfurl_tensor_strides(y, walk.strides[0]);
  memset(y->data, 0, unfurl_tensor_count(y) * sizeof(float));
  for (size_t i = 0; i < count; i++) {
    const int64_t index = unfurl_index_at(indices, i);
    if (index < 0 || index >= (int64_t)all) return i;
    ((float *)y->data)[unfurl_walk_offset(&walk, 0, y->rank, (size_t)index)] = ((const float *)x->data)[i];
  }
  return SIZE_MAX;
}
