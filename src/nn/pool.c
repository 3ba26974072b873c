/* SPDX-License-Identifier: BSD-2-Clause */
#include "nn/pool.h"

#include <string.h>

#include "base/context.h"
#include "base/parallel.h"
#include "gemm/tile.h"
#include "shape/patch_view.h"

enum {
  LEAST_TASK = 20000, /* floats read */
  LANES = 4,
  AVERAGE_VECS = 8 /* of channels, whose sums are in registers together */
};

typedef float vec __attribute__((vector_size(sizeof(float) * LANES)));

typedef struct pool_job {
  const unfurl_pool_geometry *pool;
  const float *src;
  float *dst;
  int64_t *indices;
  const unfurl_kernels *kernels; /* of max pooling */
} pool_job;

/* The part of a window that is inside the image. */
typedef struct pool_window {
  size_t h_begin, h_end, w_begin, w_end; /* taps */
  size_t oh, ow;
} pool_window;

static size_t input_at(const unfurl_conv_axis *axis, size_t out, size_t tap) {
  return out * axis->stride + tap * axis->dilation - axis->pad;
}

/* Finds again where each maximum came from; the slow part is asked for rarely. */
static void argmax_window(const unfurl_pool_geometry *p, const pool_window *win, size_t n, const pool_job *job,
                          size_t out_pixel) {
  const size_t in_pixels = p->h.in * p->w.in, out_pixels = p->h.out * p->w.out;
  const float *image = job->src + n * in_pixels * p->channels;
  for (size_t c = 0; c < p->channels; c++) {
    const float best = job->dst[(n * out_pixels + out_pixel) * p->channels + c];
    int64_t found = -1;
    for (size_t i = win->h_begin; i < win->h_end; i++)
      for (size_t j = win->w_begin; j < win->w_end && found < 0; j++) {
        const size_t row = input_at(&p->h, win->oh, i), col = input_at(&p->w, win->ow, j);
        const size_t number = p->index_columns ? col * p->h.in + row : row * p->w.in + col;
        const float x = image[(row * p->w.in + col) * p->channels + c];
        if (x == best || (x != x && best != best)) found = (int64_t)((n * p->channels + c) * in_pixels + number);
      }
    job->indices[(n * out_pixels + out_pixel) * p->channels + c] = found;
  }
}

static size_t padded_taps(const unfurl_conv_axis *axis, size_t out, size_t pad_after) {
  const size_t beyond = axis->pad + axis->in + pad_after, start = out * axis->stride;
  const size_t fit = beyond > start ? (beyond - start + axis->dilation - 1) / axis->dilation : 0;
  return fit < axis->taps ? fit : axis->taps;
}

/* Pixels that the sum is divided by. */
static size_t average_count(const unfurl_pool_geometry *p, const pool_window *win) {
  const size_t inside = (win->h_end - win->h_begin) * (win->w_end - win->w_begin);
  const size_t all = padded_taps(&p->h, win->oh, p->pad_bottom) * padded_taps(&p->w, win->ow, p->pad_right);
  return p->count_padding ? all : inside;
}

/* The window of some vectors of channels, whose sums are in registers; `image` is the first of these channels. */
static inline __attribute__((always_inline)) void average_block(const unfurl_pool_geometry *p, const pool_window *win,
                                                                const float *image, float count, float *dst,
                                                                const size_t vecs) {
  vec sums[AVERAGE_VECS] = {0};
  for (size_t i = win->h_begin; i < win->h_end; i++)
    for (size_t j = win->w_begin; j < win->w_end; j++) {
      const float *x = image + (input_at(&p->h, win->oh, i) * p->w.in + input_at(&p->w, win->ow, j)) * p->channels;
      for (size_t v = 0; v < vecs; v++) {
        vec loaded;
        memcpy(&loaded, x + v * LANES, sizeof loaded);
        sums[v] += loaded;
      }
    }
  for (size_t v = 0; v < vecs; v++) {
    sums[v] /= count;
    memcpy(dst + v * LANES, &sums[v], sizeof *sums);
  }
}

static void average_channel(const unfurl_pool_geometry *p, const pool_window *win, const float *image, float count,
                            float *dst) {
  float sum = 0;
  for (size_t i = win->h_begin; i < win->h_end; i++)
    for (size_t j = win->w_begin; j < win->w_end; j++)
      sum += image[(input_at(&p->h, win->oh, i) * p->w.in + input_at(&p->w, win->ow, j)) * p->channels];
  *dst = sum / count;
}

static void average_window(const unfurl_pool_geometry *p, const pool_window *win, const float *image, float *dst) {
  const size_t pixels = average_count(p, win), end = p->channels;
  const float count = pixels == 0 ? 1 : (float)pixels; /* of nothing, the sum is 0 */
  size_t c = 0;
  for (; c + AVERAGE_VECS * LANES <= end; c += AVERAGE_VECS * LANES)
    average_block(p, win, image + c, count, dst + c, AVERAGE_VECS);
  for (; c + LANES <= end; c += LANES) average_block(p, win, image + c, count, dst + c, 1);
  for (; c < end; c++) average_channel(p, win, image + c, count, dst + c);
}

/* The windows of an output row, from the one of `row` and its first pixel. */
static pool_window first_window(const unfurl_pool_geometry *p, size_t row) {
  pool_window win = {.oh = row % p->h.out};
  unfurl_axis_taps(&p->h, win.oh, &win.h_begin, &win.h_end);
  unfurl_axis_taps(&p->w, 0, &win.w_begin, &win.w_end);
  return win;
}

static void next_window(const unfurl_pool_geometry *p, pool_window *win) {
  win->ow++;
  if (win->ow < p->w.out) unfurl_axis_taps(&p->w, win->ow, &win->w_begin, &win->w_end);
}

/* As many pixels as have windows of the same taps; `win` becomes the first window behind them. */
static size_t pixels_alike(const unfurl_pool_geometry *p, pool_window *win) {
  const pool_window first = *win;
  do next_window(p, win);
  while (win->ow < p->w.out && win->w_begin == first.w_begin && win->w_end == first.w_end);
  return win->ow - first.ow;
}

/* The output rows begin..end-1, counted over the batch; so too below. */
static void max_rows(void *arg, size_t begin, size_t end) {
  const pool_job *job = arg;
  const unfurl_pool_geometry *p = job->pool;
  for (size_t row = begin; row < end; row++) {
    const float *image = job->src + row / p->h.out * p->h.in * p->w.in * p->channels;
    for (pool_window win = first_window(p, row), at = win; win.ow < p->w.out; at = win) {
      unfurl_max_pool_pixels pixels = {.src = image,
                                       .pixels = pixels_alike(p, &win),
                                       .channels = p->channels,
                                       .rows = at.h_end - at.h_begin,
                                       .cols = at.w_end - at.w_begin,
                                       .src_row = p->h.dilation * p->w.in * p->channels,
                                       .src_col = p->w.dilation * p->channels,
                                       .src_step = p->w.stride * p->channels,
                                       .dst = job->dst + (row * p->w.out + at.ow) * p->channels};
      if (pixels.rows > 0 && pixels.cols > 0)
        pixels.src += (input_at(&p->h, at.oh, at.h_begin) * p->w.in + input_at(&p->w, at.ow, at.w_begin)) * p->channels;
      else
        pixels.rows = pixels.src_step = 0;
      job->kernels->max_pool(&pixels);
    }
    for (pool_window win = first_window(p, row); job->indices && win.ow < p->w.out; next_window(p, &win))
      argmax_window(p, &win, row / p->h.out, job, win.oh * p->w.out + win.ow);
  }
}

static void average_rows(void *arg, size_t begin, size_t end) {
  const pool_job *job = arg;
  const unfurl_pool_geometry *p = job->pool;
  for (size_t row = begin; row < end; row++) {
    const float *image = job->src + row / p->h.out * p->h.in * p->w.in * p->channels;
    for (pool_window win = first_window(p, row); win.ow < p->w.out; next_window(p, &win))
      average_window(p, &win, image, job->dst + (row * p->w.out + win.ow) * p->channels);
  }
}

static size_t rows_a_task(const unfurl_pool_geometry *p) {
  return 1 + LEAST_TASK / (p->w.out * p->channels * p->h.taps * p->w.taps + 1);
}

static const unfurl_kernels *kernels_of(const unfurl_context *context) {
  return unfurl_kernels_for(unfurl_context_isa(context), 1, 1);
}

void unfurl_max_pool(const unfurl_context *context, const unfurl_pool_geometry *pool, const float *src, float *dst,
                     int64_t *indices) {
  pool_job job = {.pool = pool, .src = src, .dst = dst, .indices = indices, .kernels = kernels_of(context)};
  unfurl_parallel_ranges(context, pool->batch * pool->h.out, rows_a_task(pool), max_rows, &job);
}

void unfurl_max_pool_image(const unfurl_context *context, const unfurl_pool_geometry *pool, const float *src,
                           float *dst) {
  pool_job job = {.pool = pool, .src = src, .dst = dst, .kernels = kernels_of(context)};
  max_rows(&job, 0, pool->h.out);
}

void unfurl_average_pool(const unfurl_context *context, const unfurl_pool_geometry *pool, const float *src,
                         float *dst) {
  pool_job job = {.pool = pool, .src = src, .dst = dst};
  unfurl_parallel_ranges(context, pool->batch * pool->h.out, rows_a_task(pool), average_rows, &job);
}
