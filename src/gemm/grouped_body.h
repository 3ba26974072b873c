/* SPDX-License-Identifier: BSD-2-Clause */
/* The grouped kernels' source, compiled with tile_body.h for each instruction set. */
#include "gemm/grouped.h"

enum {
  GROUPED_PIXELS = VEC_LANES >= 16 ? 14 : 12, /* accumulators of a block of pixels of a line */
  GROUPED_AHEAD = 8,                          /* pixels that are brought before they are copied */
  GROUPED_SHARED = 5,                         /* pixels that share a pointer, as in tile_even_body.h */
  GROUPED_POINTERS = (GROUPED_PIXELS + GROUPED_SHARED - 1) / GROUPED_SHARED
};

/* Pixels that a vector holds. Those to come are far apart, where no processor expects them. */
static inline __attribute__((always_inline)) void grouped_vectors(const unfurl_grouped_input *in, const bool whole) {
  const size_t pixels = in->pixels, step = in->pixel_stride, floats = in->elements * in->together,
               channels = in->channels;
  const int32_t *order = in->order;
  const float *src = in->src;
  float *dst = in->dst;
  for (size_t p = 0; p < pixels; p++, src += step, dst += floats) {
    __builtin_prefetch((const void *)((uintptr_t)src + GROUPED_AHEAD * step * sizeof *src), 0, 3);
    vec_store(dst, vec_permute(whole ? vec_load(src) : vec_load_part(src, channels), order));
  }
}

/* Larger ones. */
static void grouped_elements(const unfurl_grouped_input *in) {
  const float *src = in->src;
  float *dst = in->dst;
  for (size_t p = 0; p < in->pixels; p++, src += in->pixel_stride, dst += in->elements * in->together)
    for (size_t g = 0; g < in->together; g++)
      for (size_t e = 0; e < in->elements; e++) {
        const size_t channel = g * in->elements + e;
        dst[e * in->together + g] = channel < in->channels ? src[channel] : 0;
      }
}

void TILE_FUNCTION(grouped_input)(const unfurl_grouped_input *in) {
  if (in->elements * in->together > VEC_LANES)
    grouped_elements(in);
  else if (in->channels == VEC_LANES)
    grouped_vectors(in, true);
  else
    grouped_vectors(in, false);
}

/* Cache lines that are brought, one with each element, as more at a time would be waited for; `gap` bytes apart. */
typedef struct grouped_bringing {
  uintptr_t at;
  size_t lines, gap;
} grouped_bringing;

/* Bytes from pixel to pixel, and over three. */
typedef struct grouped_steps {
  size_t one, three;
} grouped_steps;

/* sums[p] += pixel p's element * w */
static inline __attribute__((always_inline)) void grouped_element(const float *const *a, grouped_steps steps,
                                                                  const float *weights, vec *sums, const size_t pixels,
                                                                  const size_t together) {
  const vec w = vec_load(weights);
  UNROLL(14)
  for (size_t p = 0; p < pixels; p++) {
    const size_t m = p % GROUPED_SHARED, bytes = m == 3 ? steps.three : m * steps.one;
    const char *from = (const char *)a[p / GROUPED_SHARED] + bytes;
    sums[p] = vec_fma(vec_repeat((const float *)(const void *)from, together), w, sums[p]);
  }
}

static inline __attribute__((always_inline)) void grouped_run(const float **a, size_t length, grouped_steps steps,
                                                              const float *weights, grouped_bringing *coming, vec *sums,
                                                              const size_t pixels, const size_t together) {
  UNROLL(1)
  for (; length > 0; length--, weights += VEC_LANES) {
    if (coming->lines > 0) {
      __builtin_prefetch((const void *)coming->at, 0, 2);
      coming->at += coming->gap, coming->lines--;
    }
    KEPT_IN_REGISTER(steps.one);
    KEPT_IN_REGISTER(steps.three);
    grouped_element(a, steps, weights, sums, pixels, together);
    UNROLL(4)
    for (size_t q = 0; q * GROUPED_SHARED < pixels; q++) {
      a[q] += together;
      KEPT_IN_REGISTER(a[q]);
    }
  }
}

/* Sums in memory: the rarer ends. */
static __attribute__((noinline)) void grouped_finish_sums(const unfurl_grouped *g, size_t at, const vec *sums,
                                                          size_t pixels) {
  const unfurl_epilogue *e = g->epilogue;
  const vec low = vec_set(clamp_low(e)), high = vec_set(clamp_high(e));
  const vec bias = e->bias ? load_used(e->bias, g->filters) : vec_set(0);
  for (size_t p = 0; p < pixels; p++, at += g->dst_stride) {
    vec x = g->together > 1 ? vec_permute(sums[p], g->order) : sums[p];
    if (e->bias) x = vec_add(x, bias);
    if (e->residual) x = vec_add(x, load_used(e->residual + at, g->filters));
    x = vec_at_most(vec_at_least(x, low), high);
    if (g->streams)
      vec_stream(g->dst + at, x);
    else
      store_used(g->dst + at, x, g->filters);
  }
}

/* The filters' order, bias, residual, clamp, and the stores. */
static inline __attribute__((always_inline)) void grouped_finish(const unfurl_grouped *g, size_t at, const vec *sums,
                                                                 const size_t pixels, const size_t together) {
  const unfurl_epilogue *e = g->epilogue;
  if (!e->bias || e->residual || g->streams || g->filters < VEC_LANES) {
    vec kept[GROUPED_PIXELS];
    UNROLL(14)
    for (size_t p = 0; p < pixels; p++) kept[p] = sums[p];
    grouped_finish_sums(g, at, kept, pixels);
    return;
  }
  const vec low = vec_set(clamp_low(e)), high = vec_set(clamp_high(e)), bias = vec_load(e->bias);
  float *to = g->dst + at;
  UNROLL(14)
  for (size_t p = 0; p < pixels; p++, to += g->dst_stride) {
    const vec x = vec_add(together > 1 ? vec_permute(sums[p], g->order) : sums[p], bias);
    KEPT_IN_REGISTER(to);
    vec_store(to, vec_at_most(vec_at_least(x, low), high));
  }
}

/* Neighbouring pixels of a line. */
static inline __attribute__((always_inline)) void grouped_pixels(const unfurl_grouped *g, const float *src, size_t dst,
                                                                 grouped_bringing *coming, const size_t pixels,
                                                                 const size_t together) {
  const size_t step = g->pixel_stride * sizeof *src;
  const grouped_steps steps = {step, 3 * step};
  const float *weights = g->weights;
  grouped_bringing ahead = *coming;
  vec sums[GROUPED_PIXELS];
  UNROLL(14)
  for (size_t p = 0; p < pixels; p++) sums[p] = vec_set(0);
  for (size_t r = 0; r < g->run_rows; r++)
    for (size_t c = 0; c < g->run_cols; c++, weights += g->run_length * VEC_LANES) {
      const float *run = src + r * g->run_row_stride + c * g->run_col_stride, *a[GROUPED_POINTERS];
      UNROLL(4)
      for (size_t q = 0; q * GROUPED_SHARED < pixels; q++) a[q] = run + q * GROUPED_SHARED * g->pixel_stride;
      grouped_run(a, g->run_length, steps, weights, &ahead, sums, pixels, together);
    }
  *coming = ahead;
  grouped_finish(g, dst, sums, pixels, together);
}

/* How many of a line's pixels are done next: as equal parts as there are copies for. */
static inline size_t grouped_part(size_t left) {
  const size_t parts = (left + GROUPED_PIXELS - 1) / GROUPED_PIXELS, part = (left + parts - 1) / parts;
  return part <= 8 || part % 2 == 0 ? part : parts > 1 ? part - 1 : (part + 1) / 2;
}

/* One copy for each number of pixels. */
static inline __attribute__((always_inline)) void grouped_some(const unfurl_grouped *g, const float *src, size_t dst,
                                                               grouped_bringing *coming, size_t pixels,
                                                               const size_t together) {
  switch (pixels) {
  case 1: grouped_pixels(g, src, dst, coming, 1, together); break;
  case 2: grouped_pixels(g, src, dst, coming, 2, together); break;
  case 3: grouped_pixels(g, src, dst, coming, 3, together); break;
  case 4: grouped_pixels(g, src, dst, coming, 4, together); break;
  case 5: grouped_pixels(g, src, dst, coming, 5, together); break;
  case 6: grouped_pixels(g, src, dst, coming, 6, together); break;
  case 7: grouped_pixels(g, src, dst, coming, 7, together); break;
  case 8: grouped_pixels(g, src, dst, coming, 8, together); break;
  case 10: grouped_pixels(g, src, dst, coming, 10, together); break;
  case 12: grouped_pixels(g, src, dst, coming, 12, together); break;
  case 14: grouped_pixels(g, src, dst, coming, GROUPED_PIXELS, together); break;
  }
}

static __attribute__((noinline)) void grouped_1(const unfurl_grouped *g, const float *src, size_t dst,
                                                grouped_bringing *coming, size_t pixels) {
  grouped_some(g, src, dst, coming, pixels, 1);
}

static __attribute__((noinline)) void grouped_2(const unfurl_grouped *g, const float *src, size_t dst,
                                                grouped_bringing *coming, size_t pixels) {
  grouped_some(g, src, dst, coming, pixels, 2);
}

#if VEC_MOST_REPEATED > 2
static __attribute__((noinline)) void grouped_4(const unfurl_grouped *g, const float *src, size_t dst,
                                                grouped_bringing *coming, size_t pixels) {
  grouped_some(g, src, dst, coming, pixels, 4);
}
#endif

#if VEC_MOST_REPEATED > 4
static __attribute__((noinline)) void grouped_8(const unfurl_grouped *g, const float *src, size_t dst,
                                                grouped_bringing *coming, size_t pixels) {
  grouped_some(g, src, dst, coming, pixels, 8);
}
#endif

void TILE_FUNCTION(grouped)(const unfurl_grouped *g) {
  const size_t steps = g->lines * ((g->pixels + GROUPED_PIXELS - 1) / GROUPED_PIXELS),
               lines = (g->coming.pixels + steps - 1) / steps;
  grouped_bringing coming = {(uintptr_t)g->coming.src, 0, g->coming.step * sizeof *g->src};
  for (size_t line = 0; line < g->lines; line++)
    for (size_t p = 0, pixels; p < g->pixels; p += pixels) {
      const float *src = g->src + line * g->line_stride + p * g->pixel_stride;
      const size_t dst = line * g->dst_line + p * g->dst_stride;
      pixels = grouped_part(g->pixels - p);
      coming.lines = lines;
      switch (g->together) {
      case 1: grouped_1(g, src, dst, &coming, pixels); break;
      case 2: grouped_2(g, src, dst, &coming, pixels); break;
#if VEC_MOST_REPEATED > 2
      case 4: grouped_4(g, src, dst, &coming, pixels); break;
#endif
#if VEC_MOST_REPEATED > 4
      case 8: grouped_8(g, src, dst, &coming, pixels); break;
#endif
      }
    }
  activate_pixels(g->epilogue, g->lines, g->dst_line, g->pixels, g->dst_stride, g->filters, g->dst);
}
