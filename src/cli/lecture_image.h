/* SPDX-License-Identifier: BSD-2-Clause */
/* The image of a lecture, from a file. */
#ifndef CLI_LECTURE_IMAGE_H
#define CLI_LECTURE_IMAGE_H

#include "lecture.h"

/* Reads a .npy of shape [32, 32, 3] as it is. Any other file is a PNG or JPEG picture, of any size: it is made so small
 * that its shorter side is 32 pixels, and its middle is taken, whole numbers from 0 to 255. Statuses as npy_open and
 * image_load, and UNSUPPORTED (shape, type), BAD_FILE (numbers beyond +-10000, which no line of the text has room for,
 * and NaN). */
unfurl_status lecture_image_load(const char *path, float image[LECTURE_SIDE][LECTURE_SIDE][LECTURE_CHANNELS],
                                 unfurl_error *error);

#endif
