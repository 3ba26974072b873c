/* SPDX-License-Identifier: BSD-2-Clause */
/* Dimensions of size 1 are dropped and neighbours that are contiguous on both sides are joined; then at most two
 * dimensions matter for speed: the one with the smallest stride to read and the one with the smallest to write. They
 * become the innermost two, and are walked in blocks that fit in L1 where they differ (a transposition).
 */
#include "nn/copy.h"

#include <stdbool.h>
#include <string.h>

#include "base/parallel.h"
#include "shape/tensor.h"

enum { BLOCK = 16, LEAST_TASK = 20000 /* elements */ };

unfurl_strided unfurl_strided_of(const unfurl_tensor *tensor) {
  unfurl_strided strided = {.data = tensor->data};
  unfurl_tensor_strides(tensor, strided.strides);
  return strided;
}

static void remove_dim(unfurl_copy *c, size_t at) {
  c->rank--;
  for (size_t i = at; i < c->rank; i++) {
    c->dims[i] = c->dims[i + 1];
    c->from.strides[i] = c->from.strides[i + 1];
    c->to.strides[i] = c->to.strides[i + 1];
  }
}

static void swap_dims(unfurl_copy *c, size_t a, size_t b) {
  const size_t dim = c->dims[a];
  const ptrdiff_t from = c->from.strides[a], to = c->to.strides[a];
  c->dims[a] = c->dims[b], c->from.strides[a] = c->from.strides[b], c->to.strides[a] = c->to.strides[b];
  c->dims[b] = dim, c->from.strides[b] = from, c->to.strides[b] = to;
}

static bool joins_next(const unfurl_copy *c, size_t i) {
  const ptrdiff_t next = (ptrdiff_t)c->dims[i + 1];
  return c->from.strides[i] == next * c->from.strides[i + 1] && c->to.strides[i] == next * c->to.strides[i + 1];
}

static void simplify(unfurl_copy *c) {
  for (size_t i = c->rank; i-- > 0;)
    if (c->dims[i] == 1) remove_dim(c, i);
  for (size_t i = c->rank; i-- > 1;)
    if (joins_next(c, i - 1)) {
      c->dims[i] *= c->dims[i - 1];
      remove_dim(c, i - 1);
    }
}

static size_t smallest_stride(const ptrdiff_t *strides, size_t rank) {
  size_t best = 0;
  for (size_t i = 1; i < rank; i++) {
    const ptrdiff_t a = strides[i] < 0 ? -strides[i] : strides[i];
    const ptrdiff_t b = strides[best] < 0 ? -strides[best] : strides[best];
    if (a <= b) best = i;
  }
  return best;
}

/* Dimension rank-1 becomes the one that is written fastest, rank-2 the one that is read fastest (if another). */
static void put_fastest_last(unfurl_copy *c) {
  if (c->rank < 2) return;
  swap_dims(c, smallest_stride(c->to.strides, c->rank), c->rank - 1);
  const size_t read = smallest_stride(c->from.strides, c->rank);
  if (read < c->rank - 1) swap_dims(c, read, c->rank - 2);
}

/* rows x cols elements; `element` is a constant in each call below. */
static inline void copy_elements(const unfurl_copy *c, const char *from, char *to, const size_t size[2],
                                 const size_t element) {
  const ptrdiff_t e = (ptrdiff_t)element;
  const ptrdiff_t from_row = c->from.strides[c->rank - 2] * e, from_col = c->from.strides[c->rank - 1] * e;
  const ptrdiff_t to_row = c->to.strides[c->rank - 2] * e, to_col = c->to.strides[c->rank - 1] * e;
  for (ptrdiff_t i = 0; i < (ptrdiff_t)size[0]; i++)
    for (ptrdiff_t j = 0; j < (ptrdiff_t)size[1]; j++)
      memcpy(to + i * to_row + j * to_col, from + i * from_row + j * from_col, element);
}

static void copy_block(const unfurl_copy *c, const char *from, char *to, const size_t size[2]) {
  const bool straight = c->from.strides[c->rank - 1] == 1 && c->to.strides[c->rank - 1] == 1;
  if (straight && size[1] * c->element >= 64)
    for (ptrdiff_t i = 0; i < (ptrdiff_t)size[0]; i++)
      memcpy(to + i * c->to.strides[c->rank - 2] * (ptrdiff_t)c->element,
             from + i * c->from.strides[c->rank - 2] * (ptrdiff_t)c->element, size[1] * c->element);
  else if (c->element == 4)
    copy_elements(c, from, to, size, 4);
  else if (c->element == 8)
    copy_elements(c, from, to, size, 8);
  else
    copy_elements(c, from, to, size, 1);
}

/* The innermost two dimensions. */
static void copy_plane(const unfurl_copy *c, const char *from, char *to) {
  const size_t rows = c->dims[c->rank - 2], cols = c->dims[c->rank - 1];
  const ptrdiff_t e = (ptrdiff_t)c->element;
  const bool straight = c->from.strides[c->rank - 1] == 1 && c->to.strides[c->rank - 1] == 1;
  const size_t height = straight ? rows : BLOCK, width = straight ? cols : BLOCK;
  for (size_t i = 0; i < rows; i += height)
    for (size_t j = 0; j < cols; j += width) {
      const size_t size[2] = {rows - i < height ? rows - i : height, cols - j < width ? cols - j : width};
      const ptrdiff_t y = (ptrdiff_t)i, x = (ptrdiff_t)j;
      copy_block(c, from + (y * c->from.strides[c->rank - 2] + x * c->from.strides[c->rank - 1]) * e,
                 to + (y * c->to.strides[c->rank - 2] + x * c->to.strides[c->rank - 1]) * e, size);
    }
}

/* The planes begin..end-1, counted over the outer dimensions. */
static void copy_planes(void *arg, size_t begin, size_t end) {
  const unfurl_copy *c = arg;
  for (size_t plane = begin; plane < end; plane++) {
    ptrdiff_t from = 0, to = 0;
    size_t rest = plane;
    for (size_t i = c->rank - 2; i-- > 0;) {
      const ptrdiff_t index = (ptrdiff_t)(rest % c->dims[i]);
      rest /= c->dims[i];
      from += index * c->from.strides[i];
      to += index * c->to.strides[i];
    }
    copy_plane(c, (const char *)c->from.data + from * (ptrdiff_t)c->element,
               (char *)c->to.data + to * (ptrdiff_t)c->element);
  }
}

static void add_unit_dims(unfurl_copy *c) {
  while (c->rank < 3) {
    for (size_t i = c->rank; i > 0; i--) {
      c->dims[i] = c->dims[i - 1];
      c->from.strides[i] = c->from.strides[i - 1];
      c->to.strides[i] = c->to.strides[i - 1];
    }
    c->dims[0] = 1, c->from.strides[0] = 0, c->to.strides[0] = 0;
    c->rank++;
  }
}

void unfurl_copy_run(const unfurl_context *context, const unfurl_copy *copy) {
  unfurl_copy c = *copy;
  size_t planes = 1;
  for (size_t i = 0; i < c.rank; i++)
    if (c.dims[i] == 0) return;
  simplify(&c);
  put_fastest_last(&c);
  add_unit_dims(&c);
  for (size_t i = 0; i + 2 < c.rank; i++) planes *= c.dims[i];
  const size_t plane = c.dims[c.rank - 2] * c.dims[c.rank - 1];
  unfurl_parallel_ranges(context, planes, 1 + LEAST_TASK / plane, copy_planes, &c);
}

void unfurl_copy_tensor(const unfurl_context *context, const unfurl_tensor *from, const unfurl_tensor *to) {
  unfurl_copy copy = {.rank = from->rank,
                      .element = unfurl_dtype_size(from->dtype),
                      .from = unfurl_strided_of(from),
                      .to = unfurl_strided_of(to)};
  for (size_t i = 0; i < from->rank; i++) copy.dims[i] = (size_t)from->dims[i];
  unfurl_copy_run(context, &copy);
}
