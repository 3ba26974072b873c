/* SPDX-License-Identifier: BSD-2-Clause */
/* How a tile ends, included by tile_body.h: bias, residual and the activations that are a clamp are applied to the sums, in
 * registers; then these are stored. */

/* Vector j of a row, of which the last has `lanes` in use. */
static inline vec load_column(const float *from, size_t j, size_t vecs, size_t lanes) {
  return j + 1 == vecs ? load_used(from + j * VEC_LANES, lanes) : vec_load(from + j * VEC_LANES);
}

static inline void store_column(float *to, vec x, size_t j, size_t vecs, size_t lanes) {
  if (j + 1 == vecs)
    store_used(to + j * VEC_LANES, x, lanes);
  else
    vec_store(to + j * VEC_LANES, x);
}

/* The rows' places in a result that begins at `base`. A list is read before the first store, which might otherwise have
 * changed it; of evenly spaced rows, one place at a time is known: all of them would not fit the registers. */
typedef struct row_places {
  float *at[TILE_MOST_ROWS], *row;
  size_t step;
} row_places;

static inline __attribute__((always_inline)) row_places places_of(const unfurl_tile *t, const tile_rows *at,
                                                                  float *base, const size_t rows, const bool listed) {
  row_places places = {.row = base + at->dst, .step = t->dst_step};
  if (!listed) return places;
  if (at->dst_at) {
    UNROLL(16)
    for (size_t i = 0; i < rows; i++) places.at[i] = base + at->dst_at[i];
  } else {
    UNROLL(16)
    for (size_t i = 0; i < rows; i++) places.at[i] = i == 0 ? places.row : places.at[i - 1] + places.step;
  }
  return places;
}

static inline __attribute__((always_inline)) float *next_place(row_places *places, size_t i, const bool listed) {
  if (listed) return places->at[i];
  float *row = places->row;
  places->row += places->step;
  KEPT_IN_REGISTER(places->row);
  return row;
}

/* Stores of whole cache lines that are not done while the next tile is multiplied. Measured on Zen 4: 14 take no time,
 * 28 take 45 cycles. */
enum { MANY_STORES = 20 };

/* Bias and clamp, and the store with them, where that takes so long that the rest is done meanwhile. */
static inline __attribute__((always_inline)) void store_clamped(const unfurl_tile *t, const tile_rows *at,
                                                                const accumulators *acc, const size_t rows,
                                                                const size_t vecs, const size_t lanes,
                                                                const bool has_high) {
  const bool listed = rows <= TILE_ROWS_OF(vecs);
  const unfurl_epilogue *e = t->epilogue;
  const vec low = vec_set(clamp_low(e)), high = vec_set(clamp_high(e));
  vec bias[TILE_VECS];
  row_places to = places_of(t, at, t->dst, rows, listed);
  UNROLL(4)
  for (size_t j = 0; j < vecs; j++) bias[j] = load_column(e->bias, j, vecs, lanes);
  UNROLL(28)
  for (size_t i = 0; i < rows; i++) {
    float *row = next_place(&to, i, listed);
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) {
      const vec x = vec_at_least(vec_add(acc->at[i][j], bias[j]), low);
      store_column(row, has_high ? vec_at_most(x, high) : x, j, vecs, lanes);
    }
  }
}

/* Bias, residual and the activations that are a clamp, in registers; then the stores. `lanes` of the last vector are in
 * use: where parts are slow, that is the constant VEC_LANES. */
static inline __attribute__((always_inline)) void finish(const unfurl_tile *t, const tile_rows *at, accumulators *acc,
                                                         const size_t rows, const size_t vecs, const size_t lanes) {
  const bool listed = rows <= TILE_ROWS_OF(vecs); /* or few enough for a list to be made */
  const unfurl_epilogue *e = t->epilogue;
  if (STREAMS_LINES && rows * vecs >= MANY_STORES && e->bias && !t->residual && !t->streams) {
    if (e->activation == UNFURL_ACTIVATION_RELU) {
      store_clamped(t, at, acc, rows, vecs, lanes, false);
      return;
    }
    if (e->activation == UNFURL_ACTIVATION_CLIP) {
      store_clamped(t, at, acc, rows, vecs, lanes, true);
      return;
    }
  }
  if (e->bias) {
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) {
      const vec bias = load_column(e->bias, j, vecs, lanes);
      UNROLL(28)
      for (size_t i = 0; i < rows; i++) acc->at[i][j] = vec_add(acc->at[i][j], bias);
    }
  }
  if (t->residual) {
    row_places from = places_of(t, at, (float *)(uintptr_t)t->residual, rows, listed);
    UNROLL(28)
    for (size_t i = 0; i < rows; i++) {
      const float *residual = next_place(&from, i, listed);
      UNROLL(4)
      for (size_t j = 0; j < vecs; j++) acc->at[i][j] = vec_add(acc->at[i][j], load_column(residual, j, vecs, lanes));
    }
  }
  if (e->activation == UNFURL_ACTIVATION_RELU || e->activation == UNFURL_ACTIVATION_CLIP) {
    const vec low = vec_set(clamp_low(e));
    UNROLL(28)
    for (size_t i = 0; i < rows; i++) {
      UNROLL(4)
      for (size_t j = 0; j < vecs; j++) acc->at[i][j] = vec_at_least(acc->at[i][j], low);
    }
  }
  if (e->activation == UNFURL_ACTIVATION_CLIP) {
    const vec high = vec_set(clamp_high(e));
    UNROLL(28)
    for (size_t i = 0; i < rows; i++) {
      UNROLL(4)
      for (size_t j = 0; j < vecs; j++) acc->at[i][j] = vec_at_most(acc->at[i][j], high);
    }
  }
  row_places to = places_of(t, at, t->dst, rows, listed);
  if (t->streams) {
    UNROLL(28)
    for (size_t i = 0; i < rows; i++) {
      float *row = next_place(&to, i, listed);
      UNROLL(4)
      for (size_t j = 0; j < vecs; j++) vec_stream(row + j * VEC_LANES, acc->at[i][j]);
    }
    return;
  }
  UNROLL(28)
  for (size_t i = 0; i < rows; i++) {
    float *row = next_place(&to, i, listed);
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) store_column(row, acc->at[i][j], j, vecs, lanes);
  }
}

#ifndef VEC_PARTS_ARE_FAST
/* Whether the rows of a tile follow on each other without a gap. */
static bool rows_follow(const unfurl_tile *t, const tile_rows *rows) {
  if (!rows->dst_at) return t->dst_step == t->cols;
  bool follow = true;
  for (size_t i = 0; follow && i + 1 < t->rows; i++) follow = rows->dst_at[i + 1] == rows->dst_at[i] + t->cols;
  return follow;
}

/* One vector of columns, of sums in memory. */
static void finish_column(const unfurl_tile *t, const tile_rows *rows, const float *sums, size_t j) {
  const unfurl_epilogue *e = t->epilogue;
  const vec low = vec_set(clamp_low(e)), high = vec_set(clamp_high(e));
  const size_t at = j * VEC_LANES, lanes = t->cols - at < VEC_LANES ? t->cols - at : VEC_LANES;
  const vec bias = e->bias ? load_used(e->bias + at, lanes) : vec_set(-0.0f); /* which changes nothing */
  for (size_t i = 0; i < t->rows; i++) {
    const size_t to = dst_of(t, rows, i) + at;
    vec x = vec_add(vec_load(sums + i * TILE_COLS + at), bias);
    if (t->residual) x = vec_add(x, load_used(t->residual + to, lanes));
    store_used(t->dst + to, vec_at_most(vec_at_least(x, low), high), lanes);
  }
}

/* Rows that follow on each other, in whole vectors: what the last one spills is the beginning of the next row, which is stored
 * next. */
static inline __attribute__((always_inline)) void finish_following(const unfurl_tile *t, const tile_rows *rows,
                                                                   const float *sums, const size_t vecs) {
  const unfurl_epilogue *e = t->epilogue;
  const size_t lanes = t->cols - (vecs - 1) * VEC_LANES;
  const vec low = vec_set(clamp_low(e)), high = vec_set(clamp_high(e));
  vec bias[TILE_VECS], x[TILE_VECS];
  UNROLL(4)
  for (size_t j = 0; j < vecs; j++)
    bias[j] = e->bias ? load_column(e->bias, j, vecs, lanes) : vec_set(-0.0f); /* which changes nothing */
  float *to = t->dst + dst_of(t, rows, 0);
  for (size_t left = t->rows; left > 0; left--, sums += TILE_COLS, to += t->cols) {
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++)
      x[j] = vec_at_most(vec_at_least(vec_add(vec_load(sums + j * VEC_LANES), bias[j]), low), high);
    UNROLL(4)
    for (size_t j = 0; j + 1 < vecs; j++) vec_store(to + j * VEC_LANES, x[j]);
    store_used(to + (vecs - 1) * VEC_LANES, x[vecs - 1], left > 1 ? VEC_LANES : lanes);
  }
}

/* A tile whose last columns are not in use, from its sums in memory. One more way to store them from registers would make the
 * compiler spill some of all tiles' (measured: 3 vectors wide, 1.3 times as long). */
static __attribute__((noinline)) void finish_part(const unfurl_tile *t, const tile_rows *rows, const float *sums,
                                                  size_t vecs) {
  if (vecs * VEC_LANES <= 2 * t->cols && !t->residual && rows_follow(t, rows)) {
    switch (vecs) {
    case 1: finish_following(t, rows, sums, 1); return;
    case 2: finish_following(t, rows, sums, TILE_VECS < 2 ? 1 : 2); return;
    case 3: finish_following(t, rows, sums, TILE_VECS < 3 ? 1 : 3); return;
    case 4: finish_following(t, rows, sums, TILE_VECS < 4 ? 1 : 4); return;
    }
  }
  for (size_t j = 0; j < vecs; j++) finish_column(t, rows, sums, j);
}
#endif

/* Stores a tile of sums. */
static inline __attribute__((always_inline)) void finish_tile(const unfurl_tile *t, const tile_rows *at,
                                                              accumulators *acc, const size_t rows, const size_t vecs) {
#ifdef VEC_PARTS_ARE_FAST
  finish(t, at, acc, rows, vecs, t->cols - (vecs - 1) * VEC_LANES);
#else
  if (t->cols == vecs * VEC_LANES) {
    finish(t, at, acc, rows, vecs, VEC_LANES);
    return;
  }
  float sums[TILE_MOST_ROWS * TILE_COLS];
  UNROLL(16)
  for (size_t i = 0; i < rows; i++) {
    UNROLL(4)
    for (size_t j = 0; j < vecs; j++) vec_store(sums + i * TILE_COLS + j * VEC_LANES, acc->at[i][j]);
  }
  finish_part(t, at, sums, vecs);
#endif
}
