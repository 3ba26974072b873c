/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/scatter.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "nn/indices.h"
#include "nn/walk.h"
#include "shape/tensor.h"

enum { BLOCK = 256 /* offsets that are looked up together */ };

/* Where the elements of `indices` point to in a larger tensor, along one axis. */
typedef struct pointing {
  const unfurl_tensor *indices;
  unfurl_walk walk; /* over the indices; operand 0 is the other tensor, which does not move along the axis */
  size_t size;      /* of the axis, and */
  ptrdiff_t stride;
} pointing;

static pointing pointing_into(const unfurl_tensor *whole, size_t axis, const unfurl_tensor *indices) {
  pointing p = {.indices = indices, .walk = {.rank = whole->rank, .operands = 1}, .size = (size_t)whole->dims[axis]};
  unfurl_tensor_strides(whole, p.walk.strides[0]);
  for (size_t i = 0; i < whole->rank; i++) p.walk.dims[i] = (size_t)indices->dims[i];
  p.stride = p.walk.strides[0][axis];
  p.walk.strides[0][axis] = 0;
  return p;
}

/* Of at most BLOCK elements from `begin` on, within a line of the last dimension; *count becomes how many. Returns how many
 * of them come before one that is out of range. */
static size_t find_offsets(const pointing *p, size_t begin, size_t *count, ptrdiff_t offsets[BLOCK]) {
  const size_t last = p->walk.rank - 1, line = p->walk.dims[last], at = begin % line;
  const ptrdiff_t along = p->walk.strides[0][last];
  const ptrdiff_t first = unfurl_walk_offset(&p->walk, 0, last, begin / line) + (ptrdiff_t)at * along;
  *count = unfurl_smaller(line - at, BLOCK);
  for (size_t i = 0; i < *count; i++) {
    const size_t index = unfurl_index_resolve(unfurl_index_at(p->indices, begin + i), p->size);
    if (index == SIZE_MAX) return i;
    offsets[i] = first + (ptrdiff_t)i * along + (ptrdiff_t)index * p->stride;
  }
  return *count;
}

/* `size`, of an element, is a constant in each call below. */
static inline void gather_each(const ptrdiff_t *offsets, size_t count, const char *x, char *y, const size_t size) {
  for (size_t i = 0; i < count; i++) memcpy(y + i * size, x + offsets[i] * (ptrdiff_t)size, size);
}

static inline void scatter_each(const ptrdiff_t *offsets, size_t count, const char *x, char *y, const size_t size) {
  for (size_t i = 0; i < count; i++) memcpy(y + offsets[i] * (ptrdiff_t)size, x + i * size, size);
}

static void gather_block(const ptrdiff_t *offsets, size_t count, const char *x, char *y, size_t size) {
  switch (size) {
  case 1: gather_each(offsets, count, x, y, 1); break;
  case 4: gather_each(offsets, count, x, y, 4); break;
  case 8: gather_each(offsets, count, x, y, 8); break;
  }
}

static void scatter_block(const ptrdiff_t *offsets, size_t count, const char *x, char *y, size_t size) {
  switch (size) {
  case 1: scatter_each(offsets, count, x, y, 1); break;
  case 4: scatter_each(offsets, count, x, y, 4); break;
  case 8: scatter_each(offsets, count, x, y, 8); break;
  }
}

size_t unfurl_gather_elements(size_t axis, const unfurl_tensor *x, const unfurl_tensor *indices,
                              const unfurl_tensor *y) {
  const pointing p = pointing_into(x, axis, indices);
  const size_t all = unfurl_tensor_count(indices), size = unfurl_dtype_size(x->dtype);
  ptrdiff_t offsets[BLOCK];
  for (size_t i = 0, count; i < all; i += count) {
    const size_t good = find_offsets(&p, i, &count, offsets);
    if (good < count) return i + good;
    gather_block(offsets, count, x->data, (char *)y->data + i * size, size);
  }
  return SIZE_MAX;
}

size_t unfurl_scatter_elements(size_t axis, const unfurl_update *update, const unfurl_tensor *indices,
                               const unfurl_tensor *updates, const unfurl_tensor *y) {
  const pointing p = pointing_into(y, axis, indices);
  const size_t all = unfurl_tensor_count(indices), size = unfurl_dtype_size(y->dtype);
  ptrdiff_t offsets[BLOCK];
  for (size_t i = 0, count; i < all; i += count) {
    const char *from = (const char *)updates->data + i * size;
    const size_t good = find_offsets(&p, i, &count, offsets);
    if (good < count) return i + good;
    if (update->replaces) {
      scatter_block(offsets, count, from, y->data, size);
      continue;
    }
    for (size_t j = 0; j < count; j++) {
      char *to = (char *)y->data + offsets[j] * (ptrdiff_t)size;
      unfurl_binary_apply(update->op, y->dtype, 1, to, from + j * size, to);
    }
  }
  return SIZE_MAX;
}

/* Places in a tensor, as numbers along its dimensions behind the first `batch`, of which each has as many places. */
typedef struct places {
  const unfurl_tensor *indices;
  size_t batch, numbers, per_batch, count;
  size_t sizes[UNFURL_MAX_RANK]; /* of the dimensions that are numbered */
  size_t slice, whole;           /* elements of what is at a place, and of what one batch holds */
} places;

static places places_in(const unfurl_tensor *whole, size_t batch, const unfurl_tensor *indices) {
  places p = {.indices = indices, .batch = batch, .numbers = (size_t)indices->dims[indices->rank - 1], .slice = 1};
  size_t batches = 1;
  for (size_t i = 0; i < batch; i++) batches *= (size_t)whole->dims[i];
  for (size_t i = batch + p.numbers; i < whole->rank; i++) p.slice *= (size_t)whole->dims[i];
  p.whole = p.slice;
  for (size_t i = 0; i < p.numbers; i++) p.sizes[i] = (size_t)whole->dims[batch + i], p.whole *= p.sizes[i];
  p.count = unfurl_tensor_count(indices) / p.numbers;
  p.per_batch = p.count ? p.count / batches : 0;
  return p;
}

/* The element where place number `i` begins; SIZE_MAX, and in *wrong which index it is, where it is out of range. */
static size_t find_place(const places *p, size_t i, size_t *wrong) {
  size_t at = 0;
  for (size_t n = 0; n < p->numbers; n++) {
    const size_t index = unfurl_index_resolve(unfurl_index_at(p->indices, i * p->numbers + n), p->sizes[n]);
    if (index == SIZE_MAX) return *wrong = i * p->numbers + n, SIZE_MAX;
    at = at * p->sizes[n] + index;
  }
  return i / p->per_batch * p->whole + at * p->slice;
}

size_t unfurl_gather_nd(size_t batch, const unfurl_tensor *x, const unfurl_tensor *indices, const unfurl_tensor *y) {
  const places p = places_in(x, batch, indices);
  const size_t size = unfurl_dtype_size(x->dtype), bytes = p.slice * size;
  for (size_t i = 0, wrong = 0; i < p.count && bytes; i++) {
    const size_t at = find_place(&p, i, &wrong);
    if (at == SIZE_MAX) return wrong;
    memcpy((char *)y->data + i * bytes, (const char *)x->data + at * size, bytes);
  }
  return SIZE_MAX;
}

size_t unfurl_scatter_nd(const unfurl_update *update, const unfurl_tensor *indices, const unfurl_tensor *updates,
                         const unfurl_tensor *y) {
  const places p = places_in(y, 0, indices);
  const size_t size = unfurl_dtype_size(y->dtype), bytes = p.slice * size;
  for (size_t i = 0, wrong = 0; i < p.count && bytes; i++) {
    const size_t at = find_place(&p, i, &wrong);
    if (at == SIZE_MAX) return wrong;
    const char *from = (const char *)updates->data + i * bytes;
    char *to = (char *)y->data + at * size;
    if (update->replaces)
      memcpy(to, from, bytes);
    else
      unfurl_binary_apply(update->op, y->dtype, p.slice, to, from, to);
  }
  return SIZE_MAX;
}
