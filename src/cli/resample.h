/* SPDX-License-Identifier: BSD-2-Clause */
/* Resizing of 8-bit images, antialiased, to the numbers that Pillow's Image.resize gives.
 *
 * Both directions are done one after the other, first along rows, then along columns, each rounded to 8 bits:
 *
 *     scale = from / to,  stretch = max(scale, 1),  centre(i) = (i + 0.5) scale
 *     out[i] = sum over p of  in[p] f((p + 0.5 - centre(i)) / stretch) / (sum of these f)
 *
 * with f the filter: a triangle of radius 1 (bilinear), or Keys' cubic with a = -1/2, of radius 2. So when an image
 * shrinks the filter grows with it, and no input pixel is left out. Weights are 22-bit fixed point numbers.
 *
 * An axis holds the weights of one direction, for any part of the output: what is cropped away is never computed.
 */
#ifndef CLI_RESAMPLE_H
#define CLI_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "unfurl/status.h"

typedef enum resample_filter { RESAMPLE_BILINEAR = 0, RESAMPLE_BICUBIC } resample_filter;

/* Output pixel i is the sum over t < lengths[i] of in[firsts[i] + t] * weights[i * taps + t]. */
typedef struct resample_axis {
  size_t from;  /* input pixels */
  size_t count; /* output pixels */
  size_t taps;  /* the most input pixels that one output pixel is made of */
  size_t *firsts, *lengths;
  int32_t *weights; /* NULL: nothing to do but to take the pixels from firsts[0] on */
} resample_axis;

/* Output pixels first..first+count-1 of a line of `from` pixels that becomes one of `to`. TOO_LARGE (more weights than
 * is reasonable), OUT_OF_MEMORY. Released by resample_axis_free, also after an error. */
unfurl_status resample_axis_init(resample_axis *axis, resample_filter filter, size_t from, size_t to, size_t first,
                                 size_t count, unfurl_error *error);

/* to[height][axis->count][channels] from from[height][axis->from][channels]. */
void resample_rows(const resample_axis *axis, size_t height, size_t channels, const unsigned char *from,
                   unsigned char *to);

/* to[axis->count][row_bytes] from from[axis->from][row_bytes]; sums[row_bytes] is scratch. */
void resample_columns(const resample_axis *axis, size_t row_bytes, const unsigned char *from, unsigned char *to,
                      int32_t *sums);

void resample_axis_free(resample_axis *axis);

#endif
