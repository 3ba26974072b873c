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
  size_t element, part_rows;
  const char *from;
  char *to;
} copy_job;

/* Parts of a plane. */
static size_t parts_of(const copy_job *job) {
  return (job->walk.dims[job->walk.rank - 2] + job->part_rows - 1) / job->part_rows;
}

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

static void copy_lines(const copy_job *job, size_t rows, const char *from, char *to) {
  const unfurl_walk *w = &job->walk;
  const size_t last = w->rank - 1, e = job->element;
  for (ptrdiff_t i = 0; i < (ptrdiff_t)rows; i++)
    memcpy(to + i * w->strides[TO][last - 1] * (ptrdiff_t)e, from + i * w->strides[FROM][last - 1] * (ptrdiff_t)e,
           w->dims[last] * e);
}

/* Of a block along one dimension, where the other has `other` in all. */
static size_t block_size(size_t other) {
  return other < BLOCK ? BLOCK * BLOCK / other : BLOCK;
}

/* Whether two or three lines of floats are interleaved: channels that are shuffled, and planes of an image that become pixels,
 * as they do before all else. */
static bool interleaves(const copy_job *job) {
  const unfurl_walk *w = &job->walk;
  const size_t last = w->rank - 1, lines = w->dims[last];
  return job->element == sizeof(float) && (lines == 2 || lines == 3) && w->strides[TO][last] == 1 &&
         w->strides[TO][last - 1] == (ptrdiff_t)lines && w->strides[FROM][last - 1] == 1;
}

/* The compiler vectorises these; strides that it does not know would keep it from that. */
static void interleave_2(size_t count, const float *restrict a, const float *restrict b, float *restrict to) {
  for (size_t i = 0; i < count; i++) to[2 * i] = a[i], to[2 * i + 1] = b[i];
}

static void interleave_3(size_t count, const float *restrict a, const float *restrict b, const float *restrict c,
                         float *restrict to) {
  for (size_t i = 0; i < count; i++) to[3 * i] = a[i], to[3 * i + 1] = b[i], to[3 * i + 2] = c[i];
}

static void interleave(const copy_job *job, size_t count, const char *from, char *to) {
  const unfurl_walk *w = &job->walk;
  const float *line = (const float *)(const void *)from;
  const ptrdiff_t apart = w->strides[FROM][w->rank - 1];
  if (w->dims[w->rank - 1] == 2)
    interleave_2(count, line, line + apart, (float *)(void *)to);
  else
    interleave_3(count, line, line + apart, line + 2 * apart, (float *)(void *)to);
}

/* `rows` rows of the plane of the innermost two dimensions. */
static void copy_rows(const copy_job *job, size_t rows, const char *from, char *to) {
  const unfurl_walk *w = &job->walk;
  const size_t last = w->rank - 1, cols = w->dims[last];
  const ptrdiff_t e = (ptrdiff_t)job->element;
  if (w->strides[FROM][last] == 1 && w->strides[TO][last] == 1) {
    copy_lines(job, rows, from, to);
    return;
  }
  if (interleaves(job)) {
    interleave(job, rows, from, to);
    return;
  }
  const size_t block[2] = {block_size(cols), block_size(rows)};
  for (size_t i = 0; i < rows; i += block[0])
    for (size_t j = 0; j < cols; j += block[1]) {
      const size_t size[2] = {rows - i < block[0] ? rows - i : block[0], cols - j < block[1] ? cols - j : block[1]};
      const ptrdiff_t y = (ptrdiff_t)i, x = (ptrdiff_t)j;
      copy_block(job, from + (y * w->strides[FROM][last - 1] + x * w->strides[FROM][last]) * e,
                 to + (y * w->strides[TO][last - 1] + x * w->strides[TO][last]) * e, size);
    }
}

/* The parts begin..end-1, each of job->part_rows rows of a plane, or what is left of it. */
static void copy_parts(void *arg, size_t begin, size_t end) {
  const copy_job *job = arg;
  const unfurl_walk *w = &job->walk;
  const size_t outer = w->rank - 2, rows = w->dims[outer], parts = parts_of(job);
  const ptrdiff_t e = (ptrdiff_t)job->element;
  for (size_t i = begin; i < end; i++) {
    const size_t plane = i / parts, row = i % parts * job->part_rows;
    const ptrdiff_t from = unfurl_walk_offset(w, FROM, outer, plane) + (ptrdiff_t)row * w->strides[FROM][outer];
    const ptrdiff_t to = unfurl_walk_offset(w, TO, outer, plane) + (ptrdiff_t)row * w->strides[TO][outer];
    copy_rows(job, rows - row < job->part_rows ? rows - row : job->part_rows, job->from + from * e, job->to + to * e);
  }
}

void unfurl_copy_elements(const unfurl_context *context, const unfurl_walk *walk, size_t element, const void *from,
                          void *to) {
  copy_job job = {.walk = *walk, .element = element, .from = from, .to = to};
  unfurl_walk *w = &job.walk;
  if (unfurl_walk_count(w) == 0) return;
  unfurl_walk_simplify(w, 2);
  const size_t read_fastest = smallest_stride(w->strides[FROM], w->rank);
  if (read_fastest + 2 < w->rank) unfurl_walk_swap(w, read_fastest, w->rank - 2);
  const size_t rows = w->dims[w->rank - 2], cols = w->dims[w->rank - 1];
  job.part_rows = (1 + LEAST_TASK / cols / BLOCK) * BLOCK;
  const size_t largest = rows < job.part_rows ? rows : job.part_rows;
  unfurl_parallel_ranges(context, unfurl_walk_count(w) / (rows * cols) * parts_of(&job),
                         1 + LEAST_TASK / (largest * cols), copy_parts, &job);
}

void unfurl_copy_tensor(const unfurl_context *context, const unfurl_tensor *from, const unfurl_tensor *to) {
  unfurl_walk walk = {.rank = from->rank, .operands = 2};
  for (size_t i = 0; i < from->rank; i++) walk.dims[i] = (size_t)from->dims[i];
  unfurl_tensor_strides(from, walk.strides[FROM]);
  unfurl_tensor_strides(to, walk.strides[TO]);
  unfurl_copy_elements(context, &walk, unfurl_dtype_size(from->dtype), from->data, to->data);
}
