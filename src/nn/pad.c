/* SPDX-License-Identifier: BSD-2-Clause */
/* The inner part is copied first. Then the margins are filled one dimension after the other, each plane of a margin
 * copied from the plane of y that it repeats; planes span what the dimensions before have filled already, so that the
 * corners come out right.
 */
#include "nn/pad.h"

#include <string.h>

#include "nn/copy.h"
#include "shape/tensor.h"

/* The part of y that x covers: along dimension i, y's indices inner[i].begin..end-1 are x's from inner[i].first on. */
typedef struct pad_span {
  int64_t begin, end, first;
} pad_span;

static pad_span inner_span(int64_t x, int64_t begin, int64_t y) {
  pad_span span = {
      .begin = begin > 0 ? begin : 0, .end = begin + x < y ? begin + x : y, .first = begin < 0 ? -begin : 0};
  if (span.end < span.begin) span.end = span.begin;
  return span;
}

static void fill(const unfurl_tensor *y, const void *value) {
  const size_t element = unfurl_dtype_size(y->dtype), count = unfurl_tensor_count(y);
  char *to = y->data;
  if (element == sizeof(float)) {
    float x;
    memcpy(&x, value, sizeof x);
    for (size_t i = 0; i < count; i++) memcpy(to + i * sizeof x, &x, sizeof x);
    return;
  }
  for (size_t i = 0; i < count; i++) memcpy(to + i * element, value, element);
}

static void copy_inner(const unfurl_context *context, const unfurl_tensor *x, const pad_span *spans,
                       const unfurl_tensor *y) {
  const ptrdiff_t element = (ptrdiff_t)unfurl_dtype_size(y->dtype);
  unfurl_walk walk = {.rank = y->rank, .operands = 2};
  ptrdiff_t from = 0, to = 0;
  unfurl_tensor_strides(y, walk.strides[0]);
  unfurl_tensor_strides(x, walk.strides[1]);
  for (size_t i = 0; i < y->rank; i++) {
    walk.dims[i] = (size_t)(spans[i].end - spans[i].begin);
    to += spans[i].begin * walk.strides[0][i];
    from += spans[i].first * walk.strides[1][i];
  }
  unfurl_copy_elements(context, &walk, (size_t)element, (const char *)x->data + from * element,
                       (char *)y->data + to * element);
}

/* Copies the plane `source` of y along `axis` onto the plane `target`. `filled` are the spans that are valid so far. */
static void copy_plane(const unfurl_context *context, const unfurl_tensor *y, const pad_span *filled, size_t axis,
                       const int64_t planes[2]) {
  const ptrdiff_t element = (ptrdiff_t)unfurl_dtype_size(y->dtype);
  unfurl_walk walk = {.rank = y->rank, .operands = 2};
  ptrdiff_t start = 0;
  unfurl_tensor_strides(y, walk.strides[0]);
  unfurl_tensor_strides(y, walk.strides[1]);
  for (size_t i = 0; i < y->rank; i++) {
    walk.dims[i] = i == axis ? 1 : (size_t)(filled[i].end - filled[i].begin);
    if (i != axis) start += filled[i].begin * walk.strides[0][i];
  }
  const ptrdiff_t along = walk.strides[0][axis];
  unfurl_copy_elements(context, &walk, (size_t)element, (const char *)y->data + (start + planes[0] * along) * element,
                       (char *)y->data + (start + planes[1] * along) * element);
}

/* The plane that a plane of the margin repeats. */
static int64_t repeated(unfurl_pad_mode mode, const pad_span *inner, int64_t plane) {
  const int64_t last = inner->end - 1;
  if (plane < inner->begin) return mode == UNFURL_PAD_EDGE ? inner->begin : 2 * inner->begin - plane;
  return mode == UNFURL_PAD_EDGE ? last : 2 * last - plane;
}

static void fill_margins(const unfurl_context *context, unfurl_pad_mode mode, pad_span *spans, const unfurl_tensor *y) {
  for (size_t axis = 0; axis < y->rank; axis++) {
    const pad_span inner = spans[axis];
    for (int64_t plane = 0; plane < y->dims[axis]; plane++)
      if (plane < inner.begin || plane >= inner.end)
        copy_plane(context, y, spans, axis, (const int64_t[2]){repeated(mode, &inner, plane), plane});
    spans[axis] = (pad_span){.begin = 0, .end = y->dims[axis]};
  }
}

void unfurl_pad(const unfurl_context *context, unfurl_pad_mode mode, const unfurl_tensor *x, const int64_t *begin,
                const void *value, const unfurl_tensor *y) {
  pad_span spans[UNFURL_MAX_RANK];
  for (size_t i = 0; i < y->rank; i++) spans[i] = inner_span(x->dims[i], begin[i], y->dims[i]);
  if (mode == UNFURL_PAD_CONSTANT) fill(y, value);
  copy_inner(context, x, spans, y);
  if (mode != UNFURL_PAD_CONSTANT) fill_margins(context, mode, spans, y);
}
