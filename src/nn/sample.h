/* SPDX-License-Identifier: BSD-2-Clause */
/* Sampling of images at places that are computed: where a grid says, or in regions of interest. Images and results are NHWC,
 * so that vectors run over channels. A sample is a sum over taps, row by row, in one order. A place that is NaN gives NaN.
 */
#ifndef UNFURL_NN_SAMPLE_H
#define UNFURL_NN_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/resize.h"
#include "unfurl/context.h"
#include "unfurl/tensor.h"

/* What a tap adds to a sample, for each channel. */
static inline void unfurl_sample_add(float *restrict y, const float *restrict x, float weight, size_t channels) {
  for (size_t c = 0; c < channels; c++) y[c] += weight * x[c];
}

/* What is beyond the edges. */
typedef enum unfurl_sample_padding {
  UNFURL_SAMPLE_ZEROS = 0,
  UNFURL_SAMPLE_BORDER, /* the outermost pixel, again and again */
  UNFURL_SAMPLE_REFLECTION
} unfurl_sample_padding;

typedef struct unfurl_grid_sample {
  unfurl_resize_mode mode; /* CUBIC: with a = -0.75 */
  unfurl_sample_padding padding;
  bool align_corners; /* -1 and 1 are the centres of the outermost pixels, not their outer edges */
} unfurl_grid_sample;

/* Pixel p of image n of `y` is the sample of image n of `x` at (grid[n][p][0], grid[n][p][1]): across, and down. `x` is not
 * empty. */
void unfurl_grid_sample_run(const unfurl_context *context, const unfurl_grid_sample *how, const unfurl_tensor *x,
                            const float *grid, const unfurl_tensor *y);

typedef struct unfurl_roi_align {
  float scale;     /* from the coordinates of regions to those of the image */
  size_t ratio;    /* samples along each side of a bin; 0: as many as it has pixels, rounded up */
  bool half_pixel; /* pixel 0 is from -1/2 to 1/2, not from 0 to 1; else regions are one pixel large at least */
} unfurl_roi_align;

/* Image r of `y` shows region r: each of its pixels is the mean of samples in a bin of it. Regions are (left, top, right,
 * bottom), `images` says in which image of `x`, which is not empty. */
void unfurl_roi_align_run(const unfurl_context *context, const unfurl_roi_align *how, const unfurl_tensor *x,
                          const float *regions, const size_t *images, const unfurl_tensor *y);

#endif
