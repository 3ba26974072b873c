/* SPDX-License-Identifier: BSD-2-Clause */
/* How `strided` shares out work: all of it, once, and in equal parts, nearly, where tiles and panels allow that. */
#include <criterion/criterion.h>

#include "base/parallel.h"
#include "conv/strided_blocks.h"
#include "shapes.h"

typedef struct share_case {
  conv_shape shape;
  size_t threads, most; /* percent of an equal share that a task has, with panels of 32 filters */
} share_case;

static const share_case cases[] = {
    {{"7x7 map, one panel", .ic = 128, .oc = 32, .image = {7, 7}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}}, 2, 115},
    {{"small map", .ic = 32, .oc = 32, .image = {16, 16}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}}, 2, 100},
    {{"odd rows", .ic = 192, .oc = 192, .image = {19, 19}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}}, 2, 100},
    {{"heavy 7x7 kernel", .ic = 128, .oc = 128, .image = {46, 46}, .kernel = {7, 7}, .pads = {3, 3, 3, 3}}, 2, 100},
    {{"half a panel more", .ic = 576, .oc = 48, .image = {14, 14}, .kernel = {1, 1}}, 2, 103},
    {{"four threads", .ic = 64, .oc = 64, .image = {56, 56}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}}, 4, 103},
    {{"three threads", .ic = 512, .oc = 512, .image = {7, 7}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}}, 3, 113},
    {{"groups", .ic = 240, .oc = 240, .groups = 3, .image = {28, 28}, .kernel = {1, 1}}, 2, 103},
    {{"batch", .batch = 3, .ic = 64, .oc = 64, .image = {28, 28}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}}, 2, 103},
    {{"one pixel", .ic = 64, .oc = 256, .image = {1, 1}, .kernel = {1, 1}}, 2, 100},
    {{"many bands", .batch = 16, .ic = 1024, .oc = 256, .image = {14, 14}, .kernel = {1, 1}}, 2, 102},
    {{"odd lines, odd panels", .ic = 160, .oc = 160, .image = {7, 7}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}}, 2, 103},
    {{"long kernel", .ic = 192, .oc = 96, .image = {17, 17}, .kernel = {1, 7}, .pads = {0, 3, 0, 3}}, 2, 102},
    {{"threads as rows", .ic = 64, .oc = 32, .image = {56, 56}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}}, 1024, 1829},
    {{"sixty-four threads", .ic = 64, .oc = 64, .image = {112, 112}, .kernel = {3, 3}, .pads = {1, 1, 1, 1}}, 64, 125},
};

static size_t pixels_of(const unfurl_blocks *b, const unfurl_block *block) {
  return block->images * (block->rows[1] - block->rows[0]) * b->g.w.out;
}

Test(share, tasks_have_equal_work) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const unfurl_conv_desc desc = conv_shape_desc(&cases[i].shape);
    const size_t threads = cases[i].threads;
    unfurl_kernels kernels = unfurl_kernels_portable;
    kernels.cols = 32, kernels.lanes = 16;
    unfurl_conv_problem p = {.kernels = &kernels, .l2_bytes = 2 << 20, .threads = threads};
    cr_assert_eq(unfurl_conv_geometry_init(&p.geometry, &desc, NULL), UNFURL_OK);
    const unfurl_blocks b = unfurl_blocks_cut(&p);
    const size_t units = unfurl_blocks_units(&b);
    size_t most = 0, all = 0;
    for (size_t task = 0; task < threads; task++) {
      size_t work = 0;
      for (size_t u = unfurl_part_begin(units, threads, task); u < unfurl_part_begin(units, threads, task + 1); u++) {
        const unfurl_block block = unfurl_block_of(&b, u);
        const size_t end = block.panels[1] * kernels.cols, filters = end < b.g.ocg ? end : b.g.ocg;
        work += pixels_of(&b, &block) * (filters - block.panels[0] * kernels.cols);
      }
      most = work > most ? work : most;
      all += work;
    }
    cr_assert_eq(all, p.geometry.batch * p.geometry.out_pixels * p.geometry.oc, "%s", cases[i].shape.name);
    cr_assert_leq(most * threads * 100 / all, cases[i].most, "%s: %zu percent", cases[i].shape.name,
                  most * threads * 100 / all);
  }
}
