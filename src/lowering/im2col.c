/* SPDX-License-Identifier: BSD-2-Clause */
#include "lowering/im2col.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/stream.h"
#include "shape/patch_view.h"
#include "unfurl/im2col.h"

enum {
  SHORT_RUN = 32,          /* floats below which a call costs more than the copy */
  STREAM_BYTES = 16 << 20, /* a larger matrix is written past the caches */
};

/* `streamed` is a constant in each call of unroll_region below. */
static inline void copy_run(float *restrict to, const float *restrict from, size_t length, size_t stride,
                            const bool streamed) {
  if (stride != 1)
    for (size_t e = 0; e < length; e++) to[e] = from[e * stride];
  else if (length < SHORT_RUN)
    for (size_t e = 0; e < length; e++) to[e] = from[e];
  else if (streamed)
    unfurl_stream_copy(to, from, length);
  else
    memcpy(to, from, length * sizeof *to);
}

/* One chunk into one row. */
static inline void unroll(const unfurl_patch_view *v, const float *restrict chunk, float *restrict row,
                          const bool streamed) {
  row += v->unrolled_origin;
  for (size_t r = 0; r < v->run_rows; r++)
    for (size_t c = 0; c < v->run_cols; c++)
      copy_run(row + r * v->unrolled_row_stride + c * v->unrolled_col_stride,
               chunk + (ptrdiff_t)r * v->run_row_stride + (ptrdiff_t)c * v->run_col_stride, v->run_length,
               v->element_stride, streamed);
}

/* The chunks of a region into rows of the patch matrix, `line` rows from one line of pixels to the next. */
static inline void unroll_region(const unfurl_conv_geometry *g, const unfurl_patch_view *v, const float *image,
                                 size_t line, float *rows, const bool streamed) {
  const bool has_padding = v->run_rows * v->run_cols * v->run_length < g->patch;
  for (size_t y = 0; y < v->lines; y++) {
    const float *chunk = image + v->origin + y * v->line_stride;
    float *row = rows + y * line * g->patch;
    for (size_t x = 0; x < v->pixels; x++, chunk += v->pixel_stride, row += g->patch) {
      if (has_padding) memset(row, 0, g->patch * sizeof *row);
      unroll(v, chunk, row, streamed && !has_padding);
    }
  }
}

void unfurl_im2col_pixels(const unfurl_conv_geometry *g, const float *image, size_t group, const unfurl_pixels *pixels,
                          float *patches) {
  const size_t line = pixels->col_end - pixels->col_begin;
  const bool streamed = (pixels->row_end - pixels->row_begin) * line * g->patch * sizeof(float) > STREAM_BYTES;
  for (size_t y = pixels->row_begin; y < pixels->row_end;) {
    const unfurl_axis_segment rows = unfurl_axis_segment_at(&g->h, y, pixels->row_end);
    for (size_t x = pixels->col_begin; x < pixels->col_end;) {
      const unfurl_axis_segment cols = unfurl_axis_segment_at(&g->w, x, pixels->col_end);
      const unfurl_patch_view view = unfurl_patch_view_of(g, group, &rows, &cols);
      const size_t first = (y - pixels->row_begin) * line + (x - pixels->col_begin);
      if (streamed)
        unroll_region(g, &view, image, line, patches + first * g->patch, true);
      else
        unroll_region(g, &view, image, line, patches + first * g->patch, false);
      x += cols.count;
    }
    y += rows.count;
  }
  if (streamed) unfurl_stream_end();
}

static unfurl_status patch_matrix(const unfurl_conv_desc *given, unfurl_conv_geometry *g, size_t *rows,
                                  unfurl_error *error) {
  unfurl_conv_desc desc;
  unfurl_status status = unfurl_conv_desc_read(&desc, given, error);
  if (!status) status = unfurl_conv_geometry_init(g, &desc, error);
  if (status) return status;
  if (g->transposed) return unfurl_fail(error, UNFURL_UNSUPPORTED, "a transposed convolution has no patch matrix");
  *rows = unfurl_size_product(3, (const size_t[]){g->groups, g->batch, g->out_pixels});
  if (unfurl_size_product(3, (const size_t[]){*rows, g->patch, sizeof(float)}) > PTRDIFF_MAX)
    return unfurl_fail(error, UNFURL_TOO_LARGE, "the size of the patch matrix overflows");
  return UNFURL_OK;
}

unfurl_status unfurl_im2col_size(const unfurl_conv_desc *desc, size_t *rows, size_t *cols, unfurl_error *error) {
  unfurl_conv_geometry g;
  if (!rows || !cols) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  const unfurl_status status = patch_matrix(desc, &g, rows, error);
  if (status) return status;
  *cols = g.patch;
  return unfurl_succeed(error);
}

unfurl_status unfurl_im2col(const unfurl_conv_desc *desc, const float *src, float *patches, unfurl_error *error) {
  unfurl_conv_geometry g;
  size_t rows;
  if (!src || !patches) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "a pointer is NULL");
  const unfurl_status status = patch_matrix(desc, &g, &rows, error);
  if (status) return status;
  const unfurl_pixels all = {0, g.h.out, 0, g.w.out};
  for (size_t group = 0; group < g.groups; group++)
    for (size_t n = 0; n < g.batch; n++)
      unfurl_im2col_pixels(&g, src + n * g.src.image, group, &all,
                           patches + (group * g.batch + n) * g.out_pixels * g.patch);
  return unfurl_succeed(error);
}
