/* SPDX-License-Identifier: BSD-2-Clause */
/* The pieces of a long chunk, for caches of any size: one behind the other they are the chunk, and what a region sees of
 * them is what it sees of the whole, in the same order. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "conv/strided_depth.h"
#include "shapes.h"
#include "support.h"

enum { PROBLEMS = 3000, MOST_SEGMENTS = 64 };

/* Where an element is in the image, and in the unrolled chunk. */
typedef struct element {
  ptrdiff_t src;
  size_t unrolled;
} element;

typedef struct elements {
  element *at;
  size_t count, room;
} elements;

/* Pixels of a line, which may skip runs. */
typedef enum line_pixel { FIRST, MIDDLE, LAST, LINE_PIXELS } line_pixel;

static void add_view(elements *list, const unfurl_patch_view *v, line_pixel pixel) {
  for (size_t r = 0; r < v->run_rows; r++)
    for (size_t c = 0; c < v->run_cols; c++)
      for (size_t e = 0; e < v->run_length; e++) {
        if (pixel == FIRST && v->skips_first && c == 0) continue;
        if (pixel == LAST && v->skips_last && c + 1 == v->run_cols) continue;
        cr_assert_lt(list->count, list->room);
        list->at[list->count++] =
            (element){(ptrdiff_t)(v->origin + e) + v->run_col_first + (ptrdiff_t)r * v->run_row_stride +
                          (ptrdiff_t)c * v->run_col_stride,
                      v->unrolled_origin + r * v->unrolled_row_stride + c * v->unrolled_col_stride + e};
      }
}

static elements make_list(size_t room) {
  return (elements){.at = malloc((room + 1) * sizeof(element)), .room = room};
}

static void check_pixel(const unfurl_conv_geometry *g, const unfurl_depth_cut *cut, const unfurl_patch_view *view,
                        line_pixel pixel) {
  elements whole = make_list(g->patch), parts = make_list(g->patch);
  cr_assert(whole.at && parts.at);
  add_view(&whole, view, pixel);
  for (size_t i = 0; i < cut->pieces; i++) {
    const unfurl_depth_piece piece = unfurl_depth_piece_at(cut, g, i);
    const unfurl_patch_view seen = unfurl_depth_view(g, view, piece);
    const size_t before = parts.count;
    add_view(&parts, &seen, pixel);
    for (size_t e = before; e < parts.count; e++)
      cr_assert(parts.at[e].unrolled >= piece.begin && parts.at[e].unrolled < piece.end);
  }
  cr_assert_eq(parts.count, whole.count);
  for (size_t e = 0; e < whole.count; e++)
    cr_assert(parts.at[e].src == whole.at[e].src && parts.at[e].unrolled == whole.at[e].unrolled, "element %zu", e);
  free(whole.at);
  free(parts.at);
}

static void check_region(const unfurl_conv_geometry *g, const unfurl_depth_cut *cut, const unfurl_patch_view *view) {
  for (line_pixel pixel = FIRST; pixel < LINE_PIXELS; pixel++) check_pixel(g, cut, view, pixel);
}

/* What a pixel of the whole line reads is what it reads in its own region. */
static void check_line(const unfurl_conv_geometry *g, const unfurl_patch_view *line, const unfurl_axis_segment *rows,
                       size_t pixel) {
  const unfurl_axis_segment alone = unfurl_axis_segment_at(&g->w, pixel, pixel + 1);
  const unfurl_patch_view view = unfurl_patch_view_of(g, g->groups - 1, rows, &alone);
  const line_pixel kind = pixel == 0 ? FIRST : pixel + 1 == g->w.out ? LAST : MIDDLE;
  const ptrdiff_t step = (ptrdiff_t)(pixel * line->pixel_stride);
  elements expected = make_list(g->patch), seen = make_list(g->patch);
  cr_assert(expected.at && seen.at);
  add_view(&expected, &view, MIDDLE);
  add_view(&seen, line, kind);
  cr_assert_eq(seen.count, expected.count);
  for (size_t e = 0; e < seen.count; e++)
    cr_assert(seen.at[e].src + step == expected.at[e].src && seen.at[e].unrolled == expected.at[e].unrolled);
  free(expected.at);
  free(seen.at);
}

/* Returns the number of pieces; adds to `lines` if whole lines may be regions. */
static size_t check_problem(const unfurl_conv_problem *p, size_t *lines) {
  const unfurl_conv_geometry *g = &p->geometry;
  const unfurl_depth_cut cut = unfurl_depth_cut_of(p, true);
  size_t end = 0;
  for (size_t i = 0; i < cut.pieces; i++) {
    const unfurl_depth_piece piece = unfurl_depth_piece_at(&cut, g, i);
    cr_assert(piece.begin == end && piece.end > end);
    end = piece.end;
  }
  cr_assert_eq(end, g->patch);
  unfurl_axis_segment ys[MOST_SEGMENTS], xs[MOST_SEGMENTS];
  cr_assert_leq(unfurl_axis_segments(&g->h, false, 0, g->h.out, NULL), MOST_SEGMENTS);
  cr_assert_leq(unfurl_axis_segments(&g->w, false, 0, g->w.out, NULL), MOST_SEGMENTS);
  const size_t rows = unfurl_axis_segments(&g->h, false, 0, g->h.out, ys);
  const size_t cols = unfurl_axis_segments(&g->w, false, 0, g->w.out, xs);
  for (size_t i = 0; i < rows * cols; i++) {
    const unfurl_patch_view view = unfurl_patch_view_of(g, g->groups - 1, &ys[i / cols], &xs[i % cols]);
    check_region(g, &cut, &view);
  }
  unfurl_axis_segment line;
  if (!unfurl_axis_whole(&g->w, &line)) return cut.pieces;
  for (size_t i = 0; i < rows; i++) {
    const unfurl_patch_view view = unfurl_patch_view_of(g, g->groups - 1, &ys[i], &line);
    if (view.run_rows == 0) continue;
    check_region(g, &cut, &view);
    for (size_t pixel = 0; pixel < g->w.out; pixel++) check_line(g, &view, &ys[i], pixel);
    ++*lines;
  }
  return cut.pieces;
}

Test(depth, pieces_are_the_chunk_in_order) {
  rng r = {11};
  size_t most = 0, of_several = 0, lines = 0;
  for (size_t i = 0; i < PROBLEMS; i++) {
    char name[CONV_SHAPE_NAME];
    const conv_shape shape = conv_shape_random(i, name);
    const unfurl_conv_desc desc = conv_shape_desc(&shape);
    if (shape.transposed) continue;
    unfurl_conv_problem p = {.kernels = &unfurl_kernels_portable, .l2_bytes = (size_t)64 << rng_below(&r, 10)};
    cr_assert_eq(unfurl_conv_geometry_init(&p.geometry, &desc, NULL), UNFURL_OK);
    const size_t pieces = check_problem(&p, &lines);
    most = pieces > most ? pieces : most;
    of_several += pieces > 1;
  }
  cr_assert_gt(lines, PROBLEMS / 10);
  cr_assert_gt(most, 20);
  cr_assert_gt(of_several, PROBLEMS / 10);
}

Test(depth, panels_that_are_read_once_are_whole) {
  const conv_shape shape = {"deep", .ic = 300, .oc = 4, .image = {3, 3}, .kernel = {3, 3}};
  const unfurl_conv_desc desc = conv_shape_desc(&shape);
  unfurl_conv_problem p = {.kernels = &unfurl_kernels_portable, .l2_bytes = 1024};
  cr_assert_eq(unfurl_conv_geometry_init(&p.geometry, &desc, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_depth_cut_of(&p, false).pieces, 1);
  cr_assert_gt(unfurl_depth_cut_of(&p, true).pieces, 1);
}

/* Sizes that no memory has give a cut all the same. */
Test(depth, huge_chunks) {
  unfurl_conv_problem p = {.kernels = &unfurl_kernels_portable, .l2_bytes = 1 << 20};
  p.geometry.h = p.geometry.w = (unfurl_conv_axis){.in = 1, .out = 1, .taps = 3, .stride = 1, .dilation = 1};
  p.geometry.icg = SIZE_MAX / 64, p.geometry.ocg = 1;
  const unfurl_depth_cut cut = unfurl_depth_cut_of(&p, true);
  cr_assert(cut.rows == 1 && cut.taps == 1 && cut.channels > 0 && cut.pieces > 0);
}
