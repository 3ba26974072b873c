/* SPDX-License-Identifier: BSD-2-Clause */
/* The image that the lecture takes when it is given none: a house with a tree under the sun, drawn by the program. */
#ifndef CLI_LECTURE_SCENE_H
#define CLI_LECTURE_SCENE_H

#include "lecture.h"

/* Whole numbers from 0 to 255. */
void lecture_scene(float image[LECTURE_SIDE][LECTURE_SIDE][LECTURE_CHANNELS]);

#endif
