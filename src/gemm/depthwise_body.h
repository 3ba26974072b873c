/* SPDX-License-Identifier: BSD-2-Clause */
/* The depthwise kernel's source, compiled with tile_body.h for each instruction set.
 *
 * A block is DEPTHWISE_SUMS neighbouring pixels of a line, or the fewer that are left, for as many channels as a vector
 * has: as many sums as hide the latency of additions. Rows of the kernels that networks have are one piece, whose weights
 * stay in registers while each input is loaded once for all the pixels that see it; other rows are cut into pieces of
 * three taps and of one. At steps larger than 2, and at dilations that leave few pixels, a piece is one tap. Inputs in the
 * padding are jumped over, so that borders need no calls of their own.
 *
 * Columns of blocks are done one after the other, each from the first line to the last: rows that several lines read are
 * still in L1 then.
 */
#include "gemm/depthwise.h"

#ifdef VEC_PARTS_ARE_FAST
enum { DEPTHWISE_WHOLE = 0 };
#else
enum { DEPTHWISE_WHOLE = 1 }; /* the last channels, fewer than a vector, are done with some of those before, again */
#endif
enum { DEPTHWISE_MOST_TAPS = 7, DEPTHWISE_PIECE = 3, DEPTHWISE_PIECES = 32, DEPTHWISE_VECS = 4 };
enum {
  DEPTHWISE_APART = 3,  /* addresses that one register serves */
  DEPTHWISE_HIDDEN = 8, /* sums that the latency of additions hides, on most processors */
  DEPTHWISE_FEW = 7     /* pixels of small maps: rows of blocks that have no more end early */
};
_Static_assert(DEPTHWISE_SUMS >= DEPTHWISE_HIDDEN && DEPTHWISE_SUMS > DEPTHWISE_FEW, "two halves must fit");

/* Some taps of a row, as the pixels of one column of blocks see them. */
typedef struct depthwise_piece {
  uint32_t taps, inputs; /* bit i: input i of those that the block's pixels see is there, and of use */
  size_t src, weights;   /* floats from the row's first input, and from its first tap */
} depthwise_piece;

/* A column of blocks. */
typedef struct depthwise_columns {
  size_t first, count;                     /* output pixels of a line */
  ptrdiff_t input;                         /* that the first tap of the first one reads */
  size_t step;                             /* inputs of a piece from one pixel to the next */
  size_t apart;                            /* pixels of the image from one input to the next */
  size_t most;                             /* taps of a piece */
  size_t pieces;                           /* of a row */
  depthwise_piece piece[DEPTHWISE_PIECES]; /* the first ones */
} depthwise_columns;

/* Some pixels of a line, channel 0. */
typedef struct depthwise_at {
  const float *src, *weights; /* first tap of the first row of taps inside; in the padding, src may lie anywhere */
  size_t rows;                /* of taps inside */
  const float *bias, *residual;
  float *dst;
  const float *bounds; /* of the activation; read when a block is done, as registers are few */
} depthwise_at;

/* The taps of output `out` that are inside. */
static void depthwise_taps(const unfurl_depthwise_axis *axis, size_t out, size_t *begin, size_t *end) {
  const ptrdiff_t at = axis->first + (ptrdiff_t)(out * axis->step), beyond = (ptrdiff_t)axis->in - at;
  const size_t first = ((size_t)(at < 0 ? -at : 0) + axis->dilation - 1) / axis->dilation;
  const size_t last = ((size_t)(beyond > 0 ? beyond : 0) + axis->dilation - 1) / axis->dilation;
  *end = last < axis->taps ? last : axis->taps;
  *begin = first < *end ? first : *end;
}

/* Piece number `at`: those of three taps, say, and then single ones. */
static __attribute__((noinline, cold)) depthwise_piece depthwise_piece_at(const unfurl_depthwise *d,
                                                                          const depthwise_columns *cols, size_t at) {
  const size_t large = d->cols.taps / cols->most, begin = at < large ? at * cols->most : at + large * (cols->most - 1);
  const size_t offset = begin * d->cols.dilation;
  depthwise_piece piece = {
      .taps = at < large ? (uint32_t)cols->most : 1, .src = offset * d->src_col, .weights = begin * d->weights_tap};
  for (size_t i = 0; i < (cols->count - 1) * cols->step + piece.taps; i++) {
    const ptrdiff_t input = cols->input + (ptrdiff_t)(offset + i * cols->apart);
    piece.inputs |= (uint32_t)(input >= 0 && input < (ptrdiff_t)d->cols.in) << i;
  }
  return piece;
}

/* The column of `count` pixels from `first` on, in pieces of `most` taps if pixels may share inputs. */
static __attribute__((noinline)) void depthwise_cut(const unfurl_depthwise *d, depthwise_columns *cols, size_t first,
                                                    size_t count, size_t most) {
  const bool shared = most > 1 && d->cols.dilation == 1 && d->cols.step <= 2;
  cols->first = first, cols->count = count;
  cols->step = shared ? d->cols.step : 1, cols->apart = shared ? 1 : d->cols.step;
  cols->most = shared ? most : 1;
  cols->input = d->cols.first + (ptrdiff_t)(first * d->cols.step);
  cols->pieces = d->cols.taps / cols->most + d->cols.taps % cols->most;
  for (size_t i = 0; i < cols->pieces && i < DEPTHWISE_PIECES; i++) cols->piece[i] = depthwise_piece_at(d, cols, i);
}

/* The compiler would keep the addresses of a whole row from one block to the next, in more registers than there are. */
static inline const float *depthwise_forget(const float *p) {
  __asm__("" : "+r"(p));
  return p;
}

/* Pixels of a block: at step 2 fewer, as more would read too much memory at once. */
static inline size_t depthwise_most(size_t step) {
  return step == 1 ? DEPTHWISE_SUMS : DEPTHWISE_FEW;
}

/* acc[p] += the inputs begin..end-1 of a piece times the taps of pixel p; *src is where the first of them is. */
static inline __attribute__((always_inline)) void depthwise_inputs(const float **src, size_t src_col, const vec *w,
                                                                   vec *acc, uint32_t inputs, const size_t begin,
                                                                   const size_t end, const size_t taps,
                                                                   const size_t step, const size_t lanes) {
  const float *at = *src;
  UNROLL(32)
  for (size_t i = begin; i < end; i++) {
    if (__builtin_expect(inputs >> i & 1, 1)) {
      vec x = load_used(at + (i - begin) % DEPTHWISE_APART * src_col, lanes);
      if (taps == 3 && step == 2 && i % 2 == 0) VEC_PIN(x); /* or GCC loads it once for each of the two that see it */
      UNROLL(16)
      for (size_t p = 0; p < depthwise_most(step); p++)
        if (p * step <= i && i < p * step + taps) acc[p] = vec_fma(x, w[i - p * step], acc[p]);
    }
    if ((i - begin) % DEPTHWISE_APART == DEPTHWISE_APART - 1) at = depthwise_forget(at + DEPTHWISE_APART * src_col);
  }
  *src = at + (end - begin) % DEPTHWISE_APART * src_col;
}

/* acc[p] += the taps of a piece times the inputs of pixel p. Pixels that are not asked for are computed where that costs
 * less than to ask; but where a small map ends, so does the row. */
static inline __attribute__((always_inline)) void depthwise_multiply(const float *src, size_t src_col,
                                                                     const float *weights, size_t weights_tap, vec *acc,
                                                                     uint32_t inputs, const size_t taps,
                                                                     const size_t step, const size_t lanes) {
  const size_t few = (DEPTHWISE_FEW - 1) * step + taps, all = (depthwise_most(step) - 1) * step + taps;
  vec w[DEPTHWISE_MOST_TAPS];
  UNROLL(8)
  for (size_t j = 0; j < taps; j++) {
    w[j] = vec_load(weights + j % DEPTHWISE_APART * weights_tap);
    if (j % DEPTHWISE_APART == DEPTHWISE_APART - 1) weights = depthwise_forget(weights + DEPTHWISE_APART * weights_tap);
  }
  depthwise_inputs(&src, src_col, w, acc, inputs, 0, few, taps, step, lanes);
  if (few < all && inputs >> few) depthwise_inputs(&src, src_col, w, acc, inputs, few, all, taps, step, lanes);
}

static inline uint32_t depthwise_all(const size_t taps, const size_t step) {
  return (uint32_t)(((uint64_t)1 << ((depthwise_most(step) - 1) * step + taps)) - 1);
}

/* acc += all taps of the block, rows of which are one piece: a copy for when all inputs are there, and one that asks for
 * each. Loops over rows stay loops: unrolled, they would keep the weights of all rows in registers that there are not. */
static inline __attribute__((always_inline)) void depthwise_rows(const unfurl_depthwise *d,
                                                                 const depthwise_columns *cols, const depthwise_at *at,
                                                                 size_t c, vec *acc, const size_t taps,
                                                                 const size_t step, const size_t lanes) {
  const size_t src_row = d->rows.dilation * d->src_row, weights_row = taps * d->weights_tap;
  const uint32_t all = depthwise_all(taps, step);
  const float *src = at->src + c, *weights = at->weights + c;
  if (cols->piece[0].inputs == all) {
    UNROLL(1)
    for (size_t row = at->rows; row > 0; row--, src += src_row, weights += weights_row)
      depthwise_multiply(src, d->src_col, weights, d->weights_tap, acc, all, taps, step, lanes);
    return;
  }
  UNROLL(1)
  for (size_t row = at->rows; row > 0; row--, src += src_row, weights += weights_row) {
    uint32_t inputs = cols->piece[0].inputs;
    __asm__ volatile("" : "+r"(inputs)); /* or each bit would be kept */
    depthwise_multiply(src, d->src_col, weights, d->weights_tap, acc, inputs, taps, step, lanes);
  }
}

/* The same for any kernel. */
static inline __attribute__((always_inline)) void depthwise_rows_of_any(const unfurl_depthwise *d,
                                                                        const depthwise_columns *cols,
                                                                        const depthwise_at *at, size_t c, vec *acc,
                                                                        const size_t step, const size_t lanes) {
  enum { MOST = DEPTHWISE_PIECE };
  const size_t src_row = d->rows.dilation * d->src_row, weights_row = d->cols.taps * d->weights_tap;
  const size_t src_col = cols->apart * d->src_col, pieces = cols->pieces;
  const float *src = at->src + c, *weights = at->weights + c;
  for (size_t row = at->rows; row > 0; row--, src += src_row, weights += weights_row)
    for (size_t i = 0; i < pieces; i++) {
      depthwise_piece piece = cols->piece[i < DEPTHWISE_PIECES ? i : 0];
      if (__builtin_expect(i >= DEPTHWISE_PIECES, 0)) piece = depthwise_piece_at(d, cols, i);
      const float *x = src + piece.src, *w = weights + piece.weights;
      if (piece.inputs == 0) continue;
      if (piece.taps == MOST) {
        if (__builtin_expect(piece.inputs == depthwise_all(MOST, step), 1))
          depthwise_multiply(x, src_col, w, d->weights_tap, acc, depthwise_all(MOST, step), MOST, step, lanes);
        else
          depthwise_multiply(x, src_col, w, d->weights_tap, acc, piece.inputs, MOST, step, lanes);
      } else {
        if (__builtin_expect(piece.inputs == depthwise_all(1, step), 1))
          depthwise_multiply(x, src_col, w, d->weights_tap, acc, depthwise_all(1, step), 1, step, lanes);
        else
          depthwise_multiply(x, src_col, w, d->weights_tap, acc, piece.inputs, 1, step, lanes);
      }
    }
}

/* Bias, residual and the activations that are a clamp; then the stores: for `count` pixels, at most `most`. */
static inline __attribute__((always_inline)) void depthwise_finish(const unfurl_depthwise *d, const depthwise_at *at,
                                                                   size_t c, vec *acc, const size_t most, size_t count,
                                                                   const size_t lanes, const bool large) {
  const vec bias = at->bias ? load_used(at->bias + c, lanes) : vec_set(-0.0f); /* which changes nothing */
  const float *residual = at->residual ? at->residual + c : NULL;
  const float *bounds = depthwise_forget(at->bounds);
  const vec low = vec_broadcast(bounds), high = vec_broadcast(bounds + 1);
  float *dst = at->dst + c;
  UNROLL(16)
  for (size_t p = 0; p < most; p++, dst += d->dst_stride) {
    if (p >= count) break;
    vec x = vec_add(acc[p], bias);
    if (residual) x = vec_add(x, load_used(residual, lanes)), residual += d->dst_stride;
    x = vec_at_most(vec_at_least(x, low), high);
    if (large && STREAMS_LINES && d->streams)
      vec_stream(dst, x);
    else
      store_used(dst, x, lanes);
  }
}

/* `lanes` channels of a block, from channel c on. taps: of rows that are one piece; 0: any. */
static inline __attribute__((always_inline)) void depthwise_block(const unfurl_depthwise *d,
                                                                  const depthwise_columns *cols, const depthwise_at *at,
                                                                  size_t c, const size_t taps, const size_t step,
                                                                  const size_t lanes, const bool large) {
  vec acc[DEPTHWISE_SUMS];
  UNROLL(16)
  for (size_t p = 0; p < DEPTHWISE_SUMS; p++) acc[p] = vec_set(0);
  if (taps > 0)
    depthwise_rows(d, cols, at, c, acc, taps, step, lanes);
  else
    depthwise_rows_of_any(d, cols, at, c, acc, step, lanes);
  depthwise_finish(d, at, c, acc, DEPTHWISE_SUMS, cols->count, lanes, large);
}

/* One pixel, any kernel, four vectors of channels: so that their additions overlap. */
static void depthwise_pixel(const unfurl_depthwise *d, const depthwise_columns *cols, const depthwise_at *at,
                            size_t c) {
  const size_t src_row = d->rows.dilation * d->src_row, src_tap = d->cols.dilation * d->src_col;
  size_t begin, end;
  vec acc[DEPTHWISE_VECS];
  depthwise_taps(&d->cols, cols->first, &begin, &end);
  UNROLL(4)
  for (size_t v = 0; v < DEPTHWISE_VECS; v++) acc[v] = vec_set(0);
  for (size_t i = 0; i < at->rows && begin < end; i++) {
    const float *w = at->weights + c + (i * d->cols.taps + begin) * d->weights_tap;
    const float *x = at->src + c + i * src_row + begin * src_tap;
    for (size_t j = begin; j < end; j++, x += src_tap, w += d->weights_tap) {
      UNROLL(4)
      for (size_t v = 0; v < DEPTHWISE_VECS; v++)
        acc[v] = vec_fma(vec_load(x + v * VEC_LANES), vec_load(w + v * VEC_LANES), acc[v]);
    }
  }
  UNROLL(4)
  for (size_t v = 0; v < DEPTHWISE_VECS; v++)
    depthwise_finish(d, at, c + v * VEC_LANES, &acc[v], 1, 1, VEC_LANES, false);
}

static inline depthwise_at depthwise_place(const unfurl_depthwise *d, const depthwise_columns *cols, size_t line,
                                           const float *bounds) {
  const size_t offset = line * d->dst_line + cols->first * d->dst_stride;
  size_t begin, end;
  depthwise_taps(&d->rows, line, &begin, &end);
  const ptrdiff_t row = d->rows.first + (ptrdiff_t)(line * d->rows.step + begin * d->rows.dilation);
  return (depthwise_at){.src = d->src + row * (ptrdiff_t)d->src_row + cols->input * (ptrdiff_t)d->src_col,
                        .weights = d->weights + begin * d->cols.taps * d->weights_tap,
                        .rows = end - begin,
                        .bias = d->epilogue->bias,
                        .residual = d->epilogue->residual ? d->epilogue->residual + offset : NULL,
                        .dst = d->dst + offset,
                        .bounds = bounds};
}

/* A column's share of `floats` floats, a step with each block. */
static __attribute__((noinline)) unfurl_bringing
depthwise_share(const unfurl_depthwise *d, const depthwise_columns *cols, const float *from, size_t floats) {
  const size_t begin = floats * cols->first / d->pixels, end = floats * (cols->first + cols->count) / d->pixels;
  return unfurl_bringing_in(from + begin, end - begin, d->lines * ((d->channels + VEC_LANES - 1) / VEC_LANES));
}

/* All lines of a column. `whole`: in whole vectors, of which the last begins early enough to end with the last channel;
 * else fewer channels than a vector has, or any where parts of vectors are fast. */
static inline __attribute__((always_inline)) void depthwise_lines(const unfurl_depthwise *given,
                                                                  const depthwise_columns *cols, const bool whole,
                                                                  const size_t taps, const size_t step,
                                                                  const bool large) {
  const unfurl_depthwise copy = *given, *d = &copy; /* which no store can change */
  const float bounds[2] = {clamp_low(d->epilogue), clamp_high(d->epilogue)};
  const size_t end = d->channels, last = end - (whole ? VEC_LANES : 0);
  const unfurl_coming *coming = &d->coming;
  unfurl_bringing src = {0}, dst = {0};
  if (large) src = depthwise_share(d, cols, coming->src, coming->src_floats);
  if (large) dst = depthwise_share(d, cols, coming->dst, coming->dst_floats);
  for (size_t line = 0; line < d->lines; line++) {
    const depthwise_at at = depthwise_place(d, cols, line, bounds);
    size_t c = 0;
    for (; cols->count == 1 && c + DEPTHWISE_VECS * VEC_LANES <= end; c += DEPTHWISE_VECS * VEC_LANES)
      depthwise_pixel(d, cols, &at, c);
    for (; c < end; c += VEC_LANES) {
      if (large) unfurl_bring(&src, &dst);
      const size_t from = whole && c > last ? last : c;
      depthwise_block(d, cols, &at, from, taps, step, whole || end - c > VEC_LANES ? VEC_LANES : end - c, large);
    }
  }
}

/* With copies for the kernels that networks have. */
static void depthwise_column(const unfurl_depthwise *d, size_t first, size_t count) {
  const size_t step = d->cols.step;
  depthwise_columns cols;
  if (DEPTHWISE_WHOLE && d->channels < VEC_LANES) {
    depthwise_cut(d, &cols, first, count, step == 1 ? DEPTHWISE_PIECE : 1);
    depthwise_lines(d, &cols, false, 0, 1, false);
    return;
  }
#ifdef TILE_SMALL
  depthwise_cut(d, &cols, first, count, DEPTHWISE_PIECE);
#else
  const size_t taps = d->cols.dilation == 1 && step <= 2 ? d->cols.taps : 0;
  depthwise_cut(d, &cols, first, count, taps == 3 || taps == 5 || taps == 7 ? taps : DEPTHWISE_PIECE);
  const bool large = (STREAMS_LINES && d->streams) || d->coming.src_floats > 0;
  if (taps == 3 && step == 1 && large)
    depthwise_lines(d, &cols, DEPTHWISE_WHOLE, 3, 1, true);
  else if (taps == 3 && step == 2 && large)
    depthwise_lines(d, &cols, DEPTHWISE_WHOLE, 3, 2, true);
  else if (taps == 3 && step == 1)
    depthwise_lines(d, &cols, DEPTHWISE_WHOLE, 3, 1, false);
  else if (taps == 3)
    depthwise_lines(d, &cols, DEPTHWISE_WHOLE, 3, 2, false);
  else if (taps == 5 && step == 1)
    depthwise_lines(d, &cols, DEPTHWISE_WHOLE, 5, 1, false);
  else if (taps == 5)
    depthwise_lines(d, &cols, DEPTHWISE_WHOLE, 5, 2, false);
  else if (taps == 7 && step == 1)
    depthwise_lines(d, &cols, DEPTHWISE_WHOLE, 7, 1, false);
  else if (taps == 7)
    depthwise_lines(d, &cols, DEPTHWISE_WHOLE, 7, 2, false);
  else
#endif
  if (cols.step == 1)
    depthwise_lines(d, &cols, DEPTHWISE_WHOLE, 0, 1, false);
  else
    depthwise_lines(d, &cols, DEPTHWISE_WHOLE, 0, 2, false);
}

/* Pixels of the next block: of the last two, each has half of what is left where one of them would have too few. */
static size_t depthwise_count(size_t left, size_t most) {
  if (left <= most) return left;
  return most == DEPTHWISE_SUMS && left < most + DEPTHWISE_HIDDEN ? (left + 1) / 2 : most;
}

static void depthwise_all_columns(const unfurl_depthwise *d) {
  const size_t most = depthwise_most(d->cols.step == 2 && d->cols.dilation == 1 ? 2 : 1);
  for (size_t p = 0, count; p < d->pixels; p += count) {
    count = depthwise_count(d->pixels - p, most);
    depthwise_column(d, p, count);
  }
}

/* Pixels of a line that are a dilation apart, from pixel `first` on, see inputs that are so too: without the others, the
 * kernel is not dilated. */
static void depthwise_dilated(const unfurl_depthwise *d, size_t first) {
  const size_t apart = d->cols.dilation;
  const ptrdiff_t input = d->cols.first + (ptrdiff_t)first;
  const size_t rest = (size_t)(input % (ptrdiff_t)apart + (ptrdiff_t)apart) % apart;
  unfurl_depthwise part = *d;
  unfurl_epilogue epilogue = *d->epilogue;
  part.epilogue = &epilogue;
  if (epilogue.residual) epilogue.residual += first * d->dst_stride;
  part.dst += first * d->dst_stride, part.dst_stride *= apart;
  part.pixels = (d->pixels - first + apart - 1) / apart;
  part.cols.first = (input - (ptrdiff_t)rest) / (ptrdiff_t)apart, part.cols.dilation = 1;
  part.cols.in = d->cols.in > rest ? (d->cols.in - rest + apart - 1) / apart : 0;
  if (part.cols.in > 0) part.src += rest * d->src_col;
  part.src_col *= apart;
  depthwise_all_columns(&part);
}

void TILE_FUNCTION(depthwise)(const unfurl_depthwise *d) {
  const unfurl_epilogue *e = d->epilogue;
  const size_t apart = d->cols.dilation;
  if (apart > 1 && d->cols.step == 1 && d->pixels >= apart * DEPTHWISE_SUMS / 2)
    for (size_t first = 0; first < apart; first++) depthwise_dilated(d, first);
  else
    depthwise_all_columns(d);
  activate_pixels(e, d->lines, d->dst_line, d->pixels, d->dst_stride, d->channels, d->dst);
}
