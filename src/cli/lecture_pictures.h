/* SPDX-License-Identifier: BSD-2-Clause */
/* The lecture's pictures: the image, the six activation maps and the filters, one pixel a number; and the montage of
 * all of them that `--maps` writes.
 *
 * A map is drawn in shades of its filter's two colours: black is 0, the strongest answer in the map, whichever sign it
 * has, is the full colour of its sign.
 */
#ifndef CLI_LECTURE_PICTURES_H
#define CLI_LECTURE_PICTURES_H

#include "lecture.h"
#include "picture.h"

enum { LECTURE_MONTAGE_WIDTH = 1296, LECTURE_MONTAGE_HEIGHT = 592 };

typedef struct lecture_pictures {
  picture image;
  picture maps[LECTURE_FILTERS];
  picture filters[LECTURE_FILTERS];
} lecture_pictures;

/* OUT_OF_MEMORY. Released by lecture_pictures_free in any case. */
unfurl_status lecture_pictures_init(lecture_pictures *pictures, const lecture_numbers *numbers, unfurl_error *error);
void lecture_pictures_free(lecture_pictures *pictures);

/* The image beside the six maps, with captions, LECTURE_MONTAGE_WIDTH by LECTURE_MONTAGE_HEIGHT pixels. OUT_OF_MEMORY;
 * released by picture_free in any case. */
unfurl_status lecture_montage(picture *montage, const lecture_pictures *pictures, unfurl_error *error);

/* The number of the image that stands for full brightness: 255, or 1 if none is larger. */
float lecture_white(const lecture_numbers *numbers);

#endif
