/* SPDX-License-Identifier: BSD-2-Clause */
#include "orient.h"

#include <stdbool.h>
#include <stdlib.h>

#include "fault.h"

/* An upright pixel (y, x) lies in the file at (y, x), or (x, y) if `swap`; then counted from the bottom if `from_bottom`,
 * from the right if `from_right`. */
static const struct {
  bool swap, from_bottom, from_right;
} ways[9] = {
    [2] = {.from_right = true},
    [3] = {.from_bottom = true, .from_right = true},
    [4] = {.from_bottom = true},
    [5] = {.swap = true},
    [6] = {.swap = true, .from_bottom = true},
    [7] = {.swap = true, .from_bottom = true, .from_right = true},
    [8] = {.swap = true, .from_right = true},
};

/* One row: `count` pixels, `step` bytes apart. */
static void gather(unsigned char *to, const unsigned char *from, ptrdiff_t step, size_t count, size_t channels) {
  for (size_t x = 0; x < count; x++, from += step)
    for (size_t c = 0; c < channels; c++) *to++ = from[c];
}

unfurl_status orient_image(image_pixels *image, unsigned orientation, unfurl_error *error) {
  if (orientation <= 1 || orientation > 8) return UNFURL_OK;
  const size_t ih = image->height, iw = image->width, channels = image->channels;
  unsigned char *upright = malloc(ih * iw * channels); /* as much as there is already */
  if (!upright) return fault_memory(error);
  const bool swap = ways[orientation].swap;
  const size_t oh = swap ? iw : ih, ow = swap ? ih : iw;
  const ptrdiff_t pitch = (ptrdiff_t)(iw * channels), pixel = (ptrdiff_t)channels;
  const ptrdiff_t down = ways[orientation].from_bottom ? -pitch : pitch;
  const ptrdiff_t right = ways[orientation].from_right ? -pixel : pixel;
  const unsigned char *first = image->pixels;
  if (down < 0) first += (ptrdiff_t)(ih - 1) * pitch;
  if (right < 0) first += (ptrdiff_t)(iw - 1) * pixel;
  for (size_t y = 0; y < oh; y++)
    gather(upright + y * ow * channels, first + (ptrdiff_t)y * (swap ? right : down), swap ? down : right, ow,
           channels);
  free(image->pixels);
  *image = (image_pixels){.height = oh, .width = ow, .channels = channels, .pixels = upright};
  return UNFURL_OK;
}
