/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/walk.h"

#include <stdbool.h>

size_t unfurl_walk_count(const unfurl_walk *w) {
  size_t count = 1;
  for (size_t i = 0; i < w->rank; i++) count *= w->dims[i];
  return count;
}

void unfurl_walk_swap(unfurl_walk *w, size_t a, size_t b) {
  const size_t dim = w->dims[a];
  w->dims[a] = w->dims[b];
  w->dims[b] = dim;
  for (size_t o = 0; o < w->operands; o++) {
    const ptrdiff_t stride = w->strides[o][a];
    w->strides[o][a] = w->strides[o][b];
    w->strides[o][b] = stride;
  }
}

/* Moves dimension `from` to `to`, shifting those between by one. */
static void move_dim(unfurl_walk *w, size_t from, size_t to) {
  for (; from < to; from++) unfurl_walk_swap(w, from, from + 1);
  for (; from > to; from--) unfurl_walk_swap(w, from, from - 1);
}

static void drop_dim(unfurl_walk *w, size_t at) {
  move_dim(w, at, w->rank - 1);
  w->rank--;
}

/* Insertion sort: the largest stride of operand 0 first. */
static void sort_dims(unfurl_walk *w) {
  for (size_t i = 1; i < w->rank; i++)
    for (size_t j = i; j > 0 && w->strides[0][j - 1] < w->strides[0][j]; j--) unfurl_walk_swap(w, j - 1, j);
}

static bool joins_next(const unfurl_walk *w, size_t i) {
  for (size_t o = 0; o < w->operands; o++)
    if (w->strides[o][i] != (ptrdiff_t)w->dims[i + 1] * w->strides[o][i + 1]) return false;
  return true;
}

void unfurl_walk_simplify(unfurl_walk *w, size_t least) {
  for (size_t i = w->rank; i-- > 0;)
    if (w->dims[i] == 1) drop_dim(w, i);
  sort_dims(w);
  for (size_t i = w->rank; i-- > 1;)
    if (joins_next(w, i - 1)) {
      w->dims[i] *= w->dims[i - 1];
      drop_dim(w, i - 1);
    }
  while (w->rank < least) {
    w->dims[w->rank] = 1;
    for (size_t o = 0; o < w->operands; o++) w->strides[o][w->rank] = 0;
    move_dim(w, w->rank++, 0);
  }
}

ptrdiff_t unfurl_walk_offset(const unfurl_walk *w, size_t operand, size_t outer, size_t index) {
  ptrdiff_t offset = 0;
  for (size_t i = outer; i-- > 0;) {
    offset += (ptrdiff_t)(index % w->dims[i]) * w->strides[operand][i];
    index /= w->dims[i];
  }
  return offset;
}
