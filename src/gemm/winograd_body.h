/* SPDX-License-Identifier: BSD-2-Clause */
/* The transforms' source, compiled with tile_body.h for each instruction set. side and m are constants in each copy. */
#include "gemm/winograd.h"
#include "gemm/winograd_axis_body.h"

enum {
  WINOGRAD_TILE = 8, /* inputs along an axis, at most */
  TAPS_TILE = 6      /* those of tiles whose filters are transformed late */
};

/* What the next tile in a row of tiles has of an image's row beside this one's, which ends at `row`, is brought into L2: of many
 * channels, a vector is read at a time, which no processor foresees. */
static inline __attribute__((always_inline)) void winograd_input_bring(const float *row, ptrdiff_t col_stride,
                                                                       const size_t side) {
  const size_t shared = side == 5 ? 1 : 2; /* columns */
  UNROLL(6)
  for (size_t j = shared; j < side; j++, row += col_stride) __builtin_prefetch(row, 0, 2);
}

/* The first pass of a vector: its inputs in row i of a tile, which begins at `row`. `used` are the lanes of each column. */
static inline __attribute__((always_inline)) void winograd_input_row(const unfurl_winograd_input *t, const float *row,
                                                                     size_t i, const size_t side, size_t cols_left,
                                                                     const size_t *used, vec (*d)[WINOGRAD_TILE]) {
  const ptrdiff_t col_stride = t->col_stride;
  vec x[WINOGRAD_TILE];
  winograd_input_bring(row + (ptrdiff_t)side * col_stride, col_stride, side);
#ifdef VEC_PARTS_ARE_FAST
  const bool inside = i >= t->rows[0] && i < t->rows[1];
  UNROLL(8)
  for (size_t j = 0; j < side; j++, row += col_stride) x[j] = inside ? vec_load_part(row, used[j]) : vec_set(0);
#else
  (void)used;
  UNROLL(8)
  for (size_t j = 0; j < side; j++, row += col_stride) x[j] = vec_load(row);
#endif
  winograd_spread(side, cols_left, x);
  UNROLL(8)
  for (size_t j = 0; j < side; j++) d[j][i] = x[j];
}

/* The second pass: a column of elements. */
static inline __attribute__((always_inline)) void winograd_input_column(vec *d, const size_t side, size_t rows_left,
                                                                        float *to, size_t step) {
  winograd_spread(side, rows_left, d);
  UNROLL(8)
  for (size_t i = 0; i < side; i++, to += step) vec_store(to, d[i]);
}

/* One vector of channels of a tile; where parts of vectors are slow, of one that is inside its image, and a whole vector. The
 * largest tile has its loops unrolled where it is whole only: there is much code in them. */
static inline __attribute__((always_inline)) void winograd_input_vec(const unfurl_winograd_input *t, size_t channel,
                                                                     const size_t side, const bool cut_off) {
  vec d[WINOGRAD_TILE][WINOGRAD_TILE]; /* [column][row] between the passes */
  size_t used[WINOGRAD_TILE] = {0};
  const ptrdiff_t row_stride = t->row_stride;
  const size_t plane = t->plane, step = side * plane;
  const float *row = t->image + (t->at + (ptrdiff_t)channel);
  float *column = t->dst + channel;
#ifdef VEC_PARTS_ARE_FAST
  const size_t left = t->channels - channel, lanes = left < VEC_LANES ? left : VEC_LANES;
  UNROLL(8)
  for (size_t j = 0; j < side; j++) used[j] = j >= t->cols[0] && j < t->cols[1] ? lanes : 0;
#endif
  if (side == WINOGRAD_TILE && cut_off) {
    for (size_t i = 0; i < side; i++, row += row_stride) winograd_input_row(t, row, i, side, t->cols_left, used, d);
    for (size_t j = 0; j < side; j++, column += plane) winograd_input_column(d[j], side, t->rows_left, column, step);
    return;
  }
  const size_t rows_left = cut_off ? t->rows_left : 0, cols_left = cut_off ? t->cols_left : 0;
  UNROLL(8)
  for (size_t i = 0; i < side; i++, row += row_stride) winograd_input_row(t, row, i, side, cols_left, used, d);
  UNROLL(8)
  for (size_t j = 0; j < side; j++, column += plane) winograd_input_column(d[j], side, rows_left, column, step);
}

/* The first `channels` channels: whole vectors, where parts are slow. */
static __attribute__((noinline)) void winograd_input_vecs(const unfurl_winograd_input *t, size_t channels) {
  switch (t->side) {
  case 4:
    for (size_t c = 0; c < channels; c += VEC_LANES) winograd_input_vec(t, c, 4, false);
    break;
  case 5:
    for (size_t c = 0; c < channels; c += VEC_LANES) winograd_input_vec(t, c, 5, false);
    break;
  case 6:
    for (size_t c = 0; c < channels; c += VEC_LANES) winograd_input_vec(t, c, 6, true);
    break;
  case 8:
    if (t->rows_left == 0 && t->cols_left == 0)
      for (size_t c = 0; c < channels; c += VEC_LANES) winograd_input_vec(t, c, 8, false);
    else
      for (size_t c = 0; c < channels; c += VEC_LANES) winograd_input_vec(t, c, 8, true);
    break;
  }
}

#ifdef VEC_PARTS_ARE_FAST
void TILE_FUNCTION(winograd_input)(const unfurl_winograd_input *t) {
  winograd_input_vecs(t, t->channels);
}
#else
/* What is inside the image of a vector of channels, to an image of the tile alone. */
static void winograd_input_part(const unfurl_winograd_input *t, size_t channel, size_t lanes, float *part) {
  const float *row = t->image + (t->at + (ptrdiff_t)t->rows[0] * t->row_stride + (ptrdiff_t)channel);
  for (size_t i = t->rows[0]; i < t->rows[1]; i++, row += t->row_stride) {
    const float *from = row + (ptrdiff_t)t->cols[0] * t->col_stride;
    float *to = part + (i * t->side + t->cols[0]) * VEC_LANES;
    for (size_t j = t->cols[0]; j < t->cols[1]; j++, from += t->col_stride, to += VEC_LANES)
      vec_store(to, load_used(from, lanes));
  }
}

/* The channels from `first` on. */
static __attribute__((noinline)) void winograd_input_parts(const unfurl_winograd_input *t, size_t first) {
  float part[WINOGRAD_TILE * WINOGRAD_TILE * VEC_LANES];
  unfurl_winograd_input alone = {.side = t->side,
                                 .image = part,
                                 .row_stride = (ptrdiff_t)(t->side * VEC_LANES),
                                 .col_stride = VEC_LANES,
                                 .rows_left = t->rows_left,
                                 .cols_left = t->cols_left,
                                 .plane = t->plane};
  for (size_t i = 0; i < t->side * t->side; i++) vec_store(part + i * VEC_LANES, vec_set(0)); /* outside, it stays so */
  for (size_t c = first; c < t->channels; c += VEC_LANES) {
    winograd_input_part(t, c, t->channels - c < VEC_LANES ? t->channels - c : VEC_LANES, part);
    alone.dst = t->dst + c;
    winograd_input_vecs(&alone, VEC_LANES);
  }
}

void TILE_FUNCTION(winograd_input)(const unfurl_winograd_input *t) {
  const bool inside = t->rows[0] == 0 && t->rows[1] == t->side && t->cols[0] == 0 && t->cols[1] == t->side;
  const size_t whole = inside ? t->channels / VEC_LANES * VEC_LANES : 0;
  if (whole < t->channels) winograd_input_parts(t, whole);
  winograd_input_vecs(t, whole);
}
#endif

/* Element i of G w: `w` are three taps along an axis. */
static inline __attribute__((always_inline)) vec winograd_filter(const size_t i, vec w0, vec w1, vec w2) {
  switch (i) {
  case 0: return w0;
  case 1: return vec_add(vec_add(w0, w2), w1);
  case 2: return vec_sub(vec_add(w0, w2), w1);
  case 3: return vec_fma(vec_set(2), w1, vec_fma(vec_set(4), w2, w0));
  case 4: return vec_fma(vec_set(-2), w1, vec_fma(vec_set(4), w2, w0));
  default: return w2;
  }
}

/* Columns first..first+count-1 of row i of the products. */
static inline __attribute__((always_inline)) void winograd_taps_part(const unfurl_winograd_taps *t, const size_t i,
                                                                     const size_t first, const size_t count) {
  enum {
    SIDE = UNFURL_WINOGRAD_SIDE,
    TAPS = UNFURL_WINOGRAD_TAPS,
    PLACES = 2, /* from which filters are brought at a time: a sixth of them with each row of the products */
    STEP = TAPS * VEC_LANES * sizeof(float) / (TAPS_TILE * PLACES)
  };
  vec acc[TAPS_TILE][SIDE];
  float *dst = t->dst + (i * TAPS_TILE + first) * t->dst_plane;
  UNROLL(6)
  for (size_t j = 0; j < count; j++) {
    UNROLL(4)
    for (size_t k = 0; k < SIDE; k++)
      acc[j][k] = t->adds ? vec_load(dst + j * t->dst_plane + k * t->dst_row) : vec_set(0);
  }
  const float *src = t->src + i * t->src_row + first * SIDE, *w = t->filters;
  const size_t gap = t->channels * STEP;
  const char *ahead = (const char *)t->ahead + i * PLACES * gap;
  for (size_t c = t->channels; c > 0; c--, src += TAPS_TILE * SIDE) {
    vec half[3];
    __builtin_prefetch(ahead, 0, 2);
    __builtin_prefetch(ahead + gap, 0, 2);
    UNROLL(3)
    for (size_t q = 0; q < 3; q++)
      half[q] = winograd_filter(i, vec_load(w + q * VEC_LANES), vec_load(w + (3 + q) * VEC_LANES),
                                vec_load(w + (6 + q) * VEC_LANES));
    UNROLL(6)
    for (size_t j = 0; j < count; j++) {
      const vec u = winograd_filter(first + j, half[0], half[1], half[2]);
      UNROLL(4)
      for (size_t k = 0; k < SIDE; k++) acc[j][k] = vec_fma(vec_set(src[j * SIDE + k]), u, acc[j][k]);
    }
    w += TAPS * VEC_LANES, ahead += STEP;
  }
  UNROLL(6)
  for (size_t j = 0; j < count; j++) {
    UNROLL(4)
    for (size_t k = 0; k < SIDE; k++) vec_store(dst + j * t->dst_plane + k * t->dst_row, acc[j][k]);
  }
}

static inline __attribute__((always_inline)) void winograd_taps_row(const unfurl_winograd_taps *t, const size_t i) {
  UNROLL(2)
  for (size_t first = 0; first < TAPS_TILE; first += TILE_COLUMNS) winograd_taps_part(t, i, first, TILE_COLUMNS);
}

void TILE_FUNCTION(winograd_taps)(const unfurl_winograd_taps *t) {
  winograd_taps_row(t, 0);
  winograd_taps_row(t, 1);
  winograd_taps_row(t, 2);
  winograd_taps_row(t, 3);
  winograd_taps_row(t, 4);
  winograd_taps_row(t, 5);
}

/* The first pass of a vector: the products of column j of a tile. Of the largest tiles, what follows on them in their planes is
 * brought. */
static inline __attribute__((always_inline)) void winograd_output_column(const float *from, size_t step, size_t j,
                                                                         const size_t side, const size_t m, size_t rows,
                                                                         vec (*d)[WINOGRAD_TILE]) {
  enum { AHEAD = 4 * VEC_LANES };
  vec p[WINOGRAD_TILE];
  UNROLL(8)
  for (size_t i = 0; i < side; i++, from += step) {
    p[i] = vec_load(from);
    if (side == WINOGRAD_TILE) __builtin_prefetch(from + AHEAD, 0, 3);
  }
  winograd_gather(side, m, rows, p);
  UNROLL(6)
  for (size_t i = 0; i < m; i++) d[i][j] = p[i];
}

/* What the second pass does with a row of results. */
typedef struct winograd_finish {
  const unfurl_epilogue *epilogue;
  vec bias, low, high;
  size_t lanes, cols;
  bool streams;
} winograd_finish;

/* The second pass: a row of results, `at` floats from the first. Those of the next tile in the row are brought, of the largest
 * tiles; and its residuals. */
static inline __attribute__((always_inline)) void winograd_output_row(const unfurl_winograd_output *t,
                                                                      const winograd_finish *f, size_t at,
                                                                      const size_t side, const size_t m, size_t cols,
                                                                      vec *d) {
  const size_t next = m * t->col_stride;
  winograd_gather(side, m, cols, d);
  UNROLL(6)
  for (size_t j = 0; j < m; j++, at += t->col_stride) {
    const size_t used = j < f->cols ? f->lanes : 0;
    vec x = vec_add(d[j], f->bias);
    if (f->epilogue->residual) {
      __builtin_prefetch(f->epilogue->residual + at + next, 0, 2);
      x = vec_add(x, load_used(f->epilogue->residual + at, used));
    }
    x = vec_at_most(vec_at_least(x, f->low), f->high);
    if (f->streams) {
      vec_stream(t->dst + at, x);
      continue;
    }
    if (side == WINOGRAD_TILE) __builtin_prefetch(t->dst + at + next, 1, 2);
    store_used(t->dst + at, x, used);
  }
}

/* One vector of filters of a tile; where parts of vectors are slow, of one that is inside its result, and a whole vector. Loops
 * as for inputs. */
static inline __attribute__((always_inline)) void winograd_output_vec(const unfurl_winograd_output *t, size_t filter,
                                                                      const size_t side, const size_t m,
                                                                      const bool cut_off) {
  vec d[WINOGRAD_TILE][WINOGRAD_TILE]; /* [row][column] between the passes */
  const unfurl_epilogue *e = t->epilogue;
  size_t lanes = VEC_LANES, rows = m, cols = m;
#ifdef VEC_PARTS_ARE_FAST
  rows = t->rows, cols = t->cols;
  if (t->filters - filter < VEC_LANES) lanes = t->filters - filter;
#endif
  const winograd_finish f = {.epilogue = e,
                             .bias =
                                 e->bias ? load_used(e->bias + filter, lanes) : vec_set(-0.0f), /* changes nothing */
                             .low = vec_set(clamp_low(e)),
                             .high = vec_set(clamp_high(e)),
                             .lanes = lanes,
                             .cols = cols,
                             .streams = t->streams && rows == m && cols == m};
  const size_t plane = t->plane, step = side * plane;
  const float *column = t->src + filter;
  if (side == WINOGRAD_TILE && cut_off) {
    for (size_t j = 0; j < side; j++, column += plane) winograd_output_column(column, step, j, side, m, t->rows, d);
    for (size_t i = 0; i < rows; i++) winograd_output_row(t, &f, i * t->row_stride + filter, side, m, t->cols, d[i]);
    return;
  }
  const size_t rows_left = cut_off ? t->rows : m, cols_left = cut_off ? t->cols : m;
  UNROLL(8)
  for (size_t j = 0; j < side; j++, column += plane) winograd_output_column(column, step, j, side, m, rows_left, d);
  UNROLL(6)
  for (size_t i = 0; i < m; i++) {
    if (i >= rows) break;
    winograd_output_row(t, &f, i * t->row_stride + filter, side, m, cols_left, d[i]);
  }
}

/* The first `filters` filters: the same. */
static __attribute__((noinline)) void winograd_output_vecs(const unfurl_winograd_output *t, size_t filters) {
  switch (t->side + t->m) {
  case 4 + 2:
    for (size_t k = 0; k < filters; k += VEC_LANES) winograd_output_vec(t, k, 4, 2, false);
    break;
  case 5 + 2:
    for (size_t k = 0; k < filters; k += VEC_LANES) winograd_output_vec(t, k, 5, 2, false);
    break;
  case 6 + 2:
    for (size_t k = 0; k < filters; k += VEC_LANES) winograd_output_vec(t, k, 6, 2, false);
    break;
  case 6 + 3:
    for (size_t k = 0; k < filters; k += VEC_LANES) winograd_output_vec(t, k, 6, 3, false);
    break;
  case 6 + 4:
    for (size_t k = 0; k < filters; k += VEC_LANES) winograd_output_vec(t, k, 6, 4, true);
    break;
  case 8 + 6:
    if (t->rows == t->m && t->cols == t->m)
      for (size_t k = 0; k < filters; k += VEC_LANES) winograd_output_vec(t, k, 8, 6, false);
    else
      for (size_t k = 0; k < filters; k += VEC_LANES) winograd_output_vec(t, k, 8, 6, true);
    break;
  }
}

#ifdef VEC_PARTS_ARE_FAST
void TILE_FUNCTION(winograd_output)(const unfurl_winograd_output *t) {
  winograd_output_vecs(t, t->filters);
  activate_pixels(t->epilogue, t->rows, t->row_stride, t->cols, t->col_stride, t->filters, t->dst);
}
#else
/* What of a vector's results is inside, with the epilogue. */
static void winograd_output_part(const unfurl_winograd_output *t, size_t filter, size_t lanes, const float *part) {
  const unfurl_epilogue *e = t->epilogue;
  const vec low = vec_set(clamp_low(e)), high = vec_set(clamp_high(e));
  const vec bias = e->bias ? load_used(e->bias + filter, lanes) : vec_set(-0.0f);
  for (size_t i = 0; i < t->rows; i++)
    for (size_t j = 0; j < t->cols; j++) {
      const size_t at = i * t->row_stride + j * t->col_stride + filter;
      vec x = vec_add(vec_load(part + (i * t->m + j) * VEC_LANES), bias);
      if (e->residual) x = vec_add(x, load_used(e->residual + at, lanes));
      store_used(t->dst + at, vec_at_most(vec_at_least(x, low), high), lanes);
    }
}

/* The filters from `first` on. */
static __attribute__((noinline)) void winograd_output_parts(const unfurl_winograd_output *t, size_t first) {
  static const unfurl_epilogue none = {.activation = UNFURL_ACTIVATION_NONE};
  float part[WINOGRAD_TILE * WINOGRAD_TILE * VEC_LANES];
  unfurl_winograd_output alone = {.side = t->side,
                                  .m = t->m,
                                  .plane = t->plane,
                                  .rows = t->rows,
                                  .cols = t->cols,
                                  .dst = part,
                                  .row_stride = t->m * VEC_LANES,
                                  .col_stride = VEC_LANES,
                                  .epilogue = &none};
  for (size_t k = first; k < t->filters; k += VEC_LANES) {
    alone.src = t->src + k;
    winograd_output_vecs(&alone, VEC_LANES);
    winograd_output_part(t, k, t->filters - k < VEC_LANES ? t->filters - k : VEC_LANES, part);
  }
}

void TILE_FUNCTION(winograd_output)(const unfurl_winograd_output *t) {
  const size_t whole = t->rows == t->m && t->cols == t->m ? t->filters / VEC_LANES * VEC_LANES : 0;
  if (whole < t->filters) winograd_output_parts(t, whole);
  winograd_output_vecs(t, whole);
  activate_pixels(t->epilogue, t->rows, t->row_stride, t->cols, t->col_stride, t->filters, t->dst);
}
#endif
