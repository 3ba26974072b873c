/* SPDX-License-Identifier: BSD-2-Clause */
/* Pixels split into planes of channels, and woven from them again. */
#ifndef UNFURL_CONV_PLANES_H
#define UNFURL_CONV_PLANES_H

#include <stddef.h>

/* planes[c * plane + i] = pixels[i * step + c] of `count` pixels. */
void unfurl_planes_split(const float *pixels, size_t step, size_t channels, size_t count, float *planes, size_t plane);

/* pixels[i * step + c] = planes[c * plane + i], plus residual[i * step + c] if that is not NULL; it may be `pixels`. Up to
 * UNFURL_PLANES_SPARE floats behind the last are read of each plane. */
enum { UNFURL_PLANES_SPARE = 3 };
void unfurl_planes_weave(const float *planes, size_t plane, size_t channels, size_t count, const float *residual,
                         float *pixels, size_t step);

#endif
