/* SPDX-License-Identifier: BSD-2-Clause */
#include "lecture_scene.h"

#include "picture.h"

enum { HORIZON = 23 };

/* Later shapes lie on earlier ones. */
typedef enum scene_kind { DISC, BOX, GABLE } scene_kind;

static const struct {
  scene_kind kind;
  float x, y, width, height; /* centre and sizes, in pixels from the top left corner */
  picture_colour colour;
} shapes[] = {
    {DISC, 5.5f, 5.5f, 8, 8, {255, 236, 150}},  /* the sun's halo */
    {DISC, 5.5f, 5.5f, 6, 6, {255, 214, 40}},   /* the sun */
    {DISC, 16, 4.5f, 6, 3, {250, 250, 252}},    /* a cloud */
    {DISC, 19, 3.5f, 6, 4, {250, 250, 252}},    /* its upper part */
    {BOX, 25.5f, 9.5f, 3, 6, {150, 70, 58}},    /* the chimney */
    {BOX, 21, 20, 14, 10, {226, 196, 150}},     /* the wall */
    {GABLE, 21, 11.5f, 18, 8, {186, 52, 44}},   /* the roof */
    {BOX, 21, 21.5f, 4, 7, {98, 58, 36}},       /* the door */
    {BOX, 16.5f, 19.5f, 3, 3, {66, 112, 190}},  /* a window */
    {BOX, 25.5f, 19.5f, 3, 3, {66, 112, 190}},  /* another */
    {BOX, 21, 28.5f, 4, 7, {196, 186, 160}},    /* the path */
    {BOX, 6, 22, 2, 7, {110, 72, 40}},          /* the trunk */
    {DISC, 6, 16, 9, 9, {34, 112, 52}},         /* the crown */
    {DISC, 5, 15, 4, 4, {62, 146, 66}},         /* light on it */
    {DISC, 10.5f, 28.5f, 2, 2, {236, 60, 84}},  /* flowers */
    {DISC, 3.5f, 27.5f, 2, 2, {240, 208, 60}},  /* ... */
    {DISC, 28.5f, 28.5f, 2, 2, {148, 84, 206}}, /* ... */
};

/* Is the middle of pixel (x, y) inside? */
static int covers(size_t shape, float x, float y) {
  const float dx = (x - shapes[shape].x) / (shapes[shape].width / 2);
  const float dy = (y - shapes[shape].y) / (shapes[shape].height / 2);
  switch (shapes[shape].kind) {
  case DISC: return dx * dx + dy * dy <= 1;
  case BOX: return dx > -1 && dx < 1 && dy > -1 && dy < 1;
  case GABLE: /* as wide as the box at the bottom, a point at the top */
    return dy > -1 && dy < 1 && dx > -(dy + 1) / 2 && dx < (dy + 1) / 2;
  }
  return 0;
}

/* The sky gets lighter towards the horizon and around the sun, the meadow darker towards the viewer and to the right: no
 * two pixels of a row are alike, so that a chunk can be told from the next one by its numbers. */
static picture_colour background(size_t y, size_t x) {
  static const picture_colour zenith = {84, 148, 220}, haze = {196, 224, 244}, glow = {252, 244, 214};
  static const picture_colour far = {128, 186, 80}, near = {58, 118, 42};
  const float down = (float)y, right = (float)x;
  if (y >= HORIZON)
    return picture_mix(far, near, (down - HORIZON) / (LECTURE_SIDE - HORIZON) + right / (4 * LECTURE_SIDE));
  const float dx = right - 5, dy = down - 5;
  const picture_colour sky = picture_mix(zenith, haze, down / HORIZON);
  return picture_mix(sky, glow, 12 / (24 + dx * dx + dy * dy));
}

void lecture_scene(float image[LECTURE_SIDE][LECTURE_SIDE][LECTURE_CHANNELS]) {
  for (size_t y = 0; y < LECTURE_SIDE; y++)
    for (size_t x = 0; x < LECTURE_SIDE; x++) {
      picture_colour colour = background(y, x);
      for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (covers(i, (float)x + 0.5f, (float)y + 0.5f)) colour = shapes[i].colour;
      image[y][x][0] = colour.red;
      image[y][x][1] = colour.green;
      image[y][x][2] = colour.blue;
    }
}
