/* SPDX-License-Identifier: BSD-2-Clause */
/* Two dimensions matter for speed: the one that is written fastest, which simplifying puts last, and the one that is
 * read fastest, which is put before it. Where they differ (a transposition) the plane of the two is walked in blocks
 * whose lines stay in L1.
 */
#include "nn/copy.h"

#include <stdbool.h>
#include <string.h>

#include "base/parallel.h"
#include "shape/tensor.h"

enum { BLOCK = 16, LEAST_TASK = 20000 /* elements */, TO = 0, FROM = 1 };

typedef struct copy_job {
  unfurl_walk walk;
  size_t element;
  const char *from;
  char *to;
} copy_job;

static size_t smallest_stride(const ptrdiff_t *strides, size_t rank) {
  size_t best = rank - 1;
  for (size_t i = rank; i-- > 0;)
    if (strides[i] < strides[best]) best = i;
  return best;
}

/* A block of rows x cols; `element` is a constant in each call below. */
static inline void copy_each(const copy_job *job, const char *from, char *to, const size_t size[2],
                             const size_t element) {
  const unfurl_walk *w = &job->walk;
  const size_t last = w->rank - 1;
  const ptrdiff_t e = (ptrdiff_t)element;
  const ptrdiff_t from_row = w->strides[FROM][last - 1] * e, from_col = w->strides[FROM][last] * e;
  const ptrdiff_t to_row = w->strides[TO][last - 1] * e, to_col = w->strides[TO][last] * e;
  for (ptrdiff_t i = 0; i < (ptrdiff_t)size[0]; i++)
    for (ptrdiff_t j = 0; j < (ptrdiff_t)size[1]; j++)
      memcpy(to + i * to_row + j * to_col, from + i * from_row + j * from_col, element);
}

static void copy_block(const copy_job *job, const char *from, char *to, const size_t size[2]) {
  switch (job->element) {
  case 1: copy_each(job, from, to, size, 1); break;
  case 4: copy_each(job, from, to, size, 4); break;
  case 8: copy_each(job, from, to, size, 8); break;
  }
}

static void copy_lines(const copy_job *job, const char *from, char *to) {
  const unfurl_walk *w = &job->walk;
  const size_t last = w->rank - 1, e = job->element;
  for (ptrdiff_t i = 0; i < (ptrdiff_t)w->dims[last - 1]; i++)
    memcpy(to + i * w->strides[TO][last - 1] * (ptrdiff_t)e, from + i * w->strides[FROM][last - 1] * (ptrdiff_t)e,
           w->dims[last] * e);
}

/* The innermost two dimensions. */
static void copy_plane(const copy_job *job, const char *from, char *to) {
  const unfurl_walk *w = &job->walk;
  const size_t last = w->rank - 1, rows = w->dims[last - 1], cols = w->dims[last];
  const ptrdiff_t e = (ptrdiff_t)job->element;
  if (w->strides[FROM][last] == 1 && w->strides[TO][last] == 1) {
    copy_lines(job, from, to);
    return;
  }
  for (size_t i = 0; i < rows; i += BLOCK)
    for (size_t j = 0; j < cols; j += BLOCK) {
      const size_t size[2] = {rows - i < BLOCK ? rows - i : BLOCK, cols - j < BLOCK ? cols - j : BLOCK};
      const ptrdiff_t y = (ptrdiff_t)i, x = (ptrdiff_t)j;
      copy_block(job, from + (y * w->strides[FROM][last - 1] + x * w->strides[FROM][last]) * e,
                 to + (y * w->strides[TO][last - 1] + x * w->strides[TO][last]) * e, size);
    }
}

static void copy_planes(void *arg, size_t begin, size_t end) {
  const copy_job *job = arg;
  const size_t outer = job->walk.rank - 2;
  const ptrdiff_t e = (ptrdiff_t)job->element;
  for (size_t plane = begin; plane < end; plane++)
    copy_plane(job, job->from + unfurl_walk_offset(&job->walk, FROM, outer, plane) * e,
               job->to + unfurl_walk_offset(&job->walk, TO, outer, plane) * e);
}

void unfurl_copy_elements(const unfurl_context *context, const unfurl_walk *walk, size_t element, const void *from,
                          void *to) {
  copy_job job = {.walk = *walk, .element = element, .from = from, .to = to};
  unfurl_walk *w = &job.walk;
  if (unfurl_walk_count(w) == 0) return;
  unfurl_walk_simplify(w, 2);
  const size_t read_fastest = smallest_stride(w->strides[FROM], w->rank);
  if (read_fastest + 2 < w->rank) unfurl_walk_swap(w, read_fastest, w->rank - 2);
  const size_t plane = w->dims[w->rank - 2] * w->dims[w->rank - 1];
  unfurl_parallel_ranges(context, unfurl_walk_count(w) / plane, 1 + LEAST_TASK / plane, copy_planes, &job);
}

void unfurl_copy_tensor(const unfurl_context *context, const unfurl_tensor *from, const unfurl_tensor *to) {
  unfurl_walk walk = {.rank = from->rank, .operands = 2};
  for (size_t i = 0; i < from->rank; i++) walk.dims[i] = (size_t)from->dims[i];
  unfurl_tensor_strides(from, walk.strides[FROM]);
  unfurl_tensor_strides(to, walk.strides[TO]);
  unfurl_copy_elements(context, &walk, unfurl_dtype_size(from->dtype), from->data, to->data);
}
