/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/reduce.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/logmath.h"
#include "base/parallel.h"
#include "nn/lanes.h"
#include "shape/tensor.h"

enum {
  LEAST_TASK = 20000, /* elements read */
  BLOCK = 64,         /* outputs whose lanes are in L1 together */
  LANES = UNFURL_LANES,
  WIDTH = 4, /* of a vector */
  Y = UNFURL_REDUCTION_Y,
  X = UNFURL_REDUCTION_X
};

typedef float vec __attribute__((vector_size(sizeof(float) * WIDTH)));
typedef int32_t mask __attribute__((vector_size(sizeof(int32_t) * WIDTH)));

/* Moves what are neighbours in x behind the other dimensions; false where none of those that are kept is. */
static bool put_neighbours_last(unfurl_walk *kept) {
  for (size_t i = 0; i < kept->rank; i++)
    if (kept->strides[X][i] == 1 && kept->dims[i] > 1) {
      unfurl_walk_swap(kept, i, kept->rank - 1);
      return true;
    }
  return false;
}

unfurl_reduction unfurl_reduction_of(const unfurl_tensor *x, const bool reduced[UNFURL_MAX_RANK],
                                     const unfurl_tensor *y) {
  unfurl_reduction r = {.kept = {.operands = 2}, .reduced = {.operands = 2}};
  ptrdiff_t x_strides[UNFURL_MAX_RANK], y_strides[UNFURL_MAX_RANK], in_order = 1;
  unfurl_tensor_strides(x, x_strides);
  unfurl_tensor_strides(y, y_strides);
  for (size_t i = 0, out = 0; i < x->rank; i++) {
    unfurl_walk *w = reduced[i] ? &r.reduced : &r.kept;
    w->dims[w->rank] = (size_t)x->dims[i];
    w->strides[X][w->rank] = x_strides[i];
    if (!reduced[i]) w->strides[Y][w->rank] = y_strides[out];
    out += !reduced[i] || y->rank == x->rank;
    w->rank++;
  }
  for (size_t i = r.reduced.rank; i-- > 0; in_order *= (ptrdiff_t)r.reduced.dims[i]) r.reduced.strides[Y][i] = in_order;
  unfurl_walk_simplify(&r.kept, 1);
  unfurl_walk_simplify(&r.reduced, 1);
  r.keeps_neighbours = put_neighbours_last(&r.kept);
  return r;
}

typedef struct reduce_job {
  unfurl_reduction r;
  unfurl_reduce op;
  unfurl_dtype dtype;
  const void *x;
  void *y;
  size_t count;  /* elements that go into one output */
  size_t blocks; /* of the last kept dimension, where neighbours are kept */
} reduce_job;

static inline float start_of(const unfurl_reduce op) {
  return op == UNFURL_REDUCE_PROD ? 1 : op == UNFURL_REDUCE_MAX ? -INFINITY : op == UNFURL_REDUCE_MIN ? INFINITY : 0;
}

/* What an element is before it is taken in. */
static inline float part_of(const unfurl_reduce op, float x) {
  if (op == UNFURL_REDUCE_L1) return fabsf(x);
  return op == UNFURL_REDUCE_L2 || op == UNFURL_REDUCE_SUM_SQUARE ? x * x : x;
}

/* A NaN that is taken in stays. */
static inline float take_in(const unfurl_reduce op, float so_far, float x) {
  if (op == UNFURL_REDUCE_PROD) return so_far * x;
  if (op == UNFURL_REDUCE_MAX) return ((x > so_far) | (x != x)) ? x : so_far;
  if (op == UNFURL_REDUCE_MIN) return ((x < so_far) | (x != x)) ? x : so_far;
  return so_far + x;
}

static inline float finished(const unfurl_reduce op, float x, size_t count) {
  if (op == UNFURL_REDUCE_MEAN) return x / (float)count;
  if (op == UNFURL_REDUCE_LOG_SUM) return unfurl_logf(x);
  return op == UNFURL_REDUCE_L2 ? sqrtf(x) : x;
}

/* part_of and take_in for a vector, in which compilers do not see the extremes by themselves. */
static inline vec take_in_vec(const unfurl_reduce op, vec so_far, vec x) {
  if (op == UNFURL_REDUCE_L1) x = (vec)((mask)x & INT32_MAX);
  if (op == UNFURL_REDUCE_L2 || op == UNFURL_REDUCE_SUM_SQUARE) x *= x;
  if (op == UNFURL_REDUCE_PROD) return so_far * x;
  if (op != UNFURL_REDUCE_MAX && op != UNFURL_REDUCE_MIN) return so_far + x;
  const mask taken = (op == UNFURL_REDUCE_MAX ? x > so_far : x < so_far) | (x != x);
  return (vec)(((mask)x & taken) | ((mask)so_far & ~taken));
}

/* Whole rounds of lanes from neighbours; returns how many elements they were. */
static inline size_t take_rounds(const unfurl_reduce op, const float *x, size_t count, float lanes[LANES]) {
  vec round[LANES / WIDTH], loaded[LANES / WIDTH];
  size_t i = 0;
  memcpy(round, lanes, sizeof round);
  for (; i + LANES <= count; i += LANES) {
    memcpy(loaded, x + i, sizeof loaded);
    for (size_t v = 0; v < LANES / WIDTH; v++) round[v] = take_in_vec(op, round[v], loaded[v]);
  }
  memcpy(lanes, round, sizeof round);
  return i;
}

/* `count` elements of a sequence, the first of which is its at-th. */
static inline void take_run(const unfurl_reduce op, const float *x, size_t count, ptrdiff_t stride, size_t at,
                            float lanes[LANES]) {
  size_t i = 0;
  if (stride == 1) {
    for (; i < count && (at + i) % LANES != 0; i++)
      lanes[(at + i) % LANES] = take_in(op, lanes[(at + i) % LANES], part_of(op, x[i]));
    i += take_rounds(op, x + i, count - i, lanes);
  }
  for (; i < count; i++) {
    const size_t l = (at + i) % LANES;
    lanes[l] = take_in(op, lanes[l], part_of(op, x[(ptrdiff_t)i * stride]));
  }
}

/* The outputs begin..end-1, each by itself. */
static inline void reduce_each(const reduce_job *job, const unfurl_reduce op, size_t begin, size_t end) {
  const unfurl_walk *kept = &job->r.kept, *reduced = &job->r.reduced;
  const size_t last = reduced->rank - 1, run = reduced->dims[last];
  const float *x = job->x;
  float *y = job->y;
  for (size_t i = begin; i < end; i++) {
    const float *from = x + unfurl_walk_offset(kept, X, kept->rank, i);
    float lanes[LANES];
    for (size_t l = 0; l < LANES; l++) lanes[l] = start_of(op);
    for (size_t at = 0; at < job->count; at += run)
      take_run(op, from + unfurl_walk_offset(reduced, X, last, at / run), run, reduced->strides[X][last], at, lanes);
    for (size_t half = LANES / 2; half > 0; half /= 2)
      for (size_t l = 0; l < half; l++) lanes[l] = take_in(op, lanes[l], lanes[l + half]);
    y[unfurl_walk_offset(kept, Y, kept->rank, i)] = finished(op, lanes[0], job->count);
  }
}

/* `n` outputs that come from neighbours: vectors run over them. */
static inline void reduce_block(const reduce_job *job, const unfurl_reduce op, const float *x, size_t n, float *y) {
  const unfurl_walk *reduced = &job->r.reduced;
  const size_t last = reduced->rank - 1, run = reduced->dims[last];
  const ptrdiff_t stride = reduced->strides[X][last], y_stride = job->r.kept.strides[Y][job->r.kept.rank - 1];
  float lanes[LANES][BLOCK];
  for (size_t l = 0; l < LANES; l++)
    for (size_t j = 0; j < n; j++) lanes[l][j] = start_of(op);
  for (size_t at = 0; at < job->count; at += run) {
    const float *from = x + unfurl_walk_offset(reduced, X, last, at / run);
    for (size_t i = 0; i < run; i++, from += stride) {
      float *restrict lane = lanes[(at + i) % LANES];
      for (size_t j = 0; j < n; j++) lane[j] = take_in(op, lane[j], part_of(op, from[j]));
    }
  }
  for (size_t half = LANES / 2; half > 0; half /= 2)
    for (size_t l = 0; l < half; l++)
      for (size_t j = 0; j < n; j++) lanes[l][j] = take_in(op, lanes[l][j], lanes[l + half][j]);
  for (size_t j = 0; j < n; j++) y[(ptrdiff_t)j * y_stride] = finished(op, lanes[0][j], job->count);
}

/* The blocks begin..end-1, counted over all lines of neighbours. */
static inline void reduce_blocks(const reduce_job *job, const unfurl_reduce op, size_t begin, size_t end) {
  const unfurl_walk *kept = &job->r.kept;
  const size_t last = kept->rank - 1, length = kept->dims[last];
  for (size_t i = begin; i < end; i++) {
    const size_t line = i / job->blocks, from = i % job->blocks * BLOCK;
    const float *x = (const float *)job->x + unfurl_walk_offset(kept, X, last, line) + from;
    float *y = (float *)job->y + unfurl_walk_offset(kept, Y, last, line) + (ptrdiff_t)from * kept->strides[Y][last];
    reduce_block(job, op, x, length - from < BLOCK ? length - from : BLOCK, y);
  }
}

/* `op` is a constant in each call below, so that all vectorise. */
static inline __attribute__((always_inline)) void reduce_range(const reduce_job *job, const unfurl_reduce op,
                                                               size_t begin, size_t end) {
  if (job->r.keeps_neighbours)
    reduce_blocks(job, op, begin, end);
  else
    reduce_each(job, op, begin, end);
}

static void run_floats(void *arg, size_t begin, size_t end) {
  const reduce_job *job = arg;
  switch (job->op) {
  case UNFURL_REDUCE_SUM: reduce_range(job, UNFURL_REDUCE_SUM, begin, end); break;
  case UNFURL_REDUCE_MEAN: reduce_range(job, UNFURL_REDUCE_MEAN, begin, end); break;
  case UNFURL_REDUCE_PROD: reduce_range(job, UNFURL_REDUCE_PROD, begin, end); break;
  case UNFURL_REDUCE_MAX: reduce_range(job, UNFURL_REDUCE_MAX, begin, end); break;
  case UNFURL_REDUCE_MIN: reduce_range(job, UNFURL_REDUCE_MIN, begin, end); break;
  case UNFURL_REDUCE_L1: reduce_range(job, UNFURL_REDUCE_L1, begin, end); break;
  case UNFURL_REDUCE_L2: reduce_range(job, UNFURL_REDUCE_L2, begin, end); break;
  case UNFURL_REDUCE_SUM_SQUARE: reduce_range(job, UNFURL_REDUCE_SUM_SQUARE, begin, end); break;
  case UNFURL_REDUCE_LOG_SUM: reduce_range(job, UNFURL_REDUCE_LOG_SUM, begin, end); break;
  }
}

/* Integers wrap around: their values may come from a file. */
static int64_t take_in_integer(unfurl_reduce op, int64_t so_far, int64_t x, bool is_first) {
  const uint64_t a = (uint64_t)so_far, b = (uint64_t)x;
  switch (op) {
  case UNFURL_REDUCE_PROD: return (int64_t)(a * b);
  case UNFURL_REDUCE_MAX: return is_first || x > so_far ? x : so_far;
  case UNFURL_REDUCE_MIN: return is_first || x < so_far ? x : so_far;
  case UNFURL_REDUCE_L1: return (int64_t)(a + (x < 0 ? 0 - b : b));
  case UNFURL_REDUCE_SUM_SQUARE: return (int64_t)(a + b * b);
  default: return (int64_t)(a + b);
  }
}

/* The order does not matter to integers. */
static void run_integers(void *arg, size_t begin, size_t end) {
  const reduce_job *job = arg;
  const unfurl_walk *kept = &job->r.kept, *reduced = &job->r.reduced;
  const bool is_wide = job->dtype == UNFURL_I64;
  for (size_t i = begin; i < end; i++) {
    const ptrdiff_t from = unfurl_walk_offset(kept, X, kept->rank, i), to = unfurl_walk_offset(kept, Y, kept->rank, i);
    int64_t result = job->op == UNFURL_REDUCE_PROD;
    for (size_t at = 0; at < job->count; at++) {
      const ptrdiff_t where = from + unfurl_walk_offset(reduced, X, reduced->rank, at);
      const int64_t x = is_wide ? ((const int64_t *)job->x)[where] : ((const int32_t *)job->x)[where];
      result = take_in_integer(job->op, result, x, at == 0);
    }
    if (is_wide)
      ((int64_t *)job->y)[to] = result;
    else
      ((int32_t *)job->y)[to] = (int32_t)(uint32_t)(uint64_t)result;
  }
}

void unfurl_reduce_run(const unfurl_context *context, unfurl_reduce op, const unfurl_tensor *x,
                       const bool reduced[UNFURL_MAX_RANK], const unfurl_tensor *y) {
  reduce_job job = {
      .r = unfurl_reduction_of(x, reduced, y), .op = op, .dtype = x->dtype, .x = x->data, .y = y->data, .blocks = 1};
  const bool is_float = x->dtype == UNFURL_F32, in_blocks = is_float && job.r.keeps_neighbours;
  size_t items = unfurl_walk_count(&job.r.kept), each = 1;
  if (items == 0) return;
  if (in_blocks) {
    const size_t length = job.r.kept.dims[job.r.kept.rank - 1];
    job.blocks = (length + BLOCK - 1) / BLOCK;
    items = items / length * job.blocks;
    each = length < BLOCK ? length : BLOCK;
  }
  job.count = unfurl_walk_count(&job.r.reduced);
  unfurl_parallel_ranges(context, items, 1 + LEAST_TASK / (job.count * each + 1), is_float ? run_floats : run_integers,
                         &job);
}
