/* SPDX-License-Identifier: BSD-2-Clause */
/* What image.c and its decoders share.
 *
 * A decoder reads an open file: it learns the size, has image_allocate judge it and make room, and fills the pixels.
 */
#ifndef CLI_IMAGE_DECODER_H
#define CLI_IMAGE_DECODER_H

#include "image.h"
#include "image_file.h"
#include "unfurl/status.h"

typedef struct image_job {
  image_file *file;
  const image_request *request;
  image_pixels *image;
  unsigned orientation; /* Exif's, 1 to 8; 1 until a decoder finds another */
} image_job;

typedef unfurl_status image_decoder(image_job *job, unfurl_error *error);

image_decoder image_png_decode, image_jpeg_decode;

/* Sets the image's size and channels and allocates it, with room for `native` bytes a pixel where the decoder delivers
 * more than is wanted; `extra` bytes are what it needs besides. TOO_LARGE, OUT_OF_MEMORY. */
unfurl_status image_allocate(image_job *job, size_t height, size_t width, size_t native, size_t extra,
                             unfurl_error *error);

#endif
