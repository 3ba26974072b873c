/* SPDX-License-Identifier: BSD-2-Clause */
#include "lecture_filters.h"

#include "random.h"

const lecture_filter lecture_filter_list[LECTURE_FILTERS] = {
    {"horizontal edge", "light above, dark below", {40, 120, 255}, {255, 170, 40}},
    {"vertical edge", "light at the left, dark at the right", {40, 120, 255}, {255, 170, 40}},
    {"blur", "bright all over", {40, 120, 255}, {255, 255, 255}},
    {"spot", "lighter in the middle than around", {40, 120, 255}, {255, 170, 40}},
    {"red - green", "more red than green", {40, 220, 80}, {255, 60, 50}},
    {"blue - yellow", "more blue than red and green", {255, 215, 40}, {60, 110, 255}},
};

/* A filter is a pattern over the 5x5 places times a number for each colour. */
static const float bell[LECTURE_KERNEL] = {1, 2, 3, 2, 1};
static const float step[LECTURE_KERNEL] = {1, 1, 0, -1, -1};
static const float flat[LECTURE_KERNEL] = {1, 1, 1, 1, 1};

/* The Laplacian of a bell: its numbers add up to 0, so an even area gives 0. */
static const float spot[LECTURE_KERNEL][LECTURE_KERNEL] = {
    {0, 0, -1, 0, 0}, {0, -1, -2, -1, 0}, {-1, -2, 16, -2, -1}, {0, -1, -2, -1, 0}, {0, 0, -1, 0, 0}};

static const struct {
  const float *down, *across; /* the pattern is their product; NULL: it is `spot` */
  float colours[LECTURE_CHANNELS];
} recipes[LECTURE_FILTERS] = {
    {step, flat, {1, 1, 1}}, {flat, step, {1, 1, 1}},  {bell, bell, {1, 1, 1}},
    {NULL, NULL, {1, 1, 1}}, {bell, bell, {1, -1, 0}}, {bell, bell, {-1, -1, 2}},
};

void lecture_filters(float filters[LECTURE_FILTERS][LECTURE_KERNEL][LECTURE_KERNEL][LECTURE_CHANNELS]) {
  for (size_t f = 0; f < LECTURE_FILTERS; f++)
    for (size_t i = 0; i < LECTURE_KERNEL; i++)
      for (size_t j = 0; j < LECTURE_KERNEL; j++) {
        const float pattern = recipes[f].down ? recipes[f].down[i] * recipes[f].across[j] : spot[i][j];
        for (size_t c = 0; c < LECTURE_CHANNELS; c++) filters[f][i][j][c] = pattern * recipes[f].colours[c];
      }
}

void lecture_fc_weights(float weights[LECTURE_CLASSES][LECTURE_NUMBERS]) {
  uint64_t state = LECTURE_SEED;
  for (size_t row = 0; row < LECTURE_CLASSES; row++)
    for (size_t i = 0; i < LECTURE_NUMBERS; i++)
      weights[row][i] = (float)(random_next(&state) % (2 * LECTURE_LARGEST_WEIGHT + 1)) - LECTURE_LARGEST_WEIGHT;
}
