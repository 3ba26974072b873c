/* SPDX-License-Identifier: BSD-2-Clause */
/* IDX files of images: greyscale pixels that are prepared as the model says. */
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "fault.h"
#include "idx.h"
#include "source.h"

typedef struct idx_state {
  idx_reader reader;
  prepare_recipe recipe;
  prepare_shape fit;
  unsigned char *pixels; /* of `room` images */
  size_t room;
} idx_state;

/* The shape that images have for this model; free dimensions become the image's own. */
static unfurl_status choose_shape(source_stream *source, const idx_reader *reader, unfurl_error *error) {
  const unfurl_tensor *wanted = &source->target->shape;
  char text[200];
  if (wanted->rank != 4 || wanted->dtype != UNFURL_F32 || (wanted->dims[1] != 1 && wanted->dims[1] != -1))
    return fault_set(error, UNFURL_INVALID_ARGUMENT,
                     "holds greyscale images, but the model's input '%.100s' takes %s %s", source->target->name,
                     unfurl_dtype_name(wanted->dtype), source_shape_text(wanted, text, sizeof text));
  const int64_t dims[4] = {(int64_t)reader->dims[0], 1,
                           wanted->dims[2] < 0 ? (int64_t)reader->dims[1] : wanted->dims[2],
                           wanted->dims[3] < 0 ? (int64_t)reader->dims[2] : wanted->dims[3]};
  unfurl_tensor_init(&source->shape, UNFURL_F32, 4, dims, NULL);
  return UNFURL_OK;
}

static unfurl_status idx_source_open(source_stream *source, const char *path, unfurl_error *error) {
  idx_state *state = calloc(1, sizeof *state);
  if (!state) return fault_memory(error);
  source->state = state;
  const idx_reader *reader = &state->reader;
  unfurl_status status = idx_open(&state->reader, path, error);
  if (status == UNFURL_OK && reader->rank != 3)
    status = fault_set(error, UNFURL_INVALID_ARGUMENT, "holds labels, not images");
  if (status == UNFURL_OK) status = choose_shape(source, reader, error);
  if (status != UNFURL_OK) return status;
  source->rows = reader->dims[0];
  state->recipe = *source->target->recipe;
  state->fit = (prepare_shape){.channels = 1,
                               .ih = reader->dims[1],
                               .iw = reader->dims[2],
                               .oh = (size_t)source->shape.dims[2],
                               .ow = (size_t)source->shape.dims[3]};
  status = prepare_channels(&state->recipe, 1, error);
  return status == UNFURL_OK ? prepare_fit(&state->recipe, &state->fit, error) : status;
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
    prepare_image(&state->recipe, &state->fit, state->pixels + i * state->reader.row_bytes,
                  (float *)rows + i * state->fit.oh * state->fit.ow);
  timing_enter(source->target->watch, TIMING_READ);
  return status;
}

static void idx_source_close(source_stream *source) {
  idx_state *state = source->state;
  if (!state) return;
  idx_close(&state->reader);
  free(state->pixels);
  free(state);
}

const source_reader source_idx = {.open = idx_source_open, .read = idx_source_read, .close = idx_source_close};
