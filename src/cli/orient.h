/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns an image upright. */
#ifndef CLI_ORIENT_H
#define CLI_ORIENT_H

#include "image.h"
#include "unfurl/status.h"

/* Applies Exif's `orientation`, 1 to 8; from 5 on height and width change places. OUT_OF_MEMORY, the image is then as it
 * was. */
unfurl_status orient_image(image_pixels *image, unsigned orientation, unfurl_error *error);

#endif
