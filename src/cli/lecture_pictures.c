/* SPDX-License-Identifier: BSD-2-Clause */
#include "lecture_pictures.h"

#include <math.h>
#include <stdio.h>

#include "glyphs.h"
#include "lecture_filters.h"

static const picture_colour black = {0, 0, 0}, grey = {128, 128, 128};

float lecture_white(const lecture_numbers *numbers) {
  const float *values = &numbers->image[0][0][0];
  for (size_t i = 0; i < LECTURE_NUMBERS; i++)
    if (values[i] > 1) return 255;
  return 1;
}

static unsigned char to_byte(float share) {
  return share > 0 ? share < 1 ? (unsigned char)(255 * share + 0.5f) : 255 : 0;
}

static void paint_image(picture *image, const lecture_numbers *numbers) {
  const float white = lecture_white(numbers);
  for (size_t y = 0; y < LECTURE_SIDE; y++)
    for (size_t x = 0; x < LECTURE_SIDE; x++) {
      const float *pixel = numbers->image[y][x];
      image->pixels[y * LECTURE_SIDE + x] =
          (picture_colour){to_byte(pixel[0] / white), to_byte(pixel[1] / white), to_byte(pixel[2] / white)};
    }
}

static void paint_map(picture *image, const lecture_numbers *numbers, size_t filter) {
  const lecture_filter *about = &lecture_filter_list[filter];
  float strongest = 0;
  for (size_t p = 0; p < LECTURE_PLACES; p++) strongest = fmaxf(strongest, fabsf(numbers->maps[p][filter]));
  for (size_t p = 0; p < LECTURE_PLACES && strongest > 0; p++) {
    const float share = numbers->maps[p][filter] / strongest;
    image->pixels[p] = picture_mix(black, share < 0 ? about->negative : about->positive, fabsf(share));
  }
}

/* A filter is an image too: grey is 0, lighter is positive. */
static void paint_filter(picture *image, const lecture_numbers *numbers, size_t filter) {
  float strongest = 0;
  const float *weights = &numbers->filters[filter][0][0][0];
  for (size_t i = 0; i < LECTURE_CHUNK; i++) strongest = fmaxf(strongest, fabsf(weights[i]));
  for (size_t p = 0; p < LECTURE_KERNEL * LECTURE_KERNEL; p++) {
    float share[LECTURE_CHANNELS];
    for (size_t c = 0; c < LECTURE_CHANNELS; c++) share[c] = 0.5f + weights[p * LECTURE_CHANNELS + c] / (2 * strongest);
    image->pixels[p] = (picture_colour){to_byte(share[0]), to_byte(share[1]), to_byte(share[2])};
  }
}

unfurl_status lecture_pictures_init(lecture_pictures *pictures, const lecture_numbers *numbers, unfurl_error *error) {
  *pictures = (lecture_pictures){.image = {0}};
  unfurl_status status = picture_init(&pictures->image, LECTURE_SIDE, LECTURE_SIDE, black, error);
  if (status == UNFURL_OK) paint_image(&pictures->image, numbers);
  for (size_t f = 0; f < LECTURE_FILTERS && status == UNFURL_OK; f++) {
    status = picture_init(&pictures->maps[f], LECTURE_OUT, LECTURE_OUT, black, error);
    if (status == UNFURL_OK) paint_map(&pictures->maps[f], numbers, f);
    if (status == UNFURL_OK) status = picture_init(&pictures->filters[f], LECTURE_KERNEL, LECTURE_KERNEL, grey, error);
    if (status == UNFURL_OK) paint_filter(&pictures->filters[f], numbers, f);
  }
  return status;
}

void lecture_pictures_free(lecture_pictures *pictures) {
  picture_free(&pictures->image);
  for (size_t f = 0; f < LECTURE_FILTERS; f++) {
    picture_free(&pictures->maps[f]);
    picture_free(&pictures->filters[f]);
  }
}

/* The montage: the image at the left is as high as two rows of maps and the captions between them. */
enum {
  MARGIN = 32,
  GAP = 24,
  MAP_SCALE = 8,
  MAP = LECTURE_OUT * MAP_SCALE,
  CAPTION = 32,
  IMAGE_SCALE = 15,
  IMAGE = LECTURE_SIDE * IMAGE_SCALE,
  FILTER_SCALE = 4,
  TEXT_SCALE = 2,
  MAPS_X = LECTURE_MONTAGE_WIDTH - MARGIN - 3 * MAP - 2 * GAP
};
_Static_assert(MARGIN + IMAGE + GAP <= MAPS_X, "the image fits beside the maps");
_Static_assert(IMAGE == 2 * MAP + CAPTION, "the image ends where the maps do");

static const picture_colour paper = {24, 26, 32}, ink = {224, 226, 232}, faint = {146, 150, 162};

static void place_map(picture *montage, const lecture_pictures *pictures, size_t filter) {
  const size_t x = MAPS_X + filter % 3 * (MAP + GAP), y = MARGIN + filter / 3 * (MAP + CAPTION);
  const size_t below = y + MAP + 6, swatch = LECTURE_KERNEL * FILTER_SCALE;
  picture_paste(montage, x, y, &pictures->maps[filter], MAP_SCALE);
  picture_paste(montage, x, below, &pictures->filters[filter], FILTER_SCALE);
  glyphs_write(montage, x + swatch + 10, below + 3, TEXT_SCALE, ink, lecture_filter_list[filter].name);
}

unfurl_status lecture_montage(picture *montage, const lecture_pictures *pictures, unfurl_error *error) {
  const unfurl_status status = picture_init(montage, LECTURE_MONTAGE_WIDTH, LECTURE_MONTAGE_HEIGHT, paper, error);
  if (status != UNFURL_OK) return status;
  const size_t below = MARGIN + IMAGE + 10, line = (GLYPHS_HEIGHT + 3) * TEXT_SCALE;
  picture_paste(montage, MARGIN, MARGIN, &pictures->image, IMAGE_SCALE);
  glyphs_write(montage, MARGIN, below, TEXT_SCALE, ink, "image: 32 x 32 x 3");
  glyphs_write(montage, MARGIN, below + line, TEXT_SCALE, faint, "six filters of 5 x 5 x 3, six maps");
  for (size_t f = 0; f < LECTURE_FILTERS; f++) place_map(montage, pictures, f);
  return UNFURL_OK;
}
