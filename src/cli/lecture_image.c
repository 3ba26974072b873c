/* SPDX-License-Identifier: BSD-2-Clause */
#include "lecture_image.h"

#include <math.h>

#include "fault.h"
#include "fit.h"
#include "image.h"
#include "npy.h"
#include "sniff.h"

enum { LARGEST = 10000 };

static unfurl_status check_header(const npy_header *header, unfurl_error *error) {
  if (header->rank != 3 || header->dims[0] != LECTURE_SIDE || header->dims[1] != LECTURE_SIDE ||
      header->dims[2] != LECTURE_CHANNELS)
    return fault_set(error, UNFURL_UNSUPPORTED, "its shape is not (32, 32, 3)");
  if (npy_feed_dtype(header->type) != UNFURL_F32)
    return fault_set(error, UNFURL_UNSUPPORTED, "has %s; an image is float32, float64 or uint8",
                     npy_type_name(header->type));
  return UNFURL_OK;
}

static unfurl_status check_numbers(const float *values, unfurl_error *error) {
  for (size_t i = 0; i < LECTURE_NUMBERS; i++)
    if (!(fabsf(values[i]) <= LARGEST))
      return fault_set(error, UNFURL_BAD_FILE, "has the number %g; up to %d is allowed", (double)values[i], LARGEST);
  return UNFURL_OK;
}

static unfurl_status load_npy(const char *path, float *values, unfurl_error *error) {
  npy_reader reader;
  double raw[LECTURE_NUMBERS]; /* of the widest type */
  size_t count;
  unfurl_status status = npy_open(&reader, path, error);
  if (status == UNFURL_OK) status = check_header(&reader.header, error);
  if (status == UNFURL_OK) status = npy_read(&reader, LECTURE_SIDE, raw, &count, error);
  if (status == UNFURL_OK) npy_convert(reader.header.type, raw, LECTURE_NUMBERS, values);
  npy_close(&reader);
  return status == UNFURL_OK ? check_numbers(values, error) : status;
}

/* The middle of the picture, so that nothing is squeezed. */
static unfurl_status fit_picture(const image_pixels *picture, float *values, unfurl_error *error) {
  fit_plan plan;
  const fit_sizes sizes = {.channels = LECTURE_CHANNELS,
                           .ih = picture->height,
                           .iw = picture->width,
                           .oh = LECTURE_SIDE,
                           .ow = LECTURE_SIDE};
  const unfurl_status status = fit_plan_init(&plan, FIT_CROP, RESAMPLE_BILINEAR, &sizes, error);
  if (status == UNFURL_OK) {
    const unsigned char *pixels = fit_apply(&plan, picture->pixels);
    for (size_t i = 0; i < LECTURE_NUMBERS; i++) values[i] = pixels[i];
  }
  fit_plan_free(&plan);
  return status;
}

static unfurl_status load_picture(const char *path, float *values, unfurl_error *error) {
  image_pixels picture;
  const image_request request = {.channels = LECTURE_CHANNELS, .max_pixels = IMAGE_MAX_PIXELS};
  unfurl_status status = image_load(&picture, path, &request, error);
  if (status == UNFURL_OK) status = fit_picture(&picture, values, error);
  image_free(&picture);
  return status;
}

unfurl_status lecture_image_load(const char *path, float image[LECTURE_SIDE][LECTURE_SIDE][LECTURE_CHANNELS],
                                 unfurl_error *error) {
  sniff_kind kind;
  float *values = &image[0][0][0];
  const unfurl_status status = sniff_file(path, &kind, error);
  if (status != UNFURL_OK) return status;
  return kind == SNIFF_NPY ? load_npy(path, values, error) : load_picture(path, values, error);
}
