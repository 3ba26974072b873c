/* SPDX-License-Identifier: BSD-2-Clause */
/* What a task of `strided` works in; and the buffers of a block, where it does not read or write in place (strided_blocks.h). */
#ifndef UNFURL_CONV_STRIDED_BUFFERS_H
#define UNFURL_CONV_STRIDED_BUFFERS_H

#include "conv/strided_blocks.h"

/* A task's workspace: the regions, two lists of offsets, the buffers. */
typedef struct unfurl_blocks_scratch {
  unfurl_region_of_pixels *regions;
  size_t *src_at, *dst_at;
  float *src, *dst;
} unfurl_blocks_scratch;

/* Lays them out from `base` on, or only counts where `scratch` is NULL; returns the bytes that they take, SIZE_MAX when that
 * overflows. */
size_t unfurl_blocks_workspace(const unfurl_blocks *blocks, void *base, unfurl_blocks_scratch *scratch);

/* Copies the block's input into its buffer: the channels of its group, NHWC, zeros beyond the image. */
void unfurl_blocks_copy_src(const unfurl_blocks *blocks, const unfurl_block *block, const float *src, float *to);

/* Takes the block's results from its buffer, pixel by pixel, to their planes, and applies the epilogue. */
void unfurl_blocks_copy_dst(const unfurl_conv_run *run, const unfurl_blocks *blocks, const unfurl_block *block,
                            const float *from);

#endif
