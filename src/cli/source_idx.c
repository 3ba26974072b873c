/* SPDX-License-Identifier: BSD-2-Clause */
/* IDX files of images: greyscale pixels that are prepared as the model says. */
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "colour.h"
#include "fault.h"
#include "idx.h"
#include "source.h"

typedef struct idx_state {
  idx_reader reader;
  prepare_recipe recipe;
  fit_plan plan;
  unsigned char *pixels; /* of `room` images */
  unsigned char *rgb;    /* of one image, for models that take colour */
  size_t room;
} idx_state;

/* Everything that all images of the file share. */
static unfurl_status set_up(source_stream *source, unfurl_error *error) {
  idx_state *state = source->state;
  const idx_reader *reader = &state->reader;
  const size_t wanted = source_image_channels(source->target);
  const fit_sizes sizes = {.channels = wanted ? wanted : 1,
                           .ih = reader->dims[1],
                           .iw = reader->dims[2],
                           .oh = (size_t)source->shape.dims[2],
                           .ow = (size_t)source->shape.dims[3]};
  state->recipe = *source->target->recipe;
  unfurl_status status = prepare_channels(&state->recipe, sizes.channels, error);
  if (status == UNFURL_OK)
    status = fit_plan_init(&state->plan, state->recipe.resize, state->recipe.filter, &sizes, error);
  if (status != UNFURL_OK || sizes.channels == 1) return status;
  state->rgb = malloc(sizes.channels * reader->row_bytes); /* row_bytes is at most 64 MiB */
  return state->rgb ? UNFURL_OK : fault_memory(error);
}

static unfurl_status idx_source_open(source_stream *source, const char *path, unfurl_error *error) {
  idx_state *state = calloc(1, sizeof *state);
  if (!state) return fault_memory(error);
  source->state = state;
  const idx_reader *reader = &state->reader;
  const size_t wanted = source_image_channels(source->target);
  unfurl_status status = idx_open(&state->reader, path, error);
  if (status == UNFURL_OK && reader->rank != 3)
    status = fault_set(error, UNFURL_INVALID_ARGUMENT, "holds labels, not images");
  if (status != UNFURL_OK) return status;
  source->rows = reader->dims[0];
  status = source_image_shape(source, wanted ? wanted : 1, reader->dims[1], reader->dims[2], error);
  return status == UNFURL_OK ? set_up(source, error) : status;
}

static unfurl_status make_room(idx_state *state, size_t rows, unfurl_error *error) {
  size_t size = state->reader.row_bytes;
  if (rows <= state->room) return UNFURL_OK;
  unsigned char *more = checked_mul(&size, rows) ? realloc(state->pixels, size) : NULL;
  if (!more) return fault_memory(error);
  state->pixels = more;
  state->room = rows;
  return UNFURL_OK;
}

static void prepare_row(idx_state *state, const unsigned char *pixels, float *to) {
  if (state->rgb) {
    colour_convert(state->rgb, 3, pixels, 1, state->reader.row_bytes);
    pixels = state->rgb;
  }
  prepare_image(&state->recipe, &state->plan, pixels, to);
}

static unfurl_status idx_source_read(source_stream *source, size_t max_rows, void *rows, size_t *count,
                                     unfurl_error *error) {
  idx_state *state = source->state;
  const size_t left = state->reader.rows_left;
  *count = 0;
  unfurl_status status = make_room(state, max_rows < left ? max_rows : left, error);
  if (status != UNFURL_OK) return status;
  status = idx_read(&state->reader, max_rows, state->pixels, count, error);
  timing_enter(source->target->watch, TIMING_PREPARE);
  for (size_t i = 0; i < *count; i++)
    prepare_row(state, state->pixels + i * state->reader.row_bytes,
                (float *)rows + i * (source->row_bytes / sizeof(float)));
  timing_enter(source->target->watch, TIMING_READ);
  return status;
}

static void idx_source_close(source_stream *source) {
  idx_state *state = source->state;
  if (!state) return;
  idx_close(&state->reader);
  fit_plan_free(&state->plan);
  free(state->pixels);
  free(state->rgb);
  free(state);
}

const source_reader source_idx = {.open = idx_source_open, .read = idx_source_read, .close = idx_source_close};
