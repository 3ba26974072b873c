/* SPDX-License-Identifier: BSD-2-Clause */
/* Images from files: PNG and JPEG, as 8-bit pixels pixels[height][width][channels], upright.
 *
 * What counts is what Pillow's Image.open(...).convert("RGB") or convert("L") gives, so that a model sees here what it
 * was trained on:
 *
 *     alpha            dropped, not composited; transparent colours of a palette too
 *     16 bits          the high byte of each sample
 *     palette, 1-4 bit expanded
 *     CMYK, YCCK       taken as Adobe writes them (inverted); R = (255 - C) (255 - K) / 255, and so on
 *     colour to grey   ITU-R 601-2: 0.299 R + 0.587 G + 0.114 B
 *     colour profiles  not applied
 *
 * and Exif orientation is applied (as ImageOps.exif_transpose does).
 *
 * Hostile files: the declared size is checked against `max_pixels` before any memory is taken for it, a JPEG may have
 * 100 scans, and what a decoder repairs by guessing (data that ends early, codes that do not exist) is an error. The
 * decoders never end the program and never print.
 */
#ifndef CLI_IMAGE_H
#define CLI_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/status.h"

enum {
  IMAGE_MAX_PIXELS = 89478485, /* Pillow's limit: a quarter of a GiB at 3 bytes a pixel */
  IMAGE_MAX_SCANS = 100
};

typedef struct image_pixels {
  size_t height, width, channels; /* channels: 1 (grey) or 3 (RGB) */
  unsigned char *pixels;
} image_pixels;

typedef struct image_request {
  size_t channels;   /* 1 or 3; 0: grey images have 1, others 3 */
  size_t max_pixels; /* IMAGE_MAX_PIXELS, or fewer */

  /* Called once before about `bytes` are allocated, and may wait until they should be; false: give up. May be NULL. */
  bool (*reserve)(void *user, size_t bytes);
  void *reserve_user;
} image_request;

/* Reads the image in `path`, a PNG or JPEG file by its content. Statuses: IO_ERROR, BAD_FILE, UNSUPPORTED, TOO_LARGE,
 * OUT_OF_MEMORY. Released by image_free, also after an error. */
unfurl_status image_load(image_pixels *image, const char *path, const image_request *request, unfurl_error *error);

void image_free(image_pixels *image);

#endif
