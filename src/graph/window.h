/* SPDX-License-Identifier: BSD-2-Clause */
/* What convolutions and pools have in common: a window that slides over the image. */
#ifndef UNFURL_GRAPH_WINDOW_H
#define UNFURL_GRAPH_WINDOW_H

#include "graph/op.h"
#include "shape/conv_geometry.h"

/* The window along height and width. A 1-D operator is a 2-D one of height 1. */
typedef struct unfurl_window {
  size_t spatial; /* 1 or 2 */
  int64_t in[2], taps[2], stride[2], dilation[2];
  int64_t pad_before[2], pad_after[2];
  int64_t output_pad[2]; /* transposed only */
} unfurl_window;

/* Reads kernel_shape, strides, dilations, pads and auto_pad of a node whose input 0 is (N, C, spatial...). `kernel` is
 * the kernel's shape where the attribute may be left out (it must agree if it is there), or NULL. */
unfurl_status unfurl_window_read(const unfurl_op_call *call, const int64_t *kernel, unfurl_window *window,
                                 unfurl_error *error);

/* The same for a transposed convolution, which has output_padding and output_shape too. */
unfurl_status unfurl_window_read_transposed(const unfurl_op_call *call, const int64_t *kernel, unfurl_window *window,
                                            unfurl_error *error);

/* Dims of an image with `channels` channels and the given size, of the rank that the window's input has. */
void unfurl_window_output(const unfurl_op_call *call, const unfurl_window *window, int64_t channels,
                          const int64_t size[2]);

/* The attributes that unfurl_window_read understands, for tables of attributes. */
#define UNFURL_WINDOW_ATTRIBUTES                                                                                       \
  {"auto_pad", UNFURL_ATTRIBUTE_STRING}, {"kernel_shape", UNFURL_ATTRIBUTE_INTS}, {"pads", UNFURL_ATTRIBUTE_INTS},     \
      {"strides", UNFURL_ATTRIBUTE_INTS}, {                                                                            \
    "dilations", UNFURL_ATTRIBUTE_INTS                                                                                 \
  }

#endif
