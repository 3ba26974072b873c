/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/broadcast.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "shape/tensor.h"

enum { LEAST_TASK = 20000 /* elements */ };

static int64_t dim_from_end(const unfurl_tensor *tensor, size_t from_end) {
  return from_end < tensor->rank ? tensor->dims[tensor->rank - 1 - from_end] : 1;
}

bool unfurl_broadcast_dims(const unfurl_tensor *a, const unfurl_tensor *b, unfurl_tensor *y) {
  int64_t dims[UNFURL_MAX_RANK];
  const size_t rank = a->rank > b->rank ? a->rank : b->rank;
  for (size_t i = 0; i < rank; i++) {
    const int64_t da = dim_from_end(a, i), db = dim_from_end(b, i);
    if (da != db && da != 1 && db != 1) return false;
    dims[rank - 1 - i] = da == 1 ? db : da;
  }
  unfurl_tensor_init(y, a->dtype, rank, dims, NULL);
  return true;
}

void unfurl_broadcast_strides(const unfurl_tensor *x, const unfurl_tensor *y, ptrdiff_t strides[UNFURL_MAX_RANK]) {
  ptrdiff_t own[UNFURL_MAX_RANK];
  unfurl_tensor_strides(x, own);
  const size_t missing = y->rank - x->rank;
  for (size_t i = 0; i < y->rank; i++) strides[i] = i < missing || x->dims[i - missing] == 1 ? 0 : own[i - missing];
}

typedef struct broadcast_job {
  unfurl_walk walk;
  char *data[UNFURL_WALK_OPERANDS];
  ptrdiff_t size[UNFURL_WALK_OPERANDS]; /* bytes of an element */
  unfurl_lines_fn *fn;
  const void *arg;
} broadcast_job;

/* Lines begin..end-1, as many at a time as are the same step apart. */
static void run_range(void *arg, size_t begin, size_t end) {
  const broadcast_job *job = arg;
  const unfurl_walk *w = &job->walk;
  const size_t last = w->rank - 1, together = w->dims[last - 1];
  for (size_t i = begin, count; i < end; i += count) {
    count = unfurl_smaller(together - i % together, end - i);
    unfurl_lines lines = {.lines = count, .count = w->dims[last]};
    for (size_t o = 0; o < w->operands; o++) {
      lines.at[o] = job->data[o] + unfurl_walk_offset(w, o, last, i) * job->size[o];
      lines.step[o] = w->strides[o][last - 1] * job->size[o];
      lines.stride[o] = w->strides[o][last];
    }
    job->fn(&lines, job->arg);
  }
}

/* One long line is cut in two dimensions, so that it can be shared out. */
static void cut_line(unfurl_walk *w) {
  const size_t last = w->rank - 1, length = w->dims[last];
  if (unfurl_walk_count(w) != length || length < 2 * LEAST_TASK || w->rank != 2) return;
  for (size_t parts = 64; parts > 1; parts--)
    if (length % parts == 0) {
      w->dims[last - 1] = parts, w->dims[last] = length / parts;
      for (size_t o = 0; o < w->operands; o++) w->strides[o][last - 1] = (ptrdiff_t)w->dims[last] * w->strides[o][last];
      return;
    }
}

void unfurl_broadcast_run(const unfurl_context *context, size_t count, const unfurl_tensor *const *operands,
                          unfurl_lines_fn *fn, const void *arg) {
  const unfurl_tensor *y = operands[0];
  broadcast_job job = {.walk = {.rank = y->rank, .operands = count}, .fn = fn, .arg = arg};
  unfurl_walk *w = &job.walk;
  for (size_t i = 0; i < y->rank; i++) w->dims[i] = (size_t)y->dims[i];
  for (size_t o = 0; o < count; o++) {
    unfurl_broadcast_strides(operands[o], y, w->strides[o]);
    job.data[o] = operands[o]->data;
    job.size[o] = (ptrdiff_t)unfurl_dtype_size(operands[o]->dtype);
  }
  if (unfurl_walk_count(w) == 0) return;
  unfurl_walk_simplify(w, 2);
  cut_line(w);
  const size_t line = w->dims[w->rank - 1];
  unfurl_parallel_ranges(context, unfurl_walk_count(w) / line, 1 + LEAST_TASK / line, run_range, &job);
}
