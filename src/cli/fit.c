/* SPDX-License-Identifier: BSD-2-Clause */
#include "fit.h"

#include <stdbool.h>
#include <stdlib.h>

#include "checked.h"
#include "fault.h"
#include "image.h"

/* The size that the image is resized to, and where the part of it that is used begins. */
typedef struct target {
  size_t rh, rw;
  size_t y, x;
} target;

/* Half of a margin; halves of a pixel go to the even side. */
static size_t half(size_t margin) {
  return margin / 2 + (margin % 4 == 3);
}

static size_t rounded(size_t product, size_t divisor) {
  const size_t quotient = (product + divisor / 2) / divisor;
  return quotient ? quotient : 1;
}

/* Is the image wider, for its height, than the input? */
static bool is_wide(const fit_sizes *s) {
  return s->iw * s->oh > s->ih * s->ow;
}

static target cover(fit_plan *plan) {
  const fit_sizes *s = &plan->sizes;
  target to = {.rh = s->oh, .rw = s->ow};
  if (is_wide(s))
    to.rw = s->iw * s->oh / s->ih;
  else
    to.rh = s->ih * s->ow / s->iw;
  to.y = half(to.rh - s->oh);
  to.x = half(to.rw - s->ow);
  return to;
}

static target contain(fit_plan *plan) {
  const fit_sizes *s = &plan->sizes;
  target to = {.rh = s->oh, .rw = s->ow};
  if (s->ih <= s->oh && s->iw <= s->ow)
    to = (target){.rh = s->ih, .rw = s->iw};
  else if (is_wide(s))
    to.rh = rounded(s->ih * s->ow, s->iw);
  else
    to.rw = rounded(s->iw * s->oh, s->ih);
  plan->h = to.rh;
  plan->w = to.rw;
  plan->top = (s->oh - to.rh) / 2;
  plan->left = (s->ow - to.rw) / 2;
  return to;
}

/* Products of two sides must fit, and so must what is computed of the image. */
static unfurl_status check(const fit_sizes *sizes, unfurl_error *error) {
  size_t image = sizes->ih, input = sizes->oh;
  const bool fits = checked_mul(&image, sizes->iw) && checked_mul(&input, sizes->ow);
  if (fits && (image == 0 || input == 0)) return fault_set(error, UNFURL_INVALID_ARGUMENT, "there are no pixels");
  if (!fits || image > IMAGE_MAX_PIXELS || input > IMAGE_MAX_PIXELS)
    return fault_set(error, UNFURL_TOO_LARGE, "%zu x %zu pixels for an input of %zu x %zu are too many", sizes->iw,
                     sizes->ih, sizes->ow, sizes->oh);
  return UNFURL_OK;
}

/* Which rows of the image does `down` use? From here on it counts from the first of them. */
static void find_rows(fit_plan *plan) {
  resample_axis *down = &plan->down;
  const size_t last = plan->h - 1;
  plan->begin = down->firsts[0];
  plan->end = down->weights ? down->firsts[last] + down->lengths[last] : plan->begin + plan->h;
  for (size_t i = 0; i < plan->h; i++) down->firsts[i] -= down->weights || i == 0 ? plan->begin : 0;
  down->from = plan->end - plan->begin;
}

/* The passes that there is something to do in get memory. */
static unfurl_status allocate(fit_plan *plan, unfurl_error *error) {
  const size_t row_bytes = plan->w * plan->sizes.channels;
  size_t rows = plan->end - plan->begin, sums = row_bytes;
  if (plan->across.weights || plan->w != plan->sizes.iw) {
    if (!checked_mul(&rows, row_bytes) || rows > 3 * (size_t)IMAGE_MAX_PIXELS)
      return fault_set(error, UNFURL_TOO_LARGE, "is too long and thin to be resized: %zu x %zu pixels to %zu x %zu",
                       plan->sizes.iw, plan->sizes.ih, plan->w, plan->h);
    plan->rows = malloc(rows);
    if (!plan->rows) return fault_memory(error);
  }
  if (!plan->down.weights) return UNFURL_OK;
  plan->window = malloc(plan->h * row_bytes); /* no more than the input, which was checked */
  plan->sums = checked_mul(&sums, sizeof *plan->sums) ? malloc(sums) : NULL;
  return plan->window && plan->sums ? UNFURL_OK : fault_memory(error);
}

unfurl_status fit_plan_init(fit_plan *plan, fit_mode mode, resample_filter filter, const fit_sizes *sizes,
                            unfurl_error *error) {
  *plan = (fit_plan){.sizes = *sizes, .h = sizes->oh, .w = sizes->ow};
  unfurl_status status = check(sizes, error);
  if (status != UNFURL_OK) return status;
  const target to = mode == FIT_CROP  ? cover(plan)
                    : mode == FIT_PAD ? contain(plan)
                                      : (target){.rh = sizes->oh, .rw = sizes->ow};
  status = resample_axis_init(&plan->across, filter, sizes->iw, to.rw, to.x, plan->w, error);
  if (status == UNFURL_OK) status = resample_axis_init(&plan->down, filter, sizes->ih, to.rh, to.y, plan->h, error);
  if (status != UNFURL_OK) return status;
  find_rows(plan);
  return allocate(plan, error);
}

const unsigned char *fit_apply(fit_plan *plan, const unsigned char *pixels) {
  const size_t channels = plan->sizes.channels;
  pixels += plan->begin * plan->sizes.iw * channels;
  if (plan->rows) {
    resample_rows(&plan->across, plan->end - plan->begin, channels, pixels, plan->rows);
    pixels = plan->rows;
  }
  if (!plan->window) return pixels;
  resample_columns(&plan->down, plan->w * channels, pixels, plan->window, plan->sums);
  return plan->window;
}

void fit_plan_free(fit_plan *plan) {
  resample_axis_free(&plan->across);
  resample_axis_free(&plan->down);
  free(plan->rows);
  free(plan->window);
  free(plan->sums);
  *plan = (fit_plan){0};
}
