/* SPDX-License-Identifier: BSD-2-Clause */
#include "png_file.h"

#include <errno.h>
#include <png.h>

#include "fault.h"
#include "outfile.h"

/* libpng's message says where it failed; errno, if it was set, says why. */
static unfurl_status write_stream(FILE *stream, const picture *image, unfurl_error *error) {
  png_image png = {.version = PNG_IMAGE_VERSION,
                   .width = (png_uint_32)image->width,
                   .height = (png_uint_32)image->height,
                   .format = PNG_FORMAT_RGB};
  errno = 0;
  if (png_image_write_to_stdio(&png, stream, 0, image->pixels, 0, NULL)) return UNFURL_OK;
  if (errno) return fault_errno(error, "can't write it");
  return fault_set(error, UNFURL_IO_ERROR, "can't write it: %s", png.message);
}

unfurl_status png_file_write(const char *path, const picture *image, unfurl_error *error) {
  outfile_handle out;
  unfurl_status status = outfile_open(&out, path, error);
  if (status == UNFURL_OK) status = write_stream(out.stream, image, error);
  if (status == UNFURL_OK) return outfile_commit(&out, error);
  outfile_discard(&out);
  return status;
}
