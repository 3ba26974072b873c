/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain tiles, included by tile_body.h: as large as they can be, of chunks that are one run, as those of 1x1 kernels, or a few
 * short ones, as those of first layers; all rows see all of their runs. These take so little time that it shows what other
 * tiles have to find out. */

enum {
  MANY_ELEMENTS = 256, /* of several runs, from which on it does not show */
  TILES_LATER = 8,     /* that whose lines of the result are brought: the next is too late, the third nearly as good */
  FEW_POINTERS = 6,    /* of as many rows, each may have one of its own */
  SPACED_ROWS = 3      /* that share a pointer, of more */
};

/* The lines of the result that a later tile stores, if they are not in L2: stores would wait for them. Rows are evenly
 * spaced. */
static inline __attribute__((always_inline)) void bring_results(const unfurl_tile *t, const tile_rows *at,
                                                                const size_t rows, const size_t vecs) {
  if (TILE_BRINGS || !t->brings_results) return;
  const uintptr_t later = (uintptr_t)t->dst + TILES_LATER * rows * t->dst_step * sizeof(float);
  UNROLL(16)
  for (size_t i = 0; i < rows; i++) {
    const uintptr_t row = later + (at->dst + i * t->dst_step) * sizeof(float);
    UNROLL(4)
    for (size_t j = 0; j < vecs * VEC_LANES * sizeof(float); j += CACHE_LINE)
      __builtin_prefetch((const void *)(row + j), 1);
  }
}

/* Whether a tile, if it is as large as it can be, is plain. Rows of one run are evenly spaced; others may be listed. */
static inline bool is_plain(const unfurl_tile *t) {
  return (t->run_rows == 1 ? !t->src_at : t->run_rows * t->run_length <= MANY_ELEMENTS) && t->run_cols == 1 &&
         !t->skips_first && !t->skips_last && !t->continues;
}

/* acc[i][j] += sum over the runs, one in each row of the kernel, of rows that are listed, or few and evenly spaced from `from`
 * on. */
static inline __attribute__((always_inline)) void multiply_few_runs(const unfurl_tile *t, const tile_rows *at,
                                                                    const float *from, unfurl_ahead *ahead,
                                                                    accumulators *acc, const size_t rows,
                                                                    const size_t vecs) {
  const float *a[TILE_MOST_ROWS], *b = t->weights;
  if (at->src_at) {
    UNROLL(16)
    for (size_t i = 0; i < rows; i++) a[i] = t->src + at->src_at[i];
  } else {
    UNROLL(16)
    for (size_t i = 0; i < rows; i++, from += t->src_step) a[i] = from;
  }
  ptrdiff_t begin = t->run_col_first;
  for (size_t r = t->run_rows; r > 0; r--, begin += t->run_row_stride, b += t->weights_row_stride)
    multiply_part(a, begin, t->run_length, b, ahead, acc, 0, rows, vecs);
}

/* acc[i][j] += a[i] * b[j], where a[0] is at `from` and the others evenly spaced: few pointers are moved on with each
 * element, so that none spills. */
static inline __attribute__((always_inline)) void multiply_spaced(const float *from, size_t step, const float *b,
                                                                  accumulators *acc, const size_t rows,
                                                                  const size_t vecs) {
  vec w[TILE_VECS];
  UNROLL(4)
  for (size_t j = 0; j < vecs; j++) w[j] = vec_load(b + j * VEC_LANES);
  UNROLL(16)
  for (size_t i = 0; i < rows; i++) {
    if (i > 0 && i % SPACED_ROWS == 0) {
      from += SPACED_ROWS * step;
      KEPT_IN_REGISTER(from);
    }
    const float *row = from + i % SPACED_ROWS * step;
    const vec x = vecs == 1 ? vec_set(*row) : vec_broadcast(row);
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) acc->at[i][j] = TILE_FMA(x, w[j], acc->at[i][j]);
  }
}

/* The same of evenly spaced rows, however many. */
static inline __attribute__((always_inline)) void multiply_spaced_runs(const unfurl_tile *t, const float *from,
                                                                       unfurl_ahead *ahead, accumulators *acc,
                                                                       const size_t rows, const size_t vecs) {
  const size_t step = t->src_step, width = vecs * VEC_LANES;
  const float *run_weights = t->weights;
  from += t->run_col_first;
  for (size_t r = t->run_rows; r > 0; r--, from += t->run_row_stride, run_weights += t->weights_row_stride) {
    const float *at = from, *end = from + t->run_length, *b = run_weights;
    for (; at + 1 < end; at += 2, b += 2 * width) {
      bring(ahead);
      multiply_spaced(at, step, b, acc, rows, vecs);
      multiply_spaced(at + 1, step, b + width, acc, rows, vecs);
    }
    if (at < end) multiply_spaced(at, step, b, acc, rows, vecs);
  }
}

/* How tiles end: where it is as usual, that is found out once for all of them. Measured on Zen 3, whose front end waits for
 * branches: tiles three vectors wide of 9, 27 and 64 elements 1.08, 1.06 and 1.03; sums alone, 0.98 to 1.00. */
typedef enum tile_end { ENDS_ANYHOW, ENDS_IN_RELU, ENDS_IN_CLIP } tile_end;

static inline tile_end end_of(const unfurl_tile *t, const size_t vecs) {
  const unfurl_epilogue *e = t->epilogue;
  if (t->src_at || t->residual || t->streams || t->cols != vecs * VEC_LANES || !e->bias) return ENDS_ANYHOW;
  return e->activation == UNFURL_ACTIVATION_RELU   ? ENDS_IN_RELU
         : e->activation == UNFURL_ACTIVATION_CLIP ? ENDS_IN_CLIP
                                                   : ENDS_ANYHOW;
}

/* The same as finish_tile, without a branch. What it needs is read again for each tile: there is no register to keep it. */
static inline __attribute__((always_inline)) void finish_usual(const unfurl_tile *t, float *to, const accumulators *acc,
                                                               const size_t rows, const size_t vecs,
                                                               const tile_end end) {
  static const float zero = 0;
  const unfurl_epilogue *e = t->epilogue;
  const float *low_at = end == ENDS_IN_RELU ? &zero : &e->alpha, *bias = e->bias;
  KEPT_IN_REGISTER(low_at);
  KEPT_IN_REGISTER(bias);
  const vec low = vec_broadcast(low_at), high = vec_broadcast(&e->beta);
  UNROLL(16)
  for (size_t i = 0; i < rows; i++, to += t->dst_step) {
    KEPT_IN_REGISTER(to);
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) {
      const vec x = vec_at_least(vec_add(acc->at[i][j], vec_load(bias + j * VEC_LANES)), low);
      vec_store(to + j * VEC_LANES, end == ENDS_IN_CLIP ? vec_at_most(x, high) : x);
    }
  }
}

/* Of several runs. */
static inline __attribute__((always_inline)) void compute_short_runs(const unfurl_tile *t, const size_t rows,
                                                                     const size_t vecs, const tile_end end) {
  unfurl_ahead ahead = ahead_of(t);
  const float *first = t->src;
  const bool listed = end == ENDS_ANYHOW && t->src_at;
  tile_rows at = {.src_at = listed ? t->src_at : NULL, .dst_at = listed ? t->dst_at : NULL};
  for (size_t n = t->tiles; n > 0; n--) {
    accumulators acc;
    clear(&acc, rows, vecs);
    if (!listed) bring_results(t, &at, rows, vecs);
    if (listed || rows <= FEW_POINTERS)
      multiply_few_runs(t, &at, first, &ahead, &acc, rows, vecs);
    else
      multiply_spaced_runs(t, first, &ahead, &acc, rows, vecs);
    if (!listed) first += rows * t->src_step;
    if (end == ENDS_ANYHOW)
      finish_tile(t, &at, &acc, rows, vecs);
    else
      finish_usual(t, t->dst + at.dst, &acc, rows, vecs, end);
    move_on(t, &at, rows);
  }
}

/* Of one run. One loop for both kinds of chunk would take 3 % longer: there are too few registers. */
static inline __attribute__((always_inline)) void compute_one_run(const unfurl_tile *t, const size_t rows,
                                                                  const size_t vecs, const tile_end end) {
  unfurl_ahead ahead = ahead_of(t);
  const float *first = t->src + t->run_col_first;
  const size_t step = t->src_step;
  const ptrdiff_t length = (ptrdiff_t)t->run_length;
  tile_rows at = {0};
  for (size_t n = t->tiles; n > 0; n--) {
    accumulators acc;
    const float *a[TILE_MOST_ROWS];
    clear(&acc, rows, vecs);
    UNROLL(16)
    for (size_t i = 0; i < rows; i++, first += step) a[i] = first;
    run_place p = {0, t->weights, t->streams ? rows : 0};
    bring_results(t, &at, rows, vecs);
    multiply_bringing(t, &at, a, length, &p, &ahead, &acc, rows, vecs);
    multiply_part(a, p.k, (size_t)(length - p.k), p.b, &ahead, &acc, 0, rows, vecs);
    if (end == ENDS_ANYHOW)
      finish_tile(t, &at, &acc, rows, vecs);
    else
      finish_usual(t, t->dst + at.dst, &acc, rows, vecs, end);
    at.dst += rows * t->dst_step;
  }
}

static inline __attribute__((always_inline)) void compute_ending(const unfurl_tile *t, const size_t rows,
                                                                 const size_t vecs, const tile_end end) {
  if (t->run_rows == 1)
    compute_one_run(t, rows, vecs, end);
  else
    compute_short_runs(t, rows, vecs, end);
}

static inline __attribute__((always_inline)) void compute_plain(const unfurl_tile *t, const size_t rows,
                                                                const size_t vecs) {
  switch (TILE_KNOWS_ENDS ? end_of(t, vecs) : ENDS_ANYHOW) {
  case ENDS_IN_RELU: compute_ending(t, rows, vecs, ENDS_IN_RELU); break;
  case ENDS_IN_CLIP: compute_ending(t, rows, vecs, ENDS_IN_CLIP); break;
  default: compute_ending(t, rows, vecs, ENDS_ANYHOW); break;
  }
}
