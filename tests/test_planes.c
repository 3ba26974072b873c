/* SPDX-License-Identifier: BSD-2-Clause */
/* Pixels to planes and back, element by element, with all that may be read or written against a page that may not. */
#include <criterion/criterion.h>

#include "conv/planes.h"
#include "support.h"

enum { MOST_CHANNELS = 9, MOST_PIXELS = 40, GAP = 3, MOST_FLOATS = 1000 };

/* The last `count` floats of a buffer that ends at such a page, numbered from `first` on. */
static float *numbered(const fenced *buffer, size_t count, float first) {
  float *at = (float *)buffer->data + (MOST_FLOATS - count);
  for (size_t i = 0; i < count; i++) at[i] = first + (float)i;
  return at;
}

static void check_split(const fenced *from, const fenced *to, size_t channels, size_t count, size_t step) {
  const size_t plane = count + GAP, written = (channels - 1) * plane + count;
  const float *pixels = numbered(from, (count - 1) * step + channels, 0);
  float *planes = numbered(to, written, -9999);
  unfurl_planes_split(pixels, step, channels, count, planes, plane);
  for (size_t i = 0; i < written; i++) {
    const size_t c = i / plane, x = i % plane;
    const float expected = x < count ? (float)(x * step + c) : (float)i - 9999;
    cr_assert_eq(planes[i], expected, "%zu channels, %zu pixels %zu apart: plane %zu at %zu", channels, count, step, c,
                 x);
  }
}

static void check_weave(const fenced *from, const fenced *to, size_t channels, size_t count, size_t step, bool adds) {
  const size_t plane = count + UNFURL_PLANES_SPARE, written = (count - 1) * step + channels;
  const float *planes = numbered(from, channels * plane, 0);
  float *pixels = numbered(to, written, -9999);
  unfurl_planes_weave(planes, plane, channels, count, adds ? pixels : NULL, pixels, step);
  for (size_t i = 0; i < written; i++) {
    const size_t x = i / step, c = i % step;
    const float before = (float)i - 9999, put = (float)(c * plane + x);
    const float expected = c >= channels ? before : adds ? put + before : put;
    cr_assert_eq(pixels[i], expected, "%zu channels, %zu pixels %zu apart: pixel %zu at %zu", channels, count, step, x,
                 c);
  }
}

Test(planes, every_element_is_in_its_place) {
  fenced from = fenced_alloc(MOST_FLOATS * sizeof(float), false), to = fenced_alloc(MOST_FLOATS * sizeof(float), false);
  for (size_t channels = 1; channels <= MOST_CHANNELS; channels++)
    for (size_t count = 1; count <= MOST_PIXELS; count++)
      for (size_t step = channels; step <= channels + GAP; step++) {
        check_split(&from, &to, channels, count, step);
        check_weave(&from, &to, channels, count, step, false);
        check_weave(&from, &to, channels, count, step, true);
      }
  fenced_free(&from);
  fenced_free(&to);
}

/* Of pixels so long that only some stay in L1 together. */
Test(planes, many_channels) {
  enum { CHANNELS = 66, COUNT = 50 };
  static float pixels[COUNT * CHANNELS], planes[CHANNELS * COUNT + UNFURL_PLANES_SPARE], back[COUNT * CHANNELS];
  for (size_t i = 0; i < COUNT * CHANNELS; i++) pixels[i] = (float)i;
  unfurl_planes_split(pixels, CHANNELS, CHANNELS, COUNT, planes, COUNT);
  unfurl_planes_weave(planes, COUNT, CHANNELS, COUNT, NULL, back, CHANNELS);
  for (size_t i = 0; i < COUNT * CHANNELS; i++) {
    cr_assert_eq(planes[i % CHANNELS * COUNT + i / CHANNELS], (float)i);
    cr_assert_eq(back[i], (float)i);
  }
}
