/* SPDX-License-Identifier: BSD-2-Clause */
/* PNG and JPEG files: one row, decoded when it is opened and prepared as the model says when it is read. */
#include <stdlib.h>

#include "fault.h"
#include "image.h"
#include "source.h"

typedef struct image_state {
  image_pixels image;
  prepare_recipe recipe;
  fit_plan plan;
  bool taken;
} image_state;

static unfurl_status load(source_stream *source, const char *path, unfurl_error *error) {
  const source_target *target = source->target;
  image_state *state = source->state;
  const image_request request = {.channels = source_image_channels(target),
                                 .max_pixels = IMAGE_MAX_PIXELS,
                                 .reserve = target->reserve,
                                 .reserve_user = target->reserve_user};
  timing_enter(target->watch, TIMING_DECODE);
  const unfurl_status status = image_load(&state->image, path, &request, error);
  timing_enter(target->watch, TIMING_READ);
  return status;
}

static unfurl_status image_source_open(source_stream *source, const char *path, unfurl_error *error) {
  image_state *state = calloc(1, sizeof *state);
  if (!state) return fault_memory(error);
  source->state = state;
  unfurl_status status = load(source, path, error);
  if (status != UNFURL_OK) return status;
  const image_pixels *image = &state->image;
  source->rows = 1;
  status = source_image_shape(source, image->channels, image->height, image->width, error);
  if (status != UNFURL_OK) return status;
  const fit_sizes sizes = {.channels = image->channels,
                           .ih = image->height,
                           .iw = image->width,
                           .oh = (size_t)source->shape.dims[2],
                           .ow = (size_t)source->shape.dims[3]};
  state->recipe = *source->target->recipe;
  status = prepare_channels(&state->recipe, image->channels, error);
  if (status != UNFURL_OK) return status;
  return fit_plan_init(&state->plan, state->recipe.resize, state->recipe.filter, &sizes, error);
}

static unfurl_status image_source_read(source_stream *source, size_t max_rows, void *rows, size_t *count,
                                       unfurl_error *error) {
  image_state *state = source->state;
  (void)error;
  *count = 0;
  if (state->taken || max_rows == 0) return UNFURL_OK;
  timing_enter(source->target->watch, TIMING_PREPARE);
  prepare_image(&state->recipe, &state->plan, state->image.pixels, rows);
  timing_enter(source->target->watch, TIMING_READ);
  state->taken = true;
  *count = 1;
  return UNFURL_OK;
}

static void image_source_close(source_stream *source) {
  image_state *state = source->state;
  if (!state) return;
  image_free(&state->image);
  fit_plan_free(&state->plan);
  free(state);
}

const source_reader source_image = {.open = image_source_open, .read = image_source_read, .close = image_source_close};
