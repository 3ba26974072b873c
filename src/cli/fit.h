/* SPDX-License-Identifier: BSD-2-Clause */
/* An image of any size becomes one of the size of a model's input.
 *
 *     stretch   resized to the input, whatever that does to its proportions
 *     crop      resized so that it just covers the input, then the middle is cut out (as torchvision's Resize and
 *               CenterCrop do: the longer side is rounded down, half pixels of the margin to even)
 *     pad       resized so that it just fits into the input, in the middle, with nothing around it; an image that is
 *               smaller than the input already is never enlarged
 *
 * A plan is made for one pair of sizes and used for any number of images, by one thread at a time: it holds what it
 * works with.
 */
#ifndef CLI_FIT_H
#define CLI_FIT_H

#include <stddef.h>
#include <stdint.h>

#include "resample.h"
#include "unfurl/status.h"

typedef enum fit_mode { FIT_STRETCH = 0, FIT_CROP, FIT_PAD } fit_mode;

typedef struct fit_sizes {
  size_t channels; /* 1 or 3 */
  size_t ih, iw;   /* the image */
  size_t oh, ow;   /* the input */
} fit_sizes;

typedef struct fit_plan {
  fit_sizes sizes;
  size_t top, left, h, w;     /* the rectangle of the input that pixels come to */
  size_t begin, end;          /* rows of the image that matter */
  resample_axis across, down; /* along rows, along columns; `down` counts from `begin` on */
  unsigned char *rows;        /* [end - begin][w][channels] after the first pass; NULL: there is none */
  unsigned char *window;      /* [h][w][channels] after the second; NULL: there is none */
  int32_t *sums;
} fit_plan;

/* TOO_LARGE, OUT_OF_MEMORY. Released by fit_plan_free, also after an error. */
unfurl_status fit_plan_init(fit_plan *plan, fit_mode mode, resample_filter filter, const fit_sizes *sizes,
                            unfurl_error *error);

/* pixels[h][w][channels] of pixels[ih][iw][channels]. They are the plan's, or in `pixels` themselves. */
const unsigned char *fit_apply(fit_plan *plan, const unsigned char *pixels);

void fit_plan_free(fit_plan *plan);

#endif
