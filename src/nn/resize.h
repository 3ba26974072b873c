/* SPDX-License-Identifier: BSD-2-Clause */
/* Resampling: an output element is a weighted sum of input elements, and each weight is a product of one factor for
 * each axis. So the axes are resampled one after the other, each with a table of taps that is made once; two axes that
 * are neighbours in memory in one go, so that what lies between them never leaves the cache.
 *
 * The order of the operations follows from the shape of one image alone: the same bits whatever the threads and batch.
 */
#ifndef UNFURL_NN_RESIZE_H
#define UNFURL_NN_RESIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/context.h"

typedef enum unfurl_resize_mode {
  UNFURL_RESIZE_NEAREST = 0,
  UNFURL_RESIZE_LINEAR,
  UNFURL_RESIZE_CUBIC /* R. G. Keys, 1981 */
} unfurl_resize_mode;

/* How an output index o becomes a coordinate of the input; "length" is in * scale, which may be no whole number. */
typedef enum unfurl_resize_coordinates {
  UNFURL_RESIZE_HALF_PIXEL = 0,       /* (o + 1/2) / scale - 1/2 */
  UNFURL_RESIZE_HALF_PIXEL_SYMMETRIC, /* the same, with the centres of input and output one above the other */
  UNFURL_RESIZE_PYTORCH_HALF_PIXEL,   /* the same as HALF_PIXEL, but 0 where there is one output */
  UNFURL_RESIZE_ALIGN_CORNERS,        /* o * (in - 1) / (length - 1) */
  UNFURL_RESIZE_ASYMMETRIC,           /* o / scale */
  UNFURL_RESIZE_TF_HALF_PIXEL_FOR_NN, /* (o + 1/2) / scale */
  UNFURL_RESIZE_TF_CROP               /* from begin * (in - 1) to end * (in - 1); what is outside gets a value */
} unfurl_resize_coordinates;

typedef enum unfurl_resize_rounding {
  UNFURL_RESIZE_ROUND_PREFER_FLOOR = 0,
  UNFURL_RESIZE_ROUND_PREFER_CEIL,
  UNFURL_RESIZE_FLOOR,
  UNFURL_RESIZE_CEIL
} unfurl_resize_rounding;

typedef struct unfurl_resize_rule {
  unfurl_resize_mode mode;
  unfurl_resize_coordinates coordinates;
  unfurl_resize_rounding rounding; /* of nearest */
  float cubic_a;
  bool exclude_outside; /* taps beyond the edge weigh nothing, rather than repeat the edge */
  float extrapolation;  /* the value of TF_CROP */
} unfurl_resize_rule;

typedef struct unfurl_resize_axis {
  size_t in, out;
  double scale;     /* finite, above 0 */
  float begin, end; /* of TF_CROP, in parts of the axis; finite */
} unfurl_resize_axis;

/* Whether an axis stays as it is: its elements are not resampled at all. */
bool unfurl_resize_keeps(const unfurl_resize_rule *rule, const unfurl_resize_axis *axis);

typedef struct unfurl_resize unfurl_resize;

/* For tensors whose `rank` (up to UNFURL_MAX_RANK) axes stand in the order of memory. An axis without input must have
 * no output. TOO_LARGE where what lies between two axes overflows, OUT_OF_MEMORY. */
unfurl_status unfurl_resize_create(const unfurl_context *context, const unfurl_resize_rule *rule,
                                   const unfurl_resize_axis *axes, size_t rank, unfurl_resize **resize,
                                   unfurl_error *error);

/* Bytes that run needs. */
size_t unfurl_resize_workspace(const unfurl_resize *resize);

/* `workspace` is aligned to UNFURL_ALIGN. */
void unfurl_resize_run(const unfurl_resize *resize, const float *src, float *dst, void *workspace);

/* NULL is allowed. */
void unfurl_resize_destroy(unfurl_resize *resize);

#endif
