/* SPDX-License-Identifier: BSD-2-Clause */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "fault.h"
#include "image_decoder.h"
#include "orient.h"

static const struct {
  size_t size;
  const char *bytes;
  image_decoder *decode;
} formats[] = {
    {8, "\x89PNG\r\n\x1a\n", image_png_decode},
    {3, "\xff\xd8\xff", image_jpeg_decode},
};

unfurl_status image_allocate(image_job *job, size_t height, size_t width, size_t native, size_t extra,
                             unfurl_error *error) {
  const image_request *request = job->request;
  const size_t wanted = request->channels ? request->channels : native == 1 ? 1 : 3;
  size_t count = height, bytes = native > wanted ? native : wanted;
  if (!checked_mul(&count, width) || count > request->max_pixels)
    return fault_set(error, UNFURL_TOO_LARGE, "claims %zu x %zu pixels; %zu are allowed", width, height,
                     request->max_pixels);
  if (count == 0) return fault_set(error, UNFURL_BAD_FILE, "has no pixels");
  if (!checked_mul(&bytes, count)) return fault_memory(error);
  size_t all = bytes;
  if (!checked_add(&all, extra)) return fault_memory(error);
  if (request->reserve && !request->reserve(request->reserve_user, all))
    return fault_set(error, UNFURL_IO_ERROR, "was not read: the run was stopped");
  *job->image = (image_pixels){.height = height, .width = width, .channels = wanted, .pixels = malloc(bytes)};
  return job->image->pixels ? UNFURL_OK : fault_memory(error);
}

static unfurl_status decode(image_job *job, unfurl_error *error) {
  image_file *file = job->file;
  if (!image_file_fill(file) && file->failed) return image_file_blame(file, "", "", error);
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (file->filled >= formats[i].size && memcmp(file->buffer, formats[i].bytes, formats[i].size) == 0)
      return formats[i].decode(job, error);
  return fault_set(error, UNFURL_BAD_FILE, "is neither a PNG nor a JPEG file");
}

unfurl_status image_load(image_pixels *image, const char *path, const image_request *request, unfurl_error *error) {
  *image = (image_pixels){0};
  image_file *file = malloc(sizeof *file);
  if (!file) return fault_memory(error);
  image_job job = {.file = file, .request = request, .image = image, .orientation = 1};
  unfurl_status status = image_file_open(file, path, error);
  if (status == UNFURL_OK) status = decode(&job, error);
  image_file_close(file);
  free(file);
  if (status == UNFURL_OK) status = orient_image(image, job.orientation, error);
  return status;
}

void image_free(image_pixels *image) {
  free(image->pixels);
  *image = (image_pixels){0};
}
