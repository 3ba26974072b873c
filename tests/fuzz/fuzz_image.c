/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer target: any bytes as a PNG or JPEG file. What loads is an image of the size that it says, and is resized, by
 * the way and filter that the last byte chooses. */
#include <stdint.h>
#include <stdlib.h>

#include "../cli_file.h"
#include "fit.h"
#include "image.h"

enum { MAX_PIXELS = 1 << 18, SIDE = 24 }; /* larger images take longer, and tell nothing new */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void resize(const image_pixels *image, uint8_t choice) {
  fit_plan plan;
  unfurl_error error;
  const fit_sizes sizes = {
      .channels = image->channels, .ih = image->height, .iw = image->width, .oh = SIDE, .ow = SIDE};
  const unfurl_status status = fit_plan_init(&plan, (fit_mode)(choice % 3),
                                             choice / 3 % 2 ? RESAMPLE_BICUBIC : RESAMPLE_BILINEAR, &sizes, &error);
  if (status == UNFURL_OK) {
    const unsigned char *pixels = fit_apply(&plan, image->pixels);
    unsigned sum = 0;
    for (size_t i = 0; i < plan.h * plan.w * image->channels; i++) sum += pixels[i];
    if (sum > SIDE * SIDE * 3 * 255) abort();
  }
  fit_plan_free(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static cli_file file;
  static const size_t channels[] = {0, 1, 3};
  if (!file.path[0]) file = cli_file_make();
  cli_file_set(&file, data, size);
  const uint8_t choice = size ? data[size - 1] : 0;
  const image_request request = {.channels = channels[choice % 3], .max_pixels = MAX_PIXELS};
  image_pixels image;
  unfurl_error error;
  if (image_load(&image, file.path, &request, &error) == UNFURL_OK) {
    if (image.height * image.width > MAX_PIXELS || (image.channels != 1 && image.channels != 3)) abort();
    resize(&image, choice);
  }
  image_free(&image);
  return 0;
}
