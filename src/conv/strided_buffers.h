/* SPDX-License-Identifier: BSD-2-Clause */
/* The buffers of a block of `strided`, where it does not read or write in place (strided_blocks.h). */
#ifndef UNFURL_CONV_STRIDED_BUFFERS_H
#define UNFURL_CONV_STRIDED_BUFFERS_H

#include "conv/strided_blocks.h"

/* Copies the block's input into its buffer: the channels of its group, NHWC, zeros beyond the image. */
void unfurl_blocks_copy_src(const unfurl_blocks *blocks, const unfurl_block *block, const float *src, float *to);

/* Takes the block's results from its buffer, pixel by pixel, to their planes, and applies the epilogue. */
void unfurl_blocks_copy_dst(const unfurl_conv_run *run, const unfurl_blocks *blocks, const unfurl_block *block,
                            const float *from);

#endif
