/* SPDX-License-Identifier: BSD-2-Clause */
/* The public patch matrix against its definition in unfurl/im2col.h, element by element, in both layouts. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "conv_case.h"
#include "unfurl/im2col.h"

/* patches[g][(n*oh + y)*ow + x][(i*kw + j)*icg + c], read off the definition. */
static float patch_element(const conv_case *c, int64_t row, int64_t col) {
  const unfurl_conv_desc *d = &c->desc;
  const int64_t icg = d->ic / d->groups, oh = (int64_t)c->sizes.oh, ow = (int64_t)c->sizes.ow;
  const int64_t channel = col % icg, j = col / icg % d->kw, i = col / icg / d->kw;
  const int64_t ox = row % ow, oy = row / ow % oh, n = row / ow / oh % d->batch, g = row / ow / oh / d->batch;
  const int64_t y = oy * d->stride_h - d->pad_top + i * d->dilation_h;
  const int64_t x = ox * d->stride_w - d->pad_left + j * d->dilation_w;
  if (y < 0 || y >= d->ih || x < 0 || x >= d->iw) return 0;
  return c->src[((n * d->ih + y) * d->iw + x) * d->ic + g * icg + channel];
}

static void check_matrix(conv_case *c, unfurl_layout layout) {
  size_t rows, cols;
  unfurl_error error;
  c->desc.src_layout = layout;
  cr_assert_eq(unfurl_im2col_size(&c->desc, &rows, &cols, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(rows, (size_t)(c->desc.groups * c->desc.batch) * c->sizes.oh * c->sizes.ow, "%s", c->name);
  cr_assert_eq(cols, (size_t)(c->desc.kh * c->desc.kw * c->desc.ic / c->desc.groups), "%s", c->name);
  float *src = images_from_nhwc(c, false, layout, c->src);
  guarded patches = guarded_alloc(rows * cols);
  cr_assert_eq(unfurl_im2col(&c->desc, src, patches.data, &error), UNFURL_OK, "%s", error.message);
  cr_assert(guarded_intact(&patches), "%s wrote beside the matrix", c->name);
  for (size_t i = 0; i < rows * cols; i++) {
    const float expected = patch_element(c, (int64_t)(i / cols), (int64_t)(i % cols));
    cr_assert(memcmp(&patches.data[i], &expected, sizeof expected) == 0, "%s, layout %d: [%zu][%zu] is %g, not %g",
              c->name, (int)layout, i / cols, i % cols, (double)patches.data[i], (double)expected);
  }
  guarded_free(&patches);
  free(src);
}

Test(im2col, every_shape_in_both_layouts) {
  size_t checked = 0;
  for (size_t s = 0; s < conv_shape_count; s++) {
    if (conv_shapes[s].transposed) continue;
    conv_case c = conv_case_make(&conv_shapes[s], true);
    check_matrix(&c, UNFURL_NHWC);
    check_matrix(&c, UNFURL_NCHW);
    conv_case_free(&c);
    checked++;
  }
  cr_assert_geq(checked, 60);
}

/* Matrices that outgrow the caches, and are written past them: aligned runs, and runs at every alignment. */
Test(im2col, large_matrices) {
  const conv_shape shapes[] = {
      {"large", .ic = 16, .oc = 1, .image = {190, 180}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}},
      {"large, odd", .ic = 13, .oc = 1, .image = {170, 220}, .kernel = {3, 3}, .stride = {1, 1}, .pads = {0, 2, 1, 0}},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    conv_case c = conv_case_make(&shapes[i], true);
    check_matrix(&c, UNFURL_NHWC);
    conv_case_free(&c);
  }
}

/* Copies are copies: NaN, infinities, denormals and negative zero arrive with their bits. */
Test(im2col, keeps_the_bits_of_what_it_copies) {
  static const uint32_t bits[] = {0x7fc12345, 0xffc00001, 0x7f800000, 0xff800000, 0x80000000, 1, 0x807fffff, 0};
  const conv_shape shape = {"bits", .ic = 3, .oc = 1, .image = {7, 8}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}};
  conv_case c = conv_case_make(&shape, false);
  for (size_t i = 0; i < c.sizes.src; i++) memcpy(&c.src[i], &bits[i % 8], sizeof *bits);
  check_matrix(&c, UNFURL_NHWC);
  check_matrix(&c, UNFURL_NCHW);
  conv_case_free(&c);
}

Test(im2col, transposed_has_no_patch_matrix) {
  unfurl_conv_desc desc;
  unfurl_error error;
  size_t rows, cols;
  float number = 0;
  unfurl_conv_desc_init(&desc);
  desc.transposed = true;
  cr_assert_eq(unfurl_im2col_size(&desc, &rows, &cols, &error), UNFURL_UNSUPPORTED);
  cr_assert(strstr(error.message, "transposed"), "%s", error.message);
  cr_assert_eq(unfurl_im2col(&desc, &number, &number, &error), UNFURL_UNSUPPORTED);
}

Test(im2col, null_pointers) {
  unfurl_conv_desc desc;
  unfurl_error error;
  size_t size;
  float number = 0;
  unfurl_conv_desc_init(&desc);
  cr_assert_eq(unfurl_im2col_size(&desc, NULL, &size, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_im2col_size(&desc, &size, NULL, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_im2col_size(NULL, &size, &size, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_im2col(NULL, &number, &number, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_im2col(&desc, NULL, &number, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_im2col(&desc, &number, NULL, &error), UNFURL_INVALID_ARGUMENT);
  cr_assert_eq(unfurl_im2col(&desc, &number, NULL, NULL), UNFURL_INVALID_ARGUMENT);
}
