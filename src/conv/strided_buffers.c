/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/strided_buffers.h"

#include <string.h>

#include "base/memory.h"

enum { LINE_FLOATS = UNFURL_ALIGN / sizeof(float) };

size_t unfurl_blocks_workspace(const unfurl_blocks *b, void *base, unfurl_blocks_scratch *s) {
  const size_t pixels = unfurl_size_product(4, (const size_t[]){b->images, b->rows, b->g.w.out, sizeof(size_t)});
  const size_t sizes[] = {b->regions * sizeof(unfurl_region_of_pixels), pixels, pixels,
                          unfurl_size_product(2, (const size_t[]){b->src_floats, sizeof(float)}),
                          unfurl_size_product(2, (const size_t[]){b->dst_floats, sizeof(float)})};
  size_t at[6] = {0};
  for (size_t i = 0; i < 5; i++) {
    at[i + 1] = at[i];
    unfurl_size_add(&at[i + 1], unfurl_size_align(sizes[i]));
  }
  char *begin = base;
  if (s)
    *s = (unfurl_blocks_scratch){.regions = (void *)(begin + at[0]),
                                 .src_at = (void *)(begin + at[1]),
                                 .dst_at = (void *)(begin + at[2]),
                                 .src = (void *)(begin + at[3]),
                                 .dst = (void *)(begin + at[4])};
  return at[5];
}

/* Pixels `step` floats apart, of channels that are neighbours: often so few that a call of memcpy would take longer than copying.
 * Returns where the next one goes. */
static inline __attribute__((always_inline)) float *copy_pixels(const float *from, size_t step, size_t count,
                                                                const size_t channels, float *to) {
  for (; count > 0; count--, from += step, to += channels) {
    size_t c = 0;
    for (; c + LINE_FLOATS <= channels; c += LINE_FLOATS) memcpy(to + c, from + c, LINE_FLOATS * sizeof *to);
    for (; c < channels; c++) to[c] = from[c];
  }
  return to;
}

/* One row of an image, columns cols[0]..cols[1]-1, the channels of one group: to NHWC, zeros beyond the image. */
static void copy_row(const unfurl_conv_geometry *from, const float *row, const ptrdiff_t cols[2], size_t channels,
                     float *to) {
  const ptrdiff_t in = (ptrdiff_t)from->w.in;
  const ptrdiff_t first = cols[0] > 0 ? cols[0] : 0, end = cols[1] < in ? cols[1] : in;
  if (!row || end <= first) {
    memset(to, 0, (size_t)(cols[1] - cols[0]) * channels * sizeof *to);
    return;
  }
  memset(to, 0, (size_t)(first - cols[0]) * channels * sizeof *to);
  to += (size_t)(first - cols[0]) * channels;
  row += (size_t)first * from->src.col;
  const size_t pixels = (size_t)(end - first);
  if (from->src.channel == 1 && from->src.col == channels) {
    memcpy(to, row, pixels * channels * sizeof *to);
    to += pixels * channels;
  } else if (from->src.channel == 1) {
    to = channels == LINE_FLOATS ? copy_pixels(row, from->src.col, pixels, LINE_FLOATS, to)
                                 : copy_pixels(row, from->src.col, pixels, channels, to);
  } else {
    for (size_t w = 0; w < pixels; w++, to += channels, row += from->src.col)
      for (size_t c = 0; c < channels; c++) to[c] = row[c * from->src.channel];
  }
  memset(to, 0, (size_t)(cols[1] - end) * channels * sizeof *to);
}

void unfurl_blocks_copy_src(const unfurl_blocks *b, const unfurl_block *block, const float *src, float *to) {
  const unfurl_conv_geometry *from = &b->g, *g = &block->g;
  src += block->image * from->src.image + block->group * g->icg * from->src.channel;
  for (size_t n = 0; n < block->images; n++)
    for (ptrdiff_t h = block->in_rows[0]; h < block->in_rows[1]; h++, to += g->src.row) {
      const bool inside = h >= 0 && h < (ptrdiff_t)from->h.in;
      copy_row(from, inside ? src + n * from->src.image + (size_t)h * from->src.row : NULL, block->in_cols, g->icg, to);
    }
}

void unfurl_blocks_copy_dst(const unfurl_conv_run *r, const unfurl_blocks *b, const unfurl_block *block,
                            const float *from) {
  const unfurl_conv_geometry *g = &b->g;
  const size_t cols = r->problem->kernels->cols, first = block->panels[0] * cols, pixel = block->g.dst.col;
  const size_t end = block->panels[1] * cols < g->ocg ? block->panels[1] * cols : g->ocg;
  const size_t pixels = (block->rows[1] - block->rows[0]) * g->w.out;
  for (size_t n = 0; n < block->images; n++, from += block->g.dst.image)
    for (size_t c = first; c < end; c++) {
      const size_t oc = block->group * g->ocg + c;
      const size_t at = (block->image + n) * g->dst.image + oc * g->dst.channel + block->rows[0] * g->dst.row;
      for (size_t i = 0; i < pixels; i++) r->dst[at + i] = from[i * pixel + c - first];
      unfurl_epilogue epilogue = r->epilogue;
      epilogue.bias_a_row = true;
      if (epilogue.bias) epilogue.bias += oc;
      if (epilogue.residual) epilogue.residual += at;
      unfurl_epilogue_apply(r->problem->kernels, &epilogue, 1, pixels, pixels, r->dst + at);
    }
}
